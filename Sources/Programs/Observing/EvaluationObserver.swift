import Quantities

/// Sees what an evaluator does, instruction by instruction.
///
/// The evaluator is compiled once for each observer; for the one that sees nothing all of this
/// disappears.
protocol EvaluationObserver {
  /// Whether anything comes of what it sees.
  static var isAwake: Bool { get }
  /// A window begins.
  mutating func began(_ window: Window)
  /// A kernel ran until `end`; before it the rank had done everything at `before`.
  mutating func computed(
    _ work: Compute, on rank: Rank, until end: EmulatedTime, before: EmulatedTime)
  /// Requests arrived.
  mutating func arrived(_ work: Arrive, on rank: Rank, before: EmulatedTime)
  /// A message left; its values existed from `ready` on.
  mutating func sent(
    _ message: Send, from rank: Rank, slot: Int, ready: EmulatedTime, departure: EmulatedTime,
    arrival: EmulatedTime, before: EmulatedTime, until: EmulatedTime)
  /// A rank took the next message of a stream, to receive it now or with others of a set.
  mutating func took(_ slot: Int, at rank: Rank)
  /// The message at `place` of those taken exists as values from `exists` on.
  mutating func received(
    _ message: Receive, at rank: Rank, place: Int, exists: EmulatedTime, before: EmulatedTime)
  /// All that the rank took is received.
  mutating func finishedReceiving(at rank: Rank)
}

/// Sees nothing.
struct Unobserved: EvaluationObserver {
  static var isAwake: Bool { false }
  @inline(__always)
  mutating func began(_ window: Window) {}
  @inline(__always)
  mutating func computed(
    _ work: Compute, on rank: Rank, until end: EmulatedTime, before: EmulatedTime
  ) {}
  @inline(__always)
  mutating func arrived(_ work: Arrive, on rank: Rank, before: EmulatedTime) {}
  @inline(__always)
  mutating func sent(
    _ message: Send, from rank: Rank, slot: Int, ready: EmulatedTime, departure: EmulatedTime,
    arrival: EmulatedTime, before: EmulatedTime, until: EmulatedTime
  ) {}
  @inline(__always)
  mutating func took(_ slot: Int, at rank: Rank) {}
  @inline(__always)
  mutating func received(
    _ message: Receive, at rank: Rank, place: Int, exists: EmulatedTime, before: EmulatedTime
  ) {}
  @inline(__always)
  mutating func finishedReceiving(at rank: Rank) {}
}
