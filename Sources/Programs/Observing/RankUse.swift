import Quantities

/// What a rank did with its time, and how long each of its resources worked.
///
/// A rank does its instructions in order. The time at which all of those so far are done only grows; each
/// instruction moves it on, or leaves it where it is. So the rank's time is divided among its
/// instructions, without rest and without overlap:
///
/// ```
/// end = computing + sending + stalled + idle
/// ```
public struct RankUse: Hashable, Sendable {
  /// The rank.
  public let rank: Rank
  /// When everything that it did is done.
  public internal(set) var end = EmulatedTime.zero
  /// Time that kernels moved it on.
  public internal(set) var computing = EmulatedTime.zero
  /// Time that its egress ports moved it on.
  public internal(set) var sending = EmulatedTime.zero
  /// Time that it waited for messages with nothing else under way.
  public internal(set) var stalled = Stall()
  /// Time in which it had nothing to do and no message to wait for.
  public internal(set) var idle = EmulatedTime.zero
  /// Kernels of each region of its wafer, by region.
  public internal(set) var regions: [EmulatedTime] = []
  /// Overhead and serialization of what left through each egress port, by port; the latency too where a
  /// message holds its port until delivery.
  public internal(set) var egress: [EmulatedTime] = []
  /// Serialization of what came through each ingress port, by port.
  public internal(set) var ingress: [EmulatedTime] = []

  init(rank: Rank) { self.rank = rank }

  /// How long a rank waited for messages, by where each message was meanwhile.
  public struct Stall: Hashable, Sendable {
    /// It had not departed: its sender was late.
    public internal(set) var peerLate = EmulatedTime.zero
    /// It was in flight: per-message overhead of sender and receiver.
    public internal(set) var overhead = EmulatedTime.zero
    /// It was in flight: bytes over bandwidth.
    public internal(set) var serialization = EmulatedTime.zero
    /// It was in flight: the way.
    public internal(set) var latency = EmulatedTime.zero
    /// It was in flight: waiting for the receiver's ingress port.
    public internal(set) var queue = EmulatedTime.zero

    /// Between departure and existence.
    public var inFlight: EmulatedTime { overhead + serialization + latency + queue }
    /// All of it.
    public var total: EmulatedTime { peerLate + inFlight }

    /// Adds a wait from `start` until a message exists, each part as far as it lies after `start`.
    mutating func add(_ flight: Flight, from start: EmulatedTime) {
      var from = start
      func take(until limit: EmulatedTime, _ entry: inout EmulatedTime) {
        guard limit > from else { return }
        entry += limit - from
        from = limit
      }
      let left = flight.departure + flight.sendOverhead
      take(until: flight.departure, &peerLate)
      take(until: left, &overhead)
      take(until: left + flight.serialization, &serialization)
      take(until: flight.arrival, &latency)
      take(until: flight.served, &queue)
      take(until: flight.exists, &overhead)
    }
  }
}

/// The way of a message from its sender's port to the receiver's values. The times ascend.
struct Flight {
  let departure: EmulatedTime
  let sendOverhead: EmulatedTime
  let serialization: EmulatedTime
  let arrival: EmulatedTime
  /// When the ingress port is through with it.
  let served: EmulatedTime
  let exists: EmulatedTime
}
