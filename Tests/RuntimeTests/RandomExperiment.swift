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

/// A small random experiment on a synthetic model, with made-up prices.
struct RandomExperiment: Sendable, CustomStringConvertible {
  let seed: UInt64
  let split: Split
  let workload: Workload
  let wires: Wires
  let collectives: CollectiveChoice
  let isPhantom: Bool
  let regions: [[RegionStep]]
  let speeds: [Rational]
  /// None for half of all seeds.
  let faults: FaultPlan

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.seed = seed
    let keyValueHeads = Int.random(in: 1...3, using: &generator)
    let queryHeads = keyValueHeads * Int.random(in: 1...2, using: &generator)
    let layers = Int.random(in: 1...4, using: &generator)
    let shape = ModelShape(
      name: "random", layers: layers, width: 8 * Int.random(in: 2...5, using: &generator),
      queryHeads: queryHeads, keyValueHeads: keyValueHeads, headSize: 8,
      feedForwardWidth: Int.random(in: 9...40, using: &generator),
      vocabulary: Int.random(in: 20...90, using: &generator), contextLength: 64)
    split = try! Split(
      shape: shape, pipeline: Int.random(in: 1...min(layers, 3), using: &generator),
      tensor: Int.random(in: 1...min(queryHeads, 4), using: &generator))
    let batch = Int.random(in: 1...3, using: &generator)
    workload = Workload(
      promptTokens: Int.random(in: 1...7, using: &generator),
      outputTokens: Int.random(in: 1...4, using: &generator), batch: batch,
      microBatches: Int.random(in: 1...batch, using: &generator),
      prefillChunk: Bool.random(using: &generator) ? Int.random(in: 1...4, using: &generator) : nil)
    let link = Link(
      latency: EmulatedTime(picoseconds: Int64.random(in: 0...5_000_000, using: &generator)),
      bandwidth: Bool.random(using: &generator)
        ? nil : Rational(Int.random(in: 1_000_000...1 << 38, using: &generator)),
      sendOverhead: EmulatedTime(picoseconds: Int64.random(in: 0...900, using: &generator)),
      receiveOverhead: EmulatedTime(picoseconds: Int64.random(in: 0...900, using: &generator)),
      ports: Link.Ports.allCases.randomElement(using: &generator)!,
      hold: Link.Hold.allCases.randomElement(using: &generator)!)
    let topology = Topology.random(ranks: split.ranks, using: &generator)
    collectives =
      Bool.random(using: &generator)
      ? .automatic
      : .fixed(CollectiveOperation.allReduce.algorithms.randomElement(using: &generator)!)
    isPhantom = Bool.random(using: &generator)
    regions = randomRegions(of: split, using: &generator)
    wires = Wires(
      link: link,
      overrides: randomOverrides(topology: topology, ranks: split.ranks, using: &generator),
      topology: topology, ranks: split.ranks, activationBytes: 2)
    speeds = randomSpeeds(ranks: split.ranks, using: &generator)
    faults =
      Bool.random(using: &generator)
      ? randomFaults(topology: topology, ranks: split.ranks, using: &generator) : FaultPlan()
  }

  var description: String {
    "seed \(seed): PP \(split.pipeline) x TP \(split.tensor), \(wires.topology), "
      + "\(workload), \(collectives), \(wires.overrides.count) links and "
      + "\(speeds.count { $0 != Rational(1) }) ranks of their own, \(faults.faults.count) faults, "
      + (isPhantom ? "phantom" : "real")
  }

  var program: ModelProgram {
    let salt = Int64(seed % 97)
    return ModelProgram(
      split: split, workload: workload, wires: wires, collectives: collectives,
      candidateElements: SamplingRule.greedy.elementsPerOutput, steps: regions,
      speeds: speeds
    ) { use, batch in
      let slice = use.slice
      let size = Int64(
        use.region.area + slice.queryHeads.count * 31 + slice.feedForward.count + batch.tokens * 7)
      return Cost(
        compute: EmulatedTime(picoseconds: size * 1000 + Int64(use.kernel.rawValue) * salt),
        fabric: EmulatedTime(picoseconds: size * salt)
      ).at(speed: use.speed)
    }
  }

  func payload(phantom: Bool) -> Assignment.Payload {
    guard !phantom else { return .phantom }
    return .model(
      ModelAssignment(
        shape: split.shape, layersPerStage: split.stages.map(\.count), tensor: split.tensor,
        weights: .synthetic(seed: seed, type: .float32), precision: .float32,
        sequences: workload.batch, positions: workload.positions,
        maximumTokens: workload.batches(ofStep: 0).map(\.tokens).max()!,
        sampling: .greedy, seed: seed,
        prompts: (0..<workload.batch).map { sequence in
          (0..<workload.promptTokens).map {
            Int32((sequence * 13 + $0 * 5) % split.shape.vocabulary)
          }
        }, reportsLogits: false))
  }

  /// What the evaluator says: the outputs of every window, and every rank's clock.
  func evaluate(delays: [Evaluator.Delay] = []) throws -> (outputs: [[Stamp]], clocks: [RankClock])
  {
    var program = program
    var check = ProgramCheck(ranks: split.ranks)
    var evaluator = Evaluator(ranks: split.ranks, delays: delays, faults: faults)
    var outputs: [[Stamp]] = []
    for index in 0..<program.windowCount {
      let window = program.window(index)
      try check.check(window)
      outputs.append(evaluator.run(window))
    }
    try check.finish()
    return (outputs, evaluator.clocks)
  }

  /// What nodes say, as threads of this process.
  func execute(
    phantom: Bool,
    intercept: (@Sendable (inout MessageHeader, Rank) -> Void)? = nil
  ) throws -> (reports: [NodeReport], windows: [[WindowReport]]) {
    var program = program
    var next = 0
    let cluster = InProcessCluster(
      ranks: split.ranks, run: seed, waitLimitMilliseconds: 20_000, faults: faults,
      intercept: intercept
    ) { [self] _ in payload(phantom: phantom) }
    return try cluster.run(
      windowCount: program.windowCount,
      nextWindow: {
        defer { next += 1 }
        return program.window(next)
      })
  }
}
