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

  /// - Parameter identity: The node's name on the control socket, which it keeps when its connection is
  ///   made anew.
  init(
    context: Context, coordinator: Endpoint, identity: RoutingID, limits: Limits,
    abortFlag: AbortFlag
  ) {
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
    var data = try Socket<Pair>(in: context)
    try data.bind(Self.endpoint)
    var dealer = try Socket<Dealer>(
      in: context, routingID: identity,
      options: SocketOptions {
        $0.maximumMessageSize = ControlLimits.largestFrame
        $0.reconnectInterval = .milliseconds(50)
      })
    try dealer.connect(coordinator)
    let thread = Body(owner: self, data: data, dealer: dealer)
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

    init(owner: ControlThread, data: consuming Socket<Pair>, dealer: consuming Socket<Dealer>) {
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
      while true {
        _ = try poller.wait(.after(ControlThread.heartbeat / 4))
        let now = ContinuousClock.now
        if poller[fromCoordinator].contains(.readable) {
          lastHeard = now
          try takeFromCoordinator()
        }
        if poller[fromData].contains(.readable) {
          while let frame = try data.nextFrame() {
            guard !frame.isEmpty else { return }
            try dealer.send(frame)
            lastSpoken = now
          }
        }
        if now - lastSpoken >= ControlThread.heartbeat {
          lastSpoken = now
          try dealer.send(ControlMessage.alive.encoded())
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

    private func takeFromCoordinator() throws(ZeroMQError) {
      while let frame = try dealer.nextFrame() {
        // What cannot be read is the data path's to report.
        let kind = frame.withUnsafeBytes { ControlMessage.kind(of: $0) }
        if kind == .alive { continue }
        if kind == .ping, case .success(.ping(let sent)) = ControlMessage.reading(frame) {
          let answer = ControlMessage.pong(sent: sent, node: MonotonicClock.now)
          try dealer.send(answer.encoded())
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
