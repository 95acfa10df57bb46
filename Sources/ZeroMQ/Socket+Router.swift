import CZeroMQ

/// What a router does with a message for a peer it does not know, or whose queue is full.
///
/// libzmq loses such messages by default; this binding fails unless told otherwise.
public enum Unroutable: Sendable {
  /// Throws ``ZeroMQError/Code/hostUnreachable`` for the one, and waits for room for the other.
  case fail
  /// Loses the message.
  case drop
}

extension SocketHandle {
  func set(_ unroutable: Unroutable) throws(ZeroMQError) {
    try set(ZMQ_ROUTER_MANDATORY, unroutable == .fail ? 1 : 0, "ZMQ_ROUTER_MANDATORY")
  }
}

extension Socket where Kind == Router {
  /// Opens a router.
  ///
  /// - Parameters:
  ///   - routingID: what router peers know it as.
  ///   - unroutable: what to do with a message that cannot be sent to its peer.
  ///   - handover: whether a peer that connects under a routing id in use takes it over. Unless it does,
  ///     the newcomer is ignored, as after a crash that the old connection has not noticed.
  /// - Throws: as for other sockets.
  public init(
    in context: Context, routingID: RoutingID? = nil, unroutable: Unroutable = .fail,
    handover: Bool = false, options: SocketOptions = SocketOptions()
  ) throws(ZeroMQError) {
    let handle = try Self.open(in: context, options)
    if let routingID { try handle.set(ZMQ_ROUTING_ID, routingID.bytes, "ZMQ_ROUTING_ID") }
    try handle.set(unroutable)
    try handle.set(ZMQ_ROUTER_HANDOVER, handover ? 1 : 0, "ZMQ_ROUTER_HANDOVER")
    self.init(handle)
  }

  /// Sends a copy of `bytes` to `peer`. With ``SendFlags/more`` the message goes on with
  /// ``sendNext(_:_:)``.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/hostUnreachable`` when no such peer is connected,
  ///   ``ZeroMQError/Code/again`` when its queue has no room within ``SocketOptions/sendTimeout`` (both
  ///   with ``Unroutable/fail`` only), or ``ZeroMQError/Code/terminated``.
  public mutating func send(
    _ bytes: UnsafeRawBufferPointer, to peer: RoutingID, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try address(peer, flags)
    try sendPart(bytes, flags)
  }

  /// Sends a copy of `bytes` to `peer`.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(
    _ bytes: [UInt8], to peer: RoutingID, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try bytes.span.bytes.withUnsafeBytes { (bytes) throws(ZeroMQError) in
      try send(bytes, to: peer, flags)
    }
  }

  /// Sends `message` to `peer` without a copy, and leaves it empty; on an error it is as before.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(
    _ message: inout Message, to peer: RoutingID, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try address(peer, flags)
    try sendPart(&message, flags)
  }

  /// Sends a copy of `bytes` as the next part of the message that a send with ``SendFlags/more`` began.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``.
  public mutating func sendNext(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try sendPart(bytes, flags)
  }

  /// Sends copies of `parts` to `peer` as one message.
  ///
  /// - Precondition: there is a part.
  /// - Throws: as for a raw buffer.
  public mutating func send(
    parts: [[UInt8]], to peer: RoutingID, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    precondition(!parts.isEmpty, "a message without parts")
    try address(peer, flags)
    for (index, part) in parts.enumerated() {
      let flags = index < parts.count - 1 ? flags.union(.more) : flags
      try part.span.bytes.withUnsafeBytes { (bytes) throws(ZeroMQError) in
        try sendPart(bytes, flags)
      }
    }
  }

  /// Receives the first part of a message in place of what `message` held, and says from whom it is.
  ///
  /// Where ``hasMore`` then, the others follow by ``receiveNext(into:)``. A ``Req`` peer's first part is
  /// empty, and so must be that of the answer.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/again`` when none comes within
  ///   ``SocketOptions/receiveTimeout``, or ``ZeroMQError/Code/terminated``.
  public mutating func receive(
    into message: inout Message, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) -> RoutingID {
    let sender = try receiveSender(flags)
    try receivePart(into: &message, [])
    return sender
  }

  /// Receives the first part of a message into `buffer`, and says from whom and how large it is.
  ///
  /// - Throws: as for a message; and ``ZeroMQError/Code/messageTooLong`` when the part is larger than
  ///   `buffer`, which then holds its beginning. The rest is lost.
  public mutating func receive(
    into buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) -> (sender: RoutingID, byteCount: Int) {
    let sender = try receiveSender(flags)
    return (sender, try receivePart(into: buffer, []))
  }

  /// Receives the next part of the current message.
  ///
  /// - Precondition: ``hasMore``.
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``.
  public mutating func receiveNext(into message: inout Message) throws(ZeroMQError) {
    precondition(hasMore, "the message has no more parts")
    try receivePart(into: &message, [])
  }

  /// Whether the part received last is followed by others of its message.
  public var hasMore: Bool { partFollows }

  /// Receives and drops what is left of the current message.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``.
  public mutating func dropRemainingParts() throws(ZeroMQError) { try dropParts() }

  /// Receives a whole message and returns copies of its parts, and from whom it is.
  ///
  /// - Parameter maximum: the most parts it may have, since the sender decides how many come.
  /// - Throws: as for one part; and ``ZeroMQError/Code/messageTooLong`` when there are more parts. The
  ///   message is then lost.
  public mutating func receiveParts(
    atMost maximum: Int = 64, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) -> (sender: RoutingID, parts: [[UInt8]]) {
    let sender = try receiveSender(flags)
    return (sender, try collectParts(atMost: maximum, []))
  }

  /// Changes ``SocketOptions/sendTimeout``.
  public mutating func setSendTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try applySendTimeout(timeout)
  }

  /// Changes ``SocketOptions/receiveTimeout``.
  public mutating func setReceiveTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try applyReceiveTimeout(timeout)
  }

  /// The part that says to whom a message goes. libzmq looks for room here, so that what follows does
  /// not wait.
  private mutating func address(_ peer: RoutingID, _ flags: SendFlags) throws(ZeroMQError) {
    try peer.bytes.span.bytes.withUnsafeBytes { (bytes) throws(ZeroMQError) in
      try sendPart(bytes, flags.union(.more))
    }
  }

  /// The part that says from whom a message is.
  private mutating func receiveSender(_ flags: ReceiveFlags) throws(ZeroMQError) -> RoutingID {
    var sender = Message()
    try receivePart(into: &sender, flags)
    return RoutingID(sender.copyBytes())
  }
}
