import Foundation
import Synchronization
import Testing
import ZeroMQ

@Suite("A context begins and ends its sockets", .timeLimit(.minutes(20))) struct ContextTests {
  @Test("the library is the one this binding is for")
  func version() {
    #expect(Library.version >= .init(4, 3, 4))
    #expect(Library.version < .init(5, 0, 0))
    #expect(Library.Version(4, 3, 4).description == "4.3.4")
    #expect(Library.has(.curve))
    #expect(Library.has(.ipc))
    #expect(!Library.has(.init(rawValue: "telepathy")))
  }

  @Test("shutting down ends a receive that waits in another thread; terminating waits for it")
  func terminationUnblocks() throws {
    let context = try Context()
    let ended = Counter()
    for index in 0..<4 {
      Thread.detachNewThread {
        do throws(ZeroMQError) {
          var pull = try Socket<Pull>(in: context)
          try pull.bind(.inproc("waits-\(index)"))
          _ = try pull.receive()
        } catch {
          if error.code == .terminated { ended.increment() }
        }
      }
    }
    context.shutdown()
    context.shutdown()
    context.terminate()
    // A thread that had not made its socket by then finds the context terminated.
    while ended.count < 4 { sched_yield() }
    context.terminate()
    context.shutdown()
    let late = try code { () throws(ZeroMQError) in _ = try Socket<Pull>(in: context) }
    #expect(late == .terminated)
  }

  @Test("a poller that waits is ended too")
  func terminationEndsPolling() throws {
    let context = try Context()
    let pull = try Socket<Pull>(in: context)
    var poller = Poller()
    _ = poller.add(pull, for: .readable)
    context.shutdown()
    #expect(try code { () throws(ZeroMQError) in _ = try poller.wait() } == .terminated)
  }

  @Test("sockets outlive the last other reference to their context")
  func socketsKeepContext() throws {
    func makePair() throws -> Socket<Pair> {
      try Socket<Pair>(in: Context(), options: bounded())
    }
    var pair = try makePair()
    try pair.bind("inproc://alone")
    #expect(try code { () throws(ZeroMQError) in try pair.send("x", .dontWait) } == .again)
  }

  @Test("a socket moves from thread to thread")
  func moves() throws {
    final class Node: Sendable {
      let socket: Mutex<Socket<Push>>
      init(_ socket: consuming sending Socket<Push>) { self.socket = Mutex(socket) }
    }
    let context = try Context()
    var pull = try Socket<Pull>(in: context, options: bounded())
    let endpoint = try pull.bind("tcp://127.0.0.1:*")
    var push = try Socket<Push>(in: context, options: bounded())
    try push.connect(endpoint)
    let node = Node(push)
    for index in 0..<8 {
      Thread.detachNewThread { node.socket.withLock { try? $0.send("\(index)") } }
    }
    var received: Set<String> = []
    for _ in 0..<8 { received.insert(try pull.receiveText()) }
    #expect(received == Set((0..<8).map { "\($0)" }))
  }

  @Test("more sockets than allowed is an error")
  func tooManySockets() throws {
    let context = try Context(maximumSockets: 1)
    let first = try Socket<Pair>(in: context)
    let second = try code { () throws(ZeroMQError) in _ = try Socket<Pair>(in: context) }
    #expect(second == .tooManySockets)
    first.close()
  }
}
