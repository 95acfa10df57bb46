import Hardware
import Quantities

/// The tables of `wafer validate` for people.
public struct ValidationText {
  private let results: [ValidationResult]

  /// The text of these tables.
  public init(_ results: [ValidationResult]) { self.results = results }

  /// Each table with its summary and its sources, then what all come to.
  public func text(_ style: TextStyle) -> String {
    (results.map { Self.table($0, style) } + [conclusion(style)]).joined(separator: "\n")
  }

  private static func table(_ result: ValidationResult, _ style: TextStyle) -> String {
    var sources: [String] = []
    let isCalibrated = result.rows.contains { $0.leaveOneOutError != nil }
    var table = Table(
      columns: ["", "predicted", "published", "error"] + (isCalibrated ? ["left out"] : [])
        + ["allowed", "role", "remarks"])
    for row in result.rows {
      let figure = row.figure
      let unit = figure.metric.unit
      let source = "\(figure.source) (\(figure.mark.rawValue))"
      if !sources.contains(source) { sources.append(source) }
      let number = sources.firstIndex(of: source)! + 1
      let leftOut =
        isCalibrated ? [row.leaveOneOutError.map { Percent.error(rational($0)) } ?? "-"] : []
      let remarks = row.remarks.map(\.rawValue) + [figure.note].compactMap { $0 }
      table.append(
        [
          figure.name, unit.text(row.predicted), figure.published.map(unit.text) ?? "-",
          row.relativeError.map(Percent.error) ?? "-",
        ] + leftOut + [
          allowed(row), figure.role.rawValue,
          (["[\(number)]"] + [remarks.joined(separator: "; ")]).joined(separator: " "),
        ])
    }
    let list = sources.enumerated().map { "[\($0.offset + 1)] \($0.element)\n" }.joined()
    return style.bold(result.table.name) + ": \(result.table.summary)\n" + table.text(style)
      + summary(result) + "\n" + list
  }

  private static func allowed(_ row: ValidationResult.Row) -> String {
    let unit = row.figure.metric.unit
    let bound =
      switch row.figure.allowed {
      case .any: "-"
      case .tolerance(let tolerance): tolerance == Rational(0) ? "exact" : Percent.text(tolerance)
      case .band(let low, let high): "\(unit.text(low)) to \(unit.text(high))"
      }
    return row.holds == false ? bound + " BROKEN" : bound
  }

  private static func summary(_ result: ValidationResult) -> String {
    let all = result.summary()
    var parts: [String] = []
    for (role, name) in [(ValidationTable.Role.calibrated, "calibrated"), (.heldOut, "held out")] {
      let part = result.summary(of: role)
      guard let largest = part.largest, let worst = part.worst, let mean = part.mean else {
        continue
      }
      var text =
        "\(name): largest error \(Percent.text(largest))"
        + (largest == Rational(0) ? "" : " (\(worst))") + ", mean \(Percent.text(rational(mean)))"
      if let leftOut = part.largestLeaveOneOut {
        text += ", left out \(Percent.text(rational(leftOut)))"
      }
      parts.append(text)
    }
    parts.append(
      all.bounded == 0
        ? "no tolerance is stated" : "\(all.within) of \(all.bounded) within what is allowed")
    return parts.joined(separator: "; ") + "."
  }

  private func conclusion(_ style: TextStyle) -> String {
    let broken = results.reduce(0) { $0 + $1.broken.count }
    let rows = results.reduce(0) { $0 + $1.rows.count }
    let tables = "\(rows) figures in \(results.count) table\(results.count == 1 ? "" : "s")"
    return broken == 0
      ? "\(tables); no stated tolerance is broken.\n"
      : style.failure("\(tables); \(broken) broken.") + "\n"
  }

  /// What was broken, for the line that a command fails with; `nil` when nothing was.
  public var failure: String? {
    let lines = results.flatMap { result in
      result.broken.map { row in
        let unit = row.figure.metric.unit
        let figure = row.figure
        let published = figure.published.map { ", published \(unit.text($0))" } ?? ""
        let error = row.relativeError.map { ", error \(Percent.error($0))" } ?? ""
        return "  \(figure.place): \(result.table.name), \(figure.name): predicted "
          + "\(unit.text(row.predicted))\(published)\(error), allowed \(Self.allowed(row))"
      }
    }
    return lines.isEmpty
      ? nil
      : "\(lines.count) figures are further off than allowed\n" + lines.joined(separator: "\n")
  }

  private static func rational(_ value: Double) -> Rational {
    Rational(Int128((value * 1_000_000).rounded()), over: 1_000_000)
  }
}
