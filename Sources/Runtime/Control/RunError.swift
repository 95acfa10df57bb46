import Programs

/// Why a run ended without a result: which rank, what it waited for, what to do.
public enum RunError: Error, Hashable, CustomStringConvertible {
  case missing([Rank], present: [String], seconds: Double)
  case exitedEarly(process: Int32, status: String)
  case exited(Rank, status: String)
  case silent(Rank, process: Int32, seconds: Double, phase: ClusterSession.Phase)
  /// Its connection ended, and it did not connect again.
  case disconnected(Rank, process: Int32, seconds: Double, phase: ClusterSession.Phase)
  case loadingLate([Rank], seconds: Double)
  case node(Rank, String)
  case protocolFault(Rank, String)
  /// A word between the coordinator and a rank was lost, or came twice.
  case miscounted(Rank, String)
  case aborted(String)
  /// A socket or a process of the coordinator itself.
  case coordinator(String)

  /// The rank whose node is lost. What it did can be done again by another.
  public var lost: Rank? {
    switch self {
    case .exited(let rank, _), .silent(let rank, _, _, _), .disconnected(let rank, _, _, _): rank
    default: nil
    }
  }

  /// Whether the run failed because a process or a word is gone, and not because of what was asked for: it can
  /// be done again.
  public var isLoss: Bool {
    switch self {
    case .exitedEarly, .miscounted: true
    default: lost != nil
    }
  }

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
    case .silent(let rank, _, let seconds, let phase):
      "\(rank) has said nothing for \(Self.rounded(seconds)) s while \(phase.rawValue); "
        + "it is stopped, cut off, or its host is overloaded"
    case .disconnected(let rank, _, let seconds, let phase):
      "the connection of \(rank) ended while \(phase.rawValue), and it has said nothing for "
        + "\(Self.rounded(seconds)) s; its process has ended, or something on the way to it fails"
    case .loadingLate(let ranks, let seconds):
      "\(Self.list(ranks)) not loaded after \(Self.rounded(seconds)) s"
    case .node(let rank, let reason):
      reason.hasPrefix(rank.description) ? reason : "\(rank): \(reason)"
    case .protocolFault(let rank, let what): "\(rank) \(what)"
    case .miscounted(let rank, let what):
      "\(rank) and the coordinator have not heard the same, as when a connection is cut and made anew: \(what)"
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
