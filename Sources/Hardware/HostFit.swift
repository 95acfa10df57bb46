/// Finds what a host's kernels take from measured times of them: least squares of relative errors.
///
/// ```
/// kernel with weights   t = fixed + weights × w(tokens) + pairs × p
/// any other             t = fixed + count × each
/// ```
/// `w` is a table of the measured numbers of tokens. What pairs cost is found first, from decodes of one
/// token at several contexts; then, of each `fixed`, every `w(tokens)` has one best value, so that the sum of
/// squares is a parabola in `fixed` alone. Data without errors give back what they were made from, where
/// weights of two sizes were measured; of one size, all time is the weights'.
public enum HostFit {
  /// The time of a kernel with weights.
  public struct Sample: Hashable, Sendable {
    /// Weights of the slice.
    public var weights: Int
    /// Tokens of the batch.
    public var tokens: Int
    /// Pairs of a new token and one that it looks back on, times the numbers of a query row.
    public var pairs: Int
    /// What it took, above 0.
    public var seconds: Double

    /// No pairs unless said otherwise.
    public init(weights: Int, tokens: Int, pairs: Int = 0, seconds: Double) {
      self.weights = weights
      self.tokens = tokens
      self.pairs = pairs
      self.seconds = seconds
    }
  }

  /// The coefficients of a kernel with weights.
  public struct Matrix: Hashable, Sendable {
    /// Seconds beside weights and pairs.
    public var fixed: Double
    /// Seconds a pair.
    public var pair: Double
    /// Seconds a weight, by tokens, the fewest first.
    public var points: [Point]

    /// What a weight takes, of so many tokens.
    public struct Point: Hashable, Sendable {
      /// Tokens of the batch.
      public var tokens: Int
      /// Seconds.
      public var perWeight: Double
    }
  }

  /// Fits a kernel with weights.
  ///
  /// - Precondition: there are samples of one token, and all times are above 0.
  public static func matrix(_ samples: [Sample]) -> Matrix {
    precondition(samples.contains { $0.tokens == 1 }, "no sample of one token")
    precondition(samples.allSatisfy { $0.seconds > 0 }, "a kernel that took no time")
    let pair = pairSlope(samples)
    // Of each sample, relative to its time: 1 = fixed × x + w × y + pairs.
    struct Row {
      var fixed: Double
      var weights: Double
      var target: Double
    }
    let groups = Dictionary(grouping: samples, by: \.tokens).sorted { $0.key < $1.key }
      .map { tokens, samples in
        (
          tokens: tokens,
          rows: samples.map { sample in
            Row(
              fixed: 1 / sample.seconds, weights: Double(sample.weights) / sample.seconds,
              target: 1 - pair * Double(sample.pairs) / sample.seconds)
          }
        )
      }
    // What is left of `fixed` and target once the best w(tokens) has taken its part.
    var (product, square, whole) = (0.0, 0.0, 0.0)
    for group in groups {
      let length = group.rows.reduce(0) { $0 + $1.weights * $1.weights }
      guard length > 0 else { continue }
      let fixedPart = group.rows.reduce(0) { $0 + $1.fixed * $1.weights } / length
      let targetPart = group.rows.reduce(0) { $0 + $1.target * $1.weights } / length
      for row in group.rows {
        let fixed = row.fixed - fixedPart * row.weights
        product += fixed * (row.target - targetPart * row.weights)
        square += fixed * fixed
        whole += row.fixed * row.fixed
      }
    }
    // Weights of one size say nothing of `fixed`: what is left of it is rounding.
    let fixed = square > 1e-9 * whole ? max(0, product / square) : 0
    let points = groups.compactMap { group -> Matrix.Point? in
      let length = group.rows.reduce(0) { $0 + $1.weights * $1.weights }
      guard length > 0 else { return nil }
      let best =
        group.rows.reduce(0) { $0 + $1.weights * ($1.target - fixed * $1.fixed) } / length
      return Matrix.Point(tokens: group.tokens, perWeight: max(0, best))
    }
    return Matrix(fixed: fixed, pair: pair, points: points)
  }

  /// What a pair costs, from samples of one token that differ in their context alone.
  private static func pairSlope(_ samples: [Sample]) -> Double {
    var (product, square) = (0.0, 0.0)
    let decodes = Dictionary(grouping: samples.filter { $0.tokens == 1 }, by: \.weights)
    for (_, group) in decodes.sorted(by: { $0.key < $1.key }) {
      let count = Double(group.count)
      let meanPairs = group.reduce(0) { $0 + Double($1.pairs) } / count
      let meanTime = group.reduce(0) { $0 + $1.seconds } / count
      for sample in group {
        let pairs = Double(sample.pairs) - meanPairs
        product += pairs * (sample.seconds - meanTime)
        square += pairs * pairs
      }
    }
    return square > 0 ? max(0, product / square) : 0
  }

  /// Fits t = fixed + count × each, neither below 0; of one count, all time is the count's.
  ///
  /// - Precondition: there are samples, of counts and times above 0.
  public static func line(_ samples: [(count: Int, seconds: Double)]) -> (
    fixed: Double, each: Double
  ) {
    let fitted = matrix(samples.map { Sample(weights: $0.count, tokens: 1, seconds: $0.seconds) })
    return (fitted.fixed, fitted.points[0].perWeight)
  }
}
