import Quantities

/// Messages, bytes and busy time of every ordered pair of ranks.
public struct Traffic: Hashable, Sendable {
  private let ranks: Int
  private var totals: [Total]

  /// What crossed one link in one direction.
  public struct Total: Hashable, Sendable {
    /// Messages.
    public var messages = 0
    /// Bytes on the modelled wire.
    public var bytes = 0
    /// Overhead and serialization: how long the sender's port worked for it.
    public var busy = EmulatedTime.zero
  }

  /// A link that was used.
  public struct Link: Hashable, Sendable {
    /// Where its messages come from.
    public let from: Rank
    /// Where they go to.
    public let to: Rank
    /// What crossed it.
    public let total: Total
  }

  /// No traffic yet.
  public init(ranks: Int) {
    self.ranks = ranks
    totals = Array(repeating: Total(), count: ranks * ranks)
  }

  /// Counts a message.
  @inline(__always)
  public mutating func count(_ send: Send, from rank: Rank) {
    let index = rank.index * ranks + send.to.index
    totals[index].messages += 1
    totals[index].bytes += send.bytes
    totals[index].busy += send.overhead + send.serialization
  }

  /// Counts equal messages.
  mutating func add(_ count: Int, bytes: Int, busy: EmulatedTime, from: Rank, to: Rank) {
    let index = from.index * ranks + to.index
    totals[index].messages += count
    totals[index].bytes += count * bytes
    totals[index].busy.picoseconds += Int64(count) * busy.picoseconds
  }

  /// The links that carried something, by source and destination.
  public var links: [Link] {
    totals.indices.compactMap { index in
      guard totals[index].messages > 0 else { return nil }
      return Link(
        from: Rank(index / ranks), to: Rank(index % ranks), total: totals[index])
    }
  }
}
