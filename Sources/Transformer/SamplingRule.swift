/// How the next token is drawn from the logits.
///
/// The vocabulary is cut over shards, so that each sends candidates, not logits: how many depends on the
/// rule alone. The draw is a function of (logits, seed, sequence, position), so that a run can be repeated
/// and does not depend on the number of shards.
public enum SamplingRule: Hashable, Sendable {
  /// The largest logit.
  case greedy
  /// One of the `k` largest logits, by the softmax of logit / temperature over those `k`.
  ///
  /// Of them stay the likeliest whose sum reaches `topP`; probabilities are normalised over the `k`
  /// before, over what stays after. This is Hugging Face's order: temperature, then `top_k`, then `top_p`.
  /// `k` is 1…256 (DESIGN section 5), `topP` in (0, 1], and temperature 0 is greedy.
  case topK(k: Int, temperature: Float, topP: Float)
  /// Any token, by the softmax of logit / temperature: the largest logit / temperature + g, where g is
  /// Gumbel noise of the token (Gumbel 1954). Temperature 0 is greedy.
  case gumbel(temperature: Float)

  /// Most candidates of a shard: 256 of them are 2 KiB a sampled token.
  public static let mostCandidates = 256

  /// Candidates that each shard sends for one output.
  public var candidates: Int {
    switch self {
    case .greedy, .gumbel: 1
    case .topK(let k, let temperature, _): temperature == 0 ? 1 : k
    }
  }

  /// Floats of a shard's record for one output: an id and a score for each candidate, best first, and the
  /// log-sum-exp of the shard's logits.
  ///
  /// Ids travel as the bits of an Int32. The score is the logit; under `gumbel`, with its noise.
  public var elementsPerOutput: Int { 2 * candidates + 1 }

  /// Checks the rule's figures, and says what is wrong with them.
  public var problem: String? {
    let temperature: Float
    switch self {
    case .greedy: return nil
    case .gumbel(let value): temperature = value
    case .topK(let k, let value, let topP):
      guard 1...Self.mostCandidates ~= k else {
        return "top-k \(k) is not between 1 and \(Self.mostCandidates)"
      }
      guard topP > 0, topP <= 1 else { return "top-p \(topP) is not above 0 and at most 1" }
      temperature = value
    }
    guard temperature >= 0, temperature.isFinite else {
      return "temperature \(temperature) is not a number from 0 on"
    }
    return nil
  }
}

/// Logits that no token can be drawn from.
public struct SamplingError: Error, Hashable, CustomStringConvertible {
  /// Row of the KV cache.
  public var sequence: Int
  /// Where the token would stand.
  public var position: Int

  /// What is wrong, where, and why it may be.
  public var description: String {
    """
    no logit of sequence \(sequence) at position \(position) is a number: \
    the weights are not a trained model's, or the activations overflowed
    """
  }
}
