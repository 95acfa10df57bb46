import CZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A call to libzmq that failed: which call, on which endpoint, and why.
public struct ZeroMQError: Error, Hashable, Sendable {
  /// Why: the `errno` of the call.
  public let code: Code
  /// The call, as in `zmq_bind` or `zmq_setsockopt(ZMQ_LINGER)`.
  public let call: String
  /// The endpoint the call named, or else the one the socket was last bound or connected to.
  public let endpoint: Endpoint?
  /// What this binding knows beyond `code`, such as the sizes of a message that did not fit.
  public let detail: String?

  init(_ code: Code, in call: String, endpoint: Endpoint? = nil, detail: String? = nil) {
    (self.code, self.call, self.endpoint, self.detail) = (code, call, endpoint, detail)
  }

  /// Reads the error that the last libzmq call of this thread left behind. Kept out of line, so that
  /// calls that succeed do not carry its weight.
  @inline(never)
  static func last(in call: String, endpoint: Endpoint? = nil) -> Self {
    Self(Code(rawValue: zmq_errno()), in: call, endpoint: endpoint)
  }
}

extension ZeroMQError {
  /// An `errno`, by name where this binding knows one.
  ///
  /// A struct rather than an enum, since libzmq passes on whatever the operating system says.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The `errno` itself.
    public let rawValue: CInt

    /// The code of an `errno`.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// libzmq's own words for it.
    public var description: String { String(cString: zmq_strerror(rawValue)) }

    /// Nothing to receive, or no room to send, within the time allowed (`EAGAIN`).
    public static let again = Self(rawValue: EAGAIN)
    /// Another socket is bound to the endpoint (`EADDRINUSE`).
    public static let addressInUse = Self(rawValue: EADDRINUSE)
    /// The endpoint names no interface of this host (`EADDRNOTAVAIL`).
    public static let addressNotAvailable = Self(rawValue: EADDRNOTAVAIL)
    /// The context was shut down or terminated (`ETERM`).
    public static let terminated = Self(rawValue: zmqTerminated)
    /// A ROUTER knows no peer of that routing id (`EHOSTUNREACH`).
    public static let hostUnreachable = Self(rawValue: EHOSTUNREACH)
    /// The handle is no open socket (`ENOTSOCK`).
    public static let notASocket = Self(rawValue: ENOTSOCK)
    /// A signal arrived (`EINTR`). This binding repeats such calls, so it is rarely seen.
    public static let interrupted = Self(rawValue: EINTR)
    /// A value the call does not take, such as a malformed endpoint (`EINVAL`).
    public static let invalidArgument = Self(rawValue: EINVAL)
    /// The call does not fit the state of a REQ or REP conversation (`EFSM`).
    public static let wrongState = Self(rawValue: zmqWrongState)
    /// The transport does not go with the socket kind (`ENOCOMPATPROTO`).
    public static let incompatibleProtocol = Self(rawValue: zmqIncompatibleProtocol)
    /// The transport is not known to this libzmq (`EPROTONOSUPPORT`).
    public static let protocolNotSupported = Self(rawValue: EPROTONOSUPPORT)
    /// The feature is not in this libzmq (`ENOTSUP`).
    public static let notSupported = Self(rawValue: ENOTSUP)
    /// A message does not fit the buffer or bound it was received into (`EMSGSIZE`).
    public static let messageTooLong = Self(rawValue: EMSGSIZE)
    /// The context has as many sockets as it may, or the process as many files (`EMFILE`).
    public static let tooManySockets = Self(rawValue: EMFILE)
    /// There is no memory left for a message (`ENOMEM`).
    public static let outOfMemory = Self(rawValue: ENOMEM)
    /// The path of an `ipc` endpoint does not exist, or the socket was never bound or connected to
    /// the endpoint it should leave (`ENOENT`).
    public static let notFound = Self(rawValue: ENOENT)
    /// The operating system forbids it, as with a TCP port below 1024 (`EACCES`).
    public static let permissionDenied = Self(rawValue: EACCES)
    /// What arrived does not follow the protocol it should follow (`EPROTO`).
    public static let protocolError = Self(rawValue: EPROTO)
  }
}

extension ZeroMQError: CustomStringConvertible {
  /// As in `zmq_bind on tcp://127.0.0.1:5555: Address already in use (errno 98); …`.
  public var description: String {
    var text = call
    if let endpoint { text += " on \(endpoint)" }
    text += ": \(code) (errno \(code.rawValue))"
    if let detail { text += "; \(detail)" }
    if let advice { text += "; \(advice)" }
    return text
  }

  /// What would be right, where that can be said without knowing the program.
  private var advice: String? {
    switch code {
    case .addressInUse: "bind to port 0 for any free port, or stop the process that holds this one"
    case .addressNotAvailable: "bind to an address of this host, or to * for all of them"
    case .hostUnreachable: "the peer has not connected yet, or has gone"
    case .wrongState: "a REQ sends then receives, a REP receives then sends, in turn"
    case .tooManySockets: "raise maximumSockets of the context, or the limit of open files"
    default: nil
    }
  }
}
