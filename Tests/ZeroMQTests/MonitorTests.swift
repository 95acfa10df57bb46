import Testing
import ZeroMQ

@Suite("A monitor sees connections come and go", .timeLimit(.minutes(20))) struct MonitorTests {
  @Test("both ends see connect, handshake and disconnect")
  func connectDisconnect() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    var server = try Monitor(pull, receiveTimeout: .after(.seconds(20)))
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    let listening = try server.receive()
    guard case .listening = listening.kind else {
      Issue.record("\(listening) instead of listening")
      return
    }
    #expect(listening.endpoint == endpoint)

    var push = try Socket<Push>(in: context, options: bounded())
    var client = try Monitor(push, receiveTimeout: .after(.seconds(20)))
    try push.connect(endpoint)
    let connected = try client.wait { if case .connected = $0 { true } else { false } }
    #expect(connected.endpoint == endpoint)
    _ = try client.wait { $0 == .handshakeSucceeded }
    _ = try server.wait { if case .accepted = $0 { true } else { false } }
    _ = try server.wait { $0 == .handshakeSucceeded }

    push.close()
    _ = try client.wait { $0 == .stopped }
    _ = try server.wait { if case .disconnected = $0 { true } else { false } }
  }

  @Test("a new monitor ends the one before, whose end does not touch the new one")
  func replaced() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    var first: Monitor? = try Monitor(pull, receiveTimeout: .after(.seconds(20)))
    var second = try Monitor(pull, receiveTimeout: .after(.seconds(20)))
    #expect(try first?.receive().kind == .stopped)
    first = nil
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    #expect(try second.receive().endpoint == endpoint)
  }

  @Test("a monitor that is dropped, or never read, holds nothing up")
  func dropped() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    do { _ = try Monitor(pull) }
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    let unread = try Monitor(pull)
    for index in 0..<20 {
      var push = try Socket<Push>(in: context, options: bounded())
      try push.connect(endpoint)
      try push.send("\(index)")
      #expect(try pull.receiveText() == "\(index)")
    }
    #expect(unread.handle.isOpen == true)
  }

  @Test("a poller can watch a monitor")
  func polled() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    var monitor = try Monitor(pull)
    var poller = Poller()
    let token = poller.add(monitor, for: .readable)
    #expect(try poller.wait(.immediate) == 0)
    try pull.bind("tcp://127.0.0.1:*")
    #expect(try poller.wait(.after(.seconds(20))) == 1)
    #expect(poller[token] == .readable)
    _ = try monitor.receive(.dontWait)
  }
}
