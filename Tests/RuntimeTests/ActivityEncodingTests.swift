import Messaging
import Programs
import Quantities
import Testing

@testable import Runtime

@Suite("Activities on the control socket")
struct ActivityEncodingTests {
  private static func time(_ nanoseconds: Int64) -> MeasuredTime {
    MeasuredTime(nanoseconds: nanoseconds)
  }

  @Test("a window's activities travel as they are")
  func activities() throws {
    var report = WindowReport(index: 3)
    report.activities = [
      MeasuredActivity(
        .kernel(.attention, argument: 79, batch: 2), begin: Self.time(5), end: Self.time(9)),
      MeasuredActivity(
        .send(to: Rank(7), stream: .tokenForward, sequence: 1 << 40), begin: Self.time(10),
        end: Self.time(10)),
      MeasuredActivity(
        .receive(from: Rank(0), stream: .collective, sequence: 0), begin: Self.time(11),
        end: Self.time(1 << 50)),
    ]
    let frame = ControlMessage.windowDone(report).encoded()
    guard case .windowDone(let read) = try ControlMessage.reading(frame).get() else {
      Issue.record("no report")
      return
    }
    #expect(read == report)
  }

  @Test("an assignment says what is to be recorded", arguments: [nil, 1, 100_000])
  func assignment(events: Int?) throws {
    let assignment = Assignment(
      run: 1, rank: Rank(2), sources: [Rank(1)], transport: .tcp,
      waitLimitMilliseconds: 1000, queueLimit: 4, largestPayload: 64, payload: .phantom,
      recording: events.map { Recording.Limits(windows: 3..<9, events: $0) })
    let frame = ControlMessage.assign(assignment).encoded()
    guard case .assign(let read) = try ControlMessage.reading(frame).get() else {
      Issue.record("no assignment")
      return
    }
    #expect(read == assignment)
  }

  @Test("an unknown kind of activity is an error, not a trap")
  func broken() {
    var report = WindowReport(index: 0)
    report.activities = [
      MeasuredActivity(
        .kernel(.sum, argument: 0, batch: 0), begin: Self.time(0), end: Self.time(0))
    ]
    var frame = ControlMessage.windowDone(report).encoded()
    frame[frame.count - MeasuredActivity.byteCount] = 9
    #expect(throws: FrameError.self) { try ControlMessage.reading(frame).get() }
  }

  @Test("a log keeps the windows it was asked for, up to its room")
  func log() {
    var log = ActivityLog(Recording.Limits(windows: 1..<3, events: 3))
    var counts: [Int] = []
    for window in 0..<4 {
      log.begin(window: window)
      for _ in 0..<2 { log.add(.kernel(.sum, argument: 0, batch: 0), since: log.moment) }
      counts.append(log.take().count)
    }
    #expect(counts == [0, 2, 1, 0])
  }
}
