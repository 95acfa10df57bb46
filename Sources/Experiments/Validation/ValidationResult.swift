import Hardware
import Quantities

/// A table's figures beside their predictions.
public struct ValidationResult: Sendable {
  /// The figures.
  public let table: ValidationTable
  /// The figures with their predictions, in the order of the table.
  public let rows: [Row]

  /// One figure beside its prediction.
  public struct Row: Sendable {
    /// The figure.
    public let figure: ValidationTable.Row
    /// In the unit of the figure's metric.
    public let predicted: Rational
    /// What a fit that has not seen the row is off by; `nil` where nothing was fitted to it.
    public let leaveOneOutError: Double?
    /// Why it is weaker evidence: what the file says, and what the prediction had to assume.
    public let remarks: [Calibration.Row.Remark]

    init(_ figure: ValidationTable.Row, prediction: ValidationRun.Prediction) {
      self.figure = figure
      predicted = prediction.value
      leaveOneOutError = prediction.leaveOneOutError
      remarks = Calibration.Row.Remark.allCases.filter {
        figure.remarks.contains($0) || ($0 == .hypotheticalSRAM && prediction.isHypothetical)
      }
    }

    /// (predicted − published)/published, exact; `nil` where only a band is stated.
    public var relativeError: Rational? {
      figure.published.map { (predicted - $0) / $0 }
    }

    /// Whether the prediction is as near as the file asks; `nil` where it asks nothing.
    public var holds: Bool? {
      switch figure.allowed {
      case .any: nil
      case .tolerance(let tolerance):
        relativeError.map { max($0, Rational(0) - $0) <= tolerance }
      case .band(let low, let high): low <= predicted && predicted <= high
      }
    }
  }

  /// Rows whose tolerance or band is broken.
  public var broken: [Row] { rows.filter { $0.holds == false } }

  /// What the table comes to, over all rows or those of one role.
  public func summary(of role: ValidationTable.Role? = nil) -> Summary {
    Summary(rows.filter { role == nil || $0.figure.role == role })
  }

  /// The errors of some rows. Rows with a band are counted but have no error: a band is no target.
  public struct Summary: Sendable {
    /// How many there are.
    public let count: Int
    /// How many state a tolerance or a band.
    public let bounded: Int
    /// How many of these are within it.
    public let within: Int
    /// The largest absolute relative error; `nil` without any.
    public let largest: Rational?
    /// The row that has it.
    public let worst: String?
    /// The mean absolute relative error; `nil` without any.
    public let mean: Double?
    /// The largest absolute leave-one-out error; `nil` without calibrated rows.
    public let largestLeaveOneOut: Double?

    init(_ rows: [Row]) {
      count = rows.count
      bounded = rows.count { $0.holds != nil }
      within = rows.count { $0.holds == true }
      var errors: [(error: Rational, name: String)] = []
      for row in rows {
        guard let error = row.relativeError else { continue }
        if case .band = row.figure.allowed { continue }
        errors.append((max(error, Rational(0) - error), row.figure.name))
      }
      // The first of equal ones, so that the order of the file decides.
      var worst: (error: Rational, name: String)?
      for each in errors where each.error > worst?.error ?? Rational(-1) { worst = each }
      largest = worst?.error
      self.worst = worst?.name
      // Denominators of exact errors do not go together; a mean is for reading.
      mean =
        errors.isEmpty
        ? nil : errors.reduce(0) { $0 + $1.error.approximation } / Double(errors.count)
      largestLeaveOneOut = rows.compactMap(\.leaveOneOutError).map(abs).max()
    }
  }
}
