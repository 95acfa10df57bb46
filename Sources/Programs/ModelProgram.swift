import Hardware
import Models
import Placement

/// The work that an experiment asks of a model.
public struct Workload: Hashable, Sendable {
  /// Tokens of each sequence's prompt.
  public var promptTokens: Int
  /// Tokens sampled for each sequence.
  public var outputTokens: Int
  /// Sequences.
  public var batch: Int
  /// Groups of sequences that follow each other through the pipeline.
  public var microBatches: Int
  /// Most prompt tokens of a sequence that go through the model together; `nil` is all.
  public var prefillChunk: Int?

  public init(
    promptTokens: Int, outputTokens: Int, batch: Int = 1, microBatches: Int = 1,
    prefillChunk: Int? = nil
  ) {
    precondition(promptTokens > 0 && outputTokens > 0, "\(promptTokens) + \(outputTokens) tokens")
    precondition(microBatches > 0 && microBatches <= batch, "\(microBatches) of \(batch)")
    precondition(prefillChunk ?? 1 > 0, "chunks of \(prefillChunk ?? 0) tokens")
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.batch = batch
    self.microBatches = microBatches
    self.prefillChunk = prefillChunk
  }

  /// Steps that read the prompt.
  public var prefillSteps: Int {
    let chunk = min(prefillChunk ?? promptTokens, promptTokens)
    return (promptTokens + chunk - 1) / chunk
  }

  /// Steps in all. The last step of the prefill samples the first token.
  public var steps: Int { prefillSteps + outputTokens - 1 }

  /// Positions that a sequence's KV cache must hold. The last token is sampled, never read.
  public var positions: Int { promptTokens + outputTokens - 1 }

  /// The micro-batches of a step.
  public func batches(ofStep step: Int) -> [Batch] {
    precondition(step >= 0 && step < steps, "step \(step) of \(steps)")
    let start: Int
    let count: Int
    let samples: Bool
    if step < prefillSteps {
      let chunk = min(prefillChunk ?? promptTokens, promptTokens)
      start = step * chunk
      count = min(chunk, promptTokens - start)
      samples = step == prefillSteps - 1
    } else {
      start = promptTokens + step - prefillSteps
      count = 1
      samples = true
    }
    return (0..<microBatches).map { index in
      Batch(
        entries: Split.share(index, of: microBatches, total: batch).map {
          Batch.Entry(sequence: $0, start: start, count: count, samples: samples)
        })
    }
  }
}

/// How a program's collectives are chosen.
public enum CollectiveChoice: Hashable, Sendable {
  /// The cheapest by the link model, for each number of elements.
  case automatic
  case fixed(CollectiveAlgorithm)
}

/// What a batch costs on a kernel of one shard.
public typealias KernelPrice = @Sendable (Kernel, ShardSlice, Batch) -> Cost

/// Compiles a model on PP × TP wafers into a program, step by step.
///
/// This is a token's way through the cluster:
///
/// ```
/// stage 0      accept ▸ embed ▸ all-reduce ▸ layers ▸ send ──activation──▶ stage 1
/// a layer      attention ▸ all-reduce ▸ residual ▸ feedForward ▸ all-reduce ▸ residual
/// last stage   receive ▸ layers ▸ head ▸ candidates ▸ exchange ▸ choose ──token──▶ stage 0
/// ```
///
/// Under tensor parallelism, shard k of a stage sends the whole activation to shard k of the next;
/// shard k of the last stage sends the sampled token to shard k of the first.
public struct ModelProgram {
  public let split: Split
  public let workload: Workload
  public let wires: Wires
  public let collectives: CollectiveChoice
  /// Numbers of a shard's candidates for one sampled token.
  public let candidateElements: Int
  private let price: KernelPrice
  private var chosen: [Int: CollectiveAlgorithm] = [:]

  public init(
    split: Split, workload: Workload, wires: Wires, collectives: CollectiveChoice = .automatic,
    candidateElements: Int, price: @escaping KernelPrice
  ) {
    self.split = split
    self.workload = workload
    self.wires = wires
    self.collectives = collectives
    self.candidateElements = candidateElements
    self.price = price
  }

  /// Number of windows: one a step.
  public var windowCount: Int { workload.steps }

  /// Compiles step `index`.
  public mutating func window(_ index: Int) -> Window {
    let batches = workload.batches(ofStep: index)
    var step = Step(
      program: self, batches: batches, builder: WindowBuilder(ranks: split.ranks, wires: wires),
      algorithms: batches.map { algorithm(elements: $0.tokens * split.shape.width) })
    // Tokens come first in every window, so that they are the same values throughout the program.
    step.allocateTokens()
    for batch in batches.indices {
      for stage in 0..<split.pipeline {
        step.emit(batch: batch, stage: stage, isFirst: index < workload.prefillSteps)
      }
      if batches[batch].outputs > 0, index < windowCount - 1 { step.returnTokens(of: batch) }
    }
    return step.builder.window(index: index, batches: batches, outputs: step.outputs)
  }

  /// The algorithm for an all-reduce of `elements` over the shards of a stage.
  public mutating func algorithm(elements: Int) -> CollectiveAlgorithm {
    if case .fixed(let algorithm) = collectives { return algorithm }
    if let known = chosen[elements] { return known }
    let best = CollectiveProgram.cheapest(
      .allReduce, ranks: split.tensor, elements: elements, wires: wires)
    chosen[elements] = best
    return best
  }

  /// One window in the making.
  private struct Step {
    let program: ModelProgram
    let batches: [Batch]
    var builder: WindowBuilder
    /// The all-reduce of each batch.
    let algorithms: [CollectiveAlgorithm]
    var outputs: [Window.Output] = []
    /// tokens[batch][shard], on the first stage and on the last.
    private var firstTokens: [[Values]] = []
    private var lastTokens: [[Values]] = []
    /// The activation that a batch's last emitted stage left behind, by shard.
    private var residual: [Values] = []
    private var prices: [PriceKey: Cost] = [:]

    private struct PriceKey: Hashable {
      let kernel: Kernel
      let batch: Int
      let heads: Int
      let keyValueHeads: Int
      let feedForward: Int
      let vocabulary: Int
    }

    init(
      program: ModelProgram, batches: [Batch], builder: WindowBuilder,
      algorithms: [CollectiveAlgorithm]
    ) {
      self.program = program
      self.batches = batches
      self.builder = builder
      self.algorithms = algorithms
    }

    private var split: Split { program.split }

    private func group(_ stage: Int) -> [Rank] {
      (0..<split.tensor).map { Rank(stage * split.tensor + $0) }
    }

    mutating func allocateTokens() {
      let last = split.pipeline - 1
      for batch in batches {
        let sequences = batch.entries.count
        firstTokens.append(group(0).map { builder.allocate(sequences, on: $0) })
        lastTokens.append(
          last == 0
            ? firstTokens.last! : group(last).map { builder.allocate(sequences, on: $0) })
      }
    }

    mutating func emit(batch: Int, stage: Int, isFirst: Bool) {
      let ranks = group(stage)
      let width = batches[batch].tokens * split.shape.width
      let pieces =
        split.tensor == 1
        ? [width]
        : WindowBuilder.pieces(
          of: width, operation: .allReduce, algorithm: algorithms[batch], group: split.tensor)
      let incoming = residual
      residual = ranks.map { builder.allocate(pieces, on: $0) }
      if stage == 0 {
        embed(batch: batch, ranks: ranks, isFirst: isFirst)
      } else {
        for (shard, rank) in ranks.enumerated() {
          let source = Rank(rank.index - split.tensor)
          builder.send(incoming[shard], from: source, to: rank, stream: .activation)
          builder.receive(residual[shard], at: rank, from: source, stream: .activation)
        }
      }
      let partial = ranks.map { builder.allocate(pieces, on: $0) }
      for layer in split.stages[stage] {
        block(.attention, layer: layer, batch: batch, partial: partial, ranks: ranks)
        block(.feedForward, layer: layer, batch: batch, partial: partial, ranks: ranks)
      }
      if stage == split.pipeline - 1, batches[batch].outputs > 0 {
        sample(batch: batch, ranks: ranks)
      }
    }

    private mutating func embed(batch: Int, ranks: [Rank], isFirst: Bool) {
      for (shard, rank) in ranks.enumerated() {
        let tokens = firstTokens[batch][shard]
        if !isFirst {
          if split.pipeline > 1 {
            let source = Rank((split.pipeline - 1) * split.tensor + shard)
            builder.receive(tokens, at: rank, from: source, stream: .token)
          }
          builder.compute(
            Compute(.accept, batch: batch, input: tokens, output: tokens), on: rank)
        }
        builder.compute(
          Compute(
            .embed, batch: batch, input: tokens, output: residual[shard],
            cost: price(.embed, batch, rank)),
          on: rank)
      }
      builder.allReduce(residual, group: ranks, algorithm: algorithms[batch])
    }

    /// A half of a layer: a kernel's partial sums, their all-reduce, and the residual.
    private mutating func block(
      _ kernel: Kernel, layer: Int, batch: Int, partial: [Values], ranks: [Rank]
    ) {
      for (shard, rank) in ranks.enumerated() {
        builder.compute(
          Compute(
            kernel, argument: layer, batch: batch, input: residual[shard], output: partial[shard],
            cost: price(kernel, batch, rank)),
          on: rank)
      }
      builder.allReduce(partial, group: ranks, algorithm: algorithms[batch])
      for (shard, rank) in ranks.enumerated() {
        builder.compute(
          Compute(
            .residual, batch: batch, input: residual[shard], second: partial[shard],
            output: residual[shard]),
          on: rank)
      }
    }

    private mutating func sample(batch: Int, ranks: [Rank]) {
      let rows = batches[batch].outputs
      let pieces = Array(repeating: rows * program.candidateElements, count: split.tensor)
      let candidates = ranks.map { builder.allocate(pieces, on: $0) }
      for (shard, rank) in ranks.enumerated() {
        let slice = split.slice(ofRank: rank.index)
        let logits = builder.allocate(rows * slice.vocabulary.count, on: rank)
        builder.compute(
          Compute(
            .head, batch: batch, input: residual[shard], output: logits,
            cost: price(.head, batch, rank)),
          on: rank)
        builder.compute(
          Compute(
            .candidates, batch: batch, input: logits, output: candidates[shard][shard],
            cost: price(.candidates, batch, rank)),
          on: rank)
      }
      builder.exchange(candidates, group: ranks, stream: .candidates)
      for (shard, rank) in ranks.enumerated() {
        builder.compute(
          Compute(
            .choose, batch: batch, input: candidates[shard], output: lastTokens[batch][shard],
            cost: price(.choose, batch, rank)),
          on: rank)
      }
      outputs.append(
        Window.Output(rank: ranks[0], value: Int(lastTokens[batch][0].first), batch: batch))
    }

    /// The hop back to the first stage, which belongs to the next token.
    mutating func returnTokens(of batch: Int) {
      guard split.pipeline > 1 else { return }
      for (shard, rank) in group(split.pipeline - 1).enumerated() {
        builder.send(lastTokens[batch][shard], from: rank, to: Rank(shard), stream: .token)
      }
    }

    private mutating func price(_ kernel: Kernel, _ batch: Int, _ rank: Rank) -> Cost {
      let slice = split.slice(ofRank: rank.index)
      let key = PriceKey(
        kernel: kernel, batch: batch, heads: slice.queryHeads.count,
        keyValueHeads: slice.keyValueHeads.count, feedForward: slice.feedForward.count,
        vocabulary: slice.vocabulary.count)
      if let known = prices[key] { return known }
      let cost = program.price(kernel, slice, batches[batch])
      prices[key] = cost
      return cost
    }
  }
}
