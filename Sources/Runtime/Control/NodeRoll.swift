import Messaging
import Programs
import Quantities

/// Nodes that have registered with a coordinator and wait for a run: those of the next one, and spares; and those
/// that are awaited, since they have served a run and not said `hello` since.
///
/// A value without sockets or clocks. It outlives a run: nodes that others start serve all runs of one
/// coordinator, and say `hello` again after each.
public struct NodeRoll: Sendable {
  /// A node that waits.
  public struct Member: Hashable, Sendable {
    /// Its address on the control socket.
    public var identity: NodeIdentity
    /// Who it is.
    public var hello: ControlMessage.Hello
    /// When it last said anything.
    public var lastHeard: MeasuredTime
    /// When its connection ended, where it has said nothing since.
    public var disconnected: MeasuredTime?
  }

  /// More than a cluster of ours has ranks, so that spares have room; and few enough that whoever says
  /// hello again and again fills no memory.
  public static let mostMembers = 4 * Rank.maximumCount

  /// How long words of a process that has ended may be under way, in nanoseconds: a network that stands still for
  /// longer is cut off. Long before a system gives the number of a process again.
  static let lingerLimit: Int64 = 60_000_000_000

  /// In the order in which they came.
  public private(set) var members: [Member] = []
  /// Who has served a run and has yet to say `hello` again, with its number. A run waits for them, so that each
  /// gets the rank that it had.
  public private(set) var awaited: [NodeIdentity: UInt64] = [:]
  /// Processes of the coordinator's host that have ended, with the time: what they had sent may still come.
  private var ended: [Int32: MeasuredTime] = [:]

  /// Nobody.
  public init() {}

  /// A node has served a run, or stays after one that failed. One that is back already is not awaited.
  public mutating func expect(_ identity: NodeIdentity, after run: UInt64) {
    if index(of: identity) == nil { awaited[identity] = run }
  }

  /// Whether a `hello` was said before the run from which its node is awaited, and came once too often: what the
  /// node still says of that run is under way behind it.
  public func isStale(_ hello: ControlMessage.Hello, from identity: NodeIdentity) -> Bool {
    awaited[identity].map { $0 != hello.run } ?? false
  }

  /// Takes a node that says hello, or says why not. A node that is there already is not taken twice, and one
  /// that is known to have ended since is not taken at all.
  public mutating func register(
    _ hello: ControlMessage.Hello, from identity: NodeIdentity, now: MeasuredTime
  ) -> String? {
    awaited[identity] = nil
    guard hello.protocolVersion == ProtocolVersion.current else {
      return
        "this coordinator (WaferCluster \(Tool.version)) speaks protocol version "
        + "\(ProtocolVersion.current); node \(hello.toolVersion) on \(hello.host) speaks "
        + "\(hello.protocolVersion). Install the same release on both"
    }
    guard ended[hello.process] == nil else { return nil }
    if let index = index(of: identity) {
      members[index].hello = hello
      heard(identity, now: now)
      return nil
    }
    if let rank = hello.requestedRank,
      let other = members.firstIndex(where: { $0.hello.requestedRank == rank })
    {
      guard members[other].disconnected != nil else {
        return "rank \(rank) is taken by \(members[other].hello.place)"
      }
      // It may be gone. If it comes back, it has whatever rank is free.
      members[other].hello.requestedRank = nil
    }
    guard members.count < Self.mostMembers else {
      return "\(members.count) nodes wait already, and the coordinator keeps no more"
    }
    members.append(Member(identity: identity, hello: hello, lastHeard: now))
    return nil
  }

  /// A node has said something. Returns whether it is here.
  @discardableResult
  public mutating func heard(_ identity: NodeIdentity, now: MeasuredTime) -> Bool {
    guard let index = index(of: identity) else { return false }
    members[index].lastHeard = now
    members[index].disconnected = nil
    return true
  }

  /// The connection of a node has ended. Until it speaks again it gets no rank.
  public mutating func disconnected(_ identity: NodeIdentity, now: MeasuredTime) {
    guard let index = index(of: identity) else { return }
    members[index].disconnected = now
  }

  /// A node has left, and nobody need wait for it any more.
  public mutating func remove(_ identity: NodeIdentity) {
    awaited[identity] = nil
    members.removeAll { $0.identity == identity }
  }

  /// A process of the coordinator's host has ended.
  public mutating func remove(process: Int32, now: MeasuredTime) {
    ended[process] = now
    members.removeAll { $0.hello.process == process }
  }

  /// Nobody waits any more; who is awaited still is.
  public mutating func removeMembers() { members = [] }

  /// Takes out those that have been silent for longer than `limit` nanoseconds, or disconnected for too long.
  public mutating func dropSilent(_ limit: Int64, now: MeasuredTime) {
    ended = ended.filter { (now - $0.value).nanoseconds <= Self.lingerLimit }
    members.removeAll { member in
      (now - member.lastHeard).nanoseconds > limit
        || member.disconnected.map { Liveness.isGone(since: $0, limit: limit, now: now) } ?? false
    }
  }

  /// Who would have which of `ranks` ranks.
  ///
  /// A rank that a node asks for is that node's. The others go to nodes that ask for none, in order of host
  /// and process, so that who came first does not matter, and neighbours are on one host. A node that asks for
  /// a rank beyond the run's is a spare, and one whose connection has ended gets none.
  public func placement(ranks: Int) -> [Member?] {
    var placement = [Member?](repeating: nil, count: ranks)
    var free: [Member] = []
    for member in members where member.disconnected == nil {
      switch member.hello.requestedRank {
      case .some(let rank) where rank < ranks: placement[rank] = member
      case .some: break
      case .none: free.append(member)
      }
    }
    free.sort { ($0.hello.host, $0.hello.process) < ($1.hello.host, $1.hello.process) }
    var next = free.makeIterator()
    for rank in placement.indices where placement[rank] == nil { placement[rank] = next.next() }
    return placement
  }

  /// Takes the nodes of a run out, in order of rank; `nil` when there are too few. Who has not come by then is no
  /// longer awaited.
  public mutating func draft(ranks: Int) -> [Member]? {
    let placement = placement(ranks: ranks)
    guard placement.allSatisfy({ $0 != nil }) else { return nil }
    let drafted = placement.map { $0! }
    let identities = Set(drafted.map(\.identity))
    members.removeAll { identities.contains($0.identity) }
    awaited = [:]
    return drafted
  }

  private func index(of identity: NodeIdentity) -> Int? {
    members.firstIndex { $0.identity == identity }
  }
}

extension ControlMessage.Hello {
  /// Where the node is, for a person.
  public var place: String { "\(host), process \(process)" }
}
