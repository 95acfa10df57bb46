import Messaging
import Programs
import Quantities
import Runtime
import Testing

@Suite("The coordinator's session, without sockets")
struct ClusterSessionTests {
  static let start = MeasuredTime(nanoseconds: 1_000_000_000)

  static func assignment(_ rank: Int) -> Assignment {
    Assignment(
      run: 7, rank: Rank(rank), sources: [], transport: .tcp, waitLimitMilliseconds: 1000,
      queueLimit: 16, largestPayload: 64, payload: .phantom)
  }

  static func session(
    ranks: Int = 2, windows: Int = 3, roll: NodeRoll = NodeRoll()
  ) -> ClusterSession {
    ClusterSession(
      assignments: (0..<ranks).map(assignment), windowCount: windows, limits: .init(), roll: roll,
      now: start)
  }

  static func node(_ index: UInt8) -> NodeIdentity { NodeIdentity([index]) }

  static func hello(
    _ process: Int32 = 1, version: UInt16 = ProtocolVersion.current, rank: Int? = nil,
    run: UInt64 = 0
  ) -> ControlMessage {
    .hello(
      .init(
        protocolVersion: version, toolVersion: "9.9", host: "host\(process)", process: process,
        processors: 2, instructions: "scalar", requestedRank: rank, run: run))
  }

  static func window(_ index: Int, ranks: Int = 2) -> Window {
    Window(index: index, batches: [], ranks: Array(repeating: RankWindow(), count: ranks))
  }

  /// The names of what is sent, with the node's number; pings left out.
  static func sent(_ actions: [ClusterSession.Action]) -> [String] {
    actions.compactMap {
      guard case .send(let message, let node) = $0, message.name != "ping" else { return nil }
      return "\(message.name)>\(node.bytes[0])"
    }
  }

  static func ending(_ actions: [ClusterSession.Action]) -> Result<
    ClusterSession.Outcome, RunError
  >? {
    for case .ended(let result) in actions { return result }
    return nil
  }

  /// A session in which both nodes are ready.
  static func running(windows: Int = 3) -> ClusterSession {
    var session = session(windows: windows)
    for message in [hello(), .bound([]), .ready(weightBytes: 0)] {
      for index in [UInt8(0), 1] {
        _ = session.handle(.message(message, from: node(index)), now: start)
      }
    }
    #expect(session.phase == .running)
    return session
  }

  @Test("a run goes through its phases in order, and ends with every report")
  func phases() throws {
    var session = Self.session()
    func send(_ message: ControlMessage, _ index: UInt8) -> [ClusterSession.Action] {
      session.handle(.message(message, from: Self.node(index)), now: Self.start)
    }
    #expect(Self.sent(send(Self.hello(1), 0)) == [])
    #expect(Self.sent(send(Self.hello(2), 1)) == ["assign>0", "assign>1"])
    #expect(session.phase == .binding)
    #expect(Self.sent(send(.bound([]), 1)) == [])
    #expect(Self.sent(send(.bound([]), 0)) == ["connect>0", "connect>1"])
    #expect(session.phase == .loading)
    #expect(send(.ready(weightBytes: 1), 0).isEmpty)
    let first = send(.ready(weightBytes: 1), 1)
    #expect(first.count == 3, "a window is asked for each of the three")
    for index in 0..<3 {
      #expect(Self.sent(session.feed(Self.window(index))) == ["window>0", "window>1"])
    }
    #expect(Self.sent(session.begin()) == ["begin>0", "begin>1"])
    for index in 0..<3 {
      #expect(Self.sent(send(.windowDone(WindowReport(index: index)), 0)) == [])
      let actions = send(.windowDone(WindowReport(index: index)), 1)
      #expect(Self.sent(actions) == (index == 2 ? ["finish>0", "finish>1"] : []))
    }
    #expect(session.phase == .reporting)
    #expect(Self.ending(send(.done(NodeReport()), 0)) == nil)
    let outcome = try #require(Self.ending(send(.done(NodeReport()), 1))).get()
    #expect(outcome.nodes.map(\.process) == [1, 2])
    #expect(outcome.windows.count == 3)
    #expect(session.phase == .ended)
  }

  @Test("no more windows are handed out than the bound, however long the program")
  func bound() {
    var session = Self.session(windows: 100)
    var asked = 0
    for message in [Self.hello(), .bound([]), .ready(weightBytes: 0)] {
      for index in [UInt8(0), 1] {
        let actions = session.handle(.message(message, from: Self.node(index)), now: Self.start)
        for case .needWindow in actions {
          _ = session.feed(Self.window(asked))
          asked += 1
        }
      }
    }
    #expect(asked == ClusterSession.windowsAhead)
    // One node alone does not move the bound; both do.
    #expect(
      session.handle(
        .message(.windowDone(WindowReport(index: 0)), from: Self.node(0)), now: Self.start
      ).isEmpty)
    let actions = session.handle(
      .message(.windowDone(WindowReport(index: 0)), from: Self.node(1)), now: Self.start)
    #expect(actions.count == 1)
  }

  @Test("a node of another version is refused, and told what is wrong")
  func version() throws {
    var session = Self.session()
    let actions = session.handle(
      .message(Self.hello(version: 99), from: Self.node(0)), now: Self.start)
    guard case .send(.refuse(let reason), _) = try #require(actions.first) else {
      Issue.record("\(actions)")
      return
    }
    #expect(reason.contains("99") && reason.contains("\(ProtocolVersion.current)"))
    #expect(session.registered.isEmpty)
  }

  @Test("a rank is given as asked; twice is refused; one beyond the run's, or one too many, waits")
  func ranks() {
    var session = Self.session(ranks: 3)
    func join(_ index: UInt8, rank: Int?) -> [String] {
      Self.sent(
        session.handle(
          .message(Self.hello(Int32(index), rank: rank), from: Self.node(index)), now: Self.start))
    }
    #expect(join(1, rank: 2) == [])
    #expect(join(2, rank: 2) == ["refuse>2"])
    #expect(join(3, rank: 3) == [])
    #expect(join(5, rank: nil) == [])
    #expect(session.registered.map(\.rank) == [Rank(0), Rank(2)])
    // Ranks that nobody asks for go by host and process, not by who came first.
    #expect(join(4, rank: nil) == ["assign>4", "assign>5", "assign>1"])
    #expect(join(6, rank: nil) == [])
    #expect(join(7, rank: 1) == ["refuse>7"])
    #expect(session.roll.members.map(\.hello.process) == [3, 6])
    let status = session.status(now: Self.start)
    #expect(status.phase == "binding")
    #expect(status.members.map(\.rank) == [0, 1, 2, nil, nil])
    #expect(status.members.map(\.hello.process) == [4, 5, 1, 3, 6])
  }

  @Test("nodes say hello again after a run, and the next one takes them by their ranks")
  func again() throws {
    var session = Self.session(windows: 0)
    for message in [Self.hello(), .bound([]), .ready(weightBytes: 0)] {
      for index in [UInt8(0), 1] {
        _ = session.handle(.message(message, from: Self.node(index)), now: Self.start)
      }
    }
    // A program of no windows has been done when all are ready.
    #expect(session.phase == .reporting)
    var events: [ClusterSession.Action] = []
    for index in [UInt8(1), 0] {
      events += session.handle(
        .message(.done(NodeReport()), from: Self.node(index)), now: Self.start)
      if index == 1 {
        events += session.handle(
          .message(Self.hello(2, rank: 1), from: Self.node(1)), now: Self.start)
      }
    }
    #expect(Self.ending(events) != nil)
    #expect(session.roll.members.map(\.identity) == [Self.node(1)])
    var next = Self.session(roll: session.roll)
    #expect(Self.sent(next.handle(.tick, now: Self.start)) == ["alive>1"])
    #expect(
      Self.sent(
        next.handle(.message(Self.hello(1, rank: 0), from: Self.node(0)), now: Self.start))
        == ["assign>0", "assign>1"])
  }

  @Test("a spare does not take the place of a node that is about to come back")
  func returning() {
    var roll = NodeRoll()
    for index in [UInt8(1), 2] {
      guard case .hello(let hello) = Self.hello(Int32(index)) else { return }
      #expect(roll.register(hello, from: Self.node(index), now: Self.start) == nil)
    }
    roll.expect(Self.node(3), after: 5)
    func session() -> ClusterSession {
      ClusterSession(
        assignments: [Self.assignment(0), Self.assignment(1)], windowCount: 1, limits: .init(),
        roll: roll, now: Self.start)
    }
    var first = session()
    #expect(!Self.sent(first.handle(.tick, now: Self.start)).contains("assign>1"))
    // One that was said before that run, and comes late, is no return.
    let late = first.handle(
      .message(Self.hello(3, rank: 1), from: Self.node(3)), now: Self.start)
    #expect(Self.sent(late) == [])
    let back = first.handle(
      .message(Self.hello(3, rank: 1, run: 5), from: Self.node(3)), now: Self.start)
    #expect(Self.sent(back) == ["assign>1", "assign>3"])
    // One that does not come back is not waited for forever.
    var second = session()
    let after = MeasuredTime(nanoseconds: Self.start.nanoseconds + 6_000_000_000)
    #expect(Self.sent(second.handle(.tick, now: after)) == ["assign>1", "assign>2"])
  }

  @Test("a process whose end was seen before its hello came gets no rank")
  func helloOfTheDead() {
    var first = Self.session()
    _ = first.handle(.exited(process: 4, status: "signal 9"), now: Self.start)
    #expect(first.phase == .ended)
    var next = Self.session(roll: first.roll)
    let hellos = [UInt8(4), 5, 6].flatMap { index in
      next.handle(.message(Self.hello(Int32(index)), from: Self.node(index)), now: Self.start)
    }
    #expect(Self.sent(hellos) == ["assign>5", "assign>6"])
  }

  @Test("a node that others are to reach at loopback is an error when there are several hosts")
  func loopback() throws {
    var session = Self.session()
    for (index, boot) in [(UInt8(0), "a"), (1, "b")] {
      guard case .hello(var hello) = Self.hello(Int32(index)) else { return }
      hello.boot = boot
      _ = session.handle(.message(.hello(hello), from: Self.node(index)), now: Self.start)
    }
    _ = session.handle(
      .message(.bound([.init(peer: Rank(1), endpoint: "tcp://10.0.0.1:5000")]), from: Self.node(0)),
      now: Self.start)
    let actions = session.handle(
      .message(
        .bound([.init(peer: Rank(0), endpoint: "tcp://127.0.0.1:5000")]), from: Self.node(1)),
      now: Self.start)
    guard case .failure(let error) = try #require(Self.ending(actions)) else { return }
    #expect(error.description.contains("rank 1: it is to be reached at tcp://127.0.0.1:5000"))
    #expect(error.description.contains("--address"))
  }

  @Test("nodes that never come end the run, with who is there and who is not")
  func missing() throws {
    var session = Self.session()
    _ = session.handle(.message(Self.hello(5), from: Self.node(0)), now: Self.start)
    let late = MeasuredTime(nanoseconds: Self.start.nanoseconds + 61_000_000_000)
    _ = session.handle(.message(.alive, from: Self.node(0)), now: late)
    let result = try #require(Self.ending(session.handle(.tick, now: late)))
    guard case .failure(let error) = result else { return }
    #expect(error.description.contains("rank 1"))
    #expect(error.description.contains("host5, process 5"))
  }

  @Test("a silent node ends the run, with its rank and the phase")
  func silence() throws {
    var session = Self.running()
    let before = MeasuredTime(nanoseconds: Self.start.nanoseconds + 14_000_000_000)
    _ = session.handle(.message(.alive, from: Self.node(0)), now: before)
    #expect(Self.ending(session.handle(.tick, now: before)) == nil)
    let after = MeasuredTime(nanoseconds: Self.start.nanoseconds + 16_000_000_000)
    let actions = session.handle(.tick, now: after)
    guard case .failure(let error) = try #require(Self.ending(actions)) else { return }
    #expect(error.description.contains("rank 1 has said nothing for 16.0 s while running"))
    #expect(Self.sent(actions) == ["abort>0", "abort>1"])
  }

  @Test("a node whose connection ends is given five heartbeats; then the run ends, with its rank")
  func disconnected() throws {
    var session = Self.running()
    func after(_ milliseconds: Int64) -> MeasuredTime {
      MeasuredTime(nanoseconds: Self.start.nanoseconds + milliseconds * 1_000_000)
    }
    #expect(session.handle(.disconnected(Self.node(1)), now: after(0)).count == 1)
    #expect(session.handle(.disconnected(Self.node(9)), now: after(0)).isEmpty, "a stranger's")
    #expect(session.status(now: after(0)).members.map(\.isSuspect) == [false, true])
    #expect(Self.ending(session.handle(.tick, now: after(5000))) == nil)
    let actions = session.handle(.tick, now: after(5100))
    guard case .failure(let error) = try #require(Self.ending(actions)) else { return }
    #expect(
      error.description.contains(
        "the connection of rank 1 ended while running, and it has said nothing for 5.1 s"))
    #expect(error.isLoss && error.lost == Rank(1))
    var policy = RestartPolicy(isOn: true)
    #expect(policy.failed(error) == .again(gone: 1, replaces: true))
  }

  @Test("a node that waits and whose connection ends gets no rank until it speaks again")
  func disconnectedSpare() {
    var session = Self.session()
    for index in [UInt8(0), 2] {
      let hello = Self.hello(Int32(index))
      _ = session.handle(.message(hello, from: Self.node(index)), now: Self.start)
      if index == 0 { _ = session.handle(.disconnected(Self.node(0)), now: Self.start) }
    }
    #expect(session.phase == .registering)
    #expect(session.status(now: Self.start).members.map(\.isSuspect).filter { $0 }.count == 1)
    let word = session.handle(.message(.alive, from: Self.node(0)), now: Self.start)
    #expect(Self.sent(word + session.handle(.tick, now: Self.start)) == ["assign>0", "assign>2"])
    // Its rank is another's who asks for it, and its own no more when it comes back.
    var ranks = NodeRoll()
    guard case .hello(let first) = Self.hello(1, rank: 0),
      case .hello(let second) = Self.hello(2, rank: 0)
    else { return }
    #expect(ranks.register(first, from: Self.node(1), now: Self.start) == nil)
    #expect(ranks.register(second, from: Self.node(2), now: Self.start) != nil)
    ranks.disconnected(Self.node(1), now: Self.start)
    #expect(ranks.register(second, from: Self.node(2), now: Self.start) == nil)
    ranks.heard(Self.node(1), now: Self.start)
    #expect(ranks.placement(ranks: 2).map(\.?.hello.process) == [2, 1])
    // One that stays away is forgotten.
    var roll = NodeRoll()
    guard case .hello(let hello) = Self.hello(3) else { return }
    #expect(roll.register(hello, from: Self.node(3), now: Self.start) == nil)
    roll.disconnected(Self.node(3), now: Self.start)
    roll.dropSilent(
      .max, now: MeasuredTime(nanoseconds: Self.start.nanoseconds + Liveness.reconnectionLimit))
    #expect(roll.members.count == 1)
    roll.dropSilent(
      .max, now: MeasuredTime(nanoseconds: Self.start.nanoseconds + Liveness.reconnectionLimit + 1))
    #expect(roll.members.isEmpty)
  }

  @Test("a node that ends after it told everything, in a run that fails, is missed by the next")
  func endsAfterReport() throws {
    var desk = CoordinatorDesk()
    func session() -> ClusterSession {
      desk.session(
        assignments: (0..<2).map(Self.assignment), windowCount: 0, limits: .init(),
        keepsSurvivors: true, boot: "", now: Self.start)
    }
    var first = session()
    for index in [UInt8(0), 1] {
      let hello = Self.hello(Int32(index) + 10)
      _ = first.handle(.message(hello, from: Self.node(index)), now: Self.start)
    }
    for message in [ControlMessage.bound([]), .ready(weightBytes: 0)] {
      for index in [UInt8(0), 1] {
        _ = first.handle(.message(message, from: Self.node(index)), now: Self.start)
      }
    }
    #expect(first.phase == .reporting)
    _ = first.handle(.message(.done(NodeReport()), from: Self.node(0)), now: Self.start)
    #expect(
      first.handle(.exited(process: 10, status: "signal 9"), now: Self.start).isEmpty,
      "its part is done")
    let lost = first.handle(.exited(process: 11, status: "signal 9"), now: Self.start)
    #expect(Self.ending(lost) != nil)
    desk.end(first, isSuccess: false)
    var next = session()
    let missed = next.handle(.tick, now: Self.start)
    guard case .failure(let error) = try #require(Self.ending(missed)) else { return }
    #expect(error == .exitedEarly(process: 10, status: "signal 9"))
    desk.end(next, isSuccess: false)
    var last = session()
    #expect(Self.ending(last.handle(.tick, now: Self.start)) == nil, "once")
  }

  @Test("a node that fails, exits or speaks out of turn ends the run with its rank")
  func failures() throws {
    let events: [(ClusterSession.Event, String)] = [
      (.message(.failed("disk full"), from: Self.node(1)), "rank 1: disk full"),
      (.message(.ready(weightBytes: 0), from: Self.node(0)), "rank 0 sent 'ready' while running"),
      (.message(.windowDone(WindowReport(index: 1)), from: Self.node(0)), "window 1 out of turn"),
      (.exited(process: 1, status: "signal 9"), "ended in the middle of the run: signal 9"),
      (.unreadable(.magic(1), from: Self.node(1)), "rank 1 sent an unreadable frame"),
    ]
    for (event, words) in events {
      var session = Self.running()
      let actions = session.handle(event, now: Self.start)
      guard case .failure(let error) = try #require(Self.ending(actions)) else { continue }
      #expect(error.description.contains(words), "\(error)")
      #expect(session.handle(.tick, now: Self.start).isEmpty, "an ended session does nothing")
    }
  }

  @Test("strangers' bytes do not disturb a run")
  func strangers() {
    var session = Self.running()
    #expect(session.handle(.unreadable(.magic(1), from: Self.node(9)), now: Self.start).isEmpty)
    #expect(
      session.handle(.message(.failed("x"), from: Self.node(9)), now: Self.start).isEmpty)
    #expect(session.phase == .running)
  }
}
