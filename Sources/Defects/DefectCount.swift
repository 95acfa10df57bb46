import Quantities

/// How many defects fall on an area, as a distribution that can be drawn from.
///
/// Independent defects are Poisson. Clustered ones are negative binomial: Poisson with a density that
/// itself varies from cluster region to cluster region as a gamma distribution of shape α (Stapper,
/// IBM J. Res. Dev. 27, 1983); the mean is m, the variance m + m²/α.
public struct DefectCount: Hashable, Sendable {
  /// Expected defects.
  public let mean: Double
  /// α of the negative binomial distribution; `nil` for Poisson, its limit for α → ∞.
  public let clustering: Double?

  /// Independent draws whose sum is one count: both families add, and a part's mean is small enough for
  /// the probability of 0 to be far from underflow.
  private let parts: Int
  private let probabilityOfNone: Double

  /// Largest mean of a part.
  private static let largestPart = 16.0

  /// - Precondition: `mean` is finite and at least 0, `clustering` above 0.
  public init(mean: Double, clustering: Double? = nil) {
    precondition(mean >= 0 && mean <= 1e6, "\(mean) defects")
    precondition(clustering ?? 1 > 0, "α of \(clustering ?? 0)")
    self.mean = mean
    self.clustering = clustering
    let parts = max(1, Int((mean / Self.largestPart).rounded(.up)))
    self.parts = parts
    probabilityOfNone = YieldFormula.ofNone(
      expected: mean / Double(parts), clustering: clustering.map { $0 / Double(parts) })
  }

  /// One count, by inversion: the smallest k whose cumulative probability exceeds a uniform draw.
  public func draw(_ generator: inout SplitMix64) -> Int {
    var sum = 0
    for _ in 0..<parts { sum += drawPart(generator.unit()) }
    return sum
  }

  private func drawPart(_ uniform: Double) -> Int {
    let mean = mean / Double(parts)
    var count = 0
    var probability = probabilityOfNone
    var cumulative = probability
    while cumulative <= uniform {
      let k = Double(count)
      if let clustering {
        let shape = clustering / Double(parts)
        probability *= (k + shape) / (k + 1) * (mean / (mean + shape))
      } else {
        probability *= mean / (k + 1)
      }
      count += 1
      let next = cumulative + probability
      // Beyond what a double can tell from 1.
      if next == cumulative && Double(count) > mean { break }
      cumulative = next
    }
    return count
  }
}
