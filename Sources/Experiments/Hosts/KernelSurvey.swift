import Foundation
import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Runtime
import Transformer

/// Times that a node's kernels take on this host, rank by rank, without messages.
///
/// Each rank is a thread with its own shard, executor and processor. It runs windows of the model's own
/// program, layer after layer as a node does, so that weights come from memory and not from a cache that a
/// repeated kernel would have filled. Of a step the middle one of its layers is taken, and of all steps alike the
/// lower quartile: what disturbs a host only makes it slower.
struct KernelSurvey: Sendable {
  /// What every rank loads; prompts, cache and scratch are the survey's.
  let assignment: @Sendable (Split) throws -> ModelAssignment
  /// The whole model.
  let shape: ModelShape
  /// Most tokens of a batch.
  let mostTokens: Int
  /// How often all steps are gone through.
  let rounds: Int

  /// Ranks of a split that run at once, each on a processor of its own.
  struct Arrangement: Hashable, Sendable {
    let split: Split
    let ranks: [Int]

    var words: String {
      "PP \(split.pipeline) x TP \(split.tensor), rank\(ranks.count == 1 ? "" : "s") "
        + ranks.map(String.init).joined(separator: " and ")
    }
  }

  /// A kernel of the survey.
  enum Kernel: String, CaseIterable, Hashable, Sendable {
    case attention, feedForward, head, embedding, candidates
  }

  /// Steps alike, and what they took.
  struct Observation: Hashable, Sendable {
    let kernel: Kernel
    /// Weights; of an embedding the values, of candidates the logits.
    let count: Int
    /// Tokens that are multiplied together.
    let tokens: Int
    let pairs: Int
    /// Seconds of each step, sorted.
    var seconds: [Double]

    /// Whether another's steps are alike.
    func isLike(_ other: Observation) -> Bool {
      (kernel, count, tokens, pairs) == (other.kernel, other.count, other.tokens, other.pairs)
    }

    /// What they take when nothing disturbs them.
    var quiet: Double { HostNoise.quiet(seconds) }
    /// Half of the steps lie within this part of it.
    var spread: Double { HostNoise.spread(seconds) }
  }

  /// Arrangements with so many busy ranks: shards and stages, so that kernels of several sizes are seen.
  func arrangements(busy: Int) -> [Arrangement] {
    func split(_ pipeline: Int, _ tensor: Int) -> Split? {
      try? Split(shape: shape, pipeline: pipeline, tensor: tensor)
    }
    var found: [Arrangement] = []
    if let stages = split(busy, 1) {
      found.append(Arrangement(split: stages, ranks: Array(0..<busy)))
    }
    if let shards = split(1, max(busy, 2)) {
      found +=
        busy > 1
        ? [Arrangement(split: shards, ranks: Array(0..<busy))]
        : (0..<2).map { Arrangement(split: shards, ranks: [$0]) }
    }
    return found
  }

  /// Runs the ranks of an arrangement together.
  ///
  /// Throws `NodeError` when a shard cannot be loaded.
  func run(_ arrangement: Arrangement) async throws -> [Observation] {
    let gate = StepGate(threads: arrangement.ranks.count)
    let all = try await withThrowingTaskGroup(of: [Observation].self) { group in
      for (processor, rank) in arrangement.ranks.enumerated() {
        group.addTask {
          try await NodeProcesses.onThread {
            do {
              return try self.run(rank, of: arrangement.split, processor: processor, gate)
            } catch {
              gate.fail()
              throw error
            }
          }
        }
      }
      var all: [Observation] = []
      for try await observations in group { all += observations }
      return all
    }
    // Ranks end in any order.
    return all.sorted {
      ($0.kernel.rawValue, $0.count, $0.tokens, $0.pairs)
        < ($1.kernel.rawValue, $1.count, $1.tokens, $1.pairs)
    }
  }

  private func run(
    _ rank: Int, of split: Split, processor: Int, _ gate: StepGate
  ) throws -> [Observation] {
    ProcessorAffinity.pin(toAllowed: processor)
    let plan = SurveyPlan(mostTokens: mostTokens)
    var part = try assignment(split)
    part.sequences = plan.sequences
    part.positions = plan.positions
    part.maximumTokens = plan.mostTokens
    part.sampling = .greedy
    part.prompts = plan.prompts.map { count in
      (0..<count).map { Int32(($0 * 7919 + 13) % shape.vocabulary) }
    }
    let run: UInt64 = 1
    var executor = NodeExecutor(
      rank: Rank(rank), run: run, transport: EchoTransport(run: run), isPhantom: false,
      model: try ModelKernels(part, rank: Rank(rank)),
      recording: Recording.Limits(windows: 0..<Int.max, events: .max))
    var compiler = ModelCompiler(
      split: split, slots: [plan.sequences],
      wires: Wires(
        link: Link(latency: .zero, bandwidth: nil), ranks: split.ranks, activationBytes: 4),
      collectives: split.tensor > 1 ? .fixed(.direct) : .automatic,
      candidateElements: SamplingRule.greedy.elementsPerOutput
    ) { _, _ in .zero }
    let slice = split.slice(ofRank: rank)
    var times: [SurveyKey: [Double]] = [:]
    var index = 0
    // The first round warms up caches and pages.
    for round in 0...rounds {
      for item in plan.items {
        for batch in item.steps {
          let window = NodeWindow(
            compiler.window(index, [ScheduledBatch(batch, slot: 0)]), rank: Rank(rank))
          index += 1
          try gate.wait()
          let report = try executor.run(window)
          guard round > 0, batch.isMeasured(in: item) else { continue }
          let part = LayerPart(shape: shape, slice: slice, hasExperts: false)
          for (kernel, seconds) in StepTimes(report.activities).typical {
            times[
              SurveyKey(kernel, part, slice, item.typical, shape: shape), default: []
            ].append(seconds)
          }
        }
      }
    }
    return times.map { key, seconds in
      Observation(
        kernel: key.kernel, count: key.count, tokens: key.tokens, pairs: key.pairs,
        seconds: seconds.sorted())
    }
  }
}

/// Steps that are alike.
private struct SurveyKey: Hashable {
  let kernel: KernelSurvey.Kernel
  let count: Int
  let tokens: Int
  let pairs: Int

  init(
    _ kernel: KernelSurvey.Kernel, _ part: LayerPart, _ slice: ShardSlice, _ batch: Batch,
    shape: ModelShape
  ) {
    self.kernel = kernel
    let work = BatchWork(batch)
    switch kernel {
    case .attention: (count, tokens) = (part.attentionWeights, batch.tokens)
    case .feedForward: (count, tokens) = (part.feedForwardWeights, batch.tokens)
    case .head: (count, tokens) = (shape.width * slice.vocabulary.count, batch.outputs)
    case .embedding: (count, tokens) = (batch.tokens * shape.width, 1)
    case .candidates: (count, tokens) = (batch.outputs * slice.vocabulary.count, 1)
    }
    pairs = kernel == .attention ? part.pairNumbers(work) : 0
  }
}

/// What the kernels of one step took: those of layers with the sums and the residual after each, the embedding
/// with the taking in of tokens before it, the candidates with the choice.
private struct StepTimes {
  /// Seconds, the middle one where there are several.
  let typical: [(KernelSurvey.Kernel, Double)]

  init(_ activities: [MeasuredActivity]) {
    var times: [KernelSurvey.Kernel: [Double]] = [:]
    var last: KernelSurvey.Kernel?
    // What stands before its kernel, and is counted with it.
    var before = 0.0
    func begin(_ kernel: KernelSurvey.Kernel, _ seconds: Double) {
      times[kernel, default: []].append(before + seconds)
      before = 0
      last = kernel
    }
    func goOn(_ seconds: Double) {
      guard let last, last != .embedding else { return }
      times[last]![times[last]!.count - 1] += seconds
    }
    for activity in activities {
      guard case .kernel(let kernel, _, _) = activity.kind else { continue }
      let seconds = (activity.end - activity.begin).seconds
      switch kernel {
      case .attention: begin(.attention, seconds)
      case .feedForward: begin(.feedForward, seconds)
      case .embed: begin(.embedding, seconds)
      case .head: begin(.head, seconds)
      case .candidates: begin(.candidates, seconds)
      case .accept: before = seconds
      // The sums of an all-reduce have no price of their own.
      case .residual, .sum, .sumInRankOrder, .copy, .choose: goOn(seconds)
      case .cross, .fill, .stage: break
      }
    }
    typical = KernelSurvey.Kernel.allCases.compactMap { kernel in
      times[kernel].map { (kernel, $0.sorted()[($0.count - 1) / 2]) }
    }
  }
}
