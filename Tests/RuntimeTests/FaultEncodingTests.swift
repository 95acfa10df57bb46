import Messaging
import Programs
import Quantities
import TestSupport
import Testing

@testable import Runtime

@Suite("Faults on the control socket")
struct FaultEncodingTests {
  private func assignment(_ faults: RankFaults) -> Assignment {
    Assignment(
      run: 1, rank: Rank(2), sources: [], transport: .tcp, waitLimitMilliseconds: 1000,
      queueLimit: 4, largestPayload: 64, payload: .phantom, faults: faults)
  }

  @Test("a rank's faults travel as they are")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 12)
    var count = 0
    for _ in 0..<200 {
      let faults = randomFaults(topology: .fullMesh, ranks: 4, using: &random).share(of: Rank(2))
      count += faults.isEmpty ? 0 : 1
      let sent = assignment(faults)
      let frame = ControlMessage.assign(sent).encoded()
      guard case .assign(let read) = try ControlMessage.reading(frame).get() else {
        Issue.record("no assignment")
        return
      }
      #expect(read == sent)
    }
    #expect(count > 50)
  }

  @Test("a factor below 1 and a negative time are errors, not traps")
  func broken() {
    var slow = RankFaults(of: Rank(2))
    slow.slowdowns = [.init(interval: .init(from: .zero), factor: Rational(1, over: 2))]
    var early = RankFaults(of: Rank(2))
    early.add(.init(begins: EmulatedTime(picoseconds: -1), lasts: .zero))
    for faults in [slow, early] {
      let frame = ControlMessage.assign(assignment(faults)).encoded()
      #expect(throws: FrameError.self) { try ControlMessage.reading(frame).get() }
    }
  }
}
