/// The tokens that go through the model together.
public struct Batch: Hashable, Sendable {
  /// What each sequence brings, in order.
  public var entries: [Entry]

  /// A batch of these entries.
  public init(entries: [Entry]) { self.entries = entries }

  /// Consecutive tokens of one sequence.
  public struct Entry: Hashable, Sendable {
    /// The sequence's row of the KV cache.
    public var sequence: Int
    /// Position of the first token.
    public var start: Int
    /// New tokens.
    public var count: Int
    /// Whether a token is sampled after the last one.
    public var samples: Bool

    /// `count` tokens of `sequence` from position `start` on.
    public init(sequence: Int, start: Int, count: Int, samples: Bool) {
      self.sequence = sequence
      self.start = start
      self.count = count
      self.samples = samples
    }
  }

  /// New tokens of all entries: rows of the residual.
  public var tokens: Int { entries.reduce(0) { $0 + $1.count } }
  /// Entries that are sampled: rows of the logits.
  public var outputs: Int { entries.reduce(0) { $0 + ($1.samples ? 1 : 0) } }
}
