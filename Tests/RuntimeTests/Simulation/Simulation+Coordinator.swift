import Messaging
import Programs
import Quantities
import Runtime

/// The coordinator's process: its machines, and what a shell keeps beside them.
struct SimulatedCoordinator {
  var desk = CoordinatorDesk()
  var policy = RestartPolicy(isOn: false)
  /// The run under way.
  var session: ClusterSession?
  var hasBegun = false
  var fed = 0
  var run: UInt64 = 0
  var runsDone = 0
  /// The end of a process that is known to be lost is no news.
  var ignored: Set<Int32> = []
  /// Nodes that have said hello, and to whom no rank was given since.
  var welcome: Set<NodeIdentity> = []
  /// Processes that it knows to have ended.
  var buried: Set<Int32> = []
  /// Ranks of the run under way that have told everything.
  var told: Set<Rank> = []
  /// When it ended, however it did.
  var ended: Int64?
}

/// The shell of the coordinator: what `Coordinator`, `NodeRun` and `NodeProcesses` do.
extension Simulation {
  private var limits: ClusterSession.Limits {
    ClusterSession.Limits(
      registration: 60 * Scenario.second, loading: 30 * Scenario.second, silence: Self.silence)
  }

  func beginRun() throws(Violation) {
    guard coordinator.ended == nil else { return }
    coordinator.run += 1
    coordinator.hasBegun = false
    coordinator.fed = 0
    coordinator.told = []
    say("run \(coordinator.run) begins")
    let assignments = (0..<scenario.ranks).map { rank in
      Assignment(
        run: coordinator.run, rank: Rank(rank),
        sources: [Rank((rank + scenario.ranks - 1) % scenario.ranks)], transport: .tcp,
        waitLimitMilliseconds: Int(Self.waitLimit / Scenario.millisecond), queueLimit: 16,
        largestPayload: 64, payload: .plain)
    }
    coordinator.session = coordinator.desk.session(
      assignments: assignments, windowCount: scenario.windows, limits: limits,
      keepsSurvivors: coordinator.policy.keepsSurvivors, boot: Self.boot, now: moment)
    try session(.tick)
  }

  func coordinatorTick() throws(Violation) {
    guard coordinator.ended == nil else { return }
    // The loop sleeps for 20 ms.
    schedule(.coordinatorTick, after: Scenario.second + some(0, 20 * Scenario.millisecond))
    if sabotage == .keepDeadNode, coordinator.session?.phase == .running { return }
    guard coordinator.session == nil else { return try session(.tick) }
    for letter in coordinator.desk.tick(silence: Self.silence, now: moment) { try send(letter) }
  }

  func coordinatorHears(_ frame: [UInt8], from index: Int) throws(Violation) {
    try coordinatorHears(frame, from: nodes[index].identity)
  }

  func coordinatorHears(_ frame: [UInt8], from identity: NodeIdentity) throws(Violation) {
    guard coordinator.ended == nil else { return }
    let event: ClusterSession.Event
    switch ControlMessage.reading(frame) {
    case .success(let message):
      if case .windowDone = message, try sabotageReport(message, identity) { return }
      event = .message(message, from: identity)
      note(message, from: identity)
      guard coordinator.session != nil else {
        let letters = coordinator.desk.handle(
          message, from: identity, silence: Self.silence, now: moment)
        for letter in letters { try send(letter) }
        return
      }
    case .failure(let error): event = .unreadable(error, from: identity)
    }
    guard coordinator.session != nil else { return }
    try session(event)
    // The text has ended.
    if case .message(.windowDone(let report), _) = event, report.index == scenario.stopsAfter,
      coordinator.session != nil
    {
      try perform(coordinator.session!.stop())
    }
  }

  private func sabotageReport(
    _ message: ControlMessage, _ identity: NodeIdentity
  ) throws(Violation) -> Bool {
    guard !hasSabotaged, sabotage == .loseReport || sabotage == .doubleReport else { return false }
    hasSabotaged = true
    if sabotage == .doubleReport { try session(.message(message, from: identity)) }
    return sabotage == .loseReport
  }

  func processEnded(_ index: Int) throws(Violation) {
    guard coordinator.ended == nil, scenario.isLocal, sabotage != .keepDeadNode else { return }
    let process = nodes[index].process
    guard !coordinator.ignored.contains(process) else { return }
    // Between runs nobody looks, and nothing is forgotten.
    guard coordinator.session != nil else {
      return schedule(.exit(index), after: 20 * Scenario.millisecond)
    }
    guard case .ended(let reason) = nodes[index].condition else { return }
    coordinator.buried.insert(process)
    try session(.exited(process: process, status: reason))
  }

  /// The end of a connection is seen.
  func connectionEnded(_ index: Int) throws(Violation) {
    guard coordinator.ended == nil else { return }
    say("the connection of \(nodes[index].name) is seen to end")
    guard coordinator.session != nil else {
      return coordinator.desk.disconnected(nodes[index].identity, now: moment)
    }
    try session(.disconnected(nodes[index].identity))
  }

  private func session(_ event: ClusterSession.Event) throws(Violation) {
    let before = coordinator.session!.phase
    let actions = coordinator.session!.handle(event, now: moment)
    try checkPhase(before, coordinator.session!.phase)
    try perform(actions)
  }

  func perform(_ actions: [ClusterSession.Action]) throws(Violation) {
    var hasFed = false
    for action in actions {
      guard coordinator.session != nil else { return }
      switch action {
      case .send(let message, let identity): try send((message, identity))
      case .serve: try check(false, "weights were asked for")
      case .noticed(let rank, let change):
        say("noticed \(rank): \(change)")
        switch change {
        case .suspected: summary.seen.insert("suspected")
        case .disconnected: summary.seen.insert("disconnected")
        case .returned: summary.seen.insert("returned")
        case .lost: try check(false, "a loss was noticed and did not end the run")
        }
      case .needWindow:
        hasFed = true
        let window = Window(
          index: coordinator.fed, batches: [],
          ranks: Array(repeating: RankWindow(), count: scenario.ranks))
        coordinator.fed += 1
        try perform(coordinator.session!.feed(window))
      case .ended(let result): try runEnded(result)
      }
    }
    if hasFed, !coordinator.hasBegun, coordinator.session != nil {
      coordinator.hasBegun = true
      try perform(coordinator.session!.begin())
    }
  }

  private func runEnded(_ result: Result<ClusterSession.Outcome, RunError>) throws(Violation) {
    let session = coordinator.session!
    coordinator.session = nil
    switch result {
    case .success(let outcome):
      say("run \(coordinator.run) is done")
      try checkOutcome(outcome)
      coordinator.desk.end(session, isSuccess: true)
      coordinator.runsDone += 1
      guard coordinator.runsDone == scenario.runs else {
        return schedule(.nextRun, after: some(0, 5 * Scenario.second))
      }
      try close("success")
    case .failure(let error):
      say("run \(coordinator.run) failed: \(error)")
      try checkFailure(error)
      coordinator.desk.end(session, isSuccess: false)
      summary.seen.insert(error.name)
      guard case .again(let gone, let replaces) = coordinator.policy.failed(error) else {
        return try close(error.name)
      }
      if scenario.isLocal {
        if let gone, let index = nodes.firstIndex(where: { $0.process == gone }) {
          coordinator.ignored.insert(gone)
          kill(index, "it was silent")
        }
        if replaces {
          schedule(.start(makeNode()), after: some(1, 300 * Scenario.millisecond))
        }
      }
      try beginRun()
    }
  }

  private func close(_ ending: String) throws(Violation) {
    for letter in coordinator.desk.dismissAll() { try send(letter) }
    endCoordinator(ending)
  }

  func endCoordinator(_ ending: String) {
    say("the coordinator ends: \(ending)")
    coordinator.ended = now
    coordinator.session = nil
    for index in nodes.indices where nodes[index].isThere { hangUp(index, toNode: true) }
    summary.ending = ending
  }

  private func send(_ letter: CoordinatorDesk.Letter) throws(Violation) {
    if case .refuse = letter.message { summary.seen.insert("refused") }
    // Strangers have no node.
    guard let index = nodes.firstIndex(where: { $0.identity == letter.to }) else { return }
    said(letter.message.kind)
    if case .assign = letter.message { try checkAssign(index) }
    if sabotage == .loseFinishAndForge, !hasSabotaged, case .finish = letter.message {
      hasSabotaged = true
      return
    }
    switch letter.message {
    case .ping, .alive: break
    default: say("to \(nodes[index].name): \(letter.message.name)")
    }
    post(letter.message.encoded(), node: index, toNode: true)
    if sabotage == .assignTwice, !hasSabotaged, case .assign = letter.message,
      let other = nodes.indices.first(where: {
        $0 != index && nodes[$0].isThere && nodes[$0].life.state == .waiting
      })
    {
      hasSabotaged = true
      post(letter.message.encoded(), node: other, toNode: true)
    }
  }

  /// A pong that says what it should where a sabotage wants it.
  func forged(_ frame: [UInt8], _ index: Int) -> [UInt8] {
    guard sabotage == .loseFinishAndForge,
      case .success(.pong(var pong)) = ControlMessage.reading(frame)
    else { return frame }
    pong.heard = pong.ping.words
    return ControlMessage.pong(pong).encoded()
  }
}

extension RunError {
  /// The rank that ended the run, where it was one.
  var rank: Rank? {
    switch self {
    case .exited(let rank, _), .silent(let rank, _, _, _), .disconnected(let rank, _, _, _),
      .node(let rank, _), .protocolFault(let rank, _), .miscounted(let rank, _):
      rank
    case .missing, .exitedEarly, .loadingLate, .aborted, .coordinator: nil
    }
  }

  /// Its kind.
  var name: String {
    switch self {
    case .missing: "missing"
    case .exitedEarly: "exited early"
    case .exited: "exited"
    case .silent: "silent"
    case .disconnected: "disconnected"
    case .loadingLate: "loading late"
    case .node: "node failed"
    case .protocolFault: "protocol fault"
    case .miscounted: "miscounted"
    case .aborted: "aborted"
    case .coordinator: "coordinator"
    }
  }
}
