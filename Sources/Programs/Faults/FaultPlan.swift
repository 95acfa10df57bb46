import Quantities

/// What goes wrong in a cluster, and when, in emulated time.
public struct FaultPlan: Hashable, Sendable {
  /// In the order of the experiment file.
  public var faults: [Fault]

  /// Nothing goes wrong unless given.
  public init(_ faults: [Fault] = []) { self.faults = faults }

  /// Whether nothing goes wrong.
  public var isEmpty: Bool { faults.isEmpty }

  /// What a rank has to know of it.
  public func share(of rank: Rank) -> RankFaults {
    var share = RankFaults(of: rank)
    for fault in faults where fault.rank == rank {
      switch fault.kind {
      case .link(let link): share.links.append(link)
      case .loss(let loss): share.losses.append(loss)
      case .slowdown(let slowdown): share.slowdowns.append(slowdown)
      case .outage(let outage, let afterwards):
        share.add(outage)
        if let afterwards { share.slowdowns.append(afterwards) }
      }
    }
    return share
  }
}

/// One thing that goes wrong. Every fault is felt by the clock of one rank; the others see it in what arrives.
public struct Fault: Hashable, Sendable {
  /// The rank that it happens to: of a link the sender.
  public var rank: Rank
  /// What it is.
  public var kind: Kind

  /// What goes wrong.
  public enum Kind: Hashable, Sendable {
    /// A link is slower or longer.
    case link(RankFaults.SlowLink)
    /// Messages are lost and sent again.
    case loss(RankFaults.Loss)
    /// The rank computes more slowly.
    case slowdown(RankFaults.Slowdown)
    /// The rank is away, and may be slower when it is back.
    case outage(RankFaults.Outage, afterwards: RankFaults.Slowdown?)
  }

  /// Takes each field as it is.
  public init(_ rank: Rank, _ kind: Kind) {
    self.rank = rank
    self.kind = kind
  }
}
