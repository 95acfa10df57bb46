import Hardware
import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Topologies")
struct TopologyTests {
  private static let routed: [Topology] = [.ring, .line]
  private static let latency: Int64 = 500_000
  /// One byte takes a picosecond, so that nothing is rounded.
  private static let bandwidth = Int(EmulatedTime.picosecondsPerSecond)

  private static func toruses(of ranks: Int) -> [Topology] {
    (1...ranks).filter { ranks % $0 == 0 }.map { .torus(columns: $0, rows: ranks / $0) }
  }

  // MARK: Routes

  @Test("a route goes from neighbour to neighbour, and is as long as the distance")
  func routes() {
    for ranks in 2...12 {
      for topology in Self.routed + Self.toruses(of: ranks) {
        for from in 0..<ranks {
          for to in 0..<ranks where from != to {
            let route = topology.route(from: Rank(from), to: Rank(to), ranks: ranks)
            #expect(route.last == Rank(to))
            #expect(
              route.count == topology.distance(from: Rank(from), to: Rank(to), ranks: ranks))
            for (before, after) in zip([Rank(from)] + route, route) {
              #expect(
                Self.areNeighbours(before.index, after.index, topology, ranks: ranks),
                "\(topology), \(from) to \(to): \(before) to \(after)")
            }
          }
        }
      }
    }
  }

  private static func areNeighbours(_ a: Int, _ b: Int, _ topology: Topology, ranks: Int) -> Bool {
    func onRing(_ a: Int, _ b: Int, _ count: Int) -> Bool {
      (a + 1) % count == b || (b + 1) % count == a
    }
    return switch topology {
    case .fullMesh, .switch: true
    case .line: abs(a - b) == 1
    case .ring: onRing(a, b, ranks)
    case .torus(let columns, let rows):
      (a / columns == b / columns && onRing(a % columns, b % columns, columns))
        || (a % columns == b % columns && onRing(a / columns, b / columns, rows))
    }
  }

  @Test("rings are gone round the shorter way, upwards when both are as long; rows before columns")
  func ways() {
    func route(_ topology: Topology, _ from: Int, _ to: Int, _ ranks: Int) -> [Int] {
      topology.route(from: Rank(from), to: Rank(to), ranks: ranks).map(\.index)
    }
    #expect(route(.ring, 0, 3, 6) == [1, 2, 3])
    #expect(route(.ring, 3, 0, 6) == [4, 5, 0])
    #expect(route(.ring, 0, 4, 6) == [5, 4])
    #expect(route(.line, 0, 4, 6) == [1, 2, 3, 4])
    #expect(route(.line, 5, 3, 6) == [4, 3])
    // Column 0 of row 0 to column 3 of row 1.
    #expect(route(.torus(columns: 4, rows: 2), 0, 7, 8) == [3, 7])
    #expect(route(.torus(columns: 4, rows: 2), 0, 6, 8) == [1, 2, 6])
  }

  @Test("the squarest torus has sides as equal as may be")
  func squarest() {
    #expect(Topology.squarest(ranks: 8) == .torus(columns: 4, rows: 2))
    #expect(Topology.squarest(ranks: 16) == .torus(columns: 4, rows: 4))
    #expect(Topology.squarest(ranks: 7) == .torus(columns: 7, rows: 1))
    #expect(Topology.squarest(ranks: 1) == .torus(columns: 1, rows: 1))
  }

  @Test("a port for each link divides the bandwidth by the links of a wafer, the same for all")
  func ports() {
    for (topology, ranks, ports) in [
      (Topology.fullMesh, 8, 7), (.switch(latency: .zero), 8, 7), (.ring, 8, 2), (.ring, 2, 1),
      (.line, 8, 2), (.line, 2, 1), (.torus(columns: 4, rows: 2), 8, 3),
      (.torus(columns: 3, rows: 3), 9, 4), (.torus(columns: 4, rows: 1), 4, 2), (.ring, 1, 1),
    ] {
      let wires = Wires(
        link: NetworkReferenceTests.link(), topology: topology, ranks: ranks, activationBytes: 1)
      #expect(wires.peers == ports, "\(topology) of \(ranks)")
    }
  }

  // MARK: Closed forms

  private static func end(_ window: Window) throws -> Int64 {
    var check = ProgramCheck(ranks: window.ranks.count)
    try check.check(window)
    try check.finish()
    var evaluator = Evaluator(ranks: window.ranks.count)
    let stamps = evaluator.run(window)
    for stamp in stamps { #expect(stamp.account.total == stamp.time) }
    return stamps.map(\.time.picoseconds).max() ?? 0
  }

  private static func time(
    _ algorithm: CollectiveAlgorithm, _ topology: Topology, ranks: Int, bytes: Int,
    ports: Link.Ports = .shared
  ) throws -> Int64 {
    try end(
      CollectiveProgram(
        .allReduce, algorithm: algorithm, ranks: ranks, elements: bytes,
        wires: Wires(
          link: NetworkReferenceTests.link(bandwidth: bandwidth, ports: ports), topology: topology,
          ranks: ranks, activationBytes: 1)
      ).window)
  }

  @Test("a message over k hops of a line takes k times overheads, L and S/B", arguments: 1...7)
  func storeAndForward(hops: Int) throws {
    for ports in Link.Ports.allCases {
      let link = Link(
        latency: EmulatedTime(picoseconds: Self.latency), bandwidth: Rational(Self.bandwidth),
        sendOverhead: EmulatedTime(picoseconds: 70),
        receiveOverhead: EmulatedTime(picoseconds: 30), ports: ports)
      var builder = WindowBuilder(
        ranks: 8,
        wires: Wires(link: link, topology: .line, ranks: 8, activationBytes: 1))
      let sent = builder.allocate(1000, on: Rank(0))
      let received = builder.allocate(1000, on: Rank(hops))
      builder.compute(Compute(.fill, input: .none, output: sent), on: Rank(0))
      builder.send(sent, from: Rank(0), to: Rank(hops), stream: .activation)
      builder.receive(received, at: Rank(hops), from: Rank(0), stream: .activation)
      let window = builder.window(
        index: 0,
        outputs: [.init(rank: Rank(hops), value: Int(received.first), batch: 0)])
      // Two ports a wafer halve the bandwidth.
      let bytes: Int64 = ports == .shared ? 1000 : 2000
      #expect(try Self.end(window) == Int64(hops) * (100 + Self.latency + bytes))
    }
  }

  @Test(
    "a ring's all-reduce on a ring is the full mesh's, instruction by instruction", arguments: 2...9
  )
  func ringOnRing(ranks: Int) throws {
    func window(_ topology: Topology) -> Window {
      CollectiveProgram(
        .allReduce, algorithm: .ring, ranks: ranks, elements: 1000 * ranks,
        wires: Wires(
          link: NetworkReferenceTests.link(bandwidth: Self.bandwidth), topology: topology,
          ranks: ranks, activationBytes: 1)
      ).window
    }
    #expect(window(.ring).ranks == window(.fullMesh).ranks)
    #expect(
      try Self.end(window(.ring)) == Int64(2 * (ranks - 1)) * (Self.latency + 1000))
  }

  @Test("direct over a switch: 2 (L + (p − 1) (n/p)/B) through one port", arguments: 2...9)
  func directOverSwitch(ranks: Int) throws {
    let piece: Int64 = 1000
    let others = Int64(ranks - 1)
    let added: Int64 = 300_000
    let topology = Topology.switch(latency: EmulatedTime(picoseconds: added))
    let bytes = Int(piece) * ranks
    #expect(
      try Self.time(.direct, topology, ranks: ranks, bytes: bytes)
        == 2 * (Self.latency + added + others * piece))
    // A lane a peer outwards: all p − 1 messages come together, after (p − 1) S, and one port takes them
    // one by one. On a mesh each has its own port.
    #expect(
      try Self.time(.direct, topology, ranks: ranks, bytes: bytes, ports: .perPeer)
        == 2 * (Self.latency + added + others * piece + (others - 1) * piece))
    #expect(
      try Self.time(.direct, .fullMesh, ranks: ranks, bytes: bytes, ports: .perPeer)
        == 2 * (Self.latency + others * piece))
  }

  // MARK: Programs

  @Test("every collective leaves what it says on every topology, and its times are the simulator's")
  func results() throws {
    for operation in CollectiveOperation.allCases {
      for algorithm in operation.algorithms {
        for ranks in 1...8 {
          for topology in Self.routed + Self.toruses(of: ranks) {
            try Self.checkNumbers(operation, algorithm, topology, ranks: ranks)
          }
        }
      }
    }
  }

  private static func checkNumbers(
    _ operation: CollectiveOperation, _ algorithm: CollectiveAlgorithm, _ topology: Topology,
    ranks: Int
  ) throws {
    let program = CollectiveProgram(
      operation, algorithm: algorithm, ranks: ranks, elements: 19,
      wires: Wires(
        link: NetworkReferenceTests.link(bandwidth: bandwidth), topology: topology, ranks: ranks,
        activationBytes: 1))
    let comment: Comment = "\(operation) by \(algorithm) on a \(topology) of \(ranks)"
    _ = try end(program.window)
    let machine = try NumberMachine(program.window) { Float($0 * 100 + $1) }
    for rank in 0..<ranks {
      let expected = CollectiveTests.expected(operation, rank: rank, ranks: ranks, elements: 19)
      #expect(machine.result(program.results[rank], rank) == expected, comment)
    }
    guard program.window.ranks.reduce(0, { $0 + $1.instructions.count }) < 400 else { return }
    var random = SeededGenerator(seed: UInt64(ranks))
    let naive = try NaiveSimulator([program.window], random: &random)
    var evaluator = Evaluator(ranks: ranks)
    #expect(
      evaluator.run(program.window).map { NaiveSimulator.Moment($0) } == naive.outputs[0], comment)
  }

  @Test(
    "automatic takes the cheapest over the shards of a stage, forwards by other stages included")
  func cheapest() throws {
    for topology in [
      Topology.ring, .line, .torus(columns: 4, rows: 3), .torus(columns: 3, rows: 4),
    ] {
      for bytes in [60, 6000, 6_000_000] {
        let wires = Wires(
          link: NetworkReferenceTests.link(bandwidth: Self.bandwidth), topology: topology,
          ranks: 12, activationBytes: 1)
        let times = try CollectiveOperation.allReduce.algorithms.map { algorithm in
          try Self.end(
            CollectiveProgram(
              .allReduce, algorithm: algorithm, ranks: 6, elements: bytes, wires: wires
            ).window)
        }
        let best = CollectiveProgram.cheapest(
          .allReduce, ranks: 6, elements: bytes, wires: wires)
        #expect(
          times[CollectiveOperation.allReduce.algorithms.firstIndex(of: best)!] == times.min())
      }
    }
  }

  @Test("a program of which any one forward is missing is refused")
  func brokenForwards() throws {
    let window = CollectiveProgram(
      .allReduce, algorithm: .direct, ranks: 5, elements: 10,
      wires: Wires(
        link: NetworkReferenceTests.link(), topology: .line, ranks: 5, activationBytes: 1)
    ).window
    var removed = 0
    for rank in window.ranks.indices {
      for (place, instruction) in window.ranks[rank].instructions.enumerated() {
        guard case .receive(let receive) = instruction, receive.stream == .forward else {
          continue
        }
        var broken = window
        broken.ranks[rank].instructions.removeSubrange(place...place + 1)
        var check = ProgramCheck(ranks: 5)
        #expect(throws: ProgramError.self) {
          try check.check(broken)
          try check.finish()
        }
        removed += 1
      }
    }
    #expect(removed > 10)
  }

  @Test("direct over hundreds of wafers of a line is counted, and left out, before it is written")
  func hops() {
    let wires = Wires(
      link: NetworkReferenceTests.link(), topology: .line, ranks: 1024, activationBytes: 1)
    // Σ |a − b| over ordered pairs is (p³ − p)/3, twice for two phases.
    #expect(
      CollectiveProgram.hops(.allReduce, algorithm: .direct, ranks: 1024, wires: wires)
        == 2 * (1024 * 1024 * 1024 - 1024) / 3)
    #expect(CollectiveProgram.hops(.allReduce, algorithm: .ring, ranks: 1024, wires: wires) == 0)
  }

  @Test("tokens that pass a wafer on their way back keep no micro-batch waiting")
  func tokensPass() throws {
    let shape = ModelProgramTests.shape(layers: 4)
    let stage: Int64 = 20_000_000
    // All of a stage's work is in its one layer's attention.
    let price: KernelPrice = { use, _ in
      use.kernel == .attention ? Cost(compute: EmulatedTime(picoseconds: stage)) : .zero
    }
    for microBatches in 1...8 {
      var program = ModelProgram(
        split: try Split(shape: shape, pipeline: 4, tensor: 1),
        workload: Workload(
          promptTokens: 1, outputTokens: 30, batch: microBatches, microBatches: microBatches),
        wires: Wires(
          link: NetworkReferenceTests.link(bandwidth: nil), topology: .line, ranks: 4,
          activationBytes: 1),
        candidateElements: 3, price: price)
      var evaluator = Evaluator(ranks: 4)
      let stamps = (0..<program.windowCount).map { evaluator.run(program.window($0)) }
      // Three hops there, three back.
      let roundTrip = 4 * stage + 6 * Self.latency
      for sequence in 0..<microBatches {
        let gap = stamps[29][sequence].time - stamps[28][sequence].time
        #expect(
          gap.picoseconds == max(roundTrip, Int64(microBatches) * stage),
          "\(microBatches) in flight")
      }
    }
  }
}
