import Messaging
import Programs
import Quantities

/// What a session is made of, and what it tells of itself.

extension ClusterSession {
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

  /// A process of this host that has ended, and how.
  public struct Ended: Hashable, Sendable {
    /// The process.
    public var process: Int32
    /// Its exit status or signal, for people.
    public var status: String
  }

  /// A rank's node.
  struct Node {
    var identity: NodeIdentity
    var hello: ControlMessage.Hello
    var liveness: Liveness
    /// When it got its rank.
    let drafted: MeasuredTime
    var endpoints: [ControlMessage.PeerEndpoint]?
    var isReady = false
    var windowsDone = 0
    var report: NodeReport?
    /// Words of the run said to it, and heard from it.
    var told = 0
    var heard = 0
    var clock = NodeClock()

    init(_ member: NodeRoll.Member, boot: String, silence: Int64, now: MeasuredTime) {
      identity = member.identity
      hello = member.hello
      // It may have waited long; its silence in this run counts from here.
      liveness = Liveness(limit: silence, now: now)
      drafted = now
      clock.isCoordinators = hello.boot == boot
    }
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
    var status = roll.status(limit: limits.silence, now: now)
    status.phase = phase.rawValue
    status.ranks = assignments.count
    if phase == .registering {
      for (rank, placed) in roll.placement(ranks: assignments.count).enumerated() {
        guard let placed, let index = roll.members.firstIndex(of: placed) else { continue }
        status.members[index].rank = rank
      }
    }
    let running = nodes.enumerated().compactMap { rank, node in
      node.flatMap { node -> ClusterStatus.Member? in
        guard node.report == nil else { return nil }
        let silence = now - node.liveness.lastHeard
        return ClusterStatus.Member(
          rank: rank, hello: node.hello, silence: silence, isSuspect: node.liveness.state != .alive)
      }
    }
    status.members = (running + status.members).sorted {
      ($0.rank ?? .max, $0.hello.host, $0.hello.process)
        < ($1.rank ?? .max, $1.hello.host, $1.hello.process)
    }
    return status
  }

  /// A node that tells nodes of other hosts to reach it at loopback.
  func unreachable() -> RunError? {
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
}
