import Messaging
import Placement
import Programs
import Quantities
import Runtime
import Testing
import ZeroMQ
import ZeroMQTransport

/// Coordinator and nodes when the other side is not what it should be.
@Suite("The control connection")
struct ControlPlaneTests {
  private static func session(ranks: Int) -> ClusterSession {
    ClusterSession(
      assignments: (0..<ranks).map { index in
        Assignment(
          run: 1, rank: Rank(index), sources: [], transport: .tcp(host: "127.0.0.1"),
          waitLimitMilliseconds: 20_000, queueLimit: 4, largestPayload: 64, payload: .phantom)
      }, windowCount: 1, limits: .init(), now: MonotonicClock.now)
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
        Self.session(ranks: 1),
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
    try NodeService(coordinator: coordinator.endpoint).run()
    #expect(try phases.join() != nil)
  }

  @Test("a node beyond the ranks, or for a rank that there is not, is refused")
  func ranks() throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let run = Worker {
      try? coordinator.run(
        Self.session(ranks: 2),
        Coordinator.Callbacks(nextWindow: {
          Window(index: 0, batches: [], ranks: [RankWindow(), RankWindow()], outputs: [])
        }))
    }
    #expect(throws: NodeFailure.self) {
      try NodeService(coordinator: coordinator.endpoint, requestedRank: 2).run()
    }
    let nodes = (0..<2).map { rank in
      Worker { try NodeService(coordinator: coordinator.endpoint, requestedRank: rank).run() }
    }
    for node in nodes { try node.join() }
    #expect(try run.join() != nil)
  }

  @Test("a coordinator that is not there ends a node with its address")
  func absent() throws {
    let error = #expect(throws: NodeFailure.self) {
      try NodeService(
        coordinator: "tcp://127.0.0.1:1", registrationLimit: .milliseconds(300)
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
      try NodeService(coordinator: endpoint, silenceLimit: .milliseconds(300)).run()
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
