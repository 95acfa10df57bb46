extension Socket where Kind: SendingKind {
  /// Sends a copy of `bytes`, which the caller has back when this returns.
  ///
  /// With ``SendFlags/more`` the message goes on with the next send; nothing leaves until its last part.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/again`` when there is no room within
  ///   ``SocketOptions/sendTimeout``, ``ZeroMQError/Code/terminated``, or
  ///   ``ZeroMQError/Code/wrongState`` for a REQ or REP out of turn.
  public mutating func send(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try sendPart(bytes, flags)
  }

  /// Sends a copy of `bytes`, as in `send(array.span.bytes)`.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(_ bytes: RawSpan, _ flags: SendFlags = []) throws(ZeroMQError) {
    try bytes.withUnsafeBytes { (bytes) throws(ZeroMQError) in try sendPart(bytes, flags) }
  }

  /// Sends a copy of `bytes`.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(_ bytes: [UInt8], _ flags: SendFlags = []) throws(ZeroMQError) {
    try send(bytes.span.bytes, flags)
  }

  /// Sends the UTF-8 bytes of `text`.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(_ text: String, _ flags: SendFlags = []) throws(ZeroMQError) {
    try send(text.utf8.span.bytes, flags)
  }

  /// Sends `message` without a copy, and leaves it empty; on an error it is as before, to be sent again.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(
    _ message: inout Message, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try sendPart(&message, flags)
  }

  /// Sends `message` without a copy; on an error it is lost.
  ///
  /// - Throws: as for a raw buffer.
  public mutating func send(
    _ message: consuming Message, _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    try sendPart(&message, flags)
  }

  /// Sends copies of `parts` as one message.
  ///
  /// Only the first part waits for room: where it has some, so have the others.
  ///
  /// - Precondition: there is a part.
  /// - Throws: as for a raw buffer.
  public mutating func send(
    parts: [[UInt8]], _ flags: SendFlags = []
  ) throws(ZeroMQError) {
    precondition(!parts.isEmpty, "a message without parts")
    for part in parts.dropLast() { try send(part, flags.union(.more)) }
    try send(parts[parts.count - 1], flags)
  }

  /// Changes ``SocketOptions/sendTimeout``.
  public mutating func setSendTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try applySendTimeout(timeout)
  }
}
