/// What one step asks of a layer: for each sequence in it, how many new tokens it brings and how long
/// its context is with them.
///
/// A decode step of B sequences has B entries of one new token; a prefill of a prompt has one entry
/// with all its tokens, and a chunk of it one entry whose context is longer than its new tokens.
public struct BatchWork: Hashable, Sendable {
  /// One entry a sequence.
  public var entries: [Entry]
  /// Positions whose logits are wanted after the last layer; at most the number of new tokens.
  public var outputs: Int

  /// One sequence's part of a step.
  public struct Entry: Hashable, Sendable {
    /// Tokens that enter the model in this step, at least 1.
    public var newTokens: Int
    /// Tokens of the sequence once they have entered, the new ones included.
    public var contextAfter: Int

    /// - Precondition: `newTokens` is at least 1, and the context holds them.
    public init(newTokens: Int, contextAfter: Int) {
      precondition(
        newTokens >= 1 && contextAfter >= newTokens,
        "\(newTokens) new tokens in a context of \(contextAfter)")
      self.newTokens = newTokens
      self.contextAfter = contextAfter
    }
  }

  /// - Precondition: `outputs` is at most the number of new tokens.
  public init(entries: [Entry], outputs: Int) {
    self.entries = entries
    self.outputs = outputs
    precondition(
      outputs >= 0 && outputs <= newTokens, "\(outputs) outputs of \(newTokens) new tokens")
  }

  /// One decode step, a token for each of these contexts (new token included).
  public static func decode(contexts: [Int]) -> BatchWork {
    BatchWork(
      entries: contexts.map { Entry(newTokens: 1, contextAfter: $0) }, outputs: contexts.count)
  }

  /// `tokens` of one prompt after the first `offset`; its last chunk has an output.
  public static func prefill(tokens: Int, offset: Int = 0, isLast: Bool = true) -> BatchWork {
    BatchWork(
      entries: [Entry(newTokens: tokens, contextAfter: offset + tokens)], outputs: isLast ? 1 : 0)
  }

  /// New tokens of all sequences.
  public var newTokens: Int { entries.reduce(0) { $0 + $1.newTokens } }
  /// Most new tokens of one sequence.
  public var longestEntry: Int { entries.reduce(0) { max($0, $1.newTokens) } }
  /// Longest context of a sequence.
  public var longestContext: Int { entries.reduce(0) { max($0, $1.contextAfter) } }
}
