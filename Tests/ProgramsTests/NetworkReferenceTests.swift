import Hardware
import Quantities
import Testing

@testable import Programs

/// The closed forms and exact results of Thakur, Rabenseifner, Gropp (IJHPCA 19(1) 2005) and of plain
/// pipelines, to the picosecond.
@Suite("Closed forms of collectives and pipelines")
struct NetworkReferenceTests {
  static let gibibyte = 1 << 30

  /// Nanoseconds, bytes a second; one port, no overheads.
  static func link(
    latency: Int64 = 500, bandwidth: Int? = 50 * gibibyte, ports: Link.Ports = .shared,
    hold: Link.Hold = .serialization
  ) -> Link {
    Link(
      latency: EmulatedTime(picoseconds: latency * 1000), bandwidth: bandwidth.map { Rational($0) },
      ports: ports, hold: hold)
  }

  /// The time at which the last rank has its result. Bytes are those of one rank's buffer.
  static func time(
    _ operation: CollectiveOperation, _ algorithm: CollectiveAlgorithm, ranks: Int, bytes: Int,
    link: Link
  ) throws -> Int64 {
    let program = CollectiveProgram(
      operation, algorithm: algorithm, ranks: ranks, elements: bytes,
      wires: Wires(link: link, ranks: ranks, activationBytes: 1))
    var check = ProgramCheck(ranks: ranks)
    try check.check(program.window)
    try check.finish()
    var evaluator = Evaluator(ranks: ranks)
    let stamps = evaluator.run(program.window)
    for stamp in stamps { #expect(stamp.account.total == stamp.time) }
    return stamps.map(\.time.picoseconds).max() ?? 0
  }

  @Test("the exact results of the reference, in picoseconds")
  func exactCollectives() throws {
    let link = Self.link()
    #expect(
      try Self.time(.allReduce, .ring, ranks: 8, bytes: 64 << 20, link: link) == 2_194_500_000)
    #expect(
      try Self.time(.allReduce, .recursiveDoubling, ranks: 8, bytes: 16 << 10, link: link)
        == 2_415_528)
    // 14 messages of 2 KiB, 38,147 ps each.
    #expect(
      try Self.time(.allReduce, .ring, ranks: 8, bytes: 16 << 10, link: link)
        == 14 * (500_000 + 38_147))
    // 8, 4 and 2 KiB there, and back.
    #expect(
      try Self.time(.allReduce, .rabenseifner, ranks: 8, bytes: 16 << 10, link: link)
        == 2 * (3 * 500_000 + 152_588 + 76_294 + 38_147))
    #expect(
      try Self.time(.allReduce, .direct, ranks: 8, bytes: 16 << 10, link: link)
        == 2 * (500_000 + 7 * 38_147))
  }

  /// One byte takes a picosecond, so that nothing is rounded.
  private static let exact = Int(EmulatedTime.picosecondsPerSecond)
  private static let latency: Int64 = 500_000

  @Test("ring: 2 (p − 1) (L + (n/p)/B), and half of it for a half", arguments: 2...9)
  func ring(ranks: Int) throws {
    let link = Self.link(bandwidth: Self.exact)
    let piece = 1000
    let step = Self.latency + Int64(piece)
    for (operation, phases) in [
      (CollectiveOperation.allReduce, 2), (.allGather, 1), (.reduceScatter, 1),
    ] {
      #expect(
        try Self.time(operation, .ring, ranks: ranks, bytes: piece * ranks, link: link)
          == Int64(phases * (ranks - 1)) * step)
    }
  }

  @Test("recursive doubling: log₂ p (L + n/B)", arguments: [1, 2, 3, 4])
  func recursiveDoubling(power: Int) throws {
    let time = try Self.time(
      .allReduce, .recursiveDoubling, ranks: 1 << power, bytes: 960,
      link: Self.link(bandwidth: Self.exact))
    #expect(time == Int64(power) * (Self.latency + 960))
  }

  @Test("Rabenseifner: 2 log₂ p L + 2 n ((p − 1)/p)/B", arguments: [1, 2, 3, 4])
  func rabenseifner(power: Int) throws {
    let ranks = 1 << power
    let time = try Self.time(
      .allReduce, .rabenseifner, ranks: ranks, bytes: 1000 * ranks,
      link: Self.link(bandwidth: Self.exact))
    #expect(time == 2 * Int64(power) * Self.latency + 2 * 1000 * Int64(ranks - 1))
  }

  @Test(
    "direct: 2 (L + (n/p)/B) with a port a peer, p − 1 times the bytes with one", arguments: 2...9)
  func direct(ranks: Int) throws {
    let piece = 1000
    // The wafer's bandwidth is divided over its ports: each must have B.
    let perPeer = Self.link(bandwidth: Self.exact * (ranks - 1), ports: .perPeer)
    #expect(
      try Self.time(.allReduce, .direct, ranks: ranks, bytes: piece * ranks, link: perPeer)
        == 2 * (Self.latency + Int64(piece)))
    let shared = Self.link(bandwidth: Self.exact)
    for (operation, phases) in [
      (CollectiveOperation.allReduce, 2), (.allGather, 1), (.reduceScatter, 1), (.allToAll, 1),
    ] {
      #expect(
        try Self.time(operation, .direct, ranks: ranks, bytes: piece * ranks, link: shared)
          == Int64(phases) * (Self.latency + Int64((ranks - 1) * piece)))
    }
  }

  @Test("binomial broadcast: log₂ p (L + n/B), an upper bound between powers of two")
  func broadcast() throws {
    // In nanoseconds: L = 500, n/B = 100.
    let link = Self.link(bandwidth: 1_000_000_000)
    for power in 1...5 {
      #expect(
        try Self.time(.broadcast, .tree, ranks: 1 << power, bytes: 100, link: link)
          == Int64(power) * 600_000)
    }
    #expect(try Self.time(.broadcast, .tree, ranks: 5, bytes: 100, link: link) == 1_300_000)
    for ranks in 2...40 {
      let steps = Int64(Int.bitWidth - (ranks - 1).leadingZeroBitCount)
      #expect(
        try Self.time(.broadcast, .tree, ranks: ranks, bytes: 100, link: link) <= steps * 600_000)
      // Direct: the last of p − 1 messages leaves when all have been serialised.
      #expect(
        try Self.time(.broadcast, .direct, ranks: ranks, bytes: 100, link: link)
          == Int64(ranks - 1) * 100_000 + 500_000)
    }
  }

  @Test("a tree's all-reduce is a reduction and a broadcast", arguments: [1, 2, 3, 4])
  func treeAllReduce(power: Int) throws {
    let time = try Self.time(
      .allReduce, .tree, ranks: 1 << power, bytes: 960, link: Self.link(bandwidth: Self.exact))
    #expect(time == 2 * Int64(power) * (Self.latency + 960))
  }

  @Test("automatic takes what is cheapest by the link: never ring for a decode's message")
  func cheapest() throws {
    for (ranks, bytes) in [(8, 16 << 10), (8, 64 << 20), (6, 1000), (2, 100), (3, 1 << 20)] {
      let link = Self.link()
      let wires = Wires(link: link, ranks: ranks, activationBytes: 1)
      let times = try CollectiveOperation.allReduce.algorithms.map {
        try Self.time(.allReduce, $0, ranks: ranks, bytes: bytes, link: link)
      }
      let best = CollectiveProgram.cheapest(
        .allReduce, ranks: ranks, elements: bytes, wires: wires)
      let chosen = CollectiveOperation.allReduce.algorithms.firstIndex(of: best)!
      #expect(times[chosen] == times.min())
    }
  }

  // MARK: Pipelines

  private func pipeline(
    stages: Int = 4, microBatches: Int, bytes: Int, stageTime: Int64 = 1_000_000_000,
    hold: Link.Hold = .serialization
  ) throws -> Int64 {
    let program = PipelineProgram(
      stages: stages, microBatches: microBatches,
      stageTime: EmulatedTime(picoseconds: stageTime), elements: bytes,
      wires: Wires(link: Self.link(hold: hold), ranks: stages, activationBytes: 1))
    var check = ProgramCheck(ranks: stages)
    try check.check(program.window)
    try check.finish()
    var evaluator = Evaluator(ranks: stages)
    let stamps = evaluator.run(program.window)
    #expect(stamps.count == microBatches)
    for stamp in stamps { #expect(stamp.account.total == stamp.time) }
    return stamps.map(\.time.picoseconds).max() ?? 0
  }

  @Test("the exact pipelines of the reference, in picoseconds")
  func exactPipelines() throws {
    #expect(try pipeline(microBatches: 1, bytes: 1 << 20) == 4_060_093_750)
    #expect(try pipeline(microBatches: 4, bytes: 1 << 20) == 7_060_093_750)
    #expect(try pipeline(microBatches: 8, bytes: 1 << 20) == 11_060_093_750)
    #expect(try pipeline(microBatches: 4, bytes: 100 << 20) == 15_720_250_000)
    #expect(try pipeline(microBatches: 4, bytes: 100 << 20, hold: .delivery) == 15_721_750_000)
  }

  @Test("P C + (P − 1) h + (M − 1) max(C, o) for all small pipelines")
  func pipelineForm() throws {
    for stages in 1...5 {
      for microBatches in 1...6 {
        for bytes in [1 << 20, 100 << 20] {
          let occupancy: Int64 = bytes == 1 << 20 ? 19_531_250 : 1_953_125_000
          let stageTime: Int64 = 1_000_000_000
          let bottleneck = stages == 1 ? stageTime : max(stageTime, occupancy)
          #expect(
            try pipeline(stages: stages, microBatches: microBatches, bytes: bytes)
              == Int64(stages) * stageTime + Int64(stages - 1) * (500_000 + occupancy)
              + Int64(microBatches - 1) * bottleneck)
        }
      }
    }
  }
}
