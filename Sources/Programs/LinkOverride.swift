import Hardware
import Quantities

/// What one link has, in one direction, in place of the figures of all links: a cable that is longer, or one
/// that lost lanes.
public struct LinkOverride: Hashable, Sendable {
  /// The link, in one direction.
  public var ends: Ends
  /// Replaces the latency; a switch's own comes on top, as for every message.
  public var latency: EmulatedTime?
  /// Bytes a second of this link alone, on both of its ports. It is not divided among peers.
  public var bandwidth: Rational?
  /// Replaces the time of the sender's port for each message.
  public var sendOverhead: EmulatedTime?
  /// Replaces the time of the receiver for each message.
  public var receiveOverhead: EmulatedTime?

  /// A link in one direction.
  public struct Ends: Hashable, Comparable, Sendable {
    /// Where its messages come from.
    public var from: Rank
    /// Where they go to.
    public var to: Rank

    /// The way from one rank to another.
    public init(from: Rank, to: Rank) {
      self.from = from
      self.to = to
    }

    /// In order of source, then destination.
    public static func < (a: Self, b: Self) -> Bool { (a.from, a.to) < (b.from, b.to) }
  }

  /// A link whose figures are those of all, but for what is given.
  ///
  /// - Precondition: a bandwidth is positive.
  public init(
    from: Rank, to: Rank, latency: EmulatedTime? = nil, bandwidth: Rational? = nil,
    sendOverhead: EmulatedTime? = nil, receiveOverhead: EmulatedTime? = nil
  ) {
    precondition(
      bandwidth.map { $0 > Rational(0) } ?? true, "\(from) to \(to) has bandwidth \(bandwidth!)")
    ends = Ends(from: from, to: to)
    self.latency = latency
    self.bandwidth = bandwidth
    self.sendOverhead = sendOverhead
    self.receiveOverhead = receiveOverhead
  }
}
