import CZeroMQ

extension SocketOptions {
  /// Sets everything that differs from what libzmq would do by itself.
  func apply(to socket: SocketHandle) throws(ZeroMQError) {
    try applyBounds(to: socket)
    try applyConnections(to: socket)
    try applySecurity(to: socket)
  }

  private func applyBounds(to socket: SocketHandle) throws(ZeroMQError) {
    let limits = 1...Int(CInt.max)
    precondition(limits ~= sendQueueLimit, "sendQueueLimit \(sendQueueLimit) is not 1 or more")
    precondition(
      limits ~= receiveQueueLimit, "receiveQueueLimit \(receiveQueueLimit) is not 1 or more")
    try socket.set(ZMQ_SNDHWM, CInt(sendQueueLimit), "ZMQ_SNDHWM")
    try socket.set(ZMQ_RCVHWM, CInt(receiveQueueLimit), "ZMQ_RCVHWM")
    try socket.set(ZMQ_LINGER, linger.milliseconds, "ZMQ_LINGER")
    try socket.set(ZMQ_SNDTIMEO, sendTimeout.milliseconds, "ZMQ_SNDTIMEO")
    try socket.set(ZMQ_RCVTIMEO, receiveTimeout.milliseconds, "ZMQ_RCVTIMEO")
    if let maximumMessageSize {
      precondition(maximumMessageSize >= 0, "maximumMessageSize \(maximumMessageSize) is negative")
      try socket.setWide(ZMQ_MAXMSGSIZE, Int64(maximumMessageSize), "ZMQ_MAXMSGSIZE")
    }
  }

  private func applyConnections(to socket: SocketHandle) throws(ZeroMQError) {
    if immediate { try socket.set(ZMQ_IMMEDIATE, 1, "ZMQ_IMMEDIATE") }
    if ipv6 { try socket.set(ZMQ_IPV6, 1, "ZMQ_IPV6") }
    if let keepAlive {
      try socket.set(ZMQ_TCP_KEEPALIVE, 1, "ZMQ_TCP_KEEPALIVE")
      try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, keepAlive.idle?.wholeSeconds, "ZMQ_TCP_KEEPALIVE_IDLE")
      try socket.set(
        ZMQ_TCP_KEEPALIVE_INTVL, keepAlive.interval?.wholeSeconds, "ZMQ_TCP_KEEPALIVE_INTVL"
      )
      try socket.set(
        ZMQ_TCP_KEEPALIVE_CNT, keepAlive.count.map { CInt(clamping: $0) },
        "ZMQ_TCP_KEEPALIVE_CNT")
    }
    if let heartbeat {
      try socket.set(ZMQ_HEARTBEAT_IVL, heartbeat.interval.wholeMilliseconds, "ZMQ_HEARTBEAT_IVL")
      try socket.set(
        ZMQ_HEARTBEAT_TIMEOUT, heartbeat.timeout.wholeMilliseconds, "ZMQ_HEARTBEAT_TIMEOUT")
      try socket.set(
        ZMQ_HEARTBEAT_TTL, heartbeat.timeToLive?.wholeMilliseconds, "ZMQ_HEARTBEAT_TTL")
    }
    try socket.set(ZMQ_HANDSHAKE_IVL, max(0, handshakeTimeout.milliseconds), "ZMQ_HANDSHAKE_IVL")
    try socket.set(ZMQ_CONNECT_TIMEOUT, max(0, connectTimeout.milliseconds), "ZMQ_CONNECT_TIMEOUT")
    try socket.set(ZMQ_RECONNECT_IVL, reconnectInterval.wholeMilliseconds, "ZMQ_RECONNECT_IVL")
    try socket.set(
      ZMQ_RECONNECT_IVL_MAX, maximumReconnectInterval?.wholeMilliseconds,
      "ZMQ_RECONNECT_IVL_MAX")
    precondition(1...Int(CInt.max) ~= backlog, "backlog \(backlog) is not 1 or more")
    try socket.set(ZMQ_BACKLOG, CInt(backlog), "ZMQ_BACKLOG")
    try socket.set(ZMQ_SNDBUF, kernelSendBuffer.map { CInt(clamping: $0) }, "ZMQ_SNDBUF")
    try socket.set(ZMQ_RCVBUF, kernelReceiveBuffer.map { CInt(clamping: $0) }, "ZMQ_RCVBUF")
  }

  private func applySecurity(to socket: SocketHandle) throws(ZeroMQError) {
    if let authenticationDomain {
      try socket.set(ZMQ_ZAP_DOMAIN, Array(authenticationDomain.utf8), "ZMQ_ZAP_DOMAIN")
    }
    switch security {
    case .none: break
    case .curveServer(let keys):
      try socket.set(ZMQ_CURVE_SERVER, 1, "ZMQ_CURVE_SERVER")
      try socket.set(keys.secretKey)
    case .curveClient(let keys, let server):
      try socket.set(ZMQ_CURVE_SERVERKEY, server.bytes, "ZMQ_CURVE_SERVERKEY")
      try socket.set(ZMQ_CURVE_PUBLICKEY, keys.publicKey.bytes, "ZMQ_CURVE_PUBLICKEY")
      try socket.set(keys.secretKey)
    }
  }
}

extension Duration {
  /// Rounded up, and kept within 0 ... `CInt.max`.
  fileprivate var wholeSeconds: CInt {
    CInt(clamping: max(0, components.seconds + (components.attoseconds > 0 ? 1 : 0)))
  }
}
