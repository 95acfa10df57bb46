import Messaging
import Programs
import Quantities
import Runtime
import Testing

@Suite("A node's machines, without sockets")
struct NodeMachineTests {
  private static let hello = ControlMessage.Hello(
    host: "host", process: 1, processors: 1, instructions: "none")
  private static let limits = NodeControl.Limits(
    registration: 60_000_000_000, silence: 15_000_000_000)

  private static func at(_ seconds: Double) -> MeasuredTime {
    MeasuredTime(nanoseconds: Int64(seconds * 1e9))
  }

  /// What the actions are, and what they say.
  private static func words(_ actions: [NodeLife.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .say(let message): "say \(message.name)"
      case .letGo: "let go"
      case .lowerFlag: "lower"
      case .bind: "bind"
      case .load: "load"
      case .execute(let window): "execute \(window.index)"
      case .report: "report"
      case .leave(let failure): "leave \(failure?.reason ?? "well")"
      }
    }
  }

  private static func words(_ actions: [NodeControl.Action]) -> [String] {
    func name(_ frame: [UInt8]) -> String {
      frame.withUnsafeBytes { ControlMessage.kind(of: $0).map { "\($0)" } ?? "nothing" }
    }
    return actions.map { action in
      switch action {
      case .send(let frame): "send \(name(frame))"
      case .offer(let frame): "offer \(name(frame))"
      case .hand(let frame): "hand \(name(frame))"
      case .raise: "raise"
      case .giveUp(let reason): "give up: \(reason)"
      case .end: "end"
      }
    }
  }

  private static func window(_ index: Int) -> ControlMessage {
    .window(NodeWindow(ClusterSessionTests.window(index), rank: Rank(0)))
  }

  /// A node that has loaded.
  private static func ready() -> NodeLife {
    var life = NodeLife(hello)
    _ = life.handle(.message(.assign(ClusterSessionTests.assignment(0))))
    _ = life.handle(.bound([]))
    _ = life.handle(.message(.connect([])))
    _ = life.handle(.loaded(weightBytes: 0))
    return life
  }

  @Test("a life goes through its states in order, with one piece of work at a time")
  func life() {
    var life = NodeLife(Self.hello)
    func after(_ event: NodeLife.Event) -> [String] { Self.words(life.handle(event)) }
    #expect(Self.words(life.begin()) == ["say hello"])
    #expect(after(.message(.assign(ClusterSessionTests.assignment(0)))) == ["bind"])
    #expect(after(.bound([])) == ["say bound"])
    #expect(after(.message(.connect([]))) == ["load"])
    #expect(after(.loaded(weightBytes: 0)) == ["say ready"])
    #expect(after(.message(Self.window(0))) == [])
    #expect(after(.message(Self.window(1))) == [])
    #expect(after(.message(.begin)) == ["execute 0"])
    #expect(after(.executed(WindowReport(index: 0))) == ["say window done", "execute 1"])
    #expect(after(.executed(WindowReport(index: 1))) == ["say window done"])
    #expect(after(.message(Self.window(2))) == ["execute 2"])
    #expect(after(.executed(WindowReport(index: 2))) == ["say window done"])
    #expect(after(.message(.finish)) == ["report"])
    #expect(after(.reported(NodeReport())) == ["say done", "let go", "say hello"])
    #expect(life.rank == 0, "it asks for the same rank again")
    #expect(after(.message(.dismiss)) == ["leave well"])
  }

  @Test("a window that is missing or comes twice is never executed: the node says so and waits")
  func astray() {
    for message in [Self.window(1), .finish, .connect([])] {
      var life = Self.ready()
      _ = life.handle(.message(Self.window(0)))
      _ = life.handle(.message(.begin))
      _ = life.handle(.executed(WindowReport(index: 0)))
      let again = life.handle(.message(message))
      if case .finish = message {
        #expect(Self.words(again) == ["report"])
        continue
      }
      if case .window = message {
        #expect(Self.words(again) == ["execute 1"])
        _ = life.handle(.executed(WindowReport(index: 1)))
        #expect(Self.words(life.handle(.message(message))) == ["say astray"])
      } else {
        #expect(Self.words(again) == ["say astray"])
      }
      #expect(life.state == .interrupted)
      #expect(life.handle(.message(Self.window(2))).isEmpty)
      #expect(
        Self.words(life.handle(.message(.again("a word was lost", run: 7))))
          == ["let go", "lower", "say hello"])
    }
  }

  @Test("a run that ends when this node has done its part leaves it waiting, with its flag down")
  func crossing() {
    var life = Self.ready()
    _ = life.handle(.message(.finish))
    _ = life.handle(.reported(NodeReport()))
    #expect(Self.words(life.handle(.message(.again("rank 1 is lost", run: 7)))) == ["lower"])
    #expect(life.state == .waiting)
  }

  @Test("a hello is said with every heartbeat until it is answered, and then the node is alive")
  func hello() {
    var control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
    let hello = ControlMessage.hello(Self.hello).encoded()
    #expect(Self.words(control.handle(.fromData(hello), now: Self.at(0))) == ["send hello"])
    #expect(Self.words(control.handle(.tick, now: Self.at(0.5))) == [])
    #expect(Self.words(control.handle(.tick, now: Self.at(1))) == ["offer hello"])
    let assign = ControlMessage.assign(ClusterSessionTests.assignment(0)).encoded()
    #expect(
      Self.words(control.handle(.fromCoordinator(assign), now: Self.at(1.5))) == ["hand assign"])
    #expect(Self.words(control.handle(.tick, now: Self.at(2))) == ["offer alive"])
  }

  @Test("what the data path still says of a run that is over goes nowhere")
  func gate() {
    var control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
    func hear(_ message: ControlMessage) -> [String] {
      Self.words(control.handle(.fromCoordinator(message.encoded()), now: Self.at(0)))
    }
    func say(_ message: ControlMessage) -> [String] {
      Self.words(control.handle(.fromData(message.encoded()), now: Self.at(0)))
    }
    _ = say(.hello(Self.hello))
    _ = hear(.assign(ClusterSessionTests.assignment(0)))
    #expect(say(.bound([])) == ["send bound"])
    #expect(hear(.again("lost", run: 7)) == ["hand again", "raise"])
    #expect(say(.windowDone(WindowReport(index: 0))) == [])
    // The next run's word may be here before the data path has heard that the last one is over.
    _ = hear(.assign(ClusterSessionTests.assignment(0)))
    #expect(say(.windowDone(WindowReport(index: 1))) == [])
    #expect(say(.hello(Self.hello)) == ["send hello"])
    #expect(control.state == .serving)
    #expect(say(.bound([])) == ["send bound"])
  }

  @Test("what finds no room waits, is sent first, and is counted once")
  func room() {
    var control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
    _ = control.handle(
      .fromCoordinator(ControlMessage.assign(ClusterSessionTests.assignment(0)).encoded()),
      now: Self.at(0))
    let bound = ControlMessage.bound([]).encoded()
    _ = control.handle(.fromData(bound), now: Self.at(0))
    _ = control.handle(.noRoom(bound), now: Self.at(0))
    #expect(!control.takesData)
    func said() -> Int? {
      let ping = ControlMessage.ping(.init(run: 7, sent: Self.at(0), words: 1)).encoded()
      guard case .offer(let frame)? = control.handle(.fromCoordinator(ping), now: Self.at(0)).first,
        case .success(.pong(let pong)) = ControlMessage.reading(frame)
      else { return nil }
      return pong.said
    }
    #expect(said() == 0)
    #expect(Self.words(control.handle(.tick, now: Self.at(0.2))) == ["send bound"])
    #expect(control.takesData)
    #expect(said() == 1)
  }

  @Test("a node whose connection ended ends after five heartbeats, unless it hears something")
  func disconnected() {
    func ends(_ control: inout NodeControl, at seconds: Double) -> String? {
      Self.words(control.handle(.tick, now: Self.at(seconds))).first {
        $0.hasPrefix("give up")
      }
    }
    func control(hears: Bool) -> NodeControl {
      var control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
      if hears {
        _ = control.handle(.fromCoordinator(ControlMessage.alive.encoded()), now: Self.at(1))
      }
      _ = control.handle(.disconnected, now: Self.at(2))
      return control
    }
    var lost = control(hears: true)
    _ = lost.handle(.disconnected, now: Self.at(4))
    #expect(ends(&lost, at: 7) == nil)
    #expect(
      ends(&lost, at: 7.1)
        == "give up: the connection to the coordinator at tcp://c has ended, and it is not there again "
        + "after 5.0 seconds")
    var back = control(hears: true)
    _ = back.handle(.fromCoordinator(ControlMessage.alive.encoded()), now: Self.at(6.9))
    #expect(ends(&back, at: 20) == nil)
    // Before the first word it has a minute: the coordinator may be about to start.
    var early = control(hears: false)
    #expect(ends(&early, at: 59) == nil)
  }

  @Test("silence ends a node: a minute before the first word, the limit after it")
  func silence() {
    var control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
    #expect(control.handle(.tick, now: Self.at(60)).count == 1)
    #expect(
      Self.words(control.handle(.tick, now: Self.at(60.1))).first?
        .hasPrefix("give up: no coordinator answers at tcp://c for 60") == true)
    control = NodeControl(coordinator: "tcp://c", limits: Self.limits, now: Self.at(0))
    _ = control.handle(.fromCoordinator(ControlMessage.alive.encoded()), now: Self.at(10))
    #expect(
      Self.words(control.handle(.tick, now: Self.at(25.1))).first?
        .contains("has been silent for 15") == true)
    #expect(control.handle(.tick, now: Self.at(30)).isEmpty)
  }
}
