import Messaging
import Quantities

/// A node's side of the control connection, as a value: events in, actions out.
///
/// It stands between the coordinator and the data path, which is busy for seconds at a time. It passes frames on
/// both ways, says once a second that the node is there, answers pings, and raises the abort flag when the
/// coordinator says so or falls silent. So a long kernel does not look dead, and a node never outlives its
/// coordinator by more than the limit.
///
/// ```
/// waiting   the data path has said hello: said again with every heartbeat, since it may be lost
///           assigned                          ▶ serving
/// serving   words of the run are counted both ways
///           the data path says hello          ▶ waiting
///           the coordinator says again        ▶ leaving
/// leaving   what the data path still says of the run that is over is dropped
///           the data path says hello          ▶ waiting, or serving where the next assignment is there already
/// any       refused, aborted, dismissed       ▶ leaving
/// any       the data path ends; the coordinator is silent, or its connection has ended and is not made anew  ▶ ended
/// ```
public struct NodeControl: Sendable {
  /// Waits of a node for its coordinator, in nanoseconds.
  public struct Limits: Hashable, Sendable {
    /// Until it is first heard: they may start in any order.
    public var registration: Int64
    /// Silence after that.
    public var silence: Int64

    /// Takes each field as it is.
    public init(registration: Int64, silence: Int64) {
      self.registration = registration
      self.silence = silence
    }
  }

  /// What happens to it.
  public enum Event {
    case fromCoordinator([UInt8])
    /// An empty frame ends it. None may come while `takesData` is false.
    case fromData([UInt8])
    /// A frame of the data path that was to be sent found no room. It waits, and what follows behind it.
    case noRoom([UInt8])
    /// The connection to the coordinator has ended.
    case disconnected
    /// Time has passed.
    case tick
  }

  /// What the shell must do.
  public enum Action {
    /// Send to the coordinator; `noRoom` must tell when that cannot be done without waiting.
    case send([UInt8])
    /// Send to the coordinator if there is room: the next heartbeat says the same.
    case offer([UInt8])
    /// Hand to the data path.
    case hand([UInt8])
    /// Raise the abort flag.
    case raise
    /// Tell the data path that the run is over, raise the flag, and wait for the data path to end.
    case giveUp(String)
    /// The data path has ended, and everything is sent.
    case end
  }

  /// Where it is.
  public enum State: Hashable, Sendable {
    /// With the hello; `nil` until the data path has said the first.
    case waiting([UInt8]?)
    case serving
    case leaving(isAssigned: Bool)
    case ended
  }

  /// Where it is.
  public private(set) var state = State.waiting(nil)
  /// The run that the node was last assigned to, and its words from and to the coordinator.
  public private(set) var run: UInt64 = 0
  private var heard = 0
  private var said = 0
  private var unsent: [UInt8]?
  private let coordinator: String
  private let limits: Limits
  private let began: MeasuredTime
  private var lastHeard: MeasuredTime?
  /// When the connection ended, where nothing was heard since.
  private var disconnected: MeasuredTime?
  private var lastSpoken: MeasuredTime

  /// - Parameter coordinator: Its address, for people.
  public init(coordinator: String, limits: Limits, now: MeasuredTime) {
    self.coordinator = coordinator
    self.limits = limits
    began = now
    lastSpoken = now
  }

  /// Whether frames of the data path are taken: not while one waits for room.
  public var takesData: Bool { unsent == nil }

  /// Takes an event and says what to do.
  public mutating func handle(_ event: Event, now: MeasuredTime) -> [Action] {
    guard state != .ended else { return [] }
    switch event {
    case .fromCoordinator(let frame):
      lastHeard = now
      disconnected = nil
      return take(frame, now)
    case .fromData(let frame): return pass(frame, now)
    case .noRoom(let frame):
      unsent = frame
      count(frame, by: -1)
      return []
    case .disconnected:
      disconnected = disconnected ?? now
      return []
    case .tick: return tick(now)
    }
  }

  private mutating func take(_ frame: [UInt8], _ now: MeasuredTime) -> [Action] {
    let kind = Self.kind(of: frame)
    if kind == .alive { return [] }
    if kind == .ping, case .success(.ping(let ping)) = ControlMessage.reading(frame) {
      let pong = ControlMessage.Pong(ping: ping, node: now, run: run, heard: heard, said: said)
      return [.offer(ControlMessage.pong(pong).encoded())]
    }
    if kind == .assign, case .success(.assign(let assignment)) = ControlMessage.reading(frame) {
      run = assignment.run
      (heard, said) = (0, 0)
      if case .leaving = state { state = .leaving(isAssigned: true) } else { state = .serving }
    }
    // What cannot be read is the data path's to report.
    if kind?.isCounted == true { heard += 1 }
    switch kind {
    // First the words, then the flag: who sees the flag finds the reason.
    case .abort:
      leave()
      return [.hand(frame), .raise]
    case .again:
      // Who waits already is past the run.
      if state == .serving { leave() }
      return [.hand(frame), .raise]
    case .refuse, .dismiss:
      leave()
      return [.hand(frame)]
    default: return [.hand(frame)]
    }
  }

  private mutating func leave() {
    state = .leaving(isAssigned: false)
    if let frame = unsent, isOver(frame) { unsent = nil }
  }

  /// Whether a frame of the data path belongs to a run that is over. A hello does not, and a node that ends
  /// says so in any case.
  private func isOver(_ frame: [UInt8]) -> Bool {
    guard case .leaving = state else { return false }
    let kind = Self.kind(of: frame)
    return kind != .hello && kind != .failed
  }

  private mutating func pass(_ frame: [UInt8], _ now: MeasuredTime) -> [Action] {
    precondition(takesData, "a frame of the data path came while one waits")
    guard !frame.isEmpty else {
      state = .ended
      return [.end]
    }
    guard !isOver(frame) else { return [] }
    if Self.kind(of: frame) == .hello {
      state = state == .leaving(isAssigned: true) ? .serving : .waiting(frame)
    }
    return send(frame, now)
  }

  private mutating func tick(_ now: MeasuredTime) -> [Action] {
    if let reason = loss(now) {
      state = .ended
      return [.giveUp(reason)]
    }
    if let frame = unsent {
      unsent = nil
      return send(frame, now)
    }
    guard (now - lastSpoken).nanoseconds >= Liveness.heartbeat else { return [] }
    lastSpoken = now
    if case .waiting(.some(let hello)) = state { return [.offer(hello)] }
    return [.offer(ControlMessage.alive.encoded())]
  }

  /// Why the coordinator is given up; `nil` while it is not.
  private func loss(_ now: MeasuredTime) -> String? {
    guard let lastHeard else {
      guard (now - began).nanoseconds > limits.registration else { return nil }
      return "no coordinator answers at \(coordinator) for "
        + "\(Duration.nanoseconds(limits.registration)); is it running, and reachable from this host?"
    }
    if let disconnected, Liveness.isGone(since: disconnected, limit: limits.silence, now: now) {
      return "the connection to the coordinator at \(coordinator) has ended, and it is not there "
        + "again after \(Duration.nanoseconds(min(limits.silence, Liveness.reconnectionLimit)))"
    }
    guard (now - lastHeard).nanoseconds > limits.silence else { return nil }
    return "the coordinator at \(coordinator) has been silent for "
      + "\(Duration.nanoseconds(limits.silence))"
  }

  private mutating func send(_ frame: [UInt8], _ now: MeasuredTime) -> [Action] {
    lastSpoken = now
    count(frame, by: 1)
    return [.send(frame)]
  }

  private mutating func count(_ frame: [UInt8], by step: Int) {
    if Self.kind(of: frame)?.isCounted == true { said += step }
  }

  private static func kind(of frame: [UInt8]) -> ControlMessage.Kind? {
    frame.withUnsafeBytes { ControlMessage.kind(of: $0) }
  }
}
