import Messaging
import Quantities
import Runtime
import Synchronization
import ZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A node's second thread: it speaks with the coordinator while the data path computes.
///
/// What is to be done, `NodeControl` decides; here are the sockets, the clock and the abort flag.
final class ControlThread: Sendable {
  /// How often the clock is looked at: often enough for a heartbeat to be on time.
  private static let pause = Duration.nanoseconds(Liveness.heartbeat / 4)

  /// Where the data path's socket connects.
  static let endpoint = Endpoint.inproc("control")

  private let context: Context
  private let coordinator: Endpoint
  private let identity: RoutingID
  private let limits: NodeControl.Limits
  private let abortFlag: AbortFlag
  private let keys: NodeKeys?
  private let admission: Admission
  private let lostCoordinator = Atomic(false)

  /// Whether the thread has given its coordinator up. Known once it has ended.
  var hasLostCoordinator: Bool { lostCoordinator.load(ordering: .acquiring) }

  /// - Parameters:
  ///   - identity: The node's name on the control socket, which it keeps when its connection is made anew.
  ///   - keys: Its keys in a secured cluster; it then answers for who may connect to the data sockets.
  init(
    context: Context, coordinator: Endpoint, identity: RoutingID, limits: NodeControl.Limits,
    abortFlag: AbortFlag, keys: NodeKeys?, admission: Admission
  ) {
    self.keys = keys
    self.admission = admission
    self.context = context
    self.coordinator = coordinator
    self.identity = identity
    self.limits = limits
    self.abortFlag = abortFlag
  }

  /// Starts the thread. It ends when the data path sends an empty frame, or the coordinator is lost.
  ///
  /// Throws `ZeroMQError` when a socket cannot be made.
  func start() throws(ZeroMQError) -> pthread_t {
    // Before any socket that it guards.
    let authenticator = keys == nil ? nil : try Authenticator(in: context)
    var data = try Socket<Pair>(in: context)
    try data.bind(Self.endpoint)
    var dealer = try Socket<Dealer>(
      in: context, routingID: identity,
      options: SocketOptions {
        $0.maximumMessageSize = ControlLimits.largestFrame
        $0.reconnectInterval = .milliseconds(50)
        if let keys { $0.security = .curveClient(keys.own, server: keys.coordinator) }
      })
    let monitor = try Monitor(dealer)
    try dealer.connect(coordinator)
    let thread = Body(
      owner: self, data: data, dealer: dealer, monitor: monitor, authenticator: authenticator)
    var handle = pthread_t()
    let status = pthread_create(
      &handle, nil,
      { pointer in
        Unmanaged<Body>.fromOpaque(pointer!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(thread).toOpaque())
    precondition(status == 0, "pthread_create: \(status)")
    return handle
  }

  /// The thread's own state: handed over once, when it starts.
  private final class Body {
    let owner: ControlThread
    var control: NodeControl
    var data: Socket<Pair>
    var dealer: Socket<Dealer>
    var monitor: Monitor
    var authenticator: Authenticator?

    init(
      owner: ControlThread, data: consuming Socket<Pair>, dealer: consuming Socket<Dealer>,
      monitor: consuming Monitor, authenticator: consuming Authenticator?
    ) {
      self.monitor = monitor
      self.authenticator = authenticator
      self.owner = owner
      control = NodeControl(
        coordinator: owner.coordinator.rawValue, limits: owner.limits, now: MonotonicClock.now)
      self.data = data
      self.dealer = dealer
    }

    func run() {
      do {
        try forward()
      } catch {
        giveUp("the control connection failed: \(error)")
      }
    }

    /// Takes what the data path still says, until it says that it ends: a PAIR without its peer would
    /// make it wait for ever.
    private func drain() {
      while let parts = try? data.receiveParts(), !parts.joined().isEmpty {}
    }

    private func forward() throws(ZeroMQError) {
      var poller = Poller()
      let fromCoordinator = poller.add(dealer, for: .readable)
      let fromData = poller.add(data, for: .readable)
      if authenticator != nil { _ = poller.add(authenticator!, for: .readable) }
      var goesOn = true
      while goesOn {
        poller.change(fromData, to: control.takesData ? .readable : [])
        _ = try poller.wait(.after(ControlThread.pause))
        if authenticator != nil { try owner.admission.answer(&authenticator!) }
        let hasEnded = try connectionHasEnded()
        if poller[fromCoordinator].contains(.readable) {
          while let frame = try dealer.nextFrame() { try take(.fromCoordinator(frame), &goesOn) }
        }
        // Behind what came over it.
        if hasEnded { try take(.disconnected, &goesOn) }
        if poller[fromData].contains(.readable) {
          while goesOn, control.takesData, let frame = try data.nextFrame() {
            try take(.fromData(frame), &goesOn)
          }
        }
        if goesOn { try take(.tick, &goesOn) }
      }
    }

    private func connectionHasEnded() throws(ZeroMQError) -> Bool {
      var hasEnded = false
      do {
        while true {
          if case .disconnected = try monitor.receive(.dontWait).kind { hasEnded = true }
        }
      } catch  where error.code == .again {
        return hasEnded
      }
    }

    private func take(_ event: NodeControl.Event, _ goesOn: inout Bool) throws(ZeroMQError) {
      for action in control.handle(event, now: MonotonicClock.now) {
        switch action {
        case .send(let frame):
          guard try !send(frame) else { continue }
          try take(.noRoom(frame), &goesOn)
        case .offer(let frame): _ = try send(frame)
        case .hand(let frame): try data.send(frame)
        case .raise: owner.abortFlag.raise()
        case .giveUp(let reason):
          giveUp(reason)
          goesOn = false
        case .end: goesOn = false
        }
      }
    }

    /// Sends without waiting, since a socket whose connection was refused has no queue at all, and waiting for one
    /// would be for ever. Returns whether there was room.
    private func send(_ frame: [UInt8]) throws(ZeroMQError) -> Bool {
      do {
        try dealer.send(frame, .dontWait)
        return true
      } catch  where error.code == .again {
        return false
      }
    }

    /// Tells the data path that the run is over.
    private func giveUp(_ reason: String) {
      owner.lostCoordinator.store(true, ordering: .releasing)
      // The data path may be far behind; the flag reaches it all the same.
      try? data.send(ControlMessage.abort(reason).encoded(), .dontWait)
      owner.abortFlag.raise()
      drain()
    }
  }
}

/// Bounds of the control connection.
public enum ControlLimits {
  /// Largest control frame: a window report with the logits of a large vocabulary for a batch of 64
  /// (128,256 × 4 bytes × 64 = 33 MB), doubled.
  public static let largestFrame = 64 << 20
}

extension Socket where Kind: ReceivingKind {
  /// The next frame, copied; `nil` when none waits. Control frames have one part; more are joined to the
  /// first frame's end and so found unreadable.
  mutating func nextFrame() throws(ZeroMQError) -> [UInt8]? {
    do {
      return Array(try receiveParts(.dontWait).joined())
    } catch  where error.code == .again {
      return nil
    }
  }
}
