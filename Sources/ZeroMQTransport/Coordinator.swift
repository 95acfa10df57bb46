import Messaging
import Programs
import Quantities
import Runtime
import Synchronization
import ZeroMQ

/// The loop around a `ClusterSession`, and the control socket through which it speaks.
///
/// The session decides; this sends, receives, compiles the next window when it is asked for, and looks
/// at the clock. It outlives a run: nodes that others start wait in its `NodeRoll` between runs.
public final class Coordinator: Sendable {
  /// Where nodes reach it, as it was bound.
  public let endpoint: String
  private let desk: Desk
  /// Who has it may use the desk.
  private let lock = Mutex(())

  /// The socket and who waits at it.
  ///
  /// `@unchecked Sendable`: one thread at a time uses it, under the lock. A mutex that holds it cannot be held
  /// for a whole run, whose callbacks are the caller's.
  private final class Desk: @unchecked Sendable {
    let socket: ControlSocket
    var waiting = CoordinatorDesk()
    var lastTick = MonotonicClock.now
    var isClosed = false

    init(_ socket: ControlSocket) { self.socket = socket }
  }

  /// Opens the control socket at `address`, such as `tcp://127.0.0.1:*`.
  ///
  /// - Parameters:
  ///   - keys: Its own and those of nodes that may join; `nil` opens it to everyone who reaches it.
  ///   - refusal: Told now and then of those who were turned away: how many so far, and from where the last.
  ///
  /// Throws `RunError.coordinator` when it cannot be bound: the port is in use, or not this host's.
  public init(
    address: String, keys: CoordinatorKeys? = nil,
    refusal: @escaping @Sendable (Int, String) -> Void = { _, _ in }
  ) throws(RunError) {
    do {
      let socket = try ControlSocket(address: address, keys: keys, refusal: refusal)
      endpoint = socket.endpoint
      desk = Desk(socket)
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
    /// The next node process of this host that has ended; `nil` when there is none. One at a time, since the
    /// first may end a run, and the others are then the next one's to know.
    public var nextExit: () -> (process: Int32, status: String)?
    /// A reason to give the run up, from outside: a signal.
    public var interruption: () -> String?
    /// Told when the phase changes, and when a node registers: how many ranks have one.
    public var progress: (ClusterSession.Phase, _ registered: Int) -> Void
    /// Told of a node that is suspect or disconnected, or is back.
    public var noticed: (Rank, Liveness.Change) -> Void
    /// Gives nodes their weights.
    public var weights: WeightServer?

    /// Takes each field as it is.
    public init(
      nextWindow: @escaping () throws -> Window?,
      observe: @escaping (WindowReport, Rank) -> Bool = { _, _ in true },
      nextExit: @escaping () -> (process: Int32, status: String)? = { nil },
      interruption: @escaping () -> String? = { nil },
      progress: @escaping (ClusterSession.Phase, Int) -> Void = { _, _ in },
      noticed: @escaping (Rank, Liveness.Change) -> Void = { _, _ in },
      weights: WeightServer? = nil
    ) {
      self.nextWindow = nextWindow
      self.observe = observe
      self.nextExit = nextExit
      self.interruption = interruption
      self.progress = progress
      self.noticed = noticed
      self.weights = weights
    }
  }

  /// How long the loop sleeps when nothing comes: the delay with which a dead process is seen.
  private static let pause = Duration.milliseconds(20)
  /// How often either side says that it is there.
  private static let heartbeat = MeasuredTime(nanoseconds: Liveness.heartbeat)

  /// What a run needs, and when it has begun.
  public struct Plan: Sendable {
    /// One a rank.
    public var assignments: [Assignment]
    /// Windows of the program.
    public var windowCount: Int
    /// How long to wait for what.
    public var limits: ClusterSession.Limits
    /// Whether nodes stay for another run; else they leave when this one is done.
    public var keepsNodes: Bool
    /// Whether nodes stay when one of them is lost, so that it can be run again.
    public var keepsSurvivors: Bool

    /// Takes each field as it is.
    public init(
      assignments: [Assignment], windowCount: Int,
      limits: ClusterSession.Limits = ClusterSession.Limits(), keepsNodes: Bool = false,
      keepsSurvivors: Bool = false
    ) {
      self.keepsSurvivors = keepsSurvivors
      self.assignments = assignments
      self.windowCount = windowCount
      self.limits = limits
      self.keepsNodes = keepsNodes
    }
  }

  /// Runs a program on nodes to its end, and blocks its thread meanwhile.
  ///
  /// Throws `RunError`: which rank, what it waited for, what to do.
  public func run(
    _ plan: Plan, _ callbacks: Callbacks
  ) throws(RunError) -> ClusterSession.Outcome {
    let result = lock.withLock { _ in
      Result { () throws(RunError) in try Self.run(plan, callbacks, desk) }
    }
    return try result.get()
  }

  private static func run(
    _ plan: Plan, _ callbacks: Callbacks, _ desk: Desk
  ) throws(RunError) -> ClusterSession.Outcome {
    var state = Loop(
      session: desk.waiting.session(
        assignments: plan.assignments, windowCount: plan.windowCount, limits: plan.limits,
        keepsSurvivors: plan.keepsSurvivors, boot: HostIdentity.boot, now: MonotonicClock.now),
      callbacks: callbacks)
    do {
      let outcome = try execute(&state, desk)
      desk.waiting.end(state.session, isSuccess: true)
      if !plan.keepsNodes { dismissAll(desk) }
      return outcome
    } catch {
      desk.waiting.end(state.session, isSuccess: false)
      throw error
    }
  }

  private static func execute(
    _ state: inout Loop, _ desk: Desk
  ) throws(RunError) -> ClusterSession.Outcome {
    do {
      try loop(&state, desk)
    } catch let error as RunError {
      // What failed here, nodes are told.
      try? perform(state.session.abort("\(error)"), &state, desk)
      throw error
    } catch {
      try? perform(state.session.abort("\(error)"), &state, desk)
      throw .coordinator("\(error)")
    }
    return try state.outcome!.get()
  }

  private static func loop(_ state: inout Loop, _ desk: Desk) throws {
    var poller = Poller()
    let readable = desk.socket.add(to: &poller)
    // Who waits already may be enough.
    try perform(state.session.handle(.tick, now: MonotonicClock.now), &state, desk)
    while state.outcome == nil {
      _ = try poller.wait(.after(Self.pause))
      try desk.socket.admit()
      try desk.socket.noteEndedConnections()
      if poller[readable].contains(.readable) { try receive(&state, desk) }
      while state.outcome == nil, let exit = state.callbacks.nextExit() {
        try perform(
          state.session.handle(
            .exited(process: exit.process, status: exit.status), now: MonotonicClock.now),
          &state, desk)
      }
      for node in desk.socket.disconnected where state.outcome == nil {
        try perform(
          state.session.handle(.disconnected(node), now: MonotonicClock.now), &state, desk)
      }
      if let reason = state.callbacks.interruption() {
        try perform(state.session.abort(reason), &state, desk)
      }
      let now = MonotonicClock.now
      if now - desk.lastTick > Self.heartbeat {
        desk.lastTick = now
        desk.socket.tellRefusals()
        try perform(state.session.handle(.tick, now: now), &state, desk)
      }
    }
  }

  private struct Loop {
    var session: ClusterSession
    let callbacks: Callbacks
    var hasBegun = false
    var registered = 0
    var outcome: Result<ClusterSession.Outcome, RunError>?
  }

  private static func receive(_ state: inout Loop, _ desk: Desk) throws {
    while state.outcome == nil, let (identity, frame) = try desk.socket.nextFrame() {
      let event: ClusterSession.Event =
        switch ControlMessage.reading(frame) {
        case .success(let message): .message(message, from: identity)
        case .failure(let error): .unreadable(error, from: identity)
        }
      let phase = state.session.phase
      let actions = state.session.handle(event, now: MonotonicClock.now)
      let registered = state.session.registered.count
      if state.session.phase != phase || registered != state.registered {
        state.registered = registered
        state.callbacks.progress(state.session.phase, registered)
      }
      try perform(actions, &state, desk)
      if case .message(.windowDone(let report), _) = event,
        let rank = state.session.rank(of: identity), !state.callbacks.observe(report, rank)
      {
        try perform(state.session.stop(), &state, desk)
      }
    }
  }

  private static func perform(
    _ actions: [ClusterSession.Action], _ state: inout Loop, _ desk: Desk
  ) throws {
    var fedFirst = false
    for action in actions {
      switch action {
      case .send(let message, let node):
        try desk.socket.send(message, to: node)
      case .serve(let request, let node):
        guard let weights = state.callbacks.weights else {
          throw RunError.coordinator("a node asks for weights, and this run has none")
        }
        try desk.socket.send(.weights(try weights.answer(request, of: node)), to: node)
      case .needWindow:
        guard let window = try state.callbacks.nextWindow() else {
          try perform(state.session.stop(), &state, desk)
          continue
        }
        fedFirst = true
        try perform(state.session.feed(window), &state, desk)
      case .noticed(let rank, let change): state.callbacks.noticed(rank, change)
      case .ended(let outcome): state.outcome = outcome
      }
    }
    // All first windows lie at the nodes before the first instruction runs.
    if fedFirst, !state.hasBegun {
      state.hasBegun = true
      try perform(state.session.begin(), &state, desk)
    }
  }

  // MARK: Between runs

  /// Listens between runs, for at most a short while: nodes register, and hear that the coordinator is there.
  ///
  /// - Parameter silence: Nanoseconds after which a silent node is forgotten.
  /// - Returns: `false` once the coordinator is closed.
  ///
  /// Throws `ZeroMQError` when the socket fails.
  public func idle(
    silence: Int64 = ClusterSession.Limits().silence
  ) throws(ZeroMQError) -> Bool {
    let result = lock.withLockIfAvailable { _ in
      Result { () throws(ZeroMQError) in try Self.idle(silence, desk) }
    }
    // Another thread runs a program, which listens too.
    return try result?.get() ?? true
  }

  private static func idle(
    _ silence: Int64, _ desk: Desk
  ) throws(ZeroMQError) -> Bool {
    guard !desk.isClosed else { return false }
    try desk.socket.admit()
    try desk.socket.noteEndedConnections()
    while let (identity, frame) = try desk.socket.nextFrame() {
      guard case .success(let message) = ControlMessage.reading(frame) else { continue }
      let letters = desk.waiting.handle(
        message, from: identity, silence: silence, now: MonotonicClock.now)
      for letter in letters { try desk.socket.send(letter.message, to: letter.to) }
    }
    let now = MonotonicClock.now
    for node in desk.socket.disconnected { desk.waiting.disconnected(node, now: now) }
    if now - desk.lastTick > heartbeat {
      desk.lastTick = now
      desk.socket.tellRefusals()
      for letter in desk.waiting.tick(silence: silence, now: now) {
        try desk.socket.send(letter.message, to: letter.to)
      }
    }
    return true
  }

  /// Sends all nodes home, and takes no more.
  public func close() {
    lock.withLock { _ in
      guard !desk.isClosed else { return }
      desk.isClosed = true
      Self.dismissAll(desk)
    }
  }

  private static func dismissAll(_ desk: Desk) {
    // Who has said hello since the run ended is in the socket's queue.
    while let (identity, frame) = try? desk.socket.nextFrame() {
      guard case .success(.hello(let hello)) = ControlMessage.reading(frame) else { continue }
      let letters = desk.waiting.handle(
        .hello(hello), from: identity, silence: .max, now: MonotonicClock.now)
      for letter in letters { try? desk.socket.send(letter.message, to: letter.to) }
    }
    for letter in desk.waiting.dismissAll() { try? desk.socket.send(letter.message, to: letter.to) }
  }
}
