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
/// ```
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
    case ended(Result<Outcome, RunError>)
  }

  /// What a finished run gave, by rank.
  public struct Outcome: Sendable {
    /// Who the nodes were, by rank.
    public var nodes: [ControlMessage.Hello]
    /// What each node told in the end, by rank.
    public var reports: [NodeReport]
    /// windows[i][rank], on the coordinator's clock
    public var windows: [[WindowReport]]
    /// How far the nodes' clocks may be from what was taken for them, by rank.
    public var clocks: [ClockEstimate]
  }

  /// Waits that end a run, in nanoseconds of the host's clock.
  public struct Limits: Hashable, Sendable {
    /// From the start until every rank has a node. A process starts in milliseconds; a container pulls
    /// its image first.
    public var registration: Int64
    /// From the assignment until every node is ready: the time to read its slices.
    public var loading: Int64
    /// Silence of a node. Nodes speak once a second; 15 s lets a loaded host breathe.
    public var silence: Int64

    /// Takes each field as it is.
    public init(
      registration: Int64 = 60_000_000_000, loading: Int64 = 600_000_000_000,
      silence: Int64 = 15_000_000_000
    ) {
      self.registration = registration
      self.loading = loading
      self.silence = silence
    }
  }

  /// Windows that a node may have before it has done them. Enough to keep it busy while the next ones
  /// travel; few enough to bound its memory.
  public static let windowsAhead = 8

  /// How long a node of the run before may take to say hello again, in nanoseconds, before another may take
  /// its place.
  static let returnLimit: Int64 = 5_000_000_000

  private struct Node {
    var identity: NodeIdentity
    var hello: ControlMessage.Hello
    var lastHeard: MeasuredTime
    var endpoints: [ControlMessage.PeerEndpoint]?
    var isReady = false
    var windowsDone = 0
    var report: NodeReport?
    var clock = NodeClock()

    init(_ member: NodeRoll.Member, boot: String, now: MeasuredTime) {
      identity = member.identity
      hello = member.hello
      // It may have waited long; its silence in this run counts from here.
      lastHeard = now
      clock.isCoordinators = hello.boot == boot
    }
  }

  /// Where the run is.
  public private(set) var phase = Phase.registering
  /// Nodes that wait: before the run those that may become its own, then spares, and in the end those that
  /// have come back.
  public private(set) var roll: NodeRoll
  private let assignments: [Assignment]
  private let boot: String
  private var returning: Set<NodeIdentity>
  private let limits: Limits
  private let windowCount: Int
  private var nodes: [Node?]
  private var fed = 0
  private var requested = 0
  private var hasStopped = false
  private var windows: [[WindowReport?]] = []
  private var phaseBegan: MeasuredTime

  /// - Parameters:
  ///   - assignments: One a rank.
  ///   - windowCount: Windows of the program; `stop` ends it earlier.
  ///   - roll: Nodes that wait already.
  ///   - returning: Nodes of the run before that have yet to say hello again. They are waited for, so that
  ///     each gets the rank that it had.
  ///   - boot: The coordinator's host: nodes of the same one share its clock.
  public init(
    assignments: [Assignment], windowCount: Int, limits: Limits, roll: NodeRoll = NodeRoll(),
    returning: Set<NodeIdentity> = [], boot: String = "", now: MeasuredTime
  ) {
    self.returning = returning
    self.assignments = assignments
    self.roll = roll
    self.boot = boot
    self.windowCount = windowCount
    self.limits = limits
    nodes = Array(repeating: nil, count: assignments.count)
    phaseBegan = now
  }

  /// Ranks that have a node, with what it said of itself.
  public var registered: [(rank: Rank, hello: ControlMessage.Hello)] {
    let hellos =
      phase == .registering
      ? roll.placement(ranks: assignments.count).map { $0?.hello } : nodes.map { $0?.hello }
    return hellos.enumerated().compactMap { index, hello in hello.map { (Rank(index), $0) } }
  }

  /// Everyone who is here, by rank, and then those without one.
  public func status(now: MeasuredTime) -> ClusterStatus {
    func member(
      _ rank: Int?, _ hello: ControlMessage.Hello, _ lastHeard: MeasuredTime
    ) -> ClusterStatus.Member {
      ClusterStatus.Member(rank: rank, hello: hello, silence: now - lastHeard)
    }
    var status = roll.status(now: now)
    status.phase = phase.rawValue
    status.ranks = assignments.count
    if phase == .registering {
      for (rank, placed) in roll.placement(ranks: assignments.count).enumerated() {
        guard let placed, let index = roll.members.firstIndex(of: placed) else { continue }
        status.members[index].rank = rank
      }
    }
    let running = nodes.enumerated().compactMap { rank, node in
      node.flatMap { $0.report == nil ? member(rank, $0.hello, $0.lastHeard) : nil }
    }
    status.members = (running + status.members).sorted {
      ($0.rank ?? .max, $0.hello.host, $0.hello.process)
        < ($1.rank ?? .max, $1.hello.host, $1.hello.process)
    }
    return status
  }

  /// Takes an event and says what to do.
  public mutating func handle(_ event: Event, now: MeasuredTime) -> [Action] {
    guard phase != .ended else { return [] }
    switch event {
    case .message(let message, let identity): return handle(message, from: identity, now: now)
    case .unreadable(let error, let identity):
      // A stranger's bytes are not worth a run; a node's are a fault of ours or of the wire.
      guard let rank = rank(of: identity) else { return [] }
      return fail(.protocolFault(rank, "sent an unreadable frame: \(error)"))
    case .exited(let process, let status): return exited(process, status)
    case .tick: return tick(now)
    }
  }

  /// Takes the next window, after `needWindow`.
  public mutating func feed(_ window: Window) -> [Action] {
    precondition(window.index == fed, "window \(window.index) fed as number \(fed)")
    fed += 1
    windows.append(Array(repeating: nil, count: nodes.count))
    return nodes.enumerated().map { index, node in
      .send(
        .window(NodeWindow(window, rank: Rank(index))), to: node!.identity)
    }
  }

  /// Begins execution: called once the first windows have been fed after `running` was reached.
  public func begin() -> [Action] {
    nodes.map { .send(.begin, to: $0!.identity) }
  }

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
      if case .failed = message { roll.remove(identity) }
      return []
    }
    nodes[rank.index]!.lastHeard = now
    switch (phase, message) {
    case (_, .alive): return []
    case (_, .pong(let sent, let node)):
      nodes[rank.index]!.clock.add(sent: sent, node: node, received: now)
      // Some at once, since the first ones may have waited; then one with every heartbeat.
      return nodes[rank.index]!.clock.exchanges < NodeClock.firstExchanges
        ? [.send(.ping(now), to: identity)] : []
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
      guard report.index == nodes[rank.index]!.windowsDone, report.index < fed else {
        return fail(.protocolFault(rank, "reported window \(report.index) out of turn"))
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
      // Who has done its part says hello again, and waits for the next run.
      if let rank = rank(of: identity), nodes[rank.index]!.report == nil { return [] }
      if let rank = hello.requestedRank, nodes.indices.contains(rank),
        nodes[rank]!.identity != identity
      {
        return [
          .send(.refuse("rank \(rank) is taken by \(nodes[rank]!.hello.place)"), to: identity)
        ]
      }
    }
    returning.remove(identity)
    if let reason = roll.register(hello, from: identity, now: now) {
      return [.send(.refuse(reason), to: identity)]
    }
    return draft(now)
  }

  /// Begins when there is a node for every rank.
  private mutating func draft(_ now: MeasuredTime) -> [Action] {
    guard phase == .registering,
      returning.isEmpty || (now - phaseBegan).nanoseconds > Self.returnLimit,
      let members = roll.draft(ranks: nodes.count)
    else { return [] }
    nodes = members.map { Node($0, boot: boot, now: now) }
    enter(.binding, now)
    return zip(members, assignments).flatMap { member, assignment -> [Action] in
      var assignment = assignment
      assignment.sourceKeys = Set(assignment.sources.map { members[$0.index].hello.key }).sorted()
      return [
        .send(.assign(assignment), to: member.identity), .send(.ping(now), to: member.identity),
      ]
    }
  }

  /// A node that tells nodes of other hosts to reach it at loopback.
  private func unreachable() -> RunError? {
    guard Set(nodes.map { $0!.hello.boot }).count > 1 else { return nil }
    for (rank, node) in nodes.enumerated() {
      for place in node!.endpoints! where place.endpoint.hasPrefix("tcp://127.") {
        return .node(
          Rank(rank),
          "it is to be reached at \(place.endpoint), which is its own host's alone, and nodes are on "
            + "several hosts. Start it with the coordinator's address on the network, or with "
            + "--address")
      }
    }
    return nil
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
    return nodes.enumerated().map { .send(.connect(targets[$0.offset]), to: $0.element!.identity) }
  }

  /// Asks for windows while nodes have room, and finishes when they have done all.
  private mutating func advance() -> [Action] {
    let slowest = nodes.map { $0!.windowsDone }.min()!
    let total = hasStopped ? fed : windowCount
    if slowest == total, fed == total {
      phase = .reporting
      return nodes.map { .send(.finish, to: $0!.identity) }
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

  private mutating func exited(_ process: Int32, _ status: String) -> [Action] {
    guard let index = nodes.firstIndex(where: { $0?.hello.process == process }) else {
      return phase == .registering
        ? fail(.exitedEarly(process: process, status: status)) : []
    }
    // A node leaves by itself once it has told everything.
    guard nodes[index]!.report == nil else { return [] }
    return fail(.exited(Rank(index), status: status))
  }

  private mutating func tick(_ now: MeasuredTime) -> [Action] {
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
    for (index, node) in nodes.enumerated() {
      guard let node, node.report == nil else { continue }
      let silence = (now - node.lastHeard).nanoseconds
      if silence > limits.silence {
        return fail(.silent(Rank(index), seconds: Double(silence) / 1e9, phase: phase))
      }
    }
    if phase == .loading, waited > limits.loading {
      let late = nodes.indices.filter { !nodes[$0]!.isReady }.map { Rank($0) }
      return fail(.loadingLate(late, seconds: Double(waited) / 1e9))
    }
    // A ping tells that the coordinator is alive, and its answer how the clocks stand.
    return nodes.compactMap { $0.map { .send(.ping(now), to: $0.identity) } }
      + roll.members.map { .send(.alive, to: $0.identity) }
  }

  private mutating func fail(_ error: RunError) -> [Action] {
    let words = error.description
    // Who waits for this run to begin waits in vain; spares of a run that has begun are not concerned.
    let waiting = phase == .registering ? roll.members.map(\.identity) : []
    if phase == .registering { roll = NodeRoll() }
    phase = .ended
    return (nodes.compactMap { $0?.identity } + waiting).map { .send(.abort(words), to: $0) }
      + [.ended(.failure(error))]
  }

  /// The nodes of the run, by rank; nobody while they register.
  public var identities: [NodeIdentity] { nodes.compactMap { $0?.identity } }

  /// The rank that a node has, if it has one.
  public func rank(of identity: NodeIdentity) -> Rank? {
    nodes.firstIndex { $0?.identity == identity }.map { Rank($0) }
  }

  private mutating func enter(_ next: Phase, _ now: MeasuredTime) {
    phase = next
    phaseBegan = now
  }
}
