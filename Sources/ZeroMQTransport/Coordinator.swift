import Messaging
import Programs
import Quantities
import Runtime
import ZeroMQ

/// The coordinator's control socket and the loop around a `ClusterSession`.
///
/// The session decides; this sends, receives, compiles the next window when it is asked for, and looks
/// at the clock. It blocks its thread until the run has ended.
///
/// `@unchecked Sendable`: it is opened on one thread, so that its address is known before nodes start,
/// and then used on one other.
public final class Coordinator: @unchecked Sendable {
  private var router: Socket<Router>
  /// Where nodes reach it.
  public let endpoint: String

  /// Opens the control socket at `address`, such as `tcp://127.0.0.1:*`.
  ///
  /// Throws `RunError.coordinator` when it cannot be bound: the port is in use, or not this host's.
  public init(address: String) throws(RunError) {
    do {
      var options = SocketOptions()
      options.maximumMessageSize = ControlLimits.largestFrame
      router = try Socket<Router>(in: try Context(), options: options)
      endpoint = try router.bind(Endpoint(rawValue: address)).rawValue
    } catch {
      throw .coordinator(
        "the control socket cannot be opened: \(error). Give --coordinator an address of this host "
          + "that is free, or leave it out")
    }
  }

  /// What the loop needs of the rest of the coordinator.
  public struct Callbacks {
    /// Compiles, checks and evaluates the next window; `nil` ends the program.
    public var nextWindow: () throws -> Window?
    /// Sees every report; `false` ends the program after what has been handed out.
    public var observe: (WindowReport, Rank) -> Bool
    /// Node processes of this host that have ended since the last call.
    public var exits: () -> [(process: Int32, status: String)]
    /// A reason to give the run up, from outside: a signal.
    public var interruption: () -> String?
    /// Told when the phase changes.
    public var progress: (ClusterSession.Phase) -> Void

    /// Takes each field as it is.
    public init(
      nextWindow: @escaping () throws -> Window?,
      observe: @escaping (WindowReport, Rank) -> Bool = { _, _ in true },
      exits: @escaping () -> [(process: Int32, status: String)] = { [] },
      interruption: @escaping () -> String? = { nil },
      progress: @escaping (ClusterSession.Phase) -> Void = { _ in }
    ) {
      self.nextWindow = nextWindow
      self.observe = observe
      self.exits = exits
      self.interruption = interruption
      self.progress = progress
    }
  }

  /// How long the loop sleeps when nothing comes: the delay with which a dead process is seen.
  private static let pause = Duration.milliseconds(20)

  /// Runs a session to its end.
  ///
  /// Throws `RunError`: which rank, what it waited for, what to do.
  public func run(
    _ session: consuming ClusterSession, _ callbacks: Callbacks
  ) throws(RunError) -> ClusterSession.Outcome {
    var state = Loop(session: session, callbacks: callbacks)
    var poller = Poller()
    let readable = poller.add(router, for: .readable)
    var lastTick = MonotonicClock.now
    do {
      while true {
        _ = try poller.wait(.after(Self.pause))
        if poller[readable].contains(.readable) { try receive(&state) }
        for exit in callbacks.exits() {
          try perform(
            state.session.handle(
              .exited(process: exit.process, status: exit.status), now: MonotonicClock.now),
            &state)
        }
        if let reason = callbacks.interruption() {
          try perform(state.session.abort(reason), &state)
        }
        let now = MonotonicClock.now
        if now.nanoseconds - lastTick.nanoseconds > 1_000_000_000 {
          lastTick = now
          try perform(state.session.handle(.tick, now: now), &state)
        }
        if let outcome = state.outcome { return try outcome.get() }
      }
    } catch let error as RunError {
      throw error
    } catch {
      throw .coordinator("\(error)")
    }
  }

  private struct Loop {
    var session: ClusterSession
    let callbacks: Callbacks
    var hasBegun = false
    var outcome: Result<ClusterSession.Outcome, RunError>?
  }

  private func receive(_ state: inout Loop) throws {
    while state.outcome == nil, let (sender, frame) = try nextFrame() {
      let identity = NodeIdentity(sender.bytes)
      let event: ClusterSession.Event =
        switch ControlMessage.reading(frame) {
        case .success(let message): .message(message, from: identity)
        case .failure(let error): .unreadable(error, from: identity)
        }
      let phase = state.session.phase
      let actions = state.session.handle(event, now: MonotonicClock.now)
      if state.session.phase != phase { state.callbacks.progress(state.session.phase) }
      try perform(actions, &state)
      if case .message(.windowDone(let report), _) = event,
        let rank = state.session.rank(of: identity), !state.callbacks.observe(report, rank)
      {
        try perform(state.session.stop(), &state)
      }
    }
  }

  private func nextFrame() throws(ZeroMQError) -> (RoutingID, [UInt8])? {
    do {
      let (sender, parts) = try router.receiveParts(.dontWait)
      return (sender, Array(parts.joined()))
    } catch  where error.code == .again {
      return nil
    }
  }

  private func send(_ message: ControlMessage, to node: NodeIdentity) throws(ZeroMQError) {
    do {
      try router.send(message.encoded(), to: RoutingID(node.bytes))
    } catch  where error.code == .hostUnreachable {
      // The node has gone; its exit or its silence will say so.
    }
  }

  private func perform(
    _ actions: [ClusterSession.Action], _ state: inout Loop
  ) throws {
    var fedFirst = false
    for action in actions {
      switch action {
      case .send(let message, let node):
        try send(message, to: node)
      case .needWindow:
        guard let window = try state.callbacks.nextWindow() else {
          try perform(state.session.stop(), &state)
          continue
        }
        fedFirst = true
        try perform(state.session.feed(window), &state)
      case .ended(let outcome): state.outcome = outcome
      }
    }
    // All first windows lie at the nodes before the first instruction runs.
    if fedFirst, !state.hasBegun {
      state.hasBegun = true
      try perform(state.session.begin(), &state)
    }
  }
}
