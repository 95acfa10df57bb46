import CZeroMQ

/// One part of a message, owned: a `zmq_msg_t`.
///
/// Use it where bytes should not be copied: fill one in place and send it, receive into one and read
/// it in place, or hand libzmq a buffer that exists already. Up to 33 bytes lie in the value itself;
/// more are counted references, which libzmq frees in whatever thread lets go last.
public struct Message: ~Copyable, Sendable {
  /// libzmq itself moves these bitwise (`msg_t::move`), as Swift does.
  private var storage: zmq_msg_t

  /// An empty message, as a place to receive into.
  public init() {
    storage = zmq_msg_t()
    zmq_msg_init(&storage)  // Always succeeds.
  }

  /// A message of `byteCount` bytes, not initialised.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/outOfMemory``.
  public init(byteCount: Int) throws(ZeroMQError) {
    precondition(byteCount >= 0, "a message of \(byteCount) bytes")
    // Not in `storage` before it has succeeded, as `deinit` closes what is there.
    var message = zmq_msg_t()
    guard zmq_msg_init_size(&message, byteCount) == 0 else {
      throw .last(in: "zmq_msg_init_size(\(byteCount))")
    }
    storage = message
  }

  /// A copy of `bytes`.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/outOfMemory``.
  public init(copying bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
    try self.init(byteCount: bytes.count)
    withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
  }

  /// A copy of `bytes`.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/outOfMemory``.
  public init(copying bytes: [UInt8]) throws(ZeroMQError) {
    try self.init(byteCount: bytes.count)
    withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  }

  /// A message over a buffer that is given away, without a copy.
  ///
  /// `release` is called once, when neither this process's sockets nor its messages need the buffer any
  /// more; often in libzmq's own thread, so it must be quick. Until then nobody may write to the buffer.
  /// When the message cannot be made, `release` is called before the error is thrown.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/outOfMemory``.
  public init(
    adopting buffer: UnsafeMutableRawBufferPointer,
    release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) throws(ZeroMQError) {
    try self.init(
      UnsafeRawBufferPointer(buffer), keepingAlive: AdoptedBuffer(buffer, release: release))
  }

  /// A message over bytes that `owner` holds, without a copy or an allocation of this binding's own.
  ///
  /// `owner` is retained until neither this process's sockets nor its messages need the bytes any more.
  /// Until then nobody may write to them.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/outOfMemory``.
  public init(
    _ bytes: UnsafeRawBufferPointer, keepingAlive owner: some AnyObject & Sendable
  ) throws(ZeroMQError) {
    var message = zmq_msg_t()
    let retained = Unmanaged.passRetained(owner as AnyObject)
    let result = zmq_msg_init_data(
      &message, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
      { _, owner in Unmanaged<AnyObject>.fromOpaque(owner!).release() }, retained.toOpaque())
    guard result == 0 else {
      let error = ZeroMQError.last(in: "zmq_msg_init_data(\(bytes.count))")
      retained.release()
      throw error
    }
    storage = message
  }

  deinit {
    // The message is being destroyed, so that writing to a copy of its bits changes nothing else.
    var last = storage
    zmq_msg_close(&last)
  }

  /// The number of bytes.
  public var byteCount: Int { withUnsafePointer(to: storage) { zmq_msg_size($0) } }

  /// Whether it is empty.
  public var isEmpty: Bool { byteCount == 0 }

  /// Whether it was received as a part that others follow.
  public var hasMore: Bool { withUnsafePointer(to: storage) { zmq_msg_more($0) == 1 } }

  /// The bytes, in place. Valid within `body` only.
  public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafePointer(to: storage) { (storage) throws(Failure) -> Result in
      // `zmq_msg_data` takes a mutable message for the sake of the pointer it returns.
      let data = zmq_msg_data(UnsafeMutablePointer(mutating: storage))
      return try body(UnsafeRawBufferPointer(start: data, count: zmq_msg_size(storage)))
    }
  }

  /// The bytes, in place, to write. Valid within `body` only.
  ///
  /// Not for messages over bytes that someone else keeps alive, which are read-only.
  public mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withStorage { (storage) throws(Failure) -> Result in
      try body(
        UnsafeMutableRawBufferPointer(start: zmq_msg_data(storage), count: zmq_msg_size(storage)))
    }
  }

  /// A copy of the bytes.
  public func copyBytes() -> [UInt8] { withUnsafeBytes { Array($0) } }

  /// What libzmq knows of the connection a message came through, or the ``Authenticator`` has said of
  /// it; `nil` when there is nothing of that name. Names are `Peer-Address`, `Socket-Type`,
  /// `Routing-Id`, `User-Id`.
  public func metadata(_ name: String) -> String? {
    withUnsafePointer(to: storage) { zmq_msg_gets($0, name).map { String(cString: $0) } }
  }

  /// The connection that the message came through, by the same number as in ``MonitorEvent``; `nil` for one that
  /// came through none. The descriptor is libzmq's: it names the connection, and is not to be used.
  public var connectionDescriptor: CInt? {
    withUnsafePointer(to: storage) {
      let descriptor = zmq_msg_get($0, ZMQ_SRCFD)
      return descriptor < 0 ? nil : descriptor
    }
  }

  /// The message itself, for libzmq to move bytes in or out.
  mutating func withStorage<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeMutablePointer<zmq_msg_t>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutablePointer(to: &storage, body)
  }
}

/// A buffer with what is to be done when nobody needs it any more.
///
/// `@unchecked Sendable`: nothing reads or writes the buffer here, and `deinit` runs once.
private final class AdoptedBuffer: @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer
  private let release: @Sendable (UnsafeMutableRawBufferPointer) -> Void

  init(
    _ buffer: UnsafeMutableRawBufferPointer,
    release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) {
    (self.buffer, self.release) = (buffer, release)
  }

  deinit { release(buffer) }
}
