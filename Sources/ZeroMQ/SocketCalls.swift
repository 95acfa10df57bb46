import CZeroMQ

/// How to send one part.
public struct SendFlags: OptionSet, Sendable {
  /// libzmq's bits.
  public let rawValue: CInt

  /// Flags from libzmq's bits.
  public init(rawValue: CInt) { self.rawValue = rawValue }

  /// Throw ``ZeroMQError/Code/again`` rather than wait for room.
  public static let dontWait = Self(rawValue: ZMQ_DONTWAIT)
  /// Another part of the same message follows.
  public static let more = Self(rawValue: ZMQ_SNDMORE)
}

/// How to receive one part.
public struct ReceiveFlags: OptionSet, Sendable {
  /// libzmq's bits.
  public let rawValue: CInt

  /// Flags from libzmq's bits.
  public init(rawValue: CInt) { self.rawValue = rawValue }

  /// Throw ``ZeroMQError/Code/again`` rather than wait for a message.
  public static let dontWait = Self(rawValue: ZMQ_DONTWAIT)
}

/// The data path, shared by all kinds: one call to libzmq each, repeated when a signal interrupts it.
extension Socket {
  mutating func sendPart(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags
  ) throws(ZeroMQError) {
    while zmq_send(pointer, bytes.baseAddress, bytes.count, flags.rawValue) < 0 {
      try throwUnlessInterrupted("zmq_send")
    }
  }

  mutating func sendPart(_ message: inout Message, _ flags: SendFlags) throws(ZeroMQError) {
    try message.withStorage { (storage) throws(ZeroMQError) in
      while zmq_msg_send(storage, pointer, flags.rawValue) < 0 {
        try throwUnlessInterrupted("zmq_msg_send")
      }
    }
  }

  mutating func receivePart(
    into message: inout Message, _ flags: ReceiveFlags
  ) throws(ZeroMQError) {
    try message.withStorage { (storage) throws(ZeroMQError) in
      while zmq_msg_recv(storage, pointer, flags.rawValue) < 0 {
        try throwUnlessInterrupted("zmq_msg_recv")
      }
    }
  }

  mutating func receivePart(
    into buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags
  ) throws(ZeroMQError) -> Int {
    while true {
      let count = Int(zmq_recv(pointer, buffer.baseAddress, buffer.count, flags.rawValue))
      if count < 0 {
        try throwUnlessInterrupted("zmq_recv")
      } else if count > buffer.count {
        throw ZeroMQError(
          .messageTooLong, in: "zmq_recv", endpoint: lastEndpoint,
          detail: "a part of \(count) bytes was received into a buffer of \(buffer.count)")
      } else {
        return count
      }
    }
  }

  /// Whether the part received last is followed by others, which are then there to be received.
  var partFollows: Bool {
    var more: CInt = 0
    var size = MemoryLayout<CInt>.size
    // Fails only for a closed socket, and when the context has been shut down: nothing follows then.
    return zmq_getsockopt(pointer, ZMQ_RCVMORE, &more, &size) == 0 && more != 0
  }

  /// Receives and drops what is left of the current message.
  mutating func dropParts() throws(ZeroMQError) {
    var part = Message()
    while partFollows { try receivePart(into: &part, []) }
  }

  @inline(never)
  private func throwUnlessInterrupted(_ call: String) throws(ZeroMQError) {
    let error = ZeroMQError.last(in: call, endpoint: lastEndpoint)
    if error.code != .interrupted { throw error }
  }
}

extension Socket {
  /// Copies of the parts of the next message.
  mutating func collectParts(
    atMost maximum: Int, _ flags: ReceiveFlags
  ) throws(ZeroMQError) -> [[UInt8]] {
    var part = Message()
    try receivePart(into: &part, flags)
    var parts = [part.copyBytes()]
    while part.hasMore {
      guard parts.count < maximum else {
        try dropParts()
        throw ZeroMQError(
          .messageTooLong, in: "zmq_msg_recv", endpoint: lastEndpoint,
          detail: "a message has more than the \(maximum) parts allowed")
      }
      try receivePart(into: &part, [])
      parts.append(part.copyBytes())
    }
    return parts
  }

  mutating func applySendTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try handle.set(ZMQ_SNDTIMEO, timeout.milliseconds, "ZMQ_SNDTIMEO")
  }

  mutating func applyReceiveTimeout(_ timeout: Timeout) throws(ZeroMQError) {
    try handle.set(ZMQ_RCVTIMEO, timeout.milliseconds, "ZMQ_RCVTIMEO")
  }
}
