import Quantities

/// Whether a node is there, as far as the coordinator can tell.
///
/// ```
/// alive     nothing heard for `suspicion`   ▶ suspect
/// suspect   anything heard                  ▶ alive
/// alive     nothing heard for the limit     ▶ lost    (the coordinator was stopped in between)
/// suspect   nothing heard for the limit     ▶ lost
/// lost      final: what it still says is not believed
/// ```
/// A node that is suspect keeps its rank; people are told. One that is lost has lost it. A process of the
/// coordinator's own host is known to be gone at once, whatever this says.
public struct Liveness: Hashable, Sendable {
  /// What is thought of the node.
  public enum State: Hashable, Sendable {
    case alive
    /// Silent since its last word, which was at that time.
    case suspect(since: MeasuredTime)
    case lost
  }

  /// What has become of it.
  public enum Change: Hashable, Sendable {
    /// It has been silent for so long, in nanoseconds.
    case suspected(silence: Int64)
    /// It speaks again, after so many nanoseconds.
    case returned(silence: Int64)
    /// It has been silent for longer than the limit.
    case lost(silence: Int64)
  }

  /// How often either side says that it is there, in nanoseconds. A heartbeat of 100 bytes a second is nothing to
  /// a network, and a second is short against the time that a run takes to begin again.
  public static let heartbeat: Int64 = 1_000_000_000
  /// Heartbeats that may be missed before a node is suspect: one may be late, and two on a loaded host.
  public static let missedHeartbeats: Int64 = 3

  /// When it was last heard.
  public private(set) var lastHeard: MeasuredTime
  /// What is thought of it.
  public private(set) var state = State.alive
  private let limit: Int64

  /// A node that was heard just now.
  ///
  /// - Parameter limit: Nanoseconds of silence after which it is lost.
  public init(limit: Int64, now: MeasuredTime) {
    self.limit = limit
    lastHeard = now
  }

  /// Silence after which a node is suspect, in nanoseconds: half the limit where that is short.
  public static func suspicion(limit: Int64) -> Int64 {
    min(missedHeartbeats * heartbeat, limit / 2)
  }

  /// It has said something.
  public mutating func heard(now: MeasuredTime) -> Change? {
    guard state != .lost else { return nil }
    let silence = (now - lastHeard).nanoseconds
    lastHeard = now
    guard state != .alive else { return nil }
    state = .alive
    return .returned(silence: silence)
  }

  /// Time has passed.
  public mutating func tick(now: MeasuredTime) -> Change? {
    guard state != .lost else { return nil }
    let silence = (now - lastHeard).nanoseconds
    if silence > limit {
      state = .lost
      return .lost(silence: silence)
    }
    guard state == .alive, silence > Self.suspicion(limit: limit) else { return nil }
    state = .suspect(since: lastHeard)
    return .suspected(silence: silence)
  }
}
