import Quantities

/// Whether a node is there, as far as the coordinator can tell.
///
/// ```
/// alive          nothing heard for `suspicion`               ▶ suspect
/// alive          nothing heard for the limit                 ▶ lost    (the coordinator was stopped in between)
/// suspect        nothing heard for the limit                 ▶ lost
/// alive          its connection ended                        ▶ disconnected
/// suspect        its connection ended                        ▶ disconnected
/// disconnected   nothing heard for `reconnectionLimit`       ▶ lost
/// suspect        anything heard                              ▶ alive
/// disconnected   anything heard, over a connection made anew ▶ alive
/// lost           final: what it still says is not believed
/// ```
/// A node that is suspect or disconnected keeps its rank; people are told. One that is lost has lost it. A process of
/// the coordinator's own host is known to be gone at once, whatever this says.
public struct Liveness: Hashable, Sendable {
  /// What is thought of the node.
  public enum State: Hashable, Sendable {
    case alive
    /// Silent since its last word, which was at that time.
    case suspect(since: MeasuredTime)
    /// Its connection ended at that time, and it has said nothing since.
    case disconnected(since: MeasuredTime)
    case lost
  }

  /// What has become of it.
  public enum Change: Hashable, Sendable {
    /// It has been silent for so long, in nanoseconds.
    case suspected(silence: Int64)
    /// Its connection has ended: its process has, or something on the way; it may connect again.
    case disconnected
    /// It speaks again, after so many nanoseconds.
    case returned(silence: Int64)
    /// It has been silent for so long, which is longer than it may be.
    case lost(silence: Int64, isDisconnected: Bool)
  }

  /// How often either side says that it is there, in nanoseconds. A heartbeat of 100 bytes a second is nothing to
  /// a network, and a second is short against the time that a run takes to begin again.
  public static let heartbeat: Int64 = 1_000_000_000
  /// Heartbeats that may be missed before a node is suspect: one may be late, and two on a loaded host.
  public static let missedHeartbeats: Int64 = 3
  /// How long a node whose connection has ended may take to connect again and speak, in nanoseconds. It tries
  /// every 50 ms and speaks with every heartbeat; five of them leave room for a loaded host.
  public static let reconnectionLimit: Int64 = 5 * heartbeat

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

  /// Its connection has ended, as its end was seen to do here.
  public mutating func disconnected(now: MeasuredTime) -> Change? {
    switch state {
    case .alive, .suspect:
      state = .disconnected(since: now)
      return .disconnected
    case .disconnected, .lost: return nil
    }
  }

  /// Whether it stays away for too long after its connection ended at `since`. The limit of silence holds too.
  static func isGone(since: MeasuredTime, limit: Int64, now: MeasuredTime) -> Bool {
    (now - since).nanoseconds > min(limit, reconnectionLimit)
  }

  /// Time has passed.
  public mutating func tick(now: MeasuredTime) -> Change? {
    guard state != .lost else { return nil }
    let silence = (now - lastHeard).nanoseconds
    if case .disconnected(let since) = state, Self.isGone(since: since, limit: limit, now: now) {
      state = .lost
      return .lost(silence: silence, isDisconnected: true)
    }
    if silence > limit {
      state = .lost
      return .lost(silence: silence, isDisconnected: false)
    }
    guard state == .alive, silence > Self.suspicion(limit: limit) else { return nil }
    state = .suspect(since: lastHeard)
    return .suspected(silence: silence)
  }
}
