import Quantities

/// One request to a model that is being served: a prompt comes, and so many tokens are asked for.
public struct Request: Hashable, Sendable {
  /// When it comes.
  public var coming: Coming
  /// Tokens of its prompt.
  public var promptTokens: Int
  /// Tokens that it is given; exactly so many are made.
  public var outputTokens: Int

  /// When a request comes.
  public enum Coming: Hashable, Sendable {
    /// At a time that does not depend on the service.
    case at(EmulatedTime)
    /// So long after the answer to an earlier request was complete: the next one of the same user.
    case after(request: Int, pause: EmulatedTime)
  }

  /// A request of these parts.
  ///
  /// - Precondition: it has a token on either side.
  public init(coming: Coming, promptTokens: Int, outputTokens: Int) {
    precondition(promptTokens > 0 && outputTokens > 0, "\(promptTokens) + \(outputTokens) tokens")
    self.coming = coming
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }

  /// Positions that its KV cache must hold. The last token is sampled, never read.
  public var positions: Int { promptTokens + outputTokens - 1 }
}

/// How many tokens prompts or outputs have.
public enum LengthDistribution: String, CaseIterable, Sendable {
  /// Always the mean.
  case fixed
  /// Every number from 1 to twice the mean less 1 is as likely.
  case uniform
  /// Exponential with the mean, rounded up, and cut at `longest` times the mean, beyond which lie 0.03 % of
  /// the draws.
  case exponential

  /// Where an exponential length is cut, in means.
  public static let longest = 8

  /// The most tokens that a draw can give.
  public func most(mean: Int) -> Int {
    switch self {
    case .fixed: mean
    case .uniform: 2 * mean - 1
    case .exponential: Self.longest * mean
    }
  }

  /// Draws a number of tokens, at least 1.
  func draw(mean: Int, from random: inout SplitMix64) -> Int {
    switch self {
    case .fixed: mean
    case .uniform: 1 + random.index(below: 2 * mean - 1)
    case .exponential:
      min(
        max(Int((random.exponential() * Double(mean)).rounded(.up)), 1), most(mean: mean))
    }
  }
}

extension SplitMix64 {
  /// Exponential with mean 1: −ln(1 − u), u uniform in [0, 1).
  mutating func exponential() -> Double { -Elementary.log(1 - unit()) }
}
