/// A share that was counted: so many of so many, with the interval that the true share lies in.
public struct Proportion: Hashable, Sendable {
  /// Those that counted.
  public let count: Int
  /// All.
  public let trials: Int

  /// - Precondition: there is a trial, and no more that counted than trials.
  public init(_ count: Int, of trials: Int) {
    precondition(trials >= 1 && (0...trials).contains(count), "\(count) of \(trials)")
    self.count = count
    self.trials = trials
  }

  /// The share that was seen.
  public var estimate: Double { Double(count) / Double(trials) }

  /// How sure the interval is: 99 of 100 such intervals hold the true share.
  public static let confidence = 0.99
  /// The normal distribution's quantile of it, on both sides.
  private static let quantile = 2.5758293035489004

  /// Wilson's interval (J. Am. Stat. Assoc. 22, 1927). Unlike the estimate plus and minus its deviation
  /// it has a width where none or all counted: 0 of n gives [0, z²/(n + z²)].
  public var interval: ClosedRange<Double> {
    let (n, z2) = (Double(trials), Self.quantile * Self.quantile)
    let centre = (Double(count) + z2 / 2) / (n + z2)
    let half =
      Self.quantile / (n + z2)
      * (Double(count) * Double(trials - count) / n + z2 / 4).squareRoot()
    let low = count == 0 ? 0 : max(0, centre - half)
    let high = count == trials ? 1 : min(1, centre + half)
    return low...high
  }
}
