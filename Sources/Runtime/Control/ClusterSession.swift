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
/// registering   every rank has a node                            ▶ binding
/// binding       every node has said where its peers reach it     ▶ loading
/// loading       every node has its slices                        ▶ running
/// running       every node has done every window                 ▶ reporting
/// reporting     every node has told what it has to tell          ▶ ended
/// any           a node fails, leaves, is silent or late          ▶ ended, with the error
/// ```
public struct ClusterSession {
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
    case ended(Result<Outcome, RunError>)
  }

  /// What a finished run gave, by rank.
  public struct Outcome: Sendable {
    /// Who the nodes were, by rank.
    public var nodes: [ControlMessage.Hello]
    /// What each node told in the end, by rank.
    public var reports: [NodeReport]
    /// windows[i][rank]
    public var windows: [[WindowReport]]
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

  private struct Node {
    var identity: NodeIdentity
    var hello: ControlMessage.Hello
    var lastHeard: MeasuredTime
    var endpoints: [ControlMessage.PeerEndpoint]?
    var isReady = false
    var windowsDone = 0
    var report: NodeReport?
  }

  /// Where the run is.
  public private(set) var phase = Phase.registering
  private let assignments: [Assignment]
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
  public init(assignments: [Assignment], windowCount: Int, limits: Limits, now: MeasuredTime) {
    self.assignments = assignments
    self.windowCount = windowCount
    self.limits = limits
    nodes = Array(repeating: nil, count: assignments.count)
    phaseBegan = now
  }

  /// Ranks that have a node, with what it said of itself.
  public var registered: [(rank: Rank, hello: ControlMessage.Hello)] {
    nodes.enumerated().compactMap { index, node in node.map { (Rank(index), $0.hello) } }
  }

  /// Takes an event and says what to do.
  public mutating func handle(_ event: Event, now: MeasuredTime) -> [Action] {
    guard phase != .ended else {
      if case .message(.hello, let identity) = event {
        return [.send(.refuse("the run is over"), to: identity)]
      }
      return []
    }
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
    // A node that was refused may still speak; it has no rank and no say.
    guard let rank = rank(of: identity) else { return [] }
    nodes[rank.index]!.lastHeard = now
    switch (phase, message) {
    case (_, .alive): return []
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
      return [
        .ended(
          .success(
            Outcome(
              nodes: nodes.map { $0!.hello }, reports: nodes.map { $0!.report! },
              windows: windows.map { $0.map { $0! } })))
      ]
    default:
      return fail(.protocolFault(rank, "sent '\(message.name)' while \(phase.rawValue)"))
    }
  }

  private mutating func register(
    _ hello: ControlMessage.Hello, _ identity: NodeIdentity, _ now: MeasuredTime
  ) -> [Action] {
    guard hello.protocolVersion == ProtocolVersion.current else {
      return [
        .send(
          .refuse(
            "this coordinator (WaferCluster \(Tool.version)) speaks protocol version "
              + "\(ProtocolVersion.current); node \(hello.toolVersion) on \(hello.host) speaks "
              + "\(hello.protocolVersion). Install the same release on both"),
          to: identity)
      ]
    }
    guard rank(of: identity) == nil else { return [] }
    guard phase == .registering else {
      return [.send(.refuse("all \(nodes.count) ranks are taken"), to: identity)]
    }
    let index: Int
    if let requested = hello.requestedRank {
      guard nodes.indices.contains(requested) else {
        return [.send(.refuse("there is no rank \(requested) of \(nodes.count)"), to: identity)]
      }
      guard nodes[requested] == nil else {
        return [
          .send(
            .refuse("rank \(requested) is taken by \(nodes[requested]!.hello.host)"), to: identity)
        ]
      }
      index = requested
    } else {
      index = nodes.firstIndex { $0 == nil }!
    }
    nodes[index] = Node(identity: identity, hello: hello, lastHeard: now)
    guard nodes.allSatisfy({ $0 != nil }) else { return [] }
    enter(.binding, now)
    return nodes.enumerated().map {
      .send(.assign(assignments[$0.offset]), to: $0.element!.identity)
    }
  }

  private mutating func connect() -> [Action] {
    // endpoints[receiver] says where each of its sources connects.
    var targets = Array(repeating: [ControlMessage.PeerEndpoint](), count: nodes.count)
    for (receiver, node) in nodes.enumerated() {
      for place in node!.endpoints! where targets.indices.contains(place.peer.index) {
        targets[place.peer.index].append(
          ControlMessage.PeerEndpoint(peer: Rank(receiver), endpoint: place.endpoint))
      }
    }
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
    let waited = (now - phaseBegan).nanoseconds
    if phase == .registering, waited > limits.registration {
      return fail(
        .missing(
          nodes.indices.filter { nodes[$0] == nil }.map { Rank($0) },
          present: registered.map { "\($0.rank): \($0.hello.host), process \($0.hello.process)" },
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
    return nodes.compactMap { $0.map { .send(.alive, to: $0.identity) } }
  }

  private mutating func fail(_ error: RunError) -> [Action] {
    phase = .ended
    let words = error.description
    return nodes.compactMap { $0.map { .send(.abort(words), to: $0.identity) } }
      + [.ended(.failure(error))]
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

/// Why a run ended without a result: which rank, what it waited for, what to do.
public enum RunError: Error, Hashable, CustomStringConvertible {
  case missing([Rank], present: [String], seconds: Double)
  case exitedEarly(process: Int32, status: String)
  case exited(Rank, status: String)
  case silent(Rank, seconds: Double, phase: ClusterSession.Phase)
  case loadingLate([Rank], seconds: Double)
  case node(Rank, String)
  case protocolFault(Rank, String)
  case aborted(String)
  /// A socket or a process of the coordinator itself.
  case coordinator(String)

  /// One sentence or two.
  public var description: String {
    switch self {
    case .missing(let ranks, let present, let seconds):
      "no node registered for \(Self.list(ranks)) within \(Self.rounded(seconds)) s; "
        + (present.isEmpty ? "nobody is there" : "there are " + present.joined(separator: "; "))
        + ". Start the missing nodes with the coordinator's address"
    case .exitedEarly(let process, let status):
      "node process \(process) ended before it registered: \(status)"
    case .exited(let rank, let status):
      "the node of \(rank) ended in the middle of the run: \(status)"
    case .silent(let rank, let seconds, let phase):
      "\(rank) has said nothing for \(Self.rounded(seconds)) s while \(phase.rawValue); "
        + "it is stopped, cut off, or its host is overloaded"
    case .loadingLate(let ranks, let seconds):
      "\(Self.list(ranks)) not loaded after \(Self.rounded(seconds)) s"
    case .node(let rank, let reason):
      reason.hasPrefix(rank.description) ? reason : "\(rank): \(reason)"
    case .protocolFault(let rank, let what): "\(rank) \(what)"
    case .aborted(let reason): "the run was given up: \(reason)"
    case .coordinator(let reason): reason
    }
  }

  private static func list(_ ranks: [Rank]) -> String {
    (ranks.count == 1 ? "rank " : "ranks ")
      + ranks.map { String($0.index) }.joined(separator: ", ")
  }

  private static func rounded(_ seconds: Double) -> Double { (seconds * 10).rounded() / 10 }
}
