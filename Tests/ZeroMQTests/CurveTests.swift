import Testing
import ZeroMQ

@Suite("CURVE lets in those who hold the keys", .timeLimit(.minutes(20))) struct CurveTests {
  @Test("Z85 is that of ZeroMQ RFC 32, and reads back what it wrote")
  func z85() {
    let bytes: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
    #expect(Z85.encode(bytes) == "HelloWorld")
    #expect(Z85.decode("HelloWorld") == bytes)
    #expect(Z85.encode([]) == "")
    #expect(Z85.decode("") == [])
    for length in stride(from: 0, through: 64, by: 4) {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      #expect(Z85.decode(Z85.encode(bytes)) == bytes)
    }
  }

  @Test(
    "what is not Z85 is not decoded",
    arguments: [
      "Hello1", "HelloWorl", "Hello World!!!", "Hell\"", "Hellö", "~~~~~", "#####", "\0\0\0\0\0",
    ])
  func notZ85(text: String) {
    #expect(Z85.decode(text) == nil)
  }

  @Test("a public key follows from its secret key")
  func publicFromSecret() throws {
    let pair = try CurveKeyPair()
    let again = try CurveKeyPair(
      secretKey: #require(CurveSecretKey(z85: pair.secretKey.revealedZ85)))
    #expect(again.publicKey == pair.publicKey)
    #expect(CurvePublicKey(z85: pair.publicKey.z85) == pair.publicKey)
    #expect(CurvePublicKey(bytes: [1, 2, 3]) == nil)
    #expect(CurveSecretKey(z85: "HelloWorld") == nil)
    #expect(try CurveKeyPair().publicKey != pair.publicKey)
  }

  @Test("a secret key shows itself in no print, dump or interpolation")
  func redacted() throws {
    let pair = try CurveKeyPair()
    var shown = "\(pair) \(String(reflecting: pair))"
    dump(pair, to: &shown)
    dump(SocketOptions { $0.security = .curveServer(pair) }, to: &shown)
    #expect(!shown.contains(pair.secretKey.revealedZ85))
    #expect(shown.contains(pair.publicKey.z85))

    var alone = "\(pair.secretKey) \(String(reflecting: pair.secretKey))"
    dump(pair.secretKey, to: &alone)
    #expect(alone.contains("redacted"))
    let showsBytes = alone.contains { $0.isNumber }
    #expect(!showsBytes, "\(alone)")
  }

  /// A server with keys, and its monitor; what its clients are told is its endpoint.
  private func makeServer(
    in context: Context, _ keys: CurveKeyPair, domain: String? = nil
  ) throws -> Server {
    var socket = try Socket<Pull>(
      in: context,
      options: bounded {
        $0.security = .curveServer(keys)
        $0.authenticationDomain = domain
      })
    let monitor = try Monitor(socket, receiveTimeout: .after(.seconds(20)))
    let endpoint = try socket.bind("tcp://127.0.0.1:*")
    return Server(socket: socket, monitor: monitor, endpoint: endpoint)
  }

  private struct Server: ~Copyable {
    var socket: Socket<Pull>
    var monitor: Monitor
    let endpoint: Endpoint
  }

  /// Connects a client and sends one message.
  private func makeClient(
    in context: Context, _ security: SocketOptions.Security, to endpoint: Endpoint
  ) throws -> Socket<Push> {
    var client = try Socket<Push>(in: context, options: bounded { $0.security = security })
    try client.connect(endpoint)
    try client.send("let me in")
    return client
  }

  @Test("a client that knows the server's key is let in")
  func accepted() throws {
    let context = try Context()
    let keys = try CurveKeyPair()
    var server = try makeServer(in: context, keys)
    let client = try makeClient(
      in: context, .curveClient(CurveKeyPair(), server: keys.publicKey), to: server.endpoint)
    #expect(try server.socket.receiveText() == "let me in")
    #expect(client.handle.isOpen == true)
  }

  @Test("a client that expects another server is not")
  func wrongServerKey() throws {
    let context = try Context()
    var server = try makeServer(in: context, CurveKeyPair())
    let client = try makeClient(
      in: context, .curveClient(CurveKeyPair(), server: CurveKeyPair().publicKey),
      to: server.endpoint)
    _ = try server.monitor.wait { $0 == .handshakeProtocolError(.cryptographic) }
    #expect(
      try code { () throws(ZeroMQError) in _ = try server.socket.receive(.dontWait) } == .again)
    #expect(client.handle.isOpen == true)
  }

  @Test("a client in the clear is not")
  func plainClient() throws {
    let context = try Context()
    var server = try makeServer(in: context, CurveKeyPair())
    let client = try makeClient(in: context, .none, to: server.endpoint)
    _ = try server.monitor.wait { $0 == .handshakeProtocolError(.mechanismMismatch) }
    #expect(
      try code { () throws(ZeroMQError) in _ = try server.socket.receive(.dontWait) } == .again)
    #expect(client.handle.isOpen == true)
  }

  @Test("an authenticator lets in whom it knows, and its name for the peer is on the messages")
  func authenticated() throws {
    let context = try Context()
    var authenticator = try Authenticator(in: context)
    let keys = try CurveKeyPair()
    let known = try CurveKeyPair()
    var server = try makeServer(in: context, keys, domain: "cluster")
    func decide(_ request: Authenticator.Request) -> Authenticator.Decision {
      #expect(request.domain == "cluster")
      #expect(request.address == "127.0.0.1")
      return request.credentials == .curve(known.publicKey)
        ? .accept(userID: "rank-3") : .refuse(reason: "unknown key")
    }
    do {
      let stranger = try makeClient(
        in: context, .curveClient(CurveKeyPair(), server: keys.publicKey), to: server.endpoint)
      try authenticator.answer(decide: decide)
      _ = try server.monitor.wait { $0 == .authenticationFailed(status: 400) }
      stranger.close()
    }
    let friend = try makeClient(
      in: context, .curveClient(known, server: keys.publicKey), to: server.endpoint)
    // The stranger may have asked again before it was closed.
    var poller = Poller()
    let asked = poller.add(authenticator, for: .readable)
    let data = poller.add(server.socket, for: .readable)
    while try poller.wait(.after(.seconds(20))) > 0, !poller[data].contains(.readable) {
      if poller[asked].contains(.readable) { try authenticator.answer(decide: decide) }
    }
    let message = try server.socket.receive()
    #expect(message.copyBytes() == Array("let me in".utf8))
    #expect(message.metadata("User-Id") == "rank-3")
    #expect(friend.handle.isOpen == true)
  }
}
