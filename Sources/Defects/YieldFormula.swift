import Quantities

/// Closed forms of yield: the share of areas that hold no defect, by the expected number D·A of
/// defects on one (Murphy, Proc. IEEE 52, 1964; Seeds, IEEE Int. Conv. Rec. 1967; Stapper, IBM J. Res.
/// Dev. 27, 1983).
public enum YieldFormula {
  /// Independent defects: e^(−DA).
  public static func poisson(expected: Double) -> Double { Elementary.exp(-expected) }

  /// A density that varies as a triangle around D: ((1 − e^(−DA))/(DA))².
  public static func murphy(expected: Double) -> Double {
    // Below 10⁻⁸ the quotient is 1 − DA/2 to the last bit, and the difference would be lost.
    guard expected > 1e-8 else { return 1 - expected }
    let mean = (1 - Elementary.exp(-expected)) / expected
    return mean * mean
  }

  /// A density that varies exponentially: 1/(1 + DA).
  public static func seeds(expected: Double) -> Double { 1 / (1 + expected) }

  /// A density that varies as a gamma distribution of shape α, one draw for the whole area:
  /// (1 + DA/α)^(−α).
  public static func negativeBinomial(expected: Double, clustering: Double) -> Double {
    Elementary.exp(-clustering * Elementary.logOnePlus(expected / clustering))
  }

  /// The probability of no defect under either distribution of `DefectCount`.
  static func ofNone(expected: Double, clustering: Double?) -> Double {
    clustering.map { negativeBinomial(expected: expected, clustering: $0) }
      ?? poisson(expected: expected)
  }

  /// The share of wafers on which no column of any die has more dead PEs than its budget, when defects
  /// are independent.
  ///
  /// A PE is dead with probability p = 1 − e^(−D·A/N), so a column of n PEs has a binomial number of
  /// dead ones, and all N/n columns are independent: P(dead ≤ budget)^(N/n).
  ///
  /// - Parameter expected: Defects on the whole wafer, D·A.
  public static func repaired(_ dies: DieGrid, expected: Double) -> Double {
    let alive = Elementary.exp(-expected / Double(dies.physicalPEs))
    let dead = 1 - alive
    // The tail is summed rather than taken from 1: it is what is small.
    let size = dies.rowsPerDie
    var term = 1.0
    for _ in 0..<size { term *= alive }
    var tail = 0.0
    for count in 0...size {
      if count > dies.columnBudget { tail += term }
      term *= Double(size - count) / Double(count + 1) * (dead / alive)
    }
    guard tail < 1 else { return 0 }
    return Elementary.exp(
      Double(dies.columns * dies.dieRows) * Elementary.logOnePlus(-tail))
  }
}
