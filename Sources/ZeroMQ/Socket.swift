import CZeroMQ

/// A socket of one kind, with one owner, that offers what its kind can do.
///
///     let context = try Context()
///     var pull = try Socket<Pull>(in: context)
///     let endpoint = try pull.bind("tcp://127.0.0.1:*")
///     var push = try Socket<Push>(in: context)
///     try push.connect(endpoint)
///     try push.send("hello")
///     let message = try pull.receive()
///
/// It closes when its owner lets go of it, or by ``close(linger:)``.
///
/// Calls that a signal interrupts are repeated; to leave a call that waits, use
/// ``Context/shutdown()`` or a ``Poller``.
///
/// `@unchecked Sendable`: libzmq lets a socket move between threads but not be used by two at once.
/// Every operation is `mutating`, hence needs exclusive access, hence comes from one thread at a time.
public struct Socket<Kind: SocketKind>: ~Copyable, Pollable, @unchecked Sendable {
  /// What pollers and monitors know of this socket.
  public let handle: SocketHandle
  /// The handle's pointer, here to spare the hot path a load.
  let pointer: UnsafeMutableRawPointer
  /// What the socket was last bound or connected to. Errors name it.
  public private(set) var lastEndpoint: Endpoint?

  /// Opens a socket.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/tooManySockets``,
  ///   ``ZeroMQError/Code/terminated``, or ``ZeroMQError/Code/invalidArgument`` for an option that
  ///   libzmq does not take.
  public init(
    in context: Context, options: SocketOptions = SocketOptions()
  ) throws(ZeroMQError) {
    self.init(try Self.open(in: context, options))
  }

  init(_ handle: SocketHandle) {
    self.handle = handle
    pointer = handle.pointer
  }

  /// A socket as its options say, which closes if no `Socket` comes to own it.
  static func open(
    in context: Context, _ options: SocketOptions
  ) throws(ZeroMQError) -> SocketHandle {
    let handle = try SocketHandle(Kind.typeNumber, in: context)
    try options.apply(to: handle)
    if Kind.self == Router.self { try handle.set(Unroutable.fail) }
    return handle
  }

  deinit { handle.close() }

  /// Closes the socket, which may go on in the background: see ``SocketOptions/linger``.
  ///
  /// - Parameter linger: how long to go on delivering what is queued, in place of the option.
  public consuming func close(linger: Timeout? = nil) {
    // `deinit` does the rest. Setting this option cannot fail on an open socket.
    if let linger { try? setLinger(linger) }
  }

  /// Takes peers at `endpoint`, and returns the endpoint with port and interface filled in, as peers
  /// may connect to it.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/addressInUse`` and others of its neighbours.
  @discardableResult
  public mutating func bind(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
    guard zmq_bind(pointer, endpoint.rawValue) == 0 else {
      throw .last(in: "zmq_bind", endpoint: endpoint)
    }
    let resolved = try resolvedEndpoint(endpoint)
    lastEndpoint = resolved
    return resolved
  }

  /// Seeks the peer at `endpoint`, in the background: that it is not there yet is no error.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/invalidArgument`` for a malformed endpoint.
  public mutating func connect(_ endpoint: Endpoint) throws(ZeroMQError) {
    guard zmq_connect(pointer, endpoint.rawValue) == 0 else {
      throw .last(in: "zmq_connect", endpoint: endpoint)
    }
    lastEndpoint = endpoint
  }

  /// Takes no more peers at an endpoint that ``bind(_:)`` returned. It is free for others soon after.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/notFound`` when it was not bound.
  public mutating func unbind(_ endpoint: Endpoint) throws(ZeroMQError) {
    guard zmq_unbind(pointer, endpoint.rawValue) == 0 else {
      throw .last(in: "zmq_unbind", endpoint: endpoint)
    }
  }

  /// Leaves the peer at an endpoint it connected to. What was received from it may be lost.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/notFound`` when it was not connected.
  public mutating func disconnect(_ endpoint: Endpoint) throws(ZeroMQError) {
    guard zmq_disconnect(pointer, endpoint.rawValue) == 0 else {
      throw .last(in: "zmq_disconnect", endpoint: endpoint)
    }
  }

  /// Changes ``SocketOptions/linger``.
  public mutating func setLinger(_ linger: Timeout) throws(ZeroMQError) {
    try handle.set(ZMQ_LINGER, linger.milliseconds, "ZMQ_LINGER")
  }

  private func resolvedEndpoint(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
    // The longest are `ipc` paths, which the operating system bounds to some 100 bytes, and `inproc`
    // names, which nothing bounds.
    let capacity = max(512, endpoint.rawValue.utf8.count + 1)
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      var count = capacity
      let result = zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, $0.baseAddress, &count)
      return result == 0 ? $0.baseAddress.map { String(cString: $0) } : nil
    }
    guard let text else {
      throw .last(in: "zmq_getsockopt(ZMQ_LAST_ENDPOINT)", endpoint: endpoint)
    }
    return Endpoint(rawValue: text)
  }
}

extension Socket where Kind: IdentifiedKind {
  /// Opens a socket that ``Router`` peers know as `routingID`.
  ///
  /// - Throws: as ``init(in:options:)``.
  public init(
    in context: Context, routingID: RoutingID, options: SocketOptions = SocketOptions()
  ) throws(ZeroMQError) {
    let handle = try Self.open(in: context, options)
    try handle.set(ZMQ_ROUTING_ID, routingID.bytes, "ZMQ_ROUTING_ID")
    self.init(handle)
  }
}

extension Socket where Kind == Sub {
  /// Receives messages whose first part begins with `prefix`; the empty prefix means all.
  ///
  /// Publishers filter, so that what was published before they heard of it is not received.
  public mutating func subscribe(to prefix: [UInt8]) throws(ZeroMQError) {
    try handle.set(ZMQ_SUBSCRIBE, prefix, "ZMQ_SUBSCRIBE")
  }

  /// Takes back one ``subscribe(to:)`` of the same prefix.
  public mutating func unsubscribe(from prefix: [UInt8]) throws(ZeroMQError) {
    try handle.set(ZMQ_UNSUBSCRIBE, prefix, "ZMQ_UNSUBSCRIBE")
  }
}
