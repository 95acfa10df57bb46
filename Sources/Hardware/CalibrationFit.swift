import Quantities

/// A calibration fitted anew to its rows, and how far it can be trusted: residuals, what a fit without
/// each row is off by, and which coefficients the rows hardly determine.
public struct CalibrationFit: Hashable, Sendable {
  /// The calibration as it was read.
  public let given: Calibration
  /// The same with the coefficients of the fit.
  public let fitted: Calibration
  /// Every row, in the order of the file.
  public let rows: [RowError]
  /// Every coefficient, in the order of the file.
  public let terms: [Term]
  /// Of each phase, how much an error of the rows can be magnified: the largest over the smallest
  /// singular value of the counts, each column scaled to length 1. 1 is best; `nil` where nothing is
  /// positive.
  public let conditionNumbers: [Calibration.Phase: Double]

  /// A row with the errors of two fits.
  public struct RowError: Hashable, Sendable {
    /// What was measured.
    public let row: Calibration.Row
    /// (predicted − measured)/measured of the fit to all rows.
    public let residual: Double
    /// The same of the fit to all rows but this one.
    public let leftOut: Double

    /// The residual in percent to two digits after the point, as a calibration's file holds it.
    public var residualPercent: Rational {
      Rational(Int128((residual * 10_000).rounded(.toNearestOrEven)), over: 100)
    }
  }

  /// A coefficient and how well it is determined.
  public struct Term: Hashable, Sendable {
    /// Its key.
    public let key: FigureKey
    /// As it was read.
    public let given: Rational
    /// As it was fitted.
    public let fitted: Rational
    /// Its standard error over its value; `nil` where it is 0 or the rows are too few to tell.
    public let relativeStandardError: Double?
    /// Its smallest and largest value over the fits that leave one row of its phase out.
    public let leaveOneOut: ClosedRange<Rational>

    /// A standard error beyond which a coefficient is called weakly determined: three of them reach 0, so
    /// that the rows hardly tell it from none.
    public static let weakStandardError = 1.0 / 3

    /// Whether the rows hardly determine it: it lies on the bound of 0, or its standard error is large
    /// or unknown.
    public var isWeak: Bool {
      fitted == Rational(0) || (relativeStandardError ?? .infinity) > Self.weakStandardError
    }
  }

  /// Fits the rows of a calibration.
  public init(_ given: Calibration) {
    let clock = given.coefficients.clock
    let fit = Calibration.fit(rows: given.rows, clock: clock, groups: given.groups)
    let fitted = Calibration(
      name: given.name, wafer: given.wafer, coefficients: fit, rows: given.rows,
      groups: given.groups)
    let others = given.rows.map { given.leavingOut($0) }
    self.given = given
    self.fitted = fitted
    rows = zip(given.rows, others).map { row, other in
      RowError(
        row: row, residual: fitted.residual(of: row).relativeError,
        leftOut: other.residual(of: row).relativeError)
    }
    var terms: [Term] = []
    var conditionNumbers: [Calibration.Phase: Double] = [:]
    for phase in Calibration.Phase.allCases {
      let observations = Calibration.observations(
        of: phase, rows: given.rows, clock: clock, groups: given.groups)
      let coefficients = fit.cycles(of: phase)
      let condition = FitCondition(
        observations, solution: coefficients.map(\.value.approximation))
      conditionNumbers[phase] = condition.number
      let ofPhase = zip(given.rows, others).filter { $0.0.phase == phase }.map(\.1)
      for (index, (key, value)) in coefficients.enumerated() {
        let values = ofPhase.map { $0.coefficients.cycles(of: phase)[index].value } + [value]
        terms.append(
          Term(
            key: key, given: given.coefficients.cycles(of: phase)[index].value, fitted: value,
            relativeStandardError: condition.relativeStandardErrors[index],
            leaveOneOut: values.min()!...values.max()!))
      }
    }
    self.terms = terms
    self.conditionNumbers = conditionNumbers
  }
}
