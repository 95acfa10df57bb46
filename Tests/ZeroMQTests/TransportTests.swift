import Testing
import ZeroMQ

@Suite("Sockets speak over every transport") struct TransportTests {
  /// Sends 200 messages of all sizes around libzmq's 33-byte boundary, and in two parts, both ways.
  private func exchange(_ context: Context, at endpoint: Endpoint) throws -> Endpoint {
    var left = try Socket<Pair>(in: context, options: bounded())
    let resolved = try left.bind(endpoint)
    #expect(left.lastEndpoint == resolved)
    var right = try Socket<Pair>(in: context, options: bounded())
    try right.connect(resolved)
    for size in 0..<100 {
      let bytes = [UInt8](repeating: UInt8(size), count: size)
      try left.send(bytes, .more)
      try left.send("tail")
      let head = try right.receive()
      #expect(head.copyBytes() == bytes)
      #expect(head.hasMore == true)
      #expect(right.hasMore == true)
      #expect(try right.receiveText() == "tail")
      #expect(right.hasMore == false)
      try right.send(bytes)
      #expect(try left.receive().copyBytes() == bytes)
    }
    return resolved
  }

  @Test("inproc") func inproc() throws {
    #expect(try exchange(Context(), at: .inproc("exchange")) == "inproc://exchange")
  }

  @Test("ipc, whose file is gone afterwards") func ipc() throws {
    try withTemporaryDirectory { directory in
      let endpoint = Endpoint.ipc(path: "\(directory)/socket")
      let resolved = try exchange(Context(), at: endpoint)
      #expect(resolved == endpoint)
    }
  }

  @Test("tcp on a port the system chooses", arguments: ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0"])
  func tcp(endpoint: String) throws {
    let resolved = try exchange(Context(), at: Endpoint(rawValue: endpoint))
    #expect(try #require(resolved.port) > 0)
    #expect(resolved == .tcp(host: "127.0.0.1", port: try #require(resolved.port)))
  }

  @Test("every way to send arrives as the same bytes")
  func waysToSend() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect(endpoint)
    let bytes = [UInt8](repeating: 7, count: 16 * 1024)
    try bytes.span.bytes.withUnsafeBytes { (raw) throws(ZeroMQError) in try push.send(raw) }
    try push.send(bytes.span.bytes)
    try push.send(bytes)
    try push.send(String(decoding: bytes, as: UTF8.self))
    try push.send(Message(copying: bytes))
    var message = try Message(copying: bytes)
    try push.send(&message)
    for _ in 0..<6 { #expect(try pull.receive().copyBytes() == bytes) }
  }

  @Test("a received message, or a buffer, is used again and again")
  func waysToReceive() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    try pull.bind("inproc://reuse")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect("inproc://reuse")
    var message = Message()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
    defer { buffer.deallocate() }
    for size in 0...64 {
      let bytes = [UInt8](repeating: UInt8(size), count: size)
      try push.send(bytes)
      try push.send(bytes)
      try pull.receive(into: &message)
      #expect(message.copyBytes() == bytes)
      #expect(try pull.receive(into: buffer) == size)
      #expect(buffer.prefix(size).elementsEqual(bytes))
    }
  }

  @Test("a buffer too small is an error that says both sizes, and costs that part only")
  func truncation() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    try pull.bind("inproc://truncation")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect("inproc://truncation")
    try push.send("0123456789")
    try push.send("next")
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 16)
    defer { buffer.deallocate() }
    let error = #expect(throws: ZeroMQError.self) { _ = try pull.receive(into: buffer) }
    #expect(error?.code == .messageTooLong)
    #expect(error?.description.contains("10 bytes was received into a buffer of 4") == true)
    #expect(buffer.elementsEqual("0123".utf8))
    #expect(try pull.receive(into: buffer) == 4)
    #expect(buffer.elementsEqual("next".utf8))
  }

  @Test("parts arrive together; those that are not wanted can be dropped")
  func multipart() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect(endpoint)
    let parts = (1...5).map { [UInt8](repeating: UInt8($0), count: $0) }
    for _ in 0..<3 { try push.send(parts: parts) }
    #expect(try pull.receiveParts() == parts)
    #expect(try pull.receive().copyBytes() == parts[0])
    try pull.dropRemainingParts()
    #expect(pull.hasMore == false)
    #expect(try pull.receiveParts(atMost: 5) == parts)
  }

  @Test("a message of more parts than allowed is lost, and the next one is not")
  func tooManyParts() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    try pull.bind("inproc://parts")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect("inproc://parts")
    try push.send(parts: [[1], [2], [3]])
    try push.send(parts: [[4], [5]])
    let tooLong = try code { () throws(ZeroMQError) in _ = try pull.receiveParts(atMost: 2) }
    #expect(tooLong == .messageTooLong)
    #expect(try pull.receiveParts(atMost: 2) == [[4], [5]])
  }

  @Test("a question and its answer go in turn; out of turn is an error")
  func requestReply() throws {
    let context = try Context()
    var rep = try Socket<Rep>(in: context, options: bounded())
    let endpoint = try rep.bind("tcp://127.0.0.1:*")
    var req = try Socket<Req>(in: context, options: bounded())
    try req.connect(endpoint)
    #expect(try code { () throws(ZeroMQError) in _ = try req.receive() } == .wrongState)
    try req.send("question")
    #expect(try code { () throws(ZeroMQError) in try req.send("again") } == .wrongState)
    #expect(try rep.receiveText() == "question")
    try rep.send("answer")
    #expect(try req.receiveText() == "answer")
  }

  @Test("a subscriber receives what it subscribed to")
  func publishSubscribe() throws {
    let context = try Context()
    var pub = try Socket<Pub>(in: context, options: bounded())
    try pub.bind("inproc://news")
    var sub = try Socket<Sub>(in: context, options: bounded())
    try sub.subscribe(to: Array("a".utf8))
    try sub.connect("inproc://news")
    // What was published before the subscription reached the publisher is not received, so publish
    // until something is.
    func receiveFirst(_ texts: [String]) throws -> String {
      while true {
        for text in texts { try pub.send(text) }
        do throws(ZeroMQError) {
          return String(decoding: try sub.receive(.dontWait).copyBytes(), as: UTF8.self)
        } catch {
          #expect(error.code == .again)
        }
      }
    }
    #expect(try receiveFirst(["b1", "a1"]) == "a1")
    try sub.subscribe(to: Array("b".utf8))
    while try receiveFirst(["b2"]) != "b2" {}
  }

  @Test("who takes its subscription back receives no more")
  func unsubscribe() throws {
    let context = try Context()
    var sub = try Socket<Sub>(in: context, options: bounded())
    try sub.subscribe(to: Array("a".utf8))
    try sub.unsubscribe(from: Array("a".utf8))
    try sub.subscribe(to: Array("b".utf8))
    let endpoint = try sub.bind("tcp://127.0.0.1:*")
    // Subscriptions go out when the connection is made, before its handshake counts as done.
    var pub = try Socket<Pub>(in: context, options: bounded())
    try pub.connect(endpoint)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      try pub.send("a")
      try pub.send("b")
      let received = (try? sub.receive(into: buffer, .dontWait)) != nil
      guard received else { continue }
      #expect(buffer.elementsEqual("b".utf8))
      break
    }
  }

  @Test("an endpoint that was left takes nothing and gives nothing")
  func unbindDisconnect() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect(endpoint)
    try push.send("x")
    #expect(try pull.receiveText() == "x")
    try push.disconnect(endpoint)
    #expect(try code { () throws(ZeroMQError) in try push.send("y", .dontWait) } == .again)
    #expect(try code { () throws(ZeroMQError) in try push.disconnect(endpoint) } == .notFound)
    try pull.unbind(endpoint)
    #expect(try code { () throws(ZeroMQError) in try pull.unbind(endpoint) } == .notFound)
  }
}
