import Hardware
import Models
import Placement

/// A window of a model's program whose instructions stand, and whose prices can be set again.
struct WindowDraft: Sendable {
  /// What instructions, without their prices, follow from.
  struct Form: Hashable {
    var batches: [BatchForm]
    /// Whether the step's tokens were sampled by the step before.
    var acceptsTokens: Bool
    /// Whether a step follows that needs the tokens sampled in this one.
    var returnsTokens: Bool

    struct BatchForm: Hashable {
      var sequences: Int
      /// Rows of the residual.
      var tokens: Int
      /// Rows that are sampled.
      var outputs: Int
    }
  }

  /// One price that holds for many instructions.
  struct PriceKey: Hashable {
    let kernel: Kernel
    let batch: Int
    let heads: Int
    let keyValueHeads: Int
    let feedForward: Int
    let vocabulary: Int
  }

  /// An instruction that has a price.
  private struct PricedInstruction {
    let rank: Int32
    let place: Int32
    /// Index into `prices`.
    let price: Int32
  }

  let form: Form
  private(set) var window = Window(index: 0, batches: [], ranks: [])
  private let split: Split
  private let slices: [ShardSlice]
  private let candidateElements: Int
  /// The all-reduce of each batch.
  private let algorithms: [CollectiveAlgorithm]
  private var builder: WindowBuilder
  private var outputs: [Window.Output] = []
  private var prices: [(key: PriceKey, slice: ShardSlice)] = []
  private var priceIndices: [PriceKey: Int32] = [:]
  private var priced: [PricedInstruction] = []
  /// tokens[batch][shard], on the first stage and on the last.
  private var firstTokens: [[Values]] = []
  private var lastTokens: [[Values]] = []
  /// residual[shard]: the activation that a batch's last emitted stage left behind.
  private var residual: [Values] = []
  /// partial[stage][tokens][shard]: a block's partial sums, for all batches of as many tokens.
  private var partials: [[Int: [Values]]]

  init(
    form: Form, split: Split, wires: Wires, candidateElements: Int,
    algorithms: [CollectiveAlgorithm]
  ) {
    self.form = form
    self.split = split
    self.candidateElements = candidateElements
    self.algorithms = algorithms
    slices = (0..<split.ranks).map { split.slice(ofRank: $0) }
    builder = WindowBuilder(ranks: split.ranks, wires: wires)
    partials = Array(repeating: [:], count: split.pipeline)
    // Tokens come first in every window, so that they are the same values throughout the program.
    allocateTokens()
    for batch in form.batches.indices {
      for stage in 0..<split.pipeline { emit(batch: batch, stage: stage) }
      if form.batches[batch].outputs > 0, form.returnsTokens { returnTokens(of: batch) }
    }
    window = builder.window(index: 0, outputs: outputs)
    // Only the window is needed from here on.
    builder = WindowBuilder(ranks: 0, wires: wires)
  }

  /// Makes the draft the window of a step.
  mutating func price(_ batches: [Batch], index: Int, by price: KernelPrice) {
    window.index = index
    window.batches = batches
    let costs = prices.map { price($0.key.kernel, $0.slice, batches[$0.key.batch]) }
    for instruction in priced {
      let (rank, place) = (Int(instruction.rank), Int(instruction.place))
      guard case .compute(var work) = window.ranks[rank].instructions[place] else {
        preconditionFailure("rank \(rank), instruction \(place) has no price")
      }
      work.cost = costs[Int(instruction.price)]
      window.ranks[rank].instructions[place] = .compute(work)
    }
  }

  private func group(_ stage: Int) -> [Rank] {
    (0..<split.tensor).map { Rank(stage * split.tensor + $0) }
  }

  private mutating func allocateTokens() {
    let last = split.pipeline - 1
    for batch in form.batches {
      firstTokens.append(group(0).map { builder.allocate(batch.sequences, on: $0) })
      lastTokens.append(
        last == 0
          ? firstTokens.last! : group(last).map { builder.allocate(batch.sequences, on: $0) })
    }
  }

  private mutating func emit(batch: Int, stage: Int) {
    let ranks = group(stage)
    let tokens = form.batches[batch].tokens
    let width = tokens * split.shape.width
    let pieces =
      split.tensor == 1
      ? [width]
      : WindowBuilder.pieces(
        of: width, operation: .allReduce, algorithm: algorithms[batch], group: split.tensor)
    let incoming = residual
    residual = ranks.map { builder.allocate(pieces, on: $0) }
    if stage == 0 {
      embed(batch: batch, ranks: ranks)
    } else {
      for (shard, rank) in ranks.enumerated() {
        let source = Rank(rank.index - split.tensor)
        builder.send(incoming[shard], from: source, to: rank, stream: .activation)
      }
      for (shard, rank) in ranks.enumerated() {
        let source = Rank(rank.index - split.tensor)
        builder.receive(residual[shard], at: rank, from: source, stream: .activation)
      }
    }
    if partials[stage][tokens] == nil {
      partials[stage][tokens] = ranks.map { builder.allocate(pieces, on: $0) }
    }
    let partial = partials[stage][tokens]!
    for layer in split.stages[stage] {
      block(.attention, layer: layer, batch: batch, partial: partial, ranks: ranks)
      block(.feedForward, layer: layer, batch: batch, partial: partial, ranks: ranks)
    }
    if stage == split.pipeline - 1, form.batches[batch].outputs > 0 {
      sample(batch: batch, ranks: ranks)
    }
  }

  private mutating func embed(batch: Int, ranks: [Rank]) {
    for (shard, rank) in ranks.enumerated() {
      let tokens = firstTokens[batch][shard]
      if form.acceptsTokens {
        if split.pipeline > 1 {
          let source = Rank((split.pipeline - 1) * split.tensor + shard)
          builder.receive(tokens, at: rank, from: source, stream: .token)
        }
        builder.compute(Compute(.accept, batch: batch, input: tokens, output: tokens), on: rank)
      }
      compute(Compute(.embed, batch: batch, input: tokens, output: residual[shard]), on: rank)
    }
    builder.allReduce(residual, group: ranks, algorithm: algorithms[batch])
  }

  /// A half of a layer: a kernel's partial sums, their all-reduce, and the residual.
  private mutating func block(
    _ kernel: Kernel, layer: Int, batch: Int, partial: [Values], ranks: [Rank]
  ) {
    for (shard, rank) in ranks.enumerated() {
      compute(
        Compute(
          kernel, argument: layer, batch: batch, input: residual[shard], output: partial[shard]),
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
    let rows = form.batches[batch].outputs
    let pieces = Array(repeating: rows * candidateElements, count: split.tensor)
    let candidates = ranks.map { builder.allocate(pieces, on: $0) }
    for (shard, rank) in ranks.enumerated() {
      let logits = builder.allocate(rows * slices[rank.index].vocabulary.count, on: rank)
      compute(Compute(.head, batch: batch, input: residual[shard], output: logits), on: rank)
      compute(
        Compute(.candidates, batch: batch, input: logits, output: candidates[shard][shard]),
        on: rank)
    }
    builder.exchange(candidates, group: ranks, stream: .candidates)
    for (shard, rank) in ranks.enumerated() {
      compute(
        Compute(.choose, batch: batch, input: candidates[shard], output: lastTokens[batch][shard]),
        on: rank)
    }
    outputs.append(
      Window.Output(rank: ranks[0], value: Int(lastTokens[batch][0].first), batch: batch))
  }

  /// The hop back to the first stage, which belongs to the next token.
  private mutating func returnTokens(of batch: Int) {
    guard split.pipeline > 1 else { return }
    for (shard, rank) in group(split.pipeline - 1).enumerated() {
      builder.send(lastTokens[batch][shard], from: rank, to: Rank(shard), stream: .token)
    }
  }

  /// Appends a kernel whose price is set later.
  private mutating func compute(_ work: Compute, on rank: Rank) {
    let slice = slices[rank.index]
    let key = PriceKey(
      kernel: work.kernel, batch: Int(work.batch), heads: slice.queryHeads.count,
      keyValueHeads: slice.keyValueHeads.count, feedForward: slice.feedForward.count,
      vocabulary: slice.vocabulary.count)
    let price: Int32
    if let known = priceIndices[key] {
      price = known
    } else {
      price = Int32(prices.count)
      priceIndices[key] = price
      prices.append((key, slice))
    }
    let place = builder.compute(work, on: rank)
    priced.append(
      PricedInstruction(rank: Int32(rank.index), place: Int32(place), price: price))
  }
}
