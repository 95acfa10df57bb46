import Messaging
import Programs
import Quantities

/// A node's address on the control socket.
public struct NodeIdentity: Hashable, Sendable {
  /// Bytes of the payload.
  public let bytes: [UInt8]

  /// Takes each field as it is.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// The coordinator's side of a run, as a value: events in, actions out. Sockets, processes and clocks
/// are elsewhere.
///
/// Its phases, each with what ends it:
///
/// ```
/// registering   every rank has a node; others wait as spares     ▶ binding
/// binding       every node has said where its peers reach it     ▶ loading
/// loading       every node has its slices                        ▶ running
/// running       every node has done every window                 ▶ reporting
/// reporting     every node has told what it has to tell          ▶ ended
/// any           a node fails, leaves, is silent or late          ▶ ended, with the error
/// any           a word was lost on the way                       ▶ ended, with the error
/// ```
/// What it thinks of each node meanwhile is a `Liveness`.
public struct ClusterSession: Sendable {
  /// Where the run is.
  public enum Phase: String, Sendable {
    case registering, binding, loading, running, reporting, ended
  }

  /// What happens to the session.
  public enum Event {
    case message(ControlMessage, from: NodeIdentity)
    /// A frame that could not be read.
    case unreadable(FrameError, from: NodeIdentity)
    /// The connection of somebody has ended.
    case disconnected(NodeIdentity)
    /// A node process of this host has ended.
    case exited(process: Int32, status: String)
    /// Time has passed.
    case tick
  }

  /// What the shell must do.
  public enum Action {
    case send(ControlMessage, to: NodeIdentity)
    /// Compile the next window and hand it back through `feed`.
    case needWindow
    /// Answer a node that asks for weights.
    case serve(WeightRequest, to: NodeIdentity)
    /// Tell people of a node that is suspect or disconnected, or is back.
    case noticed(Rank, Liveness.Change)
    case ended(Result<Outcome, RunError>)
  }

  /// Windows that a node may have before it has done them. Enough to keep it busy while the next ones
  /// travel; few enough to bound its memory.
  public static let windowsAhead = 8

  /// How long a node of the run before may take to say hello again, in nanoseconds, before another may take
  /// its place.
  static let returnLimit: Int64 = 5_000_000_000

  /// Where the run is.
  public private(set) var phase = Phase.registering
  /// Nodes that wait: before the run those that may become its own, then spares, and in the end those that
  /// have come back.
  public private(set) var roll: NodeRoll
  let assignments: [Assignment]
  private let boot: String
  private let keepsSurvivors: Bool
  /// Nodes that stay after a failure, and say hello again, with the run.
  public private(set) var staying: [(NodeIdentity, run: UInt64)] = []
  /// Processes of this host that ended after their part of a run was done. Nobody missed them then; where that run
  /// fails in the end, the next one does.
  public private(set) var unreplaced: [Ended]
  let limits: Limits
  private let windowCount: Int
  var nodes: [Node?]
  private var fed = 0
  private var requested = 0
  private var hasStopped = false
  private var windows: [[WindowReport?]] = []
  private var phaseBegan: MeasuredTime

  /// - Parameters:
  ///   - assignments: One a rank.
  ///   - windowCount: Windows of the program; `stop` ends it earlier.
  ///   - roll: Nodes that wait already, and those that are awaited.
  ///   - unreplaced: Processes whose end no run has failed for yet, though this one needs others in their place.
  ///   - keepsSurvivors: Whether nodes stay when one of them is lost, so that the program can be run again.
  ///   - boot: The coordinator's host: nodes of the same one share its clock.
  public init(
    assignments: [Assignment], windowCount: Int, limits: Limits, roll: NodeRoll = NodeRoll(),
    unreplaced: [Ended] = [], keepsSurvivors: Bool = false, boot: String = "",
    now: MeasuredTime
  ) {
    self.unreplaced = unreplaced
    self.keepsSurvivors = keepsSurvivors
    self.assignments = assignments
    self.roll = roll
    self.boot = boot
    self.windowCount = windowCount
    self.limits = limits
    nodes = Array(repeating: nil, count: assignments.count)
    phaseBegan = now
  }

  /// Takes an event and says what to do.
  public mutating func handle(_ event: Event, now: MeasuredTime) -> [Action] {
    guard phase != .ended else { return [] }
    switch event {
    case .message(let message, let identity): return handle(message, from: identity, now: now)
    case .unreadable(let error, let identity):
      // A stranger's bytes are not worth a run; a node's are a fault of ours or of the wire.
      guard let rank = rank(of: identity), nodes[rank.index]!.report == nil else { return [] }
      return fail(.protocolFault(rank, "sent an unreadable frame: \(error)"))
    case .disconnected(let identity): return disconnected(identity, now)
    case .exited(let process, let status): return exited(process, status, now)
    case .tick: return tick(now)
    }
  }

  /// Takes the next window, after `needWindow`.
  public mutating func feed(_ window: Window) -> [Action] {
    precondition(window.index == fed, "window \(window.index) fed as number \(fed)")
    fed += 1
    windows.append(Array(repeating: nil, count: nodes.count))
    return nodes.indices.map { say(.window(NodeWindow(window, rank: Rank($0))), to: $0) }
  }

  /// Begins execution: called once the first windows have been fed after `running` was reached.
  public mutating func begin() -> [Action] { nodes.indices.map { say(.begin, to: $0) } }

  /// Asks for no more windows: the program has ended, or the text. What was fed is still executed.
  public mutating func stop() -> [Action] {
    guard phase == .running, !hasStopped else { return [] }
    hasStopped = true
    return advance()
  }

  /// Gives the run up.
  public mutating func abort(_ reason: String) -> [Action] {
    phase == .ended ? [] : fail(.aborted(reason))
  }

  // MARK: Messages

  private mutating func handle(
    _ message: ControlMessage, from identity: NodeIdentity, now: MeasuredTime
  ) -> [Action] {
    if case .hello(let hello) = message { return register(hello, identity, now) }
    if case .status = message { return [.send(.members(status(now: now)), to: identity)] }
    roll.heard(identity, now: now)
    // A node that was refused may still speak; it has no rank and no say. One that waits can only leave.
    guard let rank = rank(of: identity) else {
      guard case .failed = message else { return [] }
      roll.remove(identity)
      return draft(now)
    }
    let notice = nodes[rank.index]!.liveness.heard(now: now).map { Action.noticed(rank, $0) }
    if message.kind.isCounted { nodes[rank.index]!.heard += 1 }
    return (notice.map { [$0] } ?? []) + take(message, of: rank, now: now)
  }

  /// What a node of the run says.
  private mutating func take(
    _ message: ControlMessage, of rank: Rank, now: MeasuredTime
  ) -> [Action] {
    let identity = nodes[rank.index]!.identity
    // It has told everything, and its part is done. Whatever becomes of it then is no matter of this run.
    if nodes[rank.index]!.report != nil {
      if case .failed = message { roll.remove(identity) }
      return []
    }
    switch (phase, message) {
    case (_, .alive): return []
    case (_, .pong(let pong)):
      nodes[rank.index]!.clock.add(sent: pong.ping.sent, node: pong.node, received: now)
      if let error = miscount(pong, rank) { return fail(error) }
      // Some at once, since the first ones may have waited; then one with every heartbeat.
      return nodes[rank.index]!.clock.exchanges < NodeClock.firstExchanges ? [ping(rank, now)] : []
    case (_, .astray(let reason)): return fail(.miscounted(rank, reason))
    case (.loading, .wantWeights(let request)): return [.serve(request, to: identity)]
    case (_, .failed(let reason)): return fail(.node(rank, reason))
    case (.binding, .bound(let endpoints)):
      nodes[rank.index]!.endpoints = endpoints
      guard nodes.allSatisfy({ $0?.endpoints != nil }) else { return [] }
      enter(.loading, now)
      return connect()
    case (.loading, .ready):
      nodes[rank.index]!.isReady = true
      guard nodes.allSatisfy({ $0?.isReady == true }) else { return [] }
      enter(.running, now)
      return advance()
    case (.running, .windowDone(let report)):
      let due = nodes[rank.index]!.windowsDone
      guard report.index >= due, report.index < fed else {
        return fail(.protocolFault(rank, "reported window \(report.index) out of turn"))
      }
      guard report.index == due else {
        return fail(.miscounted(rank, "window \(report.index) was reported, and never \(due)"))
      }
      windows[report.index][rank.index] = report
      nodes[rank.index]!.windowsDone += 1
      return advance()
    case (.reporting, .done(let report)):
      nodes[rank.index]!.report = report
      guard nodes.allSatisfy({ $0?.report != nil }) else { return [] }
      enter(.ended, now)
      return [.ended(.success(outcome))]
    default:
      return fail(.protocolFault(rank, "sent '\(message.name)' while \(phase.rawValue)"))
    }
  }

  private var outcome: Outcome {
    let clocks = nodes.map { $0!.clock }
    return Outcome(
      nodes: nodes.map { $0!.hello },
      reports: zip(nodes, clocks).map { node, clock in clock.translate(node!.report!) },
      windows: windows.map { window in
        zip(window, clocks).map { report, clock in clock.translate(report!) }
      }, clocks: clocks.map(\.estimate))
  }

  private mutating func register(
    _ hello: ControlMessage.Hello, _ identity: NodeIdentity, _ now: MeasuredTime
  ) -> [Action] {
    if phase != .registering {
      // Who has done its part says hello again, and waits for the next run. Who has not, has not heard of its rank
      // yet, and is there.
      if let rank = rank(of: identity), nodes[rank.index]!.report == nil {
        return nodes[rank.index]!.liveness.heard(now: now).map { [.noticed(rank, $0)] } ?? []
      }
      if let rank = hello.requestedRank, nodes.indices.contains(rank),
        nodes[rank]!.identity != identity
      {
        return [
          .send(.refuse("rank \(rank) is taken by \(nodes[rank]!.hello.place)"), to: identity)
        ]
      }
    }
    if roll.isStale(hello, from: identity) { return [] }
    if let reason = roll.register(hello, from: identity, now: now) {
      return [.send(.refuse(reason), to: identity)]
    }
    return draft(now)
  }

  /// Begins when there is a node for every rank.
  private mutating func draft(_ now: MeasuredTime) -> [Action] {
    guard phase == .registering,
      roll.awaited.isEmpty || (now - phaseBegan).nanoseconds > Self.returnLimit,
      let members = roll.draft(ranks: nodes.count)
    else { return [] }
    nodes = members.map { Node($0, boot: boot, silence: limits.silence, now: now) }
    enter(.binding, now)
    return assignments.enumerated().flatMap { index, assignment -> [Action] in
      var assignment = assignment
      assignment.sourceKeys = Set(assignment.sources.map { members[$0.index].hello.key }).sorted()
      return [say(.assign(assignment), to: index), ping(Rank(index), now)]
    }
  }

  private mutating func connect() -> [Action] {
    // endpoints[receiver] says where each of its sources connects.
    var targets = Array(repeating: [ControlMessage.PeerEndpoint](), count: nodes.count)
    for (receiver, node) in nodes.enumerated() {
      for place in node!.endpoints! where targets.indices.contains(place.peer.index) {
        targets[place.peer.index].append(
          ControlMessage.PeerEndpoint(
            peer: Rank(receiver), endpoint: place.endpoint, key: node!.hello.key))
      }
    }
    if let error = unreachable() { return fail(error) }
    return targets.enumerated().map { say(.connect($0.element), to: $0.offset) }
  }

  /// Asks for windows while nodes have room, and finishes when they have done all.
  private mutating func advance() -> [Action] {
    let slowest = nodes.map { $0!.windowsDone }.min()!
    let total = hasStopped ? fed : windowCount
    if slowest == total, fed == total {
      phase = .reporting
      return nodes.indices.map { say(.finish, to: $0) }
    }
    guard !hasStopped else { return [] }
    var actions: [Action] = []
    while requested < min(windowCount, slowest + Self.windowsAhead) {
      requested += 1
      actions.append(.needWindow)
    }
    return actions
  }

  // MARK: Ends

  private mutating func exited(
    _ process: Int32, _ status: String, _ now: MeasuredTime
  ) -> [Action] {
    // It may have come back before it ended, and must not be given a rank.
    roll.remove(process: process, now: now)
    guard let index = nodes.firstIndex(where: { $0?.hello.process == process }) else {
      return phase == .registering
        ? fail(.exitedEarly(process: process, status: status)) : []
    }
    // A node leaves by itself once it has told everything.
    guard nodes[index]!.report == nil else {
      unreplaced.append(Ended(process: process, status: status))
      return []
    }
    return fail(.exited(Rank(index), status: status))
  }

  private mutating func disconnected(_ identity: NodeIdentity, _ now: MeasuredTime) -> [Action] {
    roll.disconnected(identity, now: now)
    guard let rank = rank(of: identity), nodes[rank.index]!.report == nil,
      let change = nodes[rank.index]!.liveness.disconnected(now: now)
    else { return [] }
    return [.noticed(rank, change)]
  }

  private mutating func tick(_ now: MeasuredTime) -> [Action] {
    if phase == .registering, let ended = unreplaced.first {
      unreplaced.removeFirst()
      return fail(.exitedEarly(process: ended.process, status: ended.status))
    }
    roll.dropSilent(limits.silence, now: now)
    let drafted = draft(now)
    guard drafted.isEmpty else { return drafted }
    let waited = (now - phaseBegan).nanoseconds
    if phase == .registering, waited > limits.registration {
      let placed = Set(registered.map(\.rank.index))
      let spares = roll.members.filter { ($0.hello.requestedRank ?? -1) >= nodes.count }
      return fail(
        .missing(
          nodes.indices.filter { !placed.contains($0) }.map { Rank($0) },
          present: registered.map { "\($0.rank): \($0.hello.place)" }
            + spares.map { "\($0.hello.place), which asks for rank \($0.hello.requestedRank!)" },
          seconds: Double(waited) / 1e9))
    }
    var notices: [Action] = []
    for (index, node) in nodes.enumerated() {
      guard let node, node.report == nil, let change = nodes[index]!.liveness.tick(now: now) else {
        continue
      }
      if case .lost(let silence, let isDisconnected) = change {
        let (process, seconds) = (node.hello.process, Double(silence) / 1e9)
        return fail(
          isDisconnected
            ? .disconnected(Rank(index), process: process, seconds: seconds, phase: phase)
            : .silent(Rank(index), process: process, seconds: seconds, phase: phase))
      }
      notices.append(.noticed(Rank(index), change))
    }
    if phase == .loading, waited > limits.loading {
      let late = nodes.indices.filter { !nodes[$0]!.isReady }.map { Rank($0) }
      return fail(.loadingLate(late, seconds: Double(waited) / 1e9))
    }
    // A ping tells that the coordinator is alive, and its answer how the clocks stand.
    let pings = nodes.indices.filter { nodes[$0] != nil }.map { ping(Rank($0), now) }
    return notices + pings + roll.members.map { .send(.alive, to: $0.identity) }
  }

  // MARK: Counting words

  /// Says a word of the run to the node of a rank.
  private mutating func say(_ message: ControlMessage, to index: Int) -> Action {
    nodes[index]!.told += 1
    return .send(message, to: nodes[index]!.identity)
  }

  private func ping(_ rank: Rank, _ now: MeasuredTime) -> Action {
    let node = nodes[rank.index]!
    return .send(
      .ping(.init(run: assignments[rank.index].run, sent: now, words: node.told)),
      to: node.identity)
  }

  /// Words go in order both ways, and so do ping and pong between them: when a pong comes, the node has heard all
  /// that was said before the ping, and all that it said before the pong is here. If not, something was lost
  /// with a connection that was cut, and would be waited for without end.
  private func miscount(_ pong: ControlMessage.Pong, _ rank: Rank) -> RunError? {
    let run = assignments[rank.index].run
    let heard = nodes[rank.index]!.heard
    // A ping of the run before says nothing of this one, even if both have one number.
    guard pong.ping.run == run, pong.ping.sent >= nodes[rank.index]!.drafted else { return nil }
    guard pong.run == run else { return .miscounted(rank, "its assignment did not come") }
    guard pong.heard == pong.ping.words, pong.said == heard else {
      return .miscounted(
        rank,
        "of \(pong.ping.words) words to it \(pong.heard) have come, and \(heard) of its own "
          + "\(pong.said)")
    }
    return nil
  }

  private mutating func fail(_ error: RunError) -> [Action] {
    let words = error.description
    let isAgain = keepsSurvivors && error.isLoss
    var actions: [Action] = []
    for (rank, node) in nodes.enumerated() {
      guard let node else { continue }
      if isAgain, error.lost != Rank(rank) {
        // Who has told all and said hello waits already.
        if node.report == nil {
          actions.append(.send(.again(words, run: assignments[rank].run), to: node.identity))
        }
        staying.append((node.identity, assignments[rank].run))
      } else {
        actions.append(.send(.abort(words), to: node.identity))
      }
    }
    if phase == .registering, !isAgain {
      // Who waits for this run to begin waits in vain; spares of a run that has begun are not concerned.
      actions += roll.members.map { .send(.abort(words), to: $0.identity) }
      roll.removeMembers()
    }
    phase = .ended
    return actions + [.ended(.failure(error))]
  }

  /// The nodes of the run, by rank, with its number; nobody while they register.
  public var served: [(NodeIdentity, run: UInt64)] {
    zip(nodes, assignments).compactMap { node, assignment in
      node.map { ($0.identity, assignment.run) }
    }
  }

  /// The rank that a node has, if it has one.
  public func rank(of identity: NodeIdentity) -> Rank? {
    nodes.firstIndex { $0?.identity == identity }.map { Rank($0) }
  }

  private mutating func enter(_ next: Phase, _ now: MeasuredTime) {
    phase = next
    phaseBegan = now
  }
}
