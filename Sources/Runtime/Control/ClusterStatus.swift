import Messaging
import Quantities

/// Who is registered with a coordinator, and what it does.
public struct ClusterStatus: Hashable, Sendable {
  /// The run's phase; `idle` between runs.
  public var phase = "idle"
  /// Ranks of the run under way; 0 between runs.
  public var ranks = 0
  /// Those with a rank first.
  public var members: [Member] = []

  /// A node.
  public struct Member: Hashable, Sendable {
    /// The rank that it has, or would have if the run began now; `nil` for a spare.
    public var rank: Int?
    /// What it said of itself.
    public var hello: ControlMessage.Hello
    /// For how long it has said nothing.
    public var silence: MeasuredTime
    /// Whether it may be lost: it is silent for long, or its connection has ended. One that is lost is not listed.
    public var isSuspect: Bool

    /// Takes each field as it is.
    public init(
      rank: Int?, hello: ControlMessage.Hello, silence: MeasuredTime, isSuspect: Bool = false
    ) {
      self.isSuspect = isSuspect
      self.rank = rank
      self.hello = hello
      self.silence = silence
    }
  }

  /// Nobody, and nothing under way.
  public init() {}
}

extension NodeRoll {
  /// Everyone who waits.
  ///
  /// - Parameter limit: Nanoseconds of silence after which a node is forgotten.
  public func status(limit: Int64, now: MeasuredTime) -> ClusterStatus {
    var status = ClusterStatus()
    status.members = members.map {
      let silence = now - $0.lastHeard
      return ClusterStatus.Member(
        rank: nil, hello: $0.hello, silence: silence,
        isSuspect: $0.disconnected != nil
          || silence.nanoseconds > Liveness.suspicion(limit: limit))
    }
    return status
  }
}

extension ByteWriter {
  mutating func put(_ status: ClusterStatus) {
    put(status.phase)
    put(UInt32(status.ranks))
    put(list: status.members) { writer, member in
      writer.put(Int32(member.rank ?? -1))
      writer.put(member.hello)
      writer.put(member.silence.nanoseconds)
      writer.put(member.isSuspect)
    }
  }
}

extension ByteReader {
  mutating func clusterStatus() throws(FrameError) -> ClusterStatus {
    var status = ClusterStatus()
    status.phase = try text()
    status.ranks = Int(try get(UInt32.self))
    status.members = try list(minimumBytes: 40) { reader throws(FrameError) in
      let rank = try reader.get(Int32.self)
      return ClusterStatus.Member(
        rank: rank < 0 ? nil : Int(rank), hello: try reader.hello(),
        silence: try reader.instant(), isSuspect: try reader.truth())
    }
    return status
  }
}
