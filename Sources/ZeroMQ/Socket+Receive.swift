extension Socket where Kind: ReceivingKind {
  /// Receives one part, without a copy.
  ///
  /// The parts of a message arrive together: once the first is here, the others do not wait.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/again`` when none comes within
  ///   ``SocketOptions/receiveTimeout``, ``ZeroMQError/Code/terminated``, or
  ///   ``ZeroMQError/Code/wrongState`` for a REQ or REP out of turn.
  public mutating func receive(_ flags: ReceiveFlags = []) throws(ZeroMQError) -> Message {
    var message = Message()
    try receivePart(into: &message, flags)
    return message
  }

  /// Receives one part in place of what `message` held. On an error it is as before.
  ///
  /// - Throws: as ``receive(_:)``.
  public mutating func receive(
    into message: inout Message, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) {
    try receivePart(into: &message, flags)
  }

  /// Receives one part into `buffer`, and returns its size.
  ///
  /// - Throws: as ``receive(_:)``; and ``ZeroMQError/Code/messageTooLong`` when the part is larger than
  ///   `buffer`, which then holds its beginning. The rest is lost.
  public mutating func receive(
    into buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) -> Int {
    try receivePart(into: buffer, flags)
  }

  /// Whether the part received last is followed by others of its message.
  public var hasMore: Bool { partFollows }

  /// Receives and drops what is left of the message whose last received part had more to follow.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``.
  public mutating func dropRemainingParts() throws(ZeroMQError) { try dropParts() }

  /// Receives a whole message and returns copies of its parts.
  ///
  /// - Parameter maximum: the most parts it may have, since the sender decides how many come.
  /// - Throws: as ``receive(_:)``; and ``ZeroMQError/Code/messageTooLong`` when there are more parts.
  ///   The message is then lost, and the next receive begins with the next one.
  public mutating func receiveParts(
    atMost maximum: Int = 64, _ flags: ReceiveFlags = []
  ) throws(ZeroMQError) -> [[UInt8]] {
    try collectParts(atMost: maximum, flags)
  }

  /// Changes ``SocketOptions/receiveTimeout``.
  public mutating func setReceiveTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try applyReceiveTimeout(timeout)
  }
}
