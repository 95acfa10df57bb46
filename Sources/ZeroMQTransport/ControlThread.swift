import Messaging
import Quantities
import Runtime
import ZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A node's second thread: it speaks with the coordinator while the data path computes.
///
/// It forwards frames between the coordinator's socket and the data path's, says once a second that the
/// node is alive, and raises the abort flag when the coordinator says so or falls silent. So a long
/// kernel does not look dead, and a node never outlives its coordinator by more than the limit.
final class ControlThread: Sendable {
  /// How often either side says that it is there.
  static let heartbeat = Duration.seconds(1)

  /// Waits of a node for its coordinator.
  struct Limits: Sendable {
    /// Until it is first heard: they may start in any order.
    var registration: Duration
    /// Silence after that.
    var silence: Duration
  }

  /// Where the data path's socket connects.
  static let endpoint = Endpoint.inproc("control")

  private let context: Context
  private let coordinator: Endpoint
  private let identity: RoutingID
  private let limits: Limits
  private let abortFlag: AbortFlag
  private let keys: NodeKeys?
  private let admission: Admission

  /// - Parameters:
  ///   - identity: The node's name on the control socket, which it keeps when its connection is made anew.
  ///   - keys: Its keys in a secured cluster; it then answers for who may connect to the data sockets.
  init(
    context: Context, coordinator: Endpoint, identity: RoutingID, limits: Limits,
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
    try dealer.connect(coordinator)
    let thread = Body(owner: self, data: data, dealer: dealer, authenticator: authenticator)
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
    var data: Socket<Pair>
    var dealer: Socket<Dealer>
    var authenticator: Authenticator?

    init(
      owner: ControlThread, data: consuming Socket<Pair>, dealer: consuming Socket<Dealer>,
      authenticator: consuming Authenticator?
    ) {
      self.authenticator = authenticator
      self.owner = owner
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
      let start = ContinuousClock.now
      var lastHeard: ContinuousClock.Instant?
      var lastSpoken = start
      // What the coordinator's queue had no room for: what follows waits behind it.
      var unsent: [UInt8]?
      if authenticator != nil { _ = poller.add(authenticator!, for: .readable) }
      while true {
        _ = try poller.wait(.after(ControlThread.heartbeat / 4))
        if authenticator != nil { try owner.admission.answer(&authenticator!) }
        let now = ContinuousClock.now
        if poller[fromCoordinator].contains(.readable) {
          lastHeard = now
          try takeFromCoordinator()
        }
        if poller[fromData].contains(.readable), unsent == nil {
          while unsent == nil, let frame = try data.nextFrame() {
            guard !frame.isEmpty else { return }
            if try !send(frame) { unsent = frame }
            lastSpoken = now
          }
        }
        if let frame = unsent, try send(frame) { unsent = nil }
        poller.change(fromData, to: unsent == nil ? .readable : [])
        if now - lastSpoken >= ControlThread.heartbeat {
          lastSpoken = now
          _ = try send(ControlMessage.alive.encoded())
        }
        let limit = lastHeard == nil ? owner.limits.registration : owner.limits.silence
        if now - (lastHeard ?? start) > limit {
          return giveUp(
            lastHeard == nil
              ? "no coordinator answers at \(owner.coordinator) for \(limit); is it running, and "
                + "reachable from this host?"
              : "the coordinator at \(owner.coordinator) has been silent for \(limit)")
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

    private func takeFromCoordinator() throws(ZeroMQError) {
      while let frame = try dealer.nextFrame() {
        // What cannot be read is the data path's to report.
        let kind = frame.withUnsafeBytes { ControlMessage.kind(of: $0) }
        if kind == .alive { continue }
        if kind == .ping, case .success(.ping(let sent)) = ControlMessage.reading(frame) {
          let answer = ControlMessage.pong(sent: sent, node: MonotonicClock.now)
          _ = try send(answer.encoded())
          continue
        }
        // First the words, then the flag: who sees the flag finds the reason.
        try data.send(frame)
        if kind == .abort { owner.abortFlag.raise() }
      }
    }

    /// Tells the data path that the run is over.
    private func giveUp(_ reason: String) {
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
