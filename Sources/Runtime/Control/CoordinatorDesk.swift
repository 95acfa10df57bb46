import Messaging
import Quantities

/// Who waits at a coordinator, between its runs and from one to the next, as a value: words in, answers out.
///
/// ```
/// between runs   nodes say hello, hear that the coordinator is there, and are forgotten when silent
/// run begins     its session takes over who waits                     ▶ a run
/// a run ends     who waits comes back; who has served it is awaited   ▶ between runs
/// closing        all are dismissed                                    ▶ nobody waits
/// ```
public struct CoordinatorDesk: Sendable {
  /// An answer, and who is to have it.
  public typealias Letter = (message: ControlMessage, to: NodeIdentity)

  /// Nodes that wait, and those that are awaited.
  public private(set) var roll = NodeRoll()
  /// Processes that the next run misses.
  private var unreplaced: [ClusterSession.Ended] = []

  /// Nobody waits.
  public init() {}

  /// Begins a run with those who wait. The parameters are the session's.
  public func session(
    assignments: [Assignment], windowCount: Int, limits: ClusterSession.Limits,
    keepsSurvivors: Bool, boot: String, now: MeasuredTime
  ) -> ClusterSession {
    ClusterSession(
      assignments: assignments, windowCount: windowCount, limits: limits, roll: roll,
      unreplaced: unreplaced, keepsSurvivors: keepsSurvivors, boot: boot, now: now)
  }

  /// Takes over from a session that has ended, well or not.
  public mutating func end(_ session: ClusterSession, isSuccess: Bool) {
    roll = session.roll
    // A run that has ended well needs nobody any more.
    unreplaced = isSuccess ? [] : session.unreplaced
    for (identity, run) in isSuccess ? session.served : session.staying {
      roll.expect(identity, after: run)
    }
  }

  /// What a node says between runs.
  ///
  /// - Parameter silence: Nanoseconds after which a silent node is forgotten.
  public mutating func handle(
    _ message: ControlMessage, from identity: NodeIdentity, silence: Int64, now: MeasuredTime
  ) -> [Letter] {
    switch message {
    case .hello(let hello):
      guard !roll.isStale(hello, from: identity),
        let reason = roll.register(hello, from: identity, now: now)
      else { return [] }
      return [(.refuse(reason), identity)]
    case .status: return [(.members(roll.status(limit: silence, now: now)), identity)]
    case .failed:
      roll.remove(identity)
      return []
    default:
      roll.heard(identity, now: now)
      return []
    }
  }

  /// The connection of somebody who waits has ended.
  public mutating func disconnected(_ identity: NodeIdentity, now: MeasuredTime) {
    roll.disconnected(identity, now: now)
  }

  /// Time has passed between runs: forgets who is silent, and tells the others that the coordinator is there.
  public mutating func tick(silence: Int64, now: MeasuredTime) -> [Letter] {
    roll.dropSilent(silence, now: now)
    return roll.members.map { (.alive, $0.identity) }
  }

  /// Sends everyone home, who waits first.
  public mutating func dismissAll() -> [Letter] {
    defer { roll = NodeRoll() }
    let waiting = roll.members.map(\.identity)
    // In an order of its own: the same events must give the same actions.
    let others = Set(roll.awaited.keys).subtracting(waiting)
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    return (waiting + others).map { (.dismiss, $0) }
  }
}

/// Whether a program that was lost with one of its nodes is run again, and with whom.
public struct RestartPolicy: Sendable {
  /// Losses that a run survives. More than that on one run, and the cause is not chance.
  public static let mostRestarts = 16

  /// How often the program was run again.
  public private(set) var restarts = 0
  private let isOn: Bool

  /// What follows a failure.
  public enum Decision: Hashable, Sendable {
    case giveUp
    /// The program is run again. `gone` is a process that is only silent, and may still be there; whether
    /// another node is wanted in place of one that is lost.
    case again(gone: Int32?, replaces: Bool)
  }

  /// - Parameter isOn: Whether a program is run again at all.
  public init(isOn: Bool) { self.isOn = isOn }

  /// Whether nodes stay when one of them is lost now.
  public var keepsSurvivors: Bool { isOn && restarts < Self.mostRestarts }

  /// A run has failed.
  public mutating func failed(_ error: RunError) -> Decision {
    guard keepsSurvivors, error.isLoss else { return .giveUp }
    restarts += 1
    switch error {
    case .silent(_, let process, _, _), .disconnected(_, let process, _, _):
      return .again(gone: process, replaces: true)
    // All nodes are there; it was a word that was lost.
    case .miscounted: return .again(gone: nil, replaces: false)
    default: return .again(gone: nil, replaces: true)
    }
  }
}
