import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Runtime
import Tensors
import TestSupport
import Transformer
import ZeroMQTransport

/// A small random model's program, its evaluation, and its execution by `NodeService`s over sockets.
struct SocketExperiment: Sendable, CustomStringConvertible {
  let seed: UInt64
  let split: Split
  let workload: Workload
  let isPhantom: Bool
  private let wires: Wires

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.seed = seed
    let layers = Int.random(in: 2...3, using: &generator)
    let shape = ModelShape(
      name: "random", layers: layers, width: 32, queryHeads: 4, keyValueHeads: 2, headSize: 8,
      feedForwardWidth: 40, vocabulary: 50, contextLength: 64)
    split = try! Split(
      shape: shape, pipeline: Int.random(in: 1...2, using: &generator),
      tensor: Int.random(in: 2...3, using: &generator))
    workload = Workload(
      promptTokens: Int.random(in: 2...6, using: &generator),
      outputTokens: Int.random(in: 2...4, using: &generator), batch: 2,
      microBatches: Int.random(in: 1...2, using: &generator),
      prefillChunk: Bool.random(using: &generator) ? 2 : nil)
    isPhantom = Bool.random(using: &generator)
    let link = Link(
      latency: EmulatedTime(picoseconds: Int64.random(in: 0...5_000_000, using: &generator)),
      bandwidth: Rational(Int.random(in: 1_000_000...1 << 38, using: &generator)),
      ports: Link.Ports.allCases.randomElement(using: &generator)!,
      hold: Link.Hold.allCases.randomElement(using: &generator)!)
    let topology = Topology.random(ranks: split.ranks, using: &generator)
    wires = Wires(
      link: link,
      overrides: randomOverrides(topology: topology, ranks: split.ranks, using: &generator),
      topology: topology, ranks: split.ranks, activationBytes: 2)
  }

  var description: String {
    "seed \(seed): PP \(split.pipeline) x TP \(split.tensor), \(wires.topology), "
      + "\(workload), "
      + (isPhantom ? "phantom" : "real")
  }

  /// A message that a proxy makes late: the first to another shard whose delay reaches the end, where
  /// not every delay does.
  var delay: Evaluator.Delay? {
    let undisturbed = evaluate().map(\.digest)
    return (0..<split.ranks).map { index in
      // The neighbour within the stage.
      let shard = index % split.tensor
      return Evaluator.Delay(
        from: Rank(index), to: Rank(index - shard + (shard + 1) % split.tensor),
        stream: .collective, sequence: 0, by: EmulatedTime(picoseconds: 1000))
    }.first { evaluate(delays: [$0]).map(\.digest) != undisturbed }
  }

  private var program: ModelProgram {
    ModelProgram(
      split: split, workload: workload, wires: wires,
      candidateElements: SamplingRule.greedy.elementsPerOutput
    ) { use, batch in
      let size = Int64(use.slice.queryHeads.count * 31 + batch.tokens * 7)
      return Cost(compute: EmulatedTime(picoseconds: size * 1000 + Int64(use.kernel.rawValue)))
    }
  }

  private func payload(streamed: Bool) -> Assignment.Payload {
    guard !isPhantom else { return .phantom }
    return .model(
      ModelAssignment(
        shape: split.shape, layersPerStage: split.stages.map(\.count), tensor: split.tensor,
        weights: streamed
          ? .file(path: "/nowhere", fingerprint: "none", access: .stream)
          : .synthetic(seed: seed, type: .float32), precision: .float32,
        sequences: workload.batch, positions: workload.positions,
        maximumTokens: workload.batches(ofStep: 0).map(\.tokens).max()!, sampling: .greedy,
        seed: seed,
        prompts: Array(
          repeating: (0..<workload.promptTokens).map { Int32($0 * 5) }, count: workload.batch),
        reportsLogits: false))
  }

  /// The evaluator's clocks.
  func evaluate(delays: [Evaluator.Delay] = []) -> [RankClock] {
    var program = program
    var evaluator = Evaluator(ranks: split.ranks, delays: delays)
    for index in 0..<program.windowCount { _ = evaluator.run(program.window(index)) }
    return evaluator.clocks
  }

  /// Runs it over tcp between threads of this process that are nodes in all but that, their control
  /// connections led through `proxy`.
  func execute(
    through proxy: FrameProxy, of coordinator: Coordinator, waitLimitMilliseconds: Int = 20_000
  ) throws -> ClusterSession.Outcome {
    try outcome(
      of: coordinator, at: proxy.endpoint, waitLimitMilliseconds: waitLimitMilliseconds
    ) { _ in NodeService.Options() }
  }

  /// The same, each node with options of its own, and its weights made by itself or sent.
  func outcome(
    of coordinator: Coordinator, at endpoint: String? = nil, streamed: Bool = false,
    waitLimitMilliseconds: Int = 20_000,
    options: (Int) throws -> NodeService.Options
  ) throws -> ClusterSession.Outcome {
    let endpoint = endpoint ?? coordinator.endpoint
    var program = program
    var next = 0
    let windows = (0..<program.windowCount).map { program.window($0) }
    let sources = Assignment.sources(of: windows, ranks: split.ranks)
    let assignments = (0..<split.ranks).map { index in
      Assignment(
        run: seed + 1, rank: Rank(index), sources: sources[index], transport: .tcp,
        waitLimitMilliseconds: waitLimitMilliseconds, queueLimit: ProgramCheck.maximumUnderWay,
        largestPayload: 1 << 20, payload: payload(streamed: streamed))
    }
    let nodes = try (0..<split.ranks).map { rank in
      let options = try options(rank)
      return Worker { try NodeService(coordinator: endpoint, options: options).run() }
    }
    let outcome = Result {
      try coordinator.run(
        Coordinator.Plan(assignments: assignments, windowCount: windows.count),
        Coordinator.Callbacks(
          nextWindow: {
            defer { next += 1 }
            return windows[next]
          },
          weights: streamed
            ? WeightServer(SyntheticWeights(seed: seed, shape: split.shape, type: .float32)) : nil))
    }
    // A node's own error says more than what the coordinator made of it.
    for node in nodes { try node.join() }
    return try outcome.get()
  }
}
