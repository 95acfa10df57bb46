import Hardware
import Quantities

/// The document of `wafer validate`: schema `wafer.validate/1`.
public struct ValidationDocument {
  private let results: [ValidationResult]

  /// The document of these tables.
  public init(_ results: [ValidationResult]) { self.results = results }

  /// The whole of it.
  public var json: JSONValue {
    [
      "schema": "wafer.validate/1",
      "holds": .boolean(results.allSatisfy { $0.broken.isEmpty }),
      "tables": .array(results.map(Self.table)),
    ]
  }

  private static func table(_ result: ValidationResult) -> JSONValue {
    [
      "name": .string(result.table.name), "summary": .string(result.table.summary),
      "sha256": .string(result.table.sha256),
      "rows": .array(result.rows.map(row)),
      "errors": .object([
        "all": errors(result.summary()), "calibrated": errors(result.summary(of: .calibrated)),
        "held_out": errors(result.summary(of: .heldOut)),
      ]),
    ]
  }

  private static func row(_ row: ValidationResult.Row) -> JSONValue {
    let figure = row.figure
    let unit = figure.metric.unit
    var members: [String: JSONValue] = [
      "name": .string(figure.name), "metric": .string(figure.metric.rawValue),
      "role": .string(figure.role.rawValue), "mark": .string(figure.mark.rawValue),
      "source": .string(figure.source), "note": .optional(figure.note),
      "remarks": .array(row.remarks.map { .string($0.rawValue) }),
      "predicted_\(unit.suffix)": unit.json(row.predicted),
      "published_\(unit.suffix)": figure.published.map(unit.json) ?? .null,
      "error_percent": row.relativeError.map(percent) ?? .null,
      "leave_one_out_error_percent": row.leaveOneOutError.map(percent) ?? .null,
      "holds": row.holds.map { .boolean($0) } ?? .null,
    ]
    switch figure.allowed {
    case .any: break
    case .tolerance(let tolerance): members["tolerance_percent"] = percent(tolerance)
    case .band(let low, let high):
      members["band_\(unit.suffix)"] = .array([unit.json(low), unit.json(high)])
    }
    return .object(members)
  }

  private static func errors(_ summary: ValidationResult.Summary) -> JSONValue {
    [
      "rows": .integer(summary.count), "bounded": .integer(summary.bounded),
      "within": .integer(summary.within), "worst": .optional(summary.worst),
      "largest_percent": summary.largest.map(percent) ?? .null,
      "mean_percent": summary.mean.map(percent) ?? .null,
      "largest_leave_one_out_percent": summary.largestLeaveOneOut.map(percent) ?? .null,
    ]
  }

  private static func percent(_ value: Rational) -> JSONValue {
    .rounded(value * Rational(100), digits: 4)
  }

  /// Of what a fit gives, which is floating-point: four digits of a percent are well within what every
  /// host agrees on.
  private static func percent(_ value: Double) -> JSONValue {
    .rounded(Rational(Int128((value * 1_000_000).rounded()), over: 10_000), digits: 4)
  }
}
