/// The tokens that go through the model together.
public struct Batch: Hashable, Sendable {
  /// What each sequence brings, in order.
  public var entries: [Entry]
  /// Of each token that was sampled before and comes back to the first stage, the entry that goes on with
  /// it, in the order in which they come.
  public var accepts: [Int]
  /// Rows that are sampled and whose tokens go back for a later batch: the first of the sampled ones.
  public var returns: Int

  /// A batch of these entries; no token comes from an earlier batch, or goes to a later one, unless said
  /// otherwise.
  public init(entries: [Entry], accepts: [Int] = [], returns: Int = 0) {
    self.entries = entries
    self.accepts = accepts
    self.returns = returns
  }

  /// Consecutive tokens of one sequence.
  public struct Entry: Hashable, Sendable {
    /// The sequence's row of the KV cache.
    public var sequence: Int
    /// Whose sequence it is: rows are used again by later requests.
    public var request: Int
    /// Position of the first token.
    public var start: Int
    /// New tokens.
    public var count: Int
    /// Whether a token is sampled after the last one.
    public var samples: Bool

    /// `count` tokens of `sequence` from position `start` on; its request has the same number unless said
    /// otherwise.
    public init(sequence: Int, request: Int? = nil, start: Int, count: Int, samples: Bool) {
      self.sequence = sequence
      self.request = request ?? sequence
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
