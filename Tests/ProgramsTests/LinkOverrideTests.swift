import Hardware
import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Links with figures of their own")
struct LinkOverrideTests {
  private static func time(_ picoseconds: Int64) -> EmulatedTime {
    EmulatedTime(picoseconds: picoseconds)
  }

  /// What DESIGN says a message costs, written out again: bytes over bandwidth, rounded once.
  private static func serialization(_ bytes: Int, _ bandwidth: Rational?) -> Int64 {
    guard let bandwidth else { return 0 }
    let exact = Rational(Int128(bytes) * 1_000_000_000_000) / bandwidth
    return Int64(exact.rounded)
  }

  @Test("every message of a program has the figures of the link that it crosses, forwards included")
  func everyMessage() throws {
    var own = 0
    var forwards = 0
    for seed in 0..<120 as Range<UInt64> {
      var program = try ModelProgramTests.randomCase(seed: seed).program
      let wires = program.compiler.wires
      let peers = wires.topology.portsPerWafer(ranks: wires.ranks)
      var added = Int64(0)
      var isSwitch = false
      if case .switch(let latency) = wires.topology {
        added = latency.picoseconds
        isSwitch = true
      }
      for index in 0..<program.windowCount {
        for (rank, list) in program.window(index).ranks.enumerated() {
          for instruction in list.instructions {
            let (from, to) =
              switch instruction {
              case .send(let send): (Rank(rank), send.to)
              case .receive(let receive): (receive.from, Rank(rank))
              default: (Rank(0), Rank(0))
              }
            guard from != to else { continue }
            let override = wires.overrides.first { $0.ends.from == from && $0.ends.to == to }
            if override != nil { own += 1 }
            let divided = wires.link.ports == .perPeer ? peers : 1
            let usual = wires.link.bandwidth.map { $0 / Rational(divided) }
            switch instruction {
            case .send(let send):
              if send.stream == .forward || send.stream == .tokenForward { forwards += 1 }
              #expect(
                send.latency.picoseconds
                  == (override?.latency ?? wires.link.latency).picoseconds + added)
              #expect(send.overhead == override?.sendOverhead ?? wires.link.sendOverhead)
              #expect(
                send.serialization.picoseconds
                  == Self.serialization(send.bytes, override?.bandwidth ?? usual))
            case .receive(let receive):
              let ingress = isSwitch ? wires.link.bandwidth : usual
              #expect(receive.overhead == override?.receiveOverhead ?? wires.link.receiveOverhead)
              #expect(
                receive.serialization.picoseconds
                  == Self.serialization(receive.bytes, override?.bandwidth ?? ingress))
            default: break
            }
          }
        }
      }
    }
    #expect(own > 1000)
    #expect(forwards > 1000)
  }

  @Test("a pipeline with one slow link takes exactly its extra latency and serialization longer")
  func pipeline() throws {
    let link = Link(latency: Self.time(5_000_000), bandwidth: Rational(100_000_000_000))
    func end(_ overrides: [LinkOverride]) -> EmulatedTime {
      let program = PipelineProgram(
        stages: 4, microBatches: 1, stageTime: Self.time(7_000_000), elements: 8192,
        wires: Wires(link: link, overrides: overrides, ranks: 4, activationBytes: 2))
      var evaluator = Evaluator(ranks: 4)
      return evaluator.run(program.window).last!.time
    }
    let slow = LinkOverride(
      from: Rank(1), to: Rank(2), latency: Self.time(50_000_000),
      bandwidth: Rational(10_000_000_000), sendOverhead: Self.time(11),
      receiveOverhead: Self.time(13))
    // 16,384 bytes at 10 GB/s are 1,638,400 ps; at 100 GB/s a tenth.
    #expect(end([slow]) - end([]) == Self.time(45_000_000 + 1_638_400 - 163_840 + 24))
    let backwards = LinkOverride(from: Rank(2), to: Rank(1), latency: Self.time(50_000_000))
    #expect(end([backwards]) == end([]))
  }

  @Test("a ring's all-reduce waits for its slow link in every step, and as naive simulation says")
  func collective() throws {
    let link = Link(latency: Self.time(1_000_000), bandwidth: nil)
    let slow = LinkOverride(from: Rank(2), to: Rank(3), latency: Self.time(4_000_000))
    for topology in [Topology.fullMesh, .ring, .torus(columns: 2, rows: 2)] {
      let wires = Wires(
        link: link, overrides: [slow], topology: topology, ranks: 4, activationBytes: 2)
      for algorithm in CollectiveOperation.allReduce.algorithms {
        let window = CollectiveProgram(
          .allReduce, algorithm: algorithm, ranks: 4, elements: 4000, wires: wires
        ).window
        var evaluator = Evaluator(ranks: 4)
        let outputs = evaluator.run(window)
        var random = SeededGenerator(seed: 5)
        let naive = try NaiveSimulator([window], random: &random)
        #expect(outputs.map { NaiveSimulator.Moment($0) } == naive.outputs[0])
      }
    }
    func ring(_ overrides: [LinkOverride]) -> EmulatedTime {
      let wires = Wires(
        link: link, overrides: overrides, topology: .ring, ranks: 4, activationBytes: 2)
      let window = CollectiveProgram(
        .allReduce, algorithm: .ring, ranks: 4, elements: 4000, wires: wires
      ).window
      var evaluator = Evaluator(ranks: 4)
      return evaluator.run(window).map(\.time).max()!
    }
    // 2 (n - 1) = 6 steps round the ring; a piece passes the slow link at least once, at most twice.
    let extra = (ring([slow]) - ring([])).picoseconds
    #expect(ring([]) == Self.time(6_000_000))
    #expect(extra == 3_000_000 || extra == 6_000_000)
  }

  @Test("the least time of tokens adds up the links of their way")
  func tokens() throws {
    let link = Link(latency: Self.time(1000), bandwidth: Rational(4_000_000_000_000))
    let slow = LinkOverride(
      from: Rank(1), to: Rank(2), latency: Self.time(9000), bandwidth: Rational(400_000_000_000))
    let wires = Wires(
      link: link, overrides: [slow], topology: .line, ranks: 4, activationBytes: 2)
    // 4 bytes take 1 ps, on the slow link 10 ps.
    #expect(wires.time(tokens: 1, from: Rank(0), to: Rank(3)) == Self.time(1001 + 9010 + 1001))
    #expect(wires.time(tokens: 1, from: Rank(3), to: Rank(0)) == Self.time(3 * 1001))
  }
}
