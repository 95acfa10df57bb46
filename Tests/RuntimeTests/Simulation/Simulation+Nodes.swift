import Messaging
import Programs
import Quantities
import Runtime

/// The shells of the nodes: what `ControlThread` and `NodeService` do, without threads and sockets.
extension Simulation {
  /// How often a control thread looks at the clock, at most and at least.
  static let controlPause = 250 * Scenario.millisecond
  /// Frames between a node's two threads: the windows that may be ahead, and the words around them.
  static let mostWaitingFrames = ClusterSession.windowsAhead + 8

  func makeNode() -> Int {
    let index = nodes.count
    let hello = ControlMessage.Hello(
      host: scenario.isLocal ? "here" : "host\(index % 3)", process: Int32(1000 + index),
      processors: 1, instructions: "none", requestedRank: nil,
      boot: scenario.isLocal ? Self.boot : "boot\(index)")
    nodes.append(
      SimulatedNode(
        index, life: NodeLife(hello),
        control: NodeControl(
          coordinator: "sim://", limits: .init(registration: Self.waitLimit, silence: Self.silence),
          now: moment)))
    return index
  }

  func start(_ index: Int) {
    // It was to be started by a coordinator that is gone.
    guard coordinator.ended == nil else { return }
    nodes[index].condition = .running
    nodes[index].control = NodeControl(
      coordinator: "sim://", limits: .init(registration: Self.waitLimit, silence: Self.silence),
      now: moment)
    say("\(nodes[index].name) starts")
    schedule(.controlTick(index), after: some(0, Self.controlPause))
    if scenario.diesAtStart { return kill(index, "died at once") }
    schedule(.work(index, turn: 0, .letGo), after: 0)
  }

  // MARK: The control thread

  func controlTick(_ index: Int) throws(Violation) {
    guard nodes[index].isThere else { return }
    if nodes[index].isStopped { return nodes[index].held.append(.controlTick(index)) }
    schedule(.controlTick(index), after: some(Self.controlPause, 2 * Self.controlPause))
    if sabotage == .deafNode, index == 0 { return }
    try control(index, .tick)
    try drainOutbox(index)
    try hear(index)
  }

  func deliver(_ frame: [UInt8], to index: Int) throws(Violation) {
    guard nodes[index].isThere else { return }
    try control(index, .fromCoordinator(frame))
    try hear(index)
  }

  /// The end of the connection is seen at the node.
  func coordinatorHungUp(_ index: Int) throws(Violation) {
    guard nodes[index].isThere else { return }
    say("\(nodes[index].name) sees its connection end")
    try control(index, .disconnected)
  }

  private func control(_ index: Int, _ event: NodeControl.Event) throws(Violation) {
    let before = nodes[index].control.state
    let actions = nodes[index].control.handle(event, now: moment)
    try checkControl(index, before)
    for action in actions {
      switch action {
      case .send(let frame):
        guard now >= nodes[index].fullUntil else {
          summary.seen.insert("no room")
          try control(index, .noRoom(frame))
          continue
        }
        post(forged(frame, index), node: index, toNode: false)
      case .offer(let frame):
        if now >= nodes[index].fullUntil {
          post(forged(frame, index), node: index, toNode: false)
        }
      case .hand(let frame):
        nodes[index].inbox.append(frame)
        try check(
          nodes[index].inbox.count <= Self.mostWaitingFrames,
          "\(nodes[index].inbox.count) frames wait at \(nodes[index].name)")
      case .raise: nodes[index].flag += 1
      case .giveUp(let reason):
        say("\(nodes[index].name) gives up: \(reason)")
        nodes[index].inbox.append(ControlMessage.abort(reason).encoded())
        nodes[index].flag += 1
      case .end: break
      }
    }
  }

  private func drainOutbox(_ index: Int) throws(Violation) {
    while nodes[index].control.takesData, !nodes[index].outbox.isEmpty {
      try control(index, .fromData(nodes[index].outbox.removeFirst()))
    }
  }

  // MARK: The data path

  /// Lets the data path hear what waits, as far as it does not work.
  func hear(_ index: Int) throws(Violation) {
    while nodes[index].condition == .running, !nodes[index].life.isWorking,
      !nodes[index].inbox.isEmpty
    {
      let frame = nodes[index].inbox.removeFirst()
      switch ControlMessage.reading(frame) {
      case .success(let message): try live(index, .message(message))
      case .failure(let error): try live(index, .unreadable(error))
      }
    }
  }

  private func live(_ index: Int, _ event: NodeLife.Event) throws(Violation) {
    let before = nodes[index].life.state
    let actions = nodes[index].life.handle(event)
    try checkLife(index, before)
    try perform(index, actions)
  }

  private func perform(_ index: Int, _ actions: [NodeLife.Action]) throws(Violation) {
    for (place, action) in actions.enumerated() {
      switch action {
      case .say(let message):
        say("\(nodes[index].name) says \(message.name)")
        said(message.kind)
        nodes[index].outbox.append(message.encoded())
        try drainOutbox(index)
      case .letGo: nodes[index].assignment = nil
      case .lowerFlag:
        try check(nodes[index].flag > 0, "\(nodes[index].name) lowers a flag that is not up")
        nodes[index].flag -= 1
      case .leave(let failure):
        say("\(nodes[index].name) leaves: \(failure?.reason ?? "well")")
        end(index, failure?.reason ?? "")
      case .bind, .load, .execute, .report:
        try check(place == actions.count - 1, "\(nodes[index].name): work is not the last action")
        if case .bind(let assignment) = action { try own(index, assignment) }
        nodes[index].turn += 1
        nodes[index].workBegan = now
        schedule(.work(index, turn: nodes[index].turn, action), after: duration(of: action))
      }
    }
  }

  private func duration(of work: NodeLife.Action) -> Int64 {
    switch work {
    case .load: some(0, scenario.loadTime)
    case .execute: some(0, scenario.windowTime)
    default: some(0, 5 * Scenario.millisecond)
    }
  }

  /// A piece of work may be done.
  func work(_ index: Int, _ turn: Int, _ action: NodeLife.Action) throws(Violation) {
    guard nodes[index].isThere else { return }
    if nodes[index].isStopped {
      return nodes[index].held.append(.work(index, turn: turn, action))
    }
    // The first turn of a life.
    if case .letGo = action { return try perform(index, nodes[index].life.begin()) }
    guard turn == nodes[index].turn else { return }
    if let event = result(index, action) {
      try live(index, event)
      // What waits is heard now; when the flag is up, the reason must be there.
      if nodes[index].life.state == .interrupted, nodes[index].flag > 0 {
        try check(!nodes[index].inbox.isEmpty, "\(nodes[index].name) sees the flag and no reason")
      }
      return try hear(index)
    }
    schedule(.work(index, turn: turn, action), after: some(1, 300 * Scenario.millisecond))
  }

  private func result(_ index: Int, _ action: NodeLife.Action) -> NodeLife.Event? {
    let node = nodes[index]
    if node.workFails {
      nodes[index].workFails = false
      return .failed(NodeFailure(reason: "no space left on device", isOwn: true))
    }
    switch action {
    case .bind: return .bound([])
    case .load:
      return node.flag > 0 && scenario.loadsAbortably ? .aborted : .loaded(weightBytes: 1)
    case .report: return .reported(NodeReport())
    case .execute(let window):
      guard node.flag == 0 else { return .aborted }
      guard
        let input = plane.input(
          run: node.assignment!.run, rank: node.assignment!.rank.index, window: window.index,
          ranks: scenario.ranks)
      else {
        return now - node.workBegan < Self.waitLimit
          ? nil : .failed(NodeFailure(reason: "waited for a message", isOwn: true))
      }
      if sabotage == .executeTwice, index == 0, window.index == 1 {
        _ = plane.execute(
          window.index, of: node.assignment!, input: input, cache: &nodes[index].cache)
      }
      return .executed(
        plane.execute(
          window.index, of: node.assignment!, input: input, cache: &nodes[index].cache))
    default: preconditionFailure("\(action) is no work")
    }
  }

  private func own(_ index: Int, _ assignment: Assignment) throws(Violation) {
    nodes[index].assignment = assignment
    nodes[index].cache = 0
    let place = Owned(run: assignment.run, rank: assignment.rank.index)
    try check(
      owners[place] == nil || owners[place] == index,
      "\(nodes[index].name) and node \(owners[place] ?? -1) both have \(assignment.rank)")
    owners[place] = index
  }

  // MARK: Ends

  /// A process ends by itself: what it has said is still sent.
  private func end(_ index: Int, _ reason: String) {
    nodes[index].condition = .ended(reason)
    nodes[index].turn += 1
    for frame in nodes[index].outbox { post(frame, node: index, toNode: false) }
    nodes[index].outbox = []
    hangUp(index, toNode: false)
    schedule(.exit(index), after: some(0, 100 * Scenario.millisecond))
  }

  /// It is killed: what the kernel has is still sent, and what the process had is lost.
  func kill(_ index: Int, _ reason: String) {
    guard nodes[index].isThere else { return }
    say("\(nodes[index].name) is killed: \(reason)")
    nodes[index].condition = .ended(reason)
    _ = nodes[index].takeAll(toNode: true)
    let frames = nodes[index].takeAll(toNode: false)
    let kept = Int(some(0, Int64(frames.count)))
    repost(index, toNode: false, frames: Array(frames.prefix(kept)))
    hangUp(index, toNode: false)
    schedule(.exit(index), after: some(0, 100 * Scenario.millisecond))
  }

  func resume(_ index: Int) {
    guard nodes[index].isStopped else { return }
    nodes[index].condition = .running
    say("\(nodes[index].name) goes on")
    let held = nodes[index].held
    nodes[index].held = []
    // What has come is read before the clock is looked at.
    for event in held { schedule(event, after: 0) }
  }
}
