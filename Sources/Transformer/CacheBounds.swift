/// How much a shard's KV cache may ever hold.
public struct CacheBounds: Hashable, Sendable {
  /// Sequences at the same time: rows of the cache.
  public var sequences: Int
  /// Positions of each sequence, prompt and output together.
  public var positions: Int

  /// Both are at least 1.
  public init(sequences: Int, positions: Int) {
    precondition(sequences > 0 && positions > 0, "\(sequences) sequences of \(positions) positions")
    self.sequences = sequences
    self.positions = positions
  }
}
