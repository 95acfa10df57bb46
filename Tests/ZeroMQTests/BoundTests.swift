import Testing
import ZeroMQ

@Suite("Everything has a bound", .timeLimit(.minutes(20))) struct BoundTests {
  /// Sends without waiting until there is no room, and returns how many messages there was room for.
  private func fill(_ push: inout Socket<Push>) throws -> Int {
    var sent = 0
    do throws(ZeroMQError) {
      while true {
        try push.send("x", .dontWait)
        sent += 1
      }
    } catch {
      #expect(error.code == .again)
    }
    return sent
  }

  @Test("inproc holds what both queues hold", arguments: [(1, 1), (2, 3), (50, 7)])
  func inprocQueues(send: Int, receive: Int) throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded { $0.receiveQueueLimit = receive })
    try pull.bind("inproc://queue")
    var push = try Socket<Push>(in: context, options: bounded { $0.sendQueueLimit = send })
    try push.connect("inproc://queue")
    #expect(try fill(&push) == send + receive)
    for _ in 0..<(send + receive) { _ = try pull.receive() }
    #expect(try code { () throws(ZeroMQError) in _ = try pull.receive(.dontWait) } == .again)
  }

  @Test("a peer that is not there yet gets a queue, or none under `immediate`")
  func absentPeer() throws {
    let context = try Context()
    var queueing = try Socket<Push>(in: context, options: bounded { $0.sendQueueLimit = 7 })
    try queueing.connect("ipc:///nowhere/at/all")
    #expect(try fill(&queueing) == 7)
    var immediate = try Socket<Push>(
      in: context,
      options: bounded {
        $0.sendQueueLimit = 7
        $0.immediate = true
      })
    try immediate.connect("ipc:///nowhere/at/all")
    #expect(try fill(&immediate) == 0)
  }

  @Test("a send and a receive give up after their time")
  func timeouts() throws {
    let context = try Context()
    var pair = try Socket<Pair>(
      in: context,
      options: bounded {
        $0.sendTimeout = .after(.milliseconds(1))
        $0.receiveTimeout = .after(.milliseconds(1))
      })
    #expect(try code { () throws(ZeroMQError) in try pair.send("x") } == .again)
    #expect(try code { () throws(ZeroMQError) in _ = try pair.receive() } == .again)
    try pair.setSendTimeout(.immediate)
    try pair.setReceiveTimeout(.immediate)
    #expect(try code { () throws(ZeroMQError) in try pair.send("x") } == .again)
    #expect(try code { () throws(ZeroMQError) in _ = try pair.receive() } == .again)
  }

  @Test("a message beyond the maximum breaks its connection, and the next one arrives")
  func maximumMessageSize() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded { $0.maximumMessageSize = 100 })
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(
      in: context, options: bounded { $0.reconnectInterval = .milliseconds(1) })
    var monitor = try Monitor(push, receiveTimeout: .after(.seconds(20)))
    try push.connect(endpoint)
    try push.send([UInt8](repeating: 1, count: 100))
    #expect(try pull.receive().byteCount == 100)
    try push.send([UInt8](repeating: 2, count: 101))
    // libzmq 4.3.4 lets the sender find a closed connection; what it queues then is sent on the next.
    _ = try monitor.wait {
      if case .disconnected = $0 { true } else { false }
    }
    try push.send([UInt8](repeating: 3, count: 3))
    #expect(try pull.receive().copyBytes() == [3, 3, 3])
  }

  @Test("with no time to linger, what cannot be delivered does not hold the context up")
  func lingerZero() throws {
    let context = try Context()
    var push = try Socket<Push>(in: context, options: SocketOptions { $0.linger = .never })
    try push.connect("ipc:///nowhere/at/all")
    try push.send("undeliverable")
    push.close(linger: .immediate)
    context.terminate()
  }

  @Test("with time to linger, what is queued is delivered after the socket is closed")
  func lingerDelivers() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded { $0.linger = .never })
    try push.connect(endpoint)
    for index in 0..<100 { try push.send("\(index)") }
    push.close()
    for index in 0..<100 { #expect(try pull.receiveText() == "\(index)") }
  }

  @Test("every option is one that libzmq takes")
  func allOptions() throws {
    let context = try Context()
    let options = bounded {
      $0.immediate = true
      $0.maximumMessageSize = 1 << 33
      $0.ipv6 = true
      $0.keepAlive = .init(idle: .seconds(10), interval: .milliseconds(1500), count: 3)
      $0.heartbeat = .init(interval: .seconds(1), timeout: .seconds(3), timeToLive: .seconds(5))
      $0.handshakeTimeout = .after(.seconds(5))
      $0.connectTimeout = .after(.seconds(5))
      $0.reconnectInterval = .milliseconds(1)
      $0.maximumReconnectInterval = .seconds(1)
      $0.backlog = 10
      $0.kernelSendBuffer = 1 << 16
      $0.kernelReceiveBuffer = 1 << 16
      $0.authenticationDomain = "domain"
    }
    var pull = try Socket<Pull>(in: context, options: options)
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: options)
    try push.connect(endpoint)
    try push.send("heartbeats do not disturb")
    #expect(try pull.receiveText() == "heartbeats do not disturb")
  }

  @Test("a queue without bound, libzmq's 0, is a mistake of the program")
  func noQueue() async {
    await #expect(processExitsWith: .failure) {
      _ = try Socket<Push>(in: Context(), options: SocketOptions { $0.sendQueueLimit = 0 })
    }
  }
}
