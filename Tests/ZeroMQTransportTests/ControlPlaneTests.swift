import Messaging
import Placement
import Programs
import Quantities
import Runtime
import Synchronization
import Testing
import ZeroMQ
import ZeroMQTransport

#if canImport(Glibc)
  import Glibc
#endif

/// Coordinator and nodes when the other side is not what it should be.
@Suite("The control connection")
struct ControlPlaneTests {
  private static func plan(ranks: Int, keepsNodes: Bool = false) -> Coordinator.Plan {
    Coordinator.Plan(
      assignments: (0..<ranks).map { index in
        Assignment(
          run: 1, rank: Rank(index), sources: [], transport: .tcp,
          waitLimitMilliseconds: 20_000, queueLimit: 4, largestPayload: 64, payload: .phantom)
      }, windowCount: 1, keepsNodes: keepsNodes)
  }

  private static func dealer(_ context: Context, _ endpoint: String) throws -> Socket<Dealer> {
    var dealer = try Socket<Dealer>(
      in: context, options: SocketOptions { $0.receiveTimeout = .after(.seconds(20)) })
    try dealer.connect(Endpoint(rawValue: endpoint))
    return dealer
  }

  private static func hello(version: UInt16) -> [UInt8] {
    var frame = ControlMessage.hello(
      .init(
        protocolVersion: version, toolVersion: "9.9.9", host: "elsewhere", process: -1,
        processors: 1, instructions: "none")
    ).encoded()
    frame[4] = UInt8(truncatingIfNeeded: version)
    frame[5] = UInt8(version >> 8)
    return frame
  }

  /// The next word that is not `alive`.
  private static func next(_ dealer: inout Socket<Dealer>) throws -> ControlMessage {
    while true {
      let message = try ControlMessage.reading(Array(try dealer.receiveParts().joined())).get()
      if case .alive = message { continue }
      return message
    }
  }

  @Test("a node of another version is refused with both versions, and the run goes on without it")
  func version() throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let phases = Worker {
      try? coordinator.run(
        Self.plan(ranks: 1),
        Coordinator.Callbacks(
          nextWindow: { Window(index: 0, batches: [], ranks: [RankWindow()], outputs: []) }))
    }
    let context = try Context()
    var stranger = try Self.dealer(context, coordinator.endpoint)
    try stranger.send(Self.hello(version: ProtocolVersion.current + 1))
    guard case .refuse(let reason) = try Self.next(&stranger) else {
      Issue.record("a node of another version was not refused")
      return
    }
    #expect(reason.contains("protocol version \(ProtocolVersion.current)"), "\(reason)")
    #expect(reason.contains("node 9.9.9 on elsewhere speaks \(ProtocolVersion.current + 1)"))
    #expect(reason.contains("Install the same release on both"))
    // What is no frame at all does no harm either.
    try stranger.send([0xFF, 0x00])
    try stranger.send(parts: Array(repeating: [1], count: 1000))
    try NodeService(coordinator: coordinator.endpoint).run()
    #expect(try phases.join() != nil)
  }

  private static func options(
    rank: Int? = nil, _ change: (inout NodeService.Options) -> Void = { _ in }
  ) -> NodeService.Options {
    var options = NodeService.Options()
    options.requestedRank = rank
    change(&options)
    return options
  }

  private static var oneWindow: Coordinator.Callbacks {
    Coordinator.Callbacks(nextWindow: {
      Window(index: 0, batches: [], ranks: [RankWindow(), RankWindow()], outputs: [])
    })
  }

  @Test("nodes serve all runs of a coordinator; one beyond the ranks waits; all are dismissed")
  func runs() throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let nodes = [0, nil, nil].map { rank in
      Worker {
        try NodeService(coordinator: coordinator.endpoint, options: Self.options(rank: rank)).run()
      }
    }
    // All three are there before the first run, which needs two.
    while try ClusterStatus.ask(idling: coordinator).members.count < 3 {}
    var first: [[Int32]] = []
    for run in 0..<3 {
      let outcome = try Worker {
        try coordinator.run(Self.plan(ranks: 2, keepsNodes: true), Self.oneWindow)
      }.join()
      first.append(outcome.nodes.map(\.process))
      #expect(outcome.nodes.count == 2, "run \(run)")
      #expect(outcome.clocks == [.same, .same])
    }
    #expect(Set(first).count == 1, "the same nodes serve each run")
    coordinator.close()
    for node in nodes { try node.join() }
    #expect(try !coordinator.idle())
  }

  @Test("data sockets are bound where the node is told, and out of ports is an error that says so")
  func ports() throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let endpoint = coordinator.endpoint
    var plan = Self.plan(ranks: 2)
    for (rank, peers) in [[1], [0]].enumerated() {
      plan.assignments[rank].sources = peers.map { Rank($0) }
    }
    let run = Worker { [plan] in try coordinator.run(plan, Self.oneWindow) }
    // A port that is taken, and no other.
    var taken = try Socket<Pull>(in: try Context())
    let port = try #require(try taken.bind("tcp://127.0.0.1:*").port)
    let other = Worker { try NodeService(coordinator: endpoint).run() }
    let node = Worker {
      try NodeService(
        coordinator: endpoint, options: Self.options(rank: 1) { $0.ports = port...port }
      ).run()
    }
    let failure = #expect(throws: NodeFailure.self) { try node.join() }
    #expect(failure?.reason.contains("all ports from \(port) to \(port) are taken") == true)
    let error = #expect(throws: RunError.self) { try run.join() }
    #expect(error?.description.contains("rank 1: all ports from") == true)
    #expect(throws: NodeFailure.self) { try other.join() }
  }

  @Test("an interface is its address, a name is resolved, and what is neither is an error")
  func addresses() throws {
    func address(_ advertised: String?, bind: String? = nil) throws -> HostAddress {
      try HostAddress(
        advertised: advertised, bound: bind, ports: nil, coordinator: "tcp://127.0.0.1:5")
    }
    let loopback = HostAddress(advertised: "127.0.0.1", bound: "127.0.0.1")
    #expect(try address(nil) == loopback)
    #expect(try address("lo") == loopback)
    #expect(try address("localhost") == HostAddress(advertised: "localhost", bound: "127.0.0.1"))
    // An address of another host, as behind a translation of addresses: bound to all.
    #expect(
      try address("192.0.2.7") == HostAddress(advertised: "192.0.2.7", bound: "0.0.0.0"))
    #expect(
      try address("192.0.2.7", bind: "lo")
        == HostAddress(advertised: "192.0.2.7", bound: "127.0.0.1"))
    let wrong = #expect(throws: NodeFailure.self) { try address(nil, bind: "192.0.2.7") }
    #expect(wrong?.reason.contains("which has lo (127.0.0.1)") == true)
    let unknown = #expect(throws: NodeFailure.self) { try address("no-such-host.invalid") }
    #expect(unknown?.reason.contains("'no-such-host.invalid' is neither") == true)
  }

  @Test("whoever asks is told who is registered; where nobody answers, that is said")
  func status() throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    #expect(try ClusterStatus.ask(idling: coordinator) == ClusterStatus())
    let run = Worker { try coordinator.run(Self.plan(ranks: 2), Self.oneWindow) }
    let node = Worker {
      try NodeService(coordinator: coordinator.endpoint, options: Self.options(rank: 1)).run()
    }
    var status = ClusterStatus()
    while status.members.isEmpty {
      status = try ClusterStatus.ask(coordinator.endpoint, within: .seconds(20))
    }
    #expect(status.phase == "registering")
    #expect(status.ranks == 2)
    #expect(status.members.map(\.rank) == [1])
    #expect(status.members[0].hello.toolVersion == Tool.version)
    #expect(status.members[0].hello.memory > 0)
    try NodeService(coordinator: coordinator.endpoint).run()
    try node.join()
    _ = try run.join()
    let error = #expect(throws: RunError.self) {
      try ClusterStatus.ask("tcp://127.0.0.1:1", within: .milliseconds(200))
    }
    #expect(error?.description.contains("no coordinator answers at tcp://127.0.0.1:1") == true)
  }

  @Test("a coordinator that is not there ends a node with its address")
  func absent() throws {
    let error = #expect(throws: NodeFailure.self) {
      try NodeService(
        coordinator: "tcp://127.0.0.1:1",
        options: Self.options { $0.registrationLimit = .milliseconds(300) }
      ).run()
    }
    #expect(error?.reason.contains("no coordinator answers at tcp://127.0.0.1:1") == true)
  }

  @Test("a coordinator that falls silent ends a node")
  func silent() throws {
    var router = try Socket<Router>(
      in: try Context(), options: SocketOptions { $0.receiveTimeout = .after(.seconds(20)) })
    let endpoint = try router.bind("tcp://127.0.0.1:*").rawValue
    let node = Worker {
      try NodeService(
        coordinator: endpoint, options: Self.options { $0.silenceLimit = .milliseconds(300) }
      ).run()
    }
    let (sender, _) = try router.receiveParts()
    try router.send(ControlMessage.alive.encoded(), to: sender)
    do {
      try node.join()
      Issue.record("the node took silence for an order")
    } catch {
      #expect("\(error)".contains("has been silent for 0.3"), "\(error)")
    }
  }

  @Test("what a coordinator says out of turn ends a node, which tells why")
  func outOfTurn() throws {
    var router = try Socket<Router>(
      in: try Context(), options: SocketOptions { $0.receiveTimeout = .after(.seconds(20)) })
    let endpoint = try router.bind("tcp://127.0.0.1:*").rawValue
    let node = Worker { try NodeService(coordinator: endpoint).run() }
    let (sender, _) = try router.receiveParts()
    try router.send(ControlMessage.begin.encoded(), to: sender)
    var told = ""
    while told.isEmpty {
      let (_, parts) = try router.receiveParts()
      if case .failed(let reason) = try ControlMessage.reading(Array(parts.joined())).get() {
        told = reason
      }
    }
    #expect(told.contains("'begin' where 'assign' belongs"), "\(told)")
    #expect(throws: NodeFailure.self) { try node.join() }
  }

  @Test("a control port in use is an error that names it")
  func portInUse() throws {
    let first = try Coordinator(address: "tcp://127.0.0.1:*")
    let error = #expect(throws: RunError.self) { try Coordinator(address: first.endpoint) }
    #expect(error?.description.contains(first.endpoint) == true)
  }
}

extension ClusterStatus {
  /// Asks a coordinator that nobody runs at the moment.
  fileprivate static func ask(idling coordinator: Coordinator) throws -> ClusterStatus {
    let answer = Worker { try ask(coordinator.endpoint, within: .seconds(20)) }
    let ended = Mutex(false)
    let idler = Worker {
      while !ended.withLock({ $0 }), try coordinator.idle() { usleep(1000) }
    }
    defer { try? idler.join() }
    defer { ended.withLock { $0 = true } }
    return try answer.join()
  }
}
