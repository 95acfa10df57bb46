import Testing
import ZeroMQ

@Suite("A message owns its bytes") struct MessageTests {
  @Test("a copy holds the bytes of any size", arguments: [0, 1, 33, 34, 64, 4096])
  func copies(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let message = try Message(copying: bytes)
    #expect(message.byteCount == size)
    #expect(message.isEmpty == (size == 0))
    #expect(message.copyBytes() == bytes)
  }

  @Test("bytes survive moves of the message, inside it or outside", arguments: [8, 33, 34, 1000])
  func moves(size: Int) throws {
    func pass(_ message: consuming Message) -> Message { message }
    var message = try Message(byteCount: size)
    message.withUnsafeMutableBytes { for index in $0.indices { $0[index] = UInt8(index & 0xFF) } }
    var moved: Message? = pass(pass(message))
    let back = moved.take()!
    #expect(back.copyBytes() == (0..<size).map { UInt8($0 & 0xFF) })
  }

  @Test("an adopted buffer is sent without a copy and released once")
  func adopts() throws {
    let released = Counter()
    let context = try Context()
    var push = try Socket<Push>(in: context, options: bounded())
    var pull = try Socket<Pull>(in: context, options: bounded())
    try pull.bind("inproc://adopt")
    try push.connect("inproc://adopt")

    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
    for index in buffer.indices { buffer[index] = UInt8(index & 0xFF) }
    let address = UnsafeRawPointer(buffer.baseAddress)
    var message = try Message(adopting: buffer) {
      released.increment()
      $0.deallocate()
    }
    try push.send(&message)
    #expect(message.isEmpty == true)
    do {
      let received = try pull.receive()
      received.withUnsafeBytes { #expect($0.baseAddress == address) }
      #expect(received.byteCount == 4096)
      #expect(released.count == 0)
    }
    #expect(released.count == 1)
  }

  @Test("bytes live as long as the message over them")
  func keepsAlive() throws {
    final class Owner: Sendable {
      let deinits: Counter
      let bytes: [UInt8] = Array("kept".utf8)
      init(_ deinits: Counter) { self.deinits = deinits }
      deinit { deinits.increment() }
    }
    let deinits = Counter()
    do {
      // Empty, since an array's bytes may move; it is the owner's life that is tested.
      let message = try Message(
        UnsafeRawBufferPointer(start: nil, count: 0), keepingAlive: Owner(deinits))
      #expect(message.isEmpty == true)
      #expect(deinits.count == 0)
    }
    #expect(deinits.count == 1)
  }

  @Test("a size that memory cannot hold is an error, not a crash")
  func tooLarge() throws {
    #expect(
      try code { () throws(ZeroMQError) in _ = try Message(byteCount: Int.max / 2) } == .outOfMemory
    )
  }

  @Test("a message that could not be sent is as it was before")
  func failedSend() throws {
    let context = try Context()
    var push = try Socket<Push>(in: context, options: bounded())
    var message = try Message(copying: Array("again".utf8))
    #expect(try code { () throws(ZeroMQError) in try push.send(&message, .dontWait) } == .again)
    #expect(message.copyBytes() == Array("again".utf8))
  }

  @Test("what libzmq knows of the connection can be read from the message")
  func metadata() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect(endpoint)
    try push.send("x")
    let message = try pull.receive()
    #expect(message.metadata("Peer-Address") == "127.0.0.1")
    #expect(message.metadata("Socket-Type") == "PUSH")
    #expect(message.metadata("No-Such-Name") == nil)
  }
}
