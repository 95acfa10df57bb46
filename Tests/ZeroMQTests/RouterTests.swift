import Testing
import ZeroMQ

@Suite("A router names its peers", .timeLimit(.minutes(20))) struct RouterTests {
  @Test("messages come from and go to the peer of that name, in any number of parts")
  func routes() throws {
    let context = try Context()
    var router = try Socket<Router>(in: context, options: bounded())
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    var a = try Socket<Dealer>(in: context, routingID: "a", options: bounded())
    var b = try Socket<Dealer>(in: context, routingID: "b", options: bounded())
    try a.connect(endpoint)
    try b.connect(endpoint)

    try a.send("from a")
    var first = try router.receiveParts()
    #expect(first.sender == "a")
    #expect(first.parts == [Array("from a".utf8)])
    try b.send(parts: [[1], [2, 2], [3, 3, 3]])
    first = try router.receiveParts()
    #expect(first.sender == "b")
    #expect(first.parts == [[1], [2, 2], [3, 3, 3]])

    try router.send(parts: [[9], [8]], to: "b")
    try router.send(Array("to a".utf8), to: "a")
    #expect(try a.receiveText() == "to a")
    #expect(try b.receiveParts() == [[9], [8]])
  }

  @Test("messages and buffers go both ways without a copy of the parts")
  func inPlace() throws {
    let context = try Context()
    var router = try Socket<Router>(in: context, options: bounded())
    try router.bind("inproc://router")
    var dealer = try Socket<Dealer>(in: context, routingID: "d", options: bounded())
    try dealer.connect("inproc://router")
    try dealer.send(parts: [[1], [2]])
    var part = Message()
    #expect(try router.receive(into: &part) == "d")
    #expect(part.copyBytes() == [1])
    #expect(router.hasMore == true)
    try router.receiveNext(into: &part)
    #expect(part.copyBytes() == [2])
    #expect(router.hasMore == false)
    try router.send(&part, to: "d")
    #expect(try dealer.receive().copyBytes() == [2])

    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 8)
    defer { buffer.deallocate() }
    try dealer.send([5, 6, 7])
    let (sender, count) = try router.receive(into: buffer)
    #expect(sender == "d")
    #expect(count == 3)
    try router.send(UnsafeRawBufferPointer(rebasing: buffer.prefix(2)), to: "d", .more)
    try router.sendNext(UnsafeRawBufferPointer(rebasing: buffer.prefix(3)))
    #expect(try dealer.receiveParts() == [[5, 6], [5, 6, 7]])
  }

  @Test("a peer that is not there is an error, unless such messages are to be dropped")
  func unreachable() throws {
    let context = try Context()
    var strict = try Socket<Router>(in: context, options: bounded())
    try strict.bind("inproc://strict")
    #expect(
      try code { () throws(ZeroMQError) in try strict.send([1], to: "nobody") } == .hostUnreachable)
    var lax = try Socket<Router>(in: context, unroutable: .drop, options: bounded())
    try lax.bind("inproc://lax")
    try lax.send([1], to: "nobody")
  }

  @Test("a full queue is `again`, and nothing of the message is sent")
  func full() throws {
    let context = try Context()
    var router = try Socket<Router>(in: context, options: bounded { $0.sendQueueLimit = 2 })
    try router.bind("inproc://full")
    var dealer = try Socket<Dealer>(
      in: context, routingID: "d", options: bounded { $0.receiveQueueLimit = 1 })
    try dealer.connect("inproc://full")
    try dealer.send("here")
    _ = try router.receiveParts()
    for index in 0..<3 { try router.send(parts: [[UInt8(index)], [0]], to: "d", .dontWait) }
    #expect(
      try code { () throws(ZeroMQError) in try router.send([9], to: "d", .dontWait) } == .again)
    for index in 0..<3 { #expect(try dealer.receiveParts() == [[UInt8(index)], [0]]) }
    #expect(try code { () throws(ZeroMQError) in _ = try dealer.receive(.dontWait) } == .again)
  }

  @Test("a newcomer takes a routing id over, where that is wanted")
  func handover() throws {
    let context = try Context()
    var router = try Socket<Router>(in: context, handover: true, options: bounded())
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    var old = try Socket<Dealer>(in: context, routingID: "x", options: bounded())
    try old.connect(endpoint)
    try old.send("old")
    #expect(try router.receiveParts().parts == [Array("old".utf8)])
    var new = try Socket<Dealer>(in: context, routingID: "x", options: bounded())
    try new.connect(endpoint)
    try new.send("new")
    #expect(try router.receiveParts().parts == [Array("new".utf8)])
    try router.send(Array("for the new one".utf8), to: "x")
    #expect(try new.receiveText() == "for the new one")
  }

  @Test("a routing id prints as text, or else in hexadecimal digits")
  func prints() {
    #expect(RoutingID("rank-3").description == "rank-3")
    #expect(RoutingID([0, 0x80, 0, 0x41, 0xA7]).description == "0x00800041a7")
  }
}
