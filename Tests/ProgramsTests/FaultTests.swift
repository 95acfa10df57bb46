import Hardware
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Faults, worked out by hand")
struct FaultTests {
  private func ps(_ value: Int64) -> EmulatedTime { EmulatedTime(picoseconds: value) }

  private func span(_ begins: Int64, _ ends: Int64? = nil) -> RankFaults.Interval {
    RankFaults.Interval(from: ps(begins), until: ends.map(ps))
  }

  /// A kernel of 100 ps, 40 of them fabric, at each of the given times on a region of its own.
  private func kernels(_ faults: RankFaults, at starts: [Int64]) -> [Stamp] {
    var clock = RankClock(faults: faults)
    var instructions = RankWindow(values: [], instructions: [])
    instructions.values = Array(
      repeating: ValuePlace(buffer: 0, offset: 0, elements: 1), count: 2 * starts.count)
    clock.prepare(for: instructions)
    for (index, start) in starts.enumerated() {
      let input = Values(first: 2 * index, count: 1)
      clock.arrive(Arrive(input, at: Arrival(arrived: ps(start))))
      clock.compute(
        Compute(
          .stage, region: index, input: input, output: Values(first: 2 * index + 1, count: 1),
          cost: Cost(compute: ps(60), fabric: ps(40))))
    }
    return starts.indices.map { clock.values[2 * $0 + 1] }
  }

  /// A message of overhead 3, serialization 10 and latency 100 at each of the given times on a port of its own.
  private func messages(_ faults: RankFaults, at starts: [Int64], holds: Bool = false) -> [Stamp] {
    var clock = RankClock(faults: faults)
    var window = RankWindow(values: [], instructions: [])
    window.values = Array(
      repeating: ValuePlace(buffer: 0, offset: 0, elements: 1), count: starts.count)
    clock.prepare(for: window)
    return starts.enumerated().map { index, start in
      let values = Values(first: index, count: 1)
      clock.arrive(Arrive(values, at: Arrival(arrived: ps(start))))
      return clock.send(
        Send(
          to: Rank(1), stream: .activation, port: 0, holdsPortUntilDelivery: holds, values: values,
          elements: 1, bytes: 2, overhead: ps(3), serialization: ps(10), latency: ps(100))
      ).arrival
    }
  }

  @Test("a straggler's kernel takes its factor when it starts in the span, and else does not")
  func straggler() {
    var faults = RankFaults()
    faults.slowdowns = [.init(interval: span(1000, 2000), factor: Rational(5, over: 2))]
    let stamps = kernels(faults, at: [999, 1000, 1999, 2000])
    #expect(stamps.map(\.time) == [ps(1099), ps(1250), ps(2249), ps(2100)])
    #expect(stamps.map(\.account.slowdown) == [ps(0), ps(150), ps(150), ps(0)])
    #expect(stamps.allSatisfy { $0.account.total == $0.time && $0.account.fabric == ps(40) })
  }

  @Test("around dead PEs communication alone is slower, and what faults add is added up")
  func fabric() {
    var faults = RankFaults()
    faults.slowdowns = [
      .init(interval: span(0), factor: Rational(3, over: 2), isOfFabricAlone: true),
      .init(interval: span(0), factor: Rational(2)),
    ]
    #expect(kernels(faults, at: [0])[0].account.slowdown == ps(20 + 100))
  }

  @Test("half a picosecond is rounded to the even one, once")
  func rounding() {
    for (factor, extra) in [(Rational(1005, over: 1000), 0), (Rational(1015, over: 1000), 2)] {
      var faults = RankFaults()
      faults.slowdowns = [.init(interval: span(0), factor: factor)]
      #expect(kernels(faults, at: [0])[0].account.slowdown == ps(Int64(extra)))
    }
  }

  @Test("what starts in an outage waits, what is under way is done again, what is done stays")
  func outage() {
    var faults = RankFaults()
    faults.add(.init(begins: ps(1000), lasts: ps(500)))
    let stamps = kernels(faults, at: [900, 901, 1000, 1499, 1500])
    #expect(stamps.map(\.time) == [ps(1000), ps(1600), ps(1600), ps(1600), ps(1600)])
    #expect(stamps.map(\.account.outage) == [ps(0), ps(599), ps(500), ps(1), ps(0)])
    #expect(stamps.allSatisfy { $0.account.total == $0.time })
  }

  @Test("work that an outage lets start again can fall into the next")
  func outages() {
    var faults = RankFaults()
    faults.add(.init(begins: ps(1050), lasts: ps(100)))
    faults.add(.init(begins: ps(950), lasts: ps(50)))
    #expect(kernels(faults, at: [900])[0].time == ps(1250))
  }

  @Test("a slow link makes the bytes and the way of messages that depart in the span longer")
  func link() {
    var faults = RankFaults()
    faults.links = [
      .init(
        to: Rank(1), interval: span(1000, 2000), latency: ps(7), serialization: Rational(3)),
      .init(to: Rank(2), interval: span(0), latency: ps(1_000_000)),
    ]
    let stamps = messages(faults, at: [500, 1000, 1001, 2000])
    // The third waits for the port, which the second keeps for 3 + 30.
    #expect(stamps.map(\.time) == [ps(613), ps(1140), ps(1173), ps(2113)])
    #expect(stamps.map(\.account.slowdown) == [ps(0), ps(27), ps(27), ps(0)])
    #expect(stamps[2].account.portQueue == ps(32))
    #expect(stamps.allSatisfy { $0.account.total == $0.time })
  }

  @Test("a lost message is sent again after its timeout by the port, which the next one waits for")
  func loss() {
    var faults = RankFaults()
    faults.losses = [
      .init(to: Rank(1), timeout: ps(50), which: .message(.activation, sequence: 1)),
      .init(to: Rank(1), timeout: ps(900), which: .message(.token, sequence: 0)),
    ]
    let stamps = messages(faults, at: [0, 100, 101])
    #expect(stamps.map(\.account.resend) == [ps(0), ps(50 + 13), ps(0)])
    #expect(stamps.map(\.time) == [ps(113), ps(276), ps(289)])
    #expect(stamps[2].account.portQueue == ps(75))
    // Held until delivery, the port is free when the repeat has arrived.
    #expect(
      messages(faults, at: [0, 100, 113], holds: true).map(\.time) == [ps(113), ps(289), ps(402)])
  }

  @Test("a message under way at the port is lost with its wafer; one that has left is not")
  func messageInOutage() {
    var faults = RankFaults()
    faults.add(.init(begins: ps(1000), lasts: ps(500)))
    let stamps = messages(faults, at: [987, 988])
    #expect(stamps.map(\.time) == [ps(1100), ps(1613)])
    // It waited for the port until 1000, where the outage begins.
    #expect(stamps[1].account.portQueue == ps(12) && stamps[1].account.outage == ps(500))
  }

  @Test("what arrives at a wafer that is away waits for it")
  func receiveInOutage() throws {
    var faults = RankFaults()
    faults.add(.init(begins: ps(1000), lasts: ps(500)))
    for (arrival, exists) in [(990, 995), (996, 1515), (1200, 1515), (1510, 1515), (1600, 1605)] {
      var clock = RankClock(faults: faults)
      clock.prepare(
        for: RankWindow(values: [ValuePlace(buffer: 0, offset: 0, elements: 1)], instructions: []))
      var account = Account()
      account.compute = ps(Int64(arrival))
      clock.receive(
        Receive(
          from: Rank(1), stream: .activation, port: 0, values: Values(first: 0, count: 1),
          elements: 1, bytes: 2, serialization: ps(10), overhead: ps(5)),
        arrival: try #require(Stamp(time: account.compute, account: account)))
      #expect(clock.values[0].time == ps(Int64(exists)), "\(arrival)")
      #expect(clock.values[0].account.total == clock.values[0].time)
    }
  }

  @Test("losses by chance are those of the seed, as many as the chance says, and never too many")
  func chance() {
    func counts(_ chance: UInt32, seed: UInt64, from: Int = 0) -> [Int] {
      let loss = RankFaults.Loss(
        to: Rank(1), timeout: .zero, which: .chance(chance, seed: seed))
      return (0..<4096).map { loss.count(from: Rank(from), stream: .activation, sequence: $0) }
    }
    let half = counts(1 << 31, seed: 1)
    #expect(half == counts(1 << 31, seed: 1))
    #expect(half != counts(1 << 31, seed: 2) && half != counts(1 << 31, seed: 1, from: 2))
    // The mean of a geometric distribution of 1/2 is 1, with a standard error of 0.022 over so many.
    #expect((3800...4400).contains(half.reduce(0, +)))
    #expect(counts(0, seed: 3).allSatisfy { $0 == 0 })
    #expect(counts(.max, seed: 3).allSatisfy { $0 == RankFaults.Loss.mostInARow })
  }

  @Test("on random programs with random faults the evaluator is the naive simulator")
  func naive() throws {
    var struck: [Account.Entry: Int] = [:]
    for seed in UInt64(0)..<400 {
      let program = RandomProgram(seed: seed)
      var random = SeededGenerator(seed: seed + 7_000_000)
      let ranks = program.windows[0].ranks.count
      var faults = FaultPlan()
      // Times at which this program is under way.
      var plain = Evaluator(ranks: ranks)
      for window in program.windows { _ = plain.run(window) }
      let end = plain.clocks.map(\.end).max()!.picoseconds
      faults = randomFaults(topology: .fullMesh, ranks: ranks, most: end, using: &random)
      let naive = try NaiveSimulator(program.windows, faults: faults, random: &random)
      var evaluator = Evaluator(ranks: ranks, faults: faults)
      for (index, window) in program.windows.enumerated() {
        let outputs = evaluator.run(window)
        #expect(outputs.map { NaiveSimulator.Moment($0) } == naive.outputs[index], "seed \(seed)")
      }
      for (rank, clock) in evaluator.clocks.enumerated() {
        for (index, stamp) in clock.values.enumerated() {
          #expect(stamp.account.total == stamp.time, "seed \(seed)")
          #expect(
            NaiveSimulator.Moment(stamp) == naive.values[rank][index] ?? .init(), "seed \(seed)")
          for entry in [Account.Entry.slowdown, .resend, .outage]
          where stamp.account[entry] != .zero {
            struck[entry, default: 0] += 1
          }
        }
      }
    }
    for entry in [Account.Entry.slowdown, .resend, .outage] {
      #expect(struck[entry, default: 0] > 100, "\(entry) must matter")
    }
  }
}
