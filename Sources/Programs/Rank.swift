/// A node's index in an experiment, 0 ..< PP × TP; rank = stage × TP + shard.
public struct Rank: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// From 0.
  public let index: Int

  /// The rank of an index.
  @inlinable
  public init(_ index: Int) { self.index = index }

  /// By index.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.index < b.index }

  /// As messages call it.
  public var description: String { "rank \(index)" }

  /// Most ranks of one experiment. The evaluator keeps tables of every ordered pair; at this size they
  /// take 48 MiB.
  public static let maximumCount = 1024
}

/// What a message is for. Between two ranks each stream is a FIFO of its own, and a receive names the
/// stream it reads, so nothing ever depends on which message came first.
public enum Stream: UInt8, CaseIterable, Sendable, CustomStringConvertible {
  /// A stage's activation on its way to the next stage.
  case activation
  /// A piece of a collective over the shards of a stage.
  case collective
  /// The best tokens of a shard's part of the vocabulary.
  case candidates
  /// Sampled tokens on their way back to the first stage.
  case token
  /// What the receiver sends on, but tokens, each piece in the order of its way.
  case forward
  /// Tokens that the receiver sends on.
  case tokenForward

  /// As messages call it.
  public var description: String {
    switch self {
    case .activation: "activation"
    case .collective: "collective"
    case .candidates: "candidates"
    case .token: "token"
    case .forward: "forward"
    case .tokenForward: "token-forward"
    }
  }
}

/// A run of a rank's values: `first`, `first + 1`, …. A value is a piece of a buffer that carries the
/// time from which it exists.
public struct Values: Hashable, Sendable {
  /// Index of the first value in the rank's table.
  public var first: Int32
  /// Number of values.
  public var count: Int32

  /// A run of values.
  @inlinable
  public init(first: Int, count: Int) {
    self.first = Int32(first)
    self.count = Int32(count)
  }

  /// The value at `index` alone.
  public subscript(index: Int) -> Values {
    precondition(index >= 0 && index < Int(count), "value \(index) of \(count)")
    return Values(first: Int(first) + index, count: 1)
  }

  /// A part of the run.
  public subscript(range: Range<Int>) -> Values {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= Int(count), "values \(range) of \(count)")
    return Values(first: Int(first) + range.lowerBound, count: range.count)
  }

  /// No value.
  public static let none = Values(first: 0, count: 0)

  /// The indices in the rank's table of values.
  @inlinable
  public var indices: Range<Int> { Int(first)..<Int(first) + Int(count) }
}
