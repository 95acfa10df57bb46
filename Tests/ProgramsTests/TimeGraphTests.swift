import Hardware
import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Graphs of times")
struct TimeGraphTests {
  /// A window with its own costs, as a graph's evaluator takes it.
  private static func part(_ window: Window) -> GraphEvaluator.Part {
    var costs: [Cost] = []
    var numbers: [Cost: Int32] = [:]
    let marks = window.ranks.map { rank in
      rank.instructions.map { instruction -> Int32 in
        guard case .compute(let work) = instruction, work.cost != .zero else { return -1 }
        if let known = numbers[work.cost] { return known }
        numbers[work.cost] = Int32(costs.count)
        costs.append(work.cost)
        return Int32(costs.count - 1)
      }
    }
    let source = TimeGraphBuilder.Source(window: window, marks: marks, costs: costs)
    return GraphEvaluator.Part(
      key: .alone(index: window.index), source: { source }, costs: { $0.costs })
  }

  /// Outputs of every window, traffic and instructions by the plain evaluator.
  private struct Plain {
    var outputs: [[Stamp]] = []
    var traffic: Traffic
    var instructions: Int

    init(_ windows: [Window]) {
      var evaluator = Evaluator(ranks: windows[0].ranks.count)
      for window in windows { outputs.append(evaluator.run(window)) }
      traffic = evaluator.traffic
      instructions = evaluator.instructions
    }

    init(_ program: ModelProgram) {
      var program = program
      self.init((0..<program.windowCount).map { program.window($0) })
    }
  }

  @Test("programs that make no sense take the same times as by plain evaluation")
  func randomPrograms() throws {
    for seed in 0..<400 as Range<UInt64> {
      let windows = RandomProgram(seed: seed).windows
      let plain = Plain(windows)
      var evaluator = GraphEvaluator(ranks: windows[0].ranks.count)
      for (index, window) in windows.enumerated() {
        let outputs = try evaluator.run(Self.part(window))
        #expect(outputs.map(\.stamp) == plain.outputs[index], "seed \(seed), window \(index)")
        #expect(outputs.map(\.rank) == window.outputs.map(\.rank))
      }
      try evaluator.finish()
      #expect(evaluator.traffic == plain.traffic, "seed \(seed)")
      #expect(evaluator.instructions == plain.instructions, "seed \(seed)")
    }
  }

  private static func expectEqual(
    _ program: ModelProgram, graphs: TimeGraphs, costs: StepCosts = StepCosts(),
    _ comment: Comment
  ) throws {
    let plain = Plain(program)
    let times = try program.times(graphs: graphs, costs: costs)
    #expect(times.outputs.map(\.stamp) == plain.outputs.flatMap { $0 }, comment)
    #expect(times.traffic == plain.traffic, comment)
    #expect(times.instructions == plain.instructions, comment)
  }

  @Test(
    "random models take the same times: uneven shards, micro-batches, regions, topologies, ports")
  func randomModels() throws {
    let graphs = TimeGraphs()
    for seed in 1000..<1250 as Range<UInt64> {
      try Self.expectEqual(
        try ModelProgramTests.randomCase(seed: seed).program, graphs: graphs, "seed \(seed)")
    }
  }

  /// A model cut evenly, on links whose times tie often: without bandwidth, latency or overheads.
  private static func evenProgram(
    _ tensor: Int, link: Link, overrides: [LinkOverride] = [], speeds: [Rational]? = nil,
    collectives: CollectiveChoice = .automatic, topology: Topology, layers: Int = 2,
    pipeline: Int = 2, microBatches: Int = 1
  ) throws -> ModelProgram {
    let shape = ModelProgramTests.shape(
      layers: layers, width: 48, queryHeads: 16, keyValueHeads: 8, feedForwardWidth: 64,
      vocabulary: 96)
    let split = try Split(shape: shape, pipeline: pipeline, tensor: tensor)
    return ModelProgram(
      split: split,
      workload: Workload(
        promptTokens: 6, outputTokens: 5, batch: 2, microBatches: microBatches, prefillChunk: 4),
      wires: Wires(
        link: link, overrides: overrides, topology: topology, ranks: split.ranks,
        activationBytes: 2),
      collectives: collectives, candidateElements: 3, speeds: speeds,
      price: ModelProgramTests.price)
  }

  private static func links(seed: UInt64) -> Link {
    var random = SeededGenerator(seed: seed)
    func sometimes(_ picoseconds: Int64) -> EmulatedTime {
      EmulatedTime(picoseconds: Bool.random(using: &random) ? 0 : picoseconds)
    }
    return Link(
      latency: sometimes(700_000),
      bandwidth: Bool.random(using: &random) ? nil : Rational(3_000_000_000),
      sendOverhead: sometimes(1000), receiveOverhead: sometimes(2000),
      ports: Link.Ports.allCases.randomElement(using: &random)!,
      hold: Link.Hold.allCases.randomElement(using: &random)!)
  }

  @Test(
    "models cut evenly take the same times on links where messages tie, whatever the collective")
  func evenModels() throws {
    let graphs = TimeGraphs()
    for seed in 0..<90 as Range<UInt64> {
      var random = SeededGenerator(seed: seed + 5000)
      let tensor = [2, 4, 8].randomElement(using: &random)!
      let algorithm = CollectiveOperation.allReduce.algorithms[Int(seed % 5)]
      let topology = Topology.random(ranks: 2 * tensor, using: &random)
      let microBatches = Int.random(in: 1...2, using: &random)
      let program = try Self.evenProgram(
        tensor, link: Self.links(seed: seed),
        overrides: randomOverrides(topology: topology, ranks: 2 * tensor, using: &random),
        speeds: randomSpeeds(ranks: 2 * tensor, using: &random), collectives: .fixed(algorithm),
        topology: topology, microBatches: microBatches)
      try Self.expectEqual(program, graphs: graphs, "seed \(seed), \(algorithm), TP \(tensor)")
    }
  }

  @Test("programs that differ in their link alone share graphs and costs, and are still exact")
  func sharedGraphs() throws {
    let graphs = TimeGraphs()
    let costs = StepCosts()
    for latency in [0, 1, 17, 5_000_000] as [Int64] {
      for bandwidth in [nil, Rational(1_000_000_000), Rational(150_000_000_000)] {
        let link = Link(
          latency: EmulatedTime(picoseconds: latency), bandwidth: bandwidth,
          receiveOverhead: EmulatedTime(picoseconds: latency / 2))
        let program = try Self.evenProgram(
          4, link: link, collectives: .fixed(.recursiveDoubling), topology: .fullMesh)
        try Self.expectEqual(program, graphs: graphs, costs: costs, "\(latency) ps")
      }
    }
  }

  @Test("programs that differ in the figures of one link share graphs too, and are still exact")
  func sharedGraphsOfOverrides() throws {
    let graphs = TimeGraphs()
    let costs = StepCosts()
    let link = Link(
      latency: EmulatedTime(picoseconds: 5_000_000), bandwidth: Rational(150_000_000_000))
    // The second has the figures of all, the third has none of its own: each takes its own times.
    for latency in [9_000_000, 5_000_000, nil, 1] as [Int64?] {
      for bandwidth in [nil, Rational(1_000_000_000), Rational(150_000_000_000)] {
        for to in [4, 5] {
          let override = LinkOverride(
            from: Rank(0), to: Rank(to), latency: latency.map { EmulatedTime(picoseconds: $0) },
            bandwidth: bandwidth)
          let program = try Self.evenProgram(
            4, link: link, overrides: [override], collectives: .fixed(.recursiveDoubling),
            topology: .fullMesh)
          try Self.expectEqual(
            program, graphs: graphs, costs: costs, "\(String(describing: latency)) ps to \(to)")
        }
      }
    }
  }

  @Test("a slow shard among equal ones has prices of its own, so its stage waits for it")
  func slowShard() throws {
    let link = Link(latency: EmulatedTime(picoseconds: 1000), bandwidth: nil)
    var ends: [EmulatedTime] = []
    for slow in [nil, 0, 3, 7] as [Int?] {
      let speeds = (0..<8).map { $0 == slow ? Rational(1, over: 2) : Rational(1) }
      let program = try Self.evenProgram(
        4, link: link, speeds: speeds, collectives: .fixed(.recursiveDoubling),
        topology: .fullMesh)
      try Self.expectEqual(program, graphs: TimeGraphs(), "rank \(String(describing: slow))")
      ends.append(try program.times().outputs.last!.stamp.time)
    }
    #expect(ends[1] > ends[0] && ends[2] > ends[0] && ends[3] > ends[0])
  }

  @Test(
    "batches that arrive over time take the same times, and regions are free when clocks say so")
  func arrivals() throws {
    let graphs = TimeGraphs()
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
      let split = try Split(
        shape: ModelProgramTests.shape(layers: 3), pipeline: number(1...3), tensor: number(1...4))
      var compiler = ModelCompiler(
        split: split, slots: [3],
        wires: Wires(link: Self.links(seed: seed), ranks: split.ranks, activationBytes: 2),
        candidateElements: 3, price: ModelProgramTests.price)
      var plain = Evaluator(ranks: split.ranks)
      var evaluator = GraphEvaluator(ranks: split.ranks, graphs: graphs)
      var comes: Int64 = 0
      for index in 0..<6 {
        comes += Int64(number(0...900_000))
        let arrived = EmulatedTime(picoseconds: comes)
        // Prompts alone: nothing is read that an earlier window has to have sampled.
        let batch = Batch(
          entries: (0..<number(1...3)).map {
            Batch.Entry(sequence: $0, start: 0, count: number(1...3), samples: true)
          })
        let scheduled = ScheduledBatch(
          batch, slot: 0,
          arrival: number(0...3) == 0
            ? nil
            : Arrival(
              arrived: arrived,
              admitted: arrived + EmulatedTime(picoseconds: Int64(number(0...50_000)))))
        let stamps = plain.run(compiler.window(index, [scheduled]))
        #expect(try evaluator.run(index, [scheduled], of: &compiler) == stamps, "seed \(seed)")
        for (rank, clock) in plain.clocks.enumerated() {
          #expect(evaluator.regionIsFree(0, on: Rank(rank)) == clock.regionIsFree(0))
        }
      }
      #expect(evaluator.traffic == plain.traffic)
    }
  }

  /// The nodes of the graph of a program's second decode step.
  private static func nodes(_ program: ModelProgram) throws -> Int {
    var program = program
    var frontier = Frontier(ranks: program.split.ranks)
    var nodes = 0
    for index in 0..<5 {
      let window = program.window(index)
      let graph = try TimeGraphBuilder.graph(
        Self.part(window).source(), from: frontier,
        merging: true)
      nodes = graph.nodes.count
      frontier = graph.next
    }
    return nodes
  }

  @Test("equal shards are one: more of them cost only the rounds of their all-reduce")
  func equalShardsAreOne() throws {
    let link = Link(
      latency: EmulatedTime(picoseconds: 5_000_000), bandwidth: Rational(1_000_000_000))
    func count(_ tensor: Int, _ algorithm: CollectiveAlgorithm) throws -> Int {
      try Self.nodes(
        Self.evenProgram(
          tensor, link: link, collectives: .fixed(algorithm), topology: .fullMesh))
    }
    // Twice the shards are a round more of log2 p, or twice the steps of a ring, not twice of both.
    let doubling = try [2, 4, 8].map { try count($0, .recursiveDoubling) }
    #expect(doubling[2] - doubling[1] < 2 * (doubling[1] - doubling[0]))
    let ring = try [2, 4, 8].map { try count($0, .ring) }
    #expect(ring[2] < 3 * ring[1])
  }

  @Test("layers that do equal work are one sum: a graph does not grow with them")
  func layersAreOneSum() throws {
    func count(_ layers: Int) throws -> Int {
      let split = try Split(
        shape: ModelProgramTests.shape(layers: layers), pipeline: 2, tensor: 1)
      return try Self.nodes(
        ModelProgram(
          split: split, workload: Workload(promptTokens: 3, outputTokens: 8),
          wires: Wires(link: ModelProgramTests.link, ranks: 2, activationBytes: 2),
          candidateElements: 3,
          price: { _, _ in Cost(compute: EmulatedTime(picoseconds: 1000)) }))
    }
    #expect(try count(4) == count(64))
  }

  @Test("a window that fails the check is the same error as by the check alone")
  func wrongWindow() throws {
    var windows = RandomProgram(seed: 3).windows
    windows[0].ranks[0].instructions.append(
      .receive(
        Receive(
          from: Rank(1), stream: .token, port: 0, values: .none, elements: 0, bytes: 0,
          serialization: .zero, overhead: .zero)))
    let window = windows[0]
    var check = ProgramCheck(ranks: window.ranks.count)
    let expected = #expect(throws: ProgramError.self) { try check.check(window) }
    var evaluator = GraphEvaluator(ranks: window.ranks.count)
    let found = #expect(throws: ProgramError.self) { try evaluator.run(Self.part(window)) }
    #expect("\(found!)" == "\(expected!)")
  }
}
