import Programs
import Quantities

/// Something that a node did, on the host's monotonic clock.
public struct MeasuredActivity: Hashable, Sendable {
  /// What it was.
  public var kind: Kind
  /// When it began.
  public var begin: MeasuredTime
  /// When it ended: a message is then with the transport, or has come.
  public var end: MeasuredTime

  /// What a node can be seen to do.
  public enum Kind: Hashable, Sendable {
    /// It ran a kernel; `argument` as the instruction has it, a layer mostly.
    case kernel(Kernel, argument: Int32, batch: Int32)
    /// It handed a message to the transport.
    case send(to: Rank, stream: Stream, sequence: Int)
    /// It waited for a message and took it.
    case receive(from: Rank, stream: Stream, sequence: Int)
  }

  /// Takes each field as it is.
  public init(_ kind: Kind, begin: MeasuredTime, end: MeasuredTime) {
    self.kind = kind
    self.begin = begin
    self.end = end
  }
}

/// A node's own recording. While nothing is recorded, no clock is read for it.
struct ActivityLog {
  private let limits: Recording.Limits
  private var room: Int
  private var activities: [MeasuredActivity] = []
  private(set) var isRecording = false

  /// - Parameter limits: What is kept; `nil` is nothing. Its events are those of one node.
  init(_ limits: Recording.Limits?) {
    self.limits = limits ?? Recording.Limits(windows: 0..<0, events: 0)
    room = self.limits.events
  }

  mutating func begin(window: Int) {
    isRecording = limits.windows.contains(window) && room > 0
  }

  /// Now, when it matters.
  var moment: MeasuredTime? { isRecording ? MonotonicClock.now : nil }

  /// Keeps what began at `begin` and ends now.
  mutating func add(_ kind: MeasuredActivity.Kind, since begin: MeasuredTime?) {
    guard let begin, room > 0 else { return }
    room -= 1
    activities.append(MeasuredActivity(kind, begin: begin, end: MonotonicClock.now))
  }

  /// What was kept since it was last asked.
  mutating func take() -> [MeasuredActivity] {
    defer { activities = [] }
    return activities
  }
}
