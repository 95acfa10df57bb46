import Hardware
import Quantities

/// What `wafer calibrate --hardware` says of a fit.
public struct CalibrationReport: Sendable {
  private let fit: CalibrationFit

  /// A report on a fit.
  public init(_ fit: CalibrationFit) { self.fit = fit }

  /// Where the file does not say what the fit gives, a line for each; none when it does.
  public var differences: [String] {
    let coefficients = fit.terms.filter { $0.given != $0.fitted }.map {
      "\($0.key.name) is \(Self.number($0.given)), and the fit gives \(Self.number($0.fitted))"
    }
    let residuals = fit.rows.enumerated().compactMap { index, row -> String? in
      guard row.row.residualPercent != row.residualPercent else { return nil }
      let written = row.row.residualPercent.map(Self.number) ?? "missing"
      return "rows[\(index)].residual_percent is \(written), and the fit gives "
        + Self.number(row.residualPercent)
    }
    return coefficients + residuals
  }

  /// The document, schema `wafer.calibrate/1`.
  public var json: JSONValue {
    [
      "schema": "wafer.calibrate/1",
      "name": .string(fit.given.name), "wafer": .string(fit.given.wafer),
      "clock_hz": .exact(fit.given.coefficients.clock),
      "coefficients": .array(
        fit.terms.map { term in
          [
            "key": .string(term.key.name), "meaning": .string(term.key.meaning),
            "given_cycles": .exact(term.given), "fitted_cycles": .exact(term.fitted),
            "relative_standard_error_percent": term.relativeStandardError.map(Self.percent)
              ?? .null,
            "leave_one_out_cycles": [
              .exact(term.leaveOneOut.lowerBound), .exact(term.leaveOneOut.upperBound),
            ],
            "weakly_determined": .boolean(term.isWeak),
          ]
        }),
      "condition_numbers": .object(
        Dictionary(
          uniqueKeysWithValues: Calibration.Phase.allCases.map { phase in
            (
              phase.rawValue,
              fit.conditionNumbers[phase].map {
                .rounded(Rational(Int128(($0 * 100).rounded()), over: 100), digits: 2)
              } ?? .null
            )
          })),
      "rows": .array(
        fit.rows.map { row in
          [
            "phase": .string(row.row.phase.rawValue), "model": .string(row.row.model),
            "side": .integer(row.row.side), "tokens": .integer(row.row.tokens),
            "tokens_per_second": .exact(row.row.tokensPerSecond.value),
            "given_residual_percent": row.row.residualPercent.map(JSONValue.exact) ?? .null,
            "residual_percent": .exact(row.residualPercent),
            "leave_one_out_error_percent": Self.percent(row.leftOut),
            "remarks": .array(row.row.remarks.map { .string($0.rawValue) }),
          ]
        }),
      "differences": .array(differences.map { .string($0) }),
    ]
  }

  /// Coefficients and rows as tables.
  public func text(_ style: TextStyle) -> String {
    var terms = Table(
      columns: ["cycles", "in the file", "fitted", "std error", "a row left out", ""])
    for term in fit.terms {
      terms.append([
        term.key.name, Self.number(term.given), Self.number(term.fitted),
        term.relativeStandardError.map { Self.text($0) } ?? "-",
        "\(Self.number(term.leaveOneOut.lowerBound)) to "
          + Self.number(term.leaveOneOut.upperBound),
        term.isWeak ? "weakly determined" : "",
      ])
    }
    var rows = Table(
      columns: ["phase", "model", "PEs", "tokens/s", "residual", "left out", "remarks"])
    for row in fit.rows {
      rows.append([
        row.row.phase.rawValue, row.row.model, "\(Rectangle(square: row.row.side))",
        Self.number(row.row.tokensPerSecond.value),
        Self.error(row.residual), Self.error(row.leftOut),
        row.row.remarks.map(\.rawValue).joined(separator: ", "),
      ])
    }
    let conditions = Calibration.Phase.allCases.map { phase in
      "\(phase.rawValue) "
        + (fit.conditionNumbers[phase].map { RunTable.number($0) } ?? "undetermined")
    }
    let verdict =
      differences.isEmpty
      ? "The file's coefficients and residuals are what the fit gives."
      : "The file differs from the fit:\n" + differences.map { "  \($0)" }.joined(separator: "\n")
    return [
      style.bold("\(fit.given.name): \(fit.given.rows.count) rows of \(fit.given.wafer)"),
      terms.text(style),
      rows.text(style)
        + "Condition number of the counts: \(conditions.joined(separator: ", ")).\n\(verdict)",
    ].joined(separator: "\n") + "\n"
  }

  private static func number(_ value: Rational) -> String {
    value.decimal ?? "\(value.approximation)"
  }

  private static func rational(_ value: Double) -> Rational {
    Rational(Int128((value * 1_000_000).rounded()), over: 1_000_000)
  }

  private static func text(_ value: Double) -> String { Percent.text(rational(value)) }

  private static func error(_ value: Double) -> String { Percent.error(rational(value)) }

  private static func percent(_ value: Double) -> JSONValue {
    .rounded(rational(value) * Rational(100), digits: 4)
  }
}
