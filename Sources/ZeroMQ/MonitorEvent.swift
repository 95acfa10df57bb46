import CZeroMQ

/// Something that happened to a connection of a monitored socket.
public struct MonitorEvent: Hashable, Sendable {
  /// What happened, with the value that libzmq sends along.
  public enum Kind: Hashable, Sendable {
    /// A connect succeeded. CURVE and libzmq's own handshake come after it.
    case connected(fileDescriptor: CInt)
    /// A connect goes on in the background.
    case connectDelayed
    /// A connect failed, and is tried again after this wait.
    case connectRetried(after: Duration)
    /// Bound, and taking peers.
    case listening(fileDescriptor: CInt)
    /// Not bound.
    case bindFailed(ZeroMQError.Code)
    /// A peer's connect was taken. CURVE and libzmq's own handshake come after it.
    case accepted(fileDescriptor: CInt)
    /// A peer's connect was not taken.
    case acceptFailed(ZeroMQError.Code)
    /// This side closed a connection or stopped listening.
    case closed(fileDescriptor: CInt)
    /// Closing failed.
    case closeFailed(ZeroMQError.Code)
    /// A connection broke, or the other side closed it.
    case disconnected(fileDescriptor: CInt)
    /// No more events come: the socket was closed, or has another monitor.
    case stopped
    /// The handshake is done: messages can flow.
    case handshakeSucceeded
    /// The handshake failed in the operating system's hands.
    case handshakeFailed(ZeroMQError.Code)
    /// The handshake failed because of what the peer sent.
    case handshakeProtocolError(ProtocolError)
    /// The ``Authenticator`` refused the peer, with this status (300, 400 or 500).
    case authenticationFailed(status: Int)
    /// An event that this binding has no name for.
    case other(number: UInt16, value: UInt32)
  }

  /// What was wrong with what a peer sent, as a number of libzmq (`ZMQ_PROTOCOL_ERROR_…`).
  public struct ProtocolError: RawRepresentable, Hashable, Sendable {
    /// libzmq's number.
    public let rawValue: UInt32

    /// An error by libzmq's number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// One side speaks CURVE and the other does not.
    public static let mechanismMismatch = Self(
      rawValue: UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH))
    /// Something does not decrypt: the peer has another key than it should have.
    public static let cryptographic = Self(
      rawValue: UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC))
  }

  /// What happened.
  public let kind: Kind
  /// On which of the socket's endpoints; `nil` for ``Kind/stopped``.
  public let endpoint: Endpoint?
}

extension MonitorEvent {
  /// Reads the two parts of libzmq's message: a 16 bit number and a 32 bit value in this host's byte
  /// order, unaligned; then the endpoint. `nil` when it is too short.
  init?(header: borrowing Message, endpoint: [UInt8]) {
    let parsed = header.withUnsafeBytes { bytes -> (number: UInt16, value: UInt32)? in
      guard bytes.count >= 6 else { return nil }
      return (
        bytes.loadUnaligned(as: UInt16.self),
        bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
      )
    }
    guard let (number, value) = parsed else { return nil }
    kind = Kind(number: number, value: value)
    self.endpoint =
      endpoint.isEmpty ? nil : Endpoint(rawValue: String(decoding: endpoint, as: UTF8.self))
  }
}

extension MonitorEvent.Kind {
  init(number: UInt16, value: UInt32) {
    let signed = CInt(bitPattern: value)
    let code = ZeroMQError.Code(rawValue: signed)
    self =
      switch CInt(number) {
      case ZMQ_EVENT_CONNECTED: .connected(fileDescriptor: signed)
      case ZMQ_EVENT_CONNECT_DELAYED: .connectDelayed
      case ZMQ_EVENT_CONNECT_RETRIED: .connectRetried(after: .milliseconds(signed))
      case ZMQ_EVENT_LISTENING: .listening(fileDescriptor: signed)
      case ZMQ_EVENT_BIND_FAILED: .bindFailed(code)
      case ZMQ_EVENT_ACCEPTED: .accepted(fileDescriptor: signed)
      case ZMQ_EVENT_ACCEPT_FAILED: .acceptFailed(code)
      case ZMQ_EVENT_CLOSED: .closed(fileDescriptor: signed)
      case ZMQ_EVENT_CLOSE_FAILED: .closeFailed(code)
      case ZMQ_EVENT_DISCONNECTED: .disconnected(fileDescriptor: signed)
      case ZMQ_EVENT_MONITOR_STOPPED: .stopped
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .handshakeSucceeded
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .handshakeFailed(code)
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: .handshakeProtocolError(.init(rawValue: value))
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .authenticationFailed(status: Int(signed))
      default: .other(number: number, value: value)
      }
  }
}
