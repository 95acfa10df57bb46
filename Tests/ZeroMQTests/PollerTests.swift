import Foundation
import Testing
import ZeroMQ

@Suite("A poller waits for several at once", .timeLimit(.minutes(20))) struct PollerTests {
  @Test("it says which sockets and descriptors are ready, and for what")
  func ready() throws {
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded { $0.receiveQueueLimit = 1 })
    try pull.bind("inproc://poll")
    var push = try Socket<Push>(in: context, options: bounded { $0.sendQueueLimit = 1 })
    try push.connect("inproc://poll")
    let pipe = Pipe()

    var poller = Poller()
    let data = poller.add(pull, for: .readable)
    let room = poller.add(push, for: .writable)
    let file = poller.add(
      fileDescriptor: pipe.fileHandleForReading.fileDescriptor, for: .readable)
    #expect(try poller.wait(.immediate) == 1)
    #expect((poller[data], poller[room], poller[file]) == ([], .writable, []))

    try push.send("1")
    try push.send("2")
    #expect(try poller.wait() == 1)
    #expect((poller[data], poller[room], poller[file]) == (.readable, [], []))

    try pipe.fileHandleForWriting.write(contentsOf: Data([1]))
    #expect(try poller.wait() == 2)
    #expect((poller[data], poller[room], poller[file]) == (.readable, [], .readable))

    poller.change(file, to: [])
    _ = try pull.receive()
    _ = try pull.receive()
    while try poller.wait() == 0 {}
    #expect((poller[data], poller[room], poller[file]) == ([], .writable, []))
  }

  @Test("when the time is over, nothing is ready")
  func timeout() throws {
    let context = try Context()
    let pull = try Socket<Pull>(in: context, options: bounded())
    var poller = Poller()
    let token = poller.add(pull, for: .readable)
    #expect(try poller.wait(.after(.milliseconds(1))) == 0)
    #expect(poller[token] == [])
    #expect(try poller.wait(.immediate) == 0)
  }

  @Test("more sockets than libzmq polls without an allocation, some of them removed")
  func many() throws {
    let context = try Context()
    final class Peer {
      var socket: Socket<Pair>
      init(_ socket: consuming Socket<Pair>) { self.socket = socket }
    }
    var poller = Poller()
    var senders: [Peer] = []
    var receivers: [(Peer, Poller.Token)] = []
    for index in 0..<40 {
      var receiver = try Socket<Pair>(in: context, options: bounded())
      var sender = try Socket<Pair>(in: context, options: bounded())
      try receiver.bind(.inproc("many-\(index)"))
      try sender.connect(.inproc("many-\(index)"))
      let token = poller.add(receiver, for: .readable)
      senders.append(Peer(sender))
      receivers.append((Peer(receiver), token))
    }
    for peer in senders { try peer.socket.send("x") }
    for index in stride(from: 0, to: 40, by: 3) { poller.remove(receivers[index].1) }
    #expect(try poller.wait() == 26)
    for index in 0..<40 where !index.isMultiple(of: 3) {
      #expect(poller[receivers[index].1] == .readable)
    }
    let again = poller.add(receivers[0].0.socket, for: .readable)
    #expect(try poller.wait() == 27)
    #expect(poller[again] == .readable)
  }

  @Test("a socket that was closed is a mistake of the program, not freed memory")
  func closed() async {
    await #expect(processExitsWith: .failure) {
      let pull = try Socket<Pull>(in: Context())
      var poller = Poller()
      _ = poller.add(pull, for: .readable)
      pull.close()
      _ = try poller.wait(.immediate)
    }
  }

  @Test("an entry that was removed cannot be asked for, even when its place is used again")
  func stale() async {
    await #expect(processExitsWith: .failure) {
      let pull = try Socket<Pull>(in: Context())
      var poller = Poller()
      let token = poller.add(pull, for: .readable)
      poller.remove(token)
      _ = poller.add(pull, for: .readable)
      _ = poller[token]
    }
  }
}
