import Quantities
import Runtime
import TestSupport
import Testing

@Suite("Clocks of other hosts")
struct NodeClockTests {
  @Test(
    "the true offset is always within the bound, whatever the delays and the drift",
    arguments: 0..<50 as Range<UInt64>)
  func bound(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let offset = Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator)
    // Both clocks against true time, within the tolerance together.
    let drift = Double.random(in: -15e-6...15e-6, using: &generator)
    func onNode(_ time: Int64) -> Int64 { time + offset + Int64(Double(time) * drift) }
    var clock = NodeClock()
    var now: Int64 = 1_000_000_000
    let count = Int.random(in: 1...700, using: &generator)
    for _ in 0..<count {
      now += Int64.random(in: 0...2_000_000_000, using: &generator)
      let there = Int64.random(in: 1000...5_000_000, using: &generator)
      let back = Int64.random(in: 1000...5_000_000, using: &generator)
      clock.add(
        sent: MeasuredTime(nanoseconds: now), node: MeasuredTime(nanoseconds: onNode(now + there)),
        received: MeasuredTime(nanoseconds: now + there + back))
      now += there + back
    }
    #expect(clock.exchanges == count)
    for _ in 0..<20 {
      let moment = Int64.random(in: 1_000_000_000...now, using: &generator)
      let found = try #require(clock.estimate(at: MeasuredTime(nanoseconds: onNode(moment))))
      let truth = onNode(moment) - moment
      // A nanosecond for each rounding on the way.
      #expect(abs(found.offset - truth) <= found.bound + 3, "at \(moment) of \(now)")
    }
  }

  @Test("without an exchange nothing is known; the coordinator's own clock is exact")
  func ends() {
    var clock = NodeClock()
    #expect(clock.estimate(at: MeasuredTime(nanoseconds: 5)) == nil)
    #expect(clock.estimate.bound == .max)
    clock.isCoordinators = true
    #expect(clock.estimate == .same)
  }

  @Test("an answer to a ping from the future is not taken")
  func future() {
    var clock = NodeClock()
    clock.add(
      sent: MeasuredTime(nanoseconds: 10), node: MeasuredTime(nanoseconds: 5),
      received: MeasuredTime(nanoseconds: 9))
    #expect(clock.exchanges == 0)
  }
}
