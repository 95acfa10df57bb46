/// Decides which peers may connect to the sockets of a context (ZAP, ZeroMQ RFC 27).
///
/// libzmq asks it during a handshake: about every peer of a CURVE server, and about plain peers of
/// sockets that have an ``SocketOptions/authenticationDomain``. Run it in a thread of its own, or watch
/// it with a ``Poller``; handshakes wait meanwhile. Make it before the sockets it is to guard: while
/// there is none, libzmq accepts everyone who knows a CURVE server's key.
public struct Authenticator: ~Copyable, Pollable {
  /// How a peer says who it is.
  public enum Credentials: Hashable, Sendable {
    /// Not at all.
    case none
    /// By a key of which it has proved to hold the secret half.
    case curve(CurvePublicKey)
    /// By a mechanism that this binding does not read.
    case other(mechanism: String)
  }

  /// A peer that wants to connect.
  public struct Request: Hashable, Sendable {
    /// The domain of the socket it connects to; empty when that has none.
    public let domain: String
    /// The peer's network address, without port.
    public let address: String
    /// How the peer says who it is.
    public let credentials: Credentials
  }

  /// What becomes of a peer.
  public enum Decision: Hashable, Sendable {
    /// It may connect, and its messages carry `userID` as ``Message/metadata(_:)`` `User-Id`.
    case accept(userID: String)
    /// It may not, for a reason that is kept on this side.
    case refuse(reason: String)
  }

  /// libzmq looks for the authenticator of a context at this endpoint.
  private static let endpoint: Endpoint = "inproc://zeromq.zap.01"
  private static let version = Array("1.0".utf8)

  private var socket: Socket<Rep>

  /// The authenticator of `context`, of which there can be one.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/addressInUse`` when there is one already.
  public init(in context: Context) throws(ZeroMQError) {
    var socket = try Socket<Rep>(in: context, options: SocketOptions { $0.linger = .immediate })
    try socket.bind(Self.endpoint)
    self.socket = socket
  }

  /// What pollers know of this authenticator.
  public var handle: SocketHandle { socket.handle }

  /// Waits for a peer that wants to connect, and answers for `decide`.
  ///
  /// A question that is not in the protocol's form is answered with a refusal.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``, or ``ZeroMQError/Code/again``
  ///   when `flags` say not to wait.
  public mutating func answer(
    _ flags: ReceiveFlags = [], decide: (Request) -> Decision
  ) throws(ZeroMQError) {
    let parts = try socket.receiveParts(flags)
    let id = parts.count > 1 ? parts[1] : []
    let (status, text, userID) =
      switch Request(parts).map(decide) {
      case .accept(let userID): ("200", "OK", userID)
      case .refuse(let reason): ("400", reason, "")
      case nil: ("500", "malformed request", "")
      }
    try socket.send(
      parts: [Self.version, id, Array(status.utf8), Array(text.utf8), Array(userID.utf8), []])
  }
}

extension Authenticator.Request {
  /// Parts: version, request id, domain, address, routing id, mechanism, credentials.
  fileprivate init?(_ parts: [[UInt8]]) {
    guard parts.count >= 6, parts[0] == Array("1.0".utf8) else { return nil }
    domain = String(decoding: parts[2], as: UTF8.self)
    address = String(decoding: parts[3], as: UTF8.self)
    switch String(decoding: parts[5], as: UTF8.self) {
    case "NULL": credentials = .none
    case "CURVE":
      guard parts.count == 7, let key = CurvePublicKey(bytes: parts[6]) else { return nil }
      credentials = .curve(key)
    case let mechanism: credentials = .other(mechanism: mechanism)
    }
  }
}
