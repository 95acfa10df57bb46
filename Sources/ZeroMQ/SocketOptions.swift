/// How a socket behaves: bounds, waits, the life of its connections, and who may connect.
///
/// All of it is set before the first bind or connect, where libzmq takes every option.
public struct SocketOptions: Sendable {
  /// The most messages queued for one peer before sending waits (or loses, for PUB). libzmq's 0,
  /// without bound, is not offered. The kernel's buffers come on top.
  public var sendQueueLimit = 1000
  /// The most messages queued from one peer before its sender is held back.
  public var receiveQueueLimit = 1000
  /// How long a closed socket goes on delivering what it has queued. libzmq's own default is for ever,
  /// which makes a process hang whose peer is gone; hence a second.
  public var linger = Timeout.after(.seconds(1))
  /// How long a send waits for room before it throws ``ZeroMQError/Code/again``.
  public var sendTimeout = Timeout.never
  /// How long a receive waits for a message before it throws ``ZeroMQError/Code/again``.
  public var receiveTimeout = Timeout.never
  /// Queue only for peers whose connection is complete, so that a send waits for a peer instead of
  /// filling the queue of one that may never come.
  public var immediate = false
  /// Larger messages than this many bytes close the connection they come from; `nil` for no bound.
  public var maximumMessageSize: Int?

  /// Accept IPv6 addresses beside IPv4 ones.
  public var ipv6 = false
  /// When the kernel probes an idle TCP connection; `nil` leaves it to the system.
  public var keepAlive: KeepAlive?
  /// When libzmq probes an idle connection; `nil` for never.
  public var heartbeat: Heartbeat?
  /// How long a connection may take for libzmq's own handshake; `.immediate` and `.never` for no bound.
  public var handshakeTimeout = Timeout.after(.seconds(30))
  /// How long a TCP connect may take before it is tried anew; `.immediate` and `.never` for the system's
  /// bound.
  public var connectTimeout = Timeout.never
  /// The wait before a broken connection is tried again.
  public var reconnectInterval = Duration.milliseconds(100)
  /// The wait doubles up to this at each failure; `nil` keeps it constant.
  public var maximumReconnectInterval: Duration?
  /// Connections the kernel keeps until they are accepted. One that comes beyond is refused and tries
  /// again later.
  public var backlog = 100
  /// The kernel's buffer for a connection's outgoing bytes; `nil` leaves it to the system.
  public var kernelSendBuffer: Int?
  /// The kernel's buffer for a connection's incoming bytes; `nil` leaves it to the system.
  public var kernelReceiveBuffer: Int?

  /// Who may connect, and whether what is sent can be read on the way.
  public var security = Security.none
  /// The domain under which an ``Authenticator`` is asked about each peer that connects. `nil` asks
  /// none for plain connections; under CURVE an authenticator that exists is asked in any case.
  public var authenticationDomain: String?

  /// The defaults above.
  public init() {}

  /// The defaults above, but for what `change` sets.
  public init(_ change: (inout Self) -> Void) { change(&self) }
}

extension SocketOptions {
  /// TCP's own probes.
  public struct KeepAlive: Hashable, Sendable {
    /// How long a connection is idle before the first probe; `nil` leaves it to the system.
    public var idle: Duration?
    /// The time between probes; `nil` leaves it to the system.
    public var interval: Duration?
    /// The probes without answer after which the connection is broken; `nil` leaves it to the system.
    public var count: Int?

    /// Probes with these times, which the kernel keeps in whole seconds.
    public init(idle: Duration? = nil, interval: Duration? = nil, count: Int? = nil) {
      (self.idle, self.interval, self.count) = (idle, interval, count)
    }
  }

  /// Probes by libzmq itself (ZMTP 3.1 PING), which also find a peer that is stopped while its kernel
  /// still answers.
  public struct Heartbeat: Hashable, Sendable {
    /// The time between probes.
    public var interval: Duration
    /// How long an answer may take before the connection is broken.
    public var timeout: Duration
    /// What the peer is told: how long it may hear nothing before it breaks the connection; `nil` tells
    /// it nothing. libzmq keeps tenths of a second, and at most 6553 s.
    public var timeToLive: Duration?

    /// Probes each `interval`, answered within `timeout` (the interval unless given).
    public init(interval: Duration, timeout: Duration? = nil, timeToLive: Duration? = nil) {
      (self.interval, self.timeout, self.timeToLive) = (interval, timeout ?? interval, timeToLive)
    }
  }

  /// Who may connect, and whether what is sent can be read on the way.
  public enum Security: Sendable {
    /// Anyone, in the clear.
    case none
    /// Encrypted. Peers must know this socket's public key; an ``Authenticator`` decides on theirs, and
    /// without one all are accepted.
    case curveServer(CurveKeyPair)
    /// Encrypted, and only with the holder of the secret key that goes with `server`.
    case curveClient(CurveKeyPair, server: CurvePublicKey)
  }
}
