import Hardware
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Rank clock")
struct RankClockTests {
  private func stamp(_ picoseconds: Int64) -> Stamp {
    var account = Account()
    account.idle = EmulatedTime(picoseconds: picoseconds)
    return Stamp(time: account.idle, account: account)!
  }

  private func picoseconds(_ value: Int64) -> EmulatedTime { EmulatedTime(picoseconds: value) }

  private func receive(_ value: Int, from: Int = 1, serialization: Int64) -> Receive {
    Receive(
      from: Rank(from), stream: .collective, port: 0, values: Values(first: value, count: 1),
      elements: 1, bytes: 2, serialization: picoseconds(serialization), overhead: picoseconds(3))
  }

  @Test("a set is served by arrival, then by source rank, then in the order of its stream")
  func serviceOrder() {
    let set = [(5, 30), (2, 10), (9, 10), (1, 20), (2, 10)].map {
      (from: Rank($0.0), arrival: stamp(Int64($0.1)))
    }
    #expect(RankClock.serviceOrder(set) == [1, 4, 2, 3, 0])
    var random = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      let set = (0..<Int.random(in: 0...70, using: &random)).map { _ in
        (
          from: Rank(Int.random(in: 0...4, using: &random)),
          arrival: stamp(Int64.random(in: 0...6, using: &random))
        )
      }
      let order = RankClock.serviceOrder(set)
      #expect(order.sorted() == Array(set.indices))
      for (a, b) in zip(order, order.dropFirst()) {
        #expect(
          (set[a].arrival.time, set[a].from, a) < (set[b].arrival.time, set[b].from, b))
      }
    }
  }

  @Test("two messages at once: the second waits for the ingress port, and both pay the overhead")
  func ingress() {
    var clock = RankClock()
    clock.prepare(
      for: RankWindow(values: (0..<2).map { ValuePlace(buffer: $0, offset: 0, elements: 1) }))
    clock.receive(receive(0, serialization: 40), arrival: stamp(100))
    clock.receive(receive(1, serialization: 40), arrival: stamp(100))
    #expect(clock.values[0].time == picoseconds(103))
    #expect(clock.values[1].time == picoseconds(143))
    #expect(clock.values[1].account.portQueue == picoseconds(40))
    #expect(clock.values[1].account.overhead == picoseconds(3))
    #expect(clock.end == picoseconds(143))
  }

  @Test("a tie keeps the account of the first input")
  func ties() {
    var clock = RankClock()
    clock.prepare(
      for: RankWindow(values: (0..<3).map { ValuePlace(buffer: $0, offset: 0, elements: 1) }))
    clock.compute(
      Compute(
        .fill, region: 0, input: .none, output: Values(first: 0, count: 1),
        cost: Cost(compute: picoseconds(50))))
    clock.compute(
      Compute(
        .fill, region: 1, input: .none, output: Values(first: 1, count: 1),
        cost: Cost(fabric: picoseconds(50))))
    for (input, second, entry) in [
      (0, 1, Account.Entry.compute), (1, 0, .fabric),
    ] {
      clock.compute(
        Compute(
          .stage, region: 2, input: Values(first: input, count: 1),
          second: Values(first: second, count: 1), output: Values(first: 2, count: 1)))
      #expect(clock.values[2].time == picoseconds(50))
      #expect(clock.values[2].account[entry] == picoseconds(50))
    }
  }

  @Test("a stamp whose account does not add up is not one")
  func stampAddsUp() {
    var account = Account()
    account.compute = picoseconds(7)
    #expect(Stamp(time: picoseconds(8), account: account) == nil)
    #expect(Stamp(time: picoseconds(7), account: account)?.account == account)
  }
}
