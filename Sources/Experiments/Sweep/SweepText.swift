import Foundation
import Programs
import Quantities

/// A sweep's rows for people.
public struct SweepText {
  private let sweep: Sweep
  private let rows: [JSONValue]

  /// Most rows that are printed: more are in the files, and in `--format json`.
  static let mostRows = 200

  /// Takes each field as it is.
  public init(_ sweep: Sweep, rows: [JSONValue]) {
    self.sweep = sweep
    self.rows = rows
  }

  /// A row a point, and what stands out.
  public func text(_ style: TextStyle) -> String {
    var table = Table(
      columns: sweep.grid.axes.map(\.name) + ["TTFT", "TPOT", "total", "tokens/s", "slowdown"]
        + (sweep.measures == nil ? [] : ["measured"]) + ["most of the difference"])
    for row in rows.prefix(Self.mostRows) { table.append(cells(row)) }
    var text = table.text(style)
    if rows.count > Self.mostRows {
      text +=
        "and \(rows.count - Self.mostRows) more rows: --output DIR and --format json have all\n"
    }
    for (number, reason) in reasons.enumerated() {
      text += style.wrapped("note \(number + 1): \(reason)\n")
    }
    return text + "\n" + conclusion(style)
  }

  /// Why points have no result, each reason once.
  private var reasons: [String] {
    var reasons: [String] = []
    for case let reason? in rows.prefix(Self.mostRows).map({ $0["reason"]?.string })
    where !reasons.contains(reason) { reasons.append(reason) }
    return reasons
  }

  private func cells(_ row: JSONValue) -> [String] {
    var cells = sweep.grid.axes.map { SweepAnswer.shown(row[$0.column]?.string ?? "") }
    cells += ["ttft_ps", "tpot_ps", "total_ps"].map { time(row, $0) }
    cells.append(row["tokens_per_second"]?.double.map(RunTable.number) ?? "-")
    cells.append(row["slowdown"]?.double.map { String(format: "%.4f", $0) } ?? "-")
    if sweep.measures != nil {
      cells.append(row["measured_total_ns"]?.double.map { RunTable.seconds($0 / 1e9) } ?? "-")
    }
    cells.append(note(row))
    return cells
  }

  private func time(_ row: JSONValue, _ key: String) -> String {
    row[key]?.double.map { RunTable.seconds($0 / 1e12) } ?? "-"
  }

  private func note(_ row: JSONValue) -> String {
    if let reason = row["reason"]?.string {
      return "\(row["status"]?.string ?? "no result"), note \(reasons.firstIndex(of: reason)! + 1)"
    }
    let entries = Account.Entry.allCases.compactMap { entry in
      row["extra_\(entry.rawValue)_ps"]?.double.map { (entry, $0) }
    }
    let hypothetical = row["hypothetical"] == .boolean(true) ? "hypothetical; " : ""
    guard let most = entries.max(by: { abs($0.1) < abs($1.1) }), most.1 != 0 else {
      return hypothetical + "none"
    }
    return hypothetical + most.0.rawValue.replacingOccurrences(of: "_", with: " ")
      + (most.1 > 0 ? " +" : " ") + RunTable.seconds(most.1 / 1e12)
  }

  private func conclusion(_ style: TextStyle) -> String {
    let answer = SweepAnswer(
      axes: sweep.grid.axes.map { ($0.name, $0.column) }, rows: rows)
    let ranges = answer.ranges.filter(\.varies).map { range in
      style.bold(range.name) + range.line.dropFirst(range.name.count) + "\n"
    }
    var lines: [String] = []
    let failed = rows.count { $0["status"] == "measurement-failed" }
    if failed > 0 {
      lines.append(style.failure("\(failed) runs on nodes failed; their rows say why."))
    }
    return style.wrapped(ranges.joined()) + (ranges.isEmpty ? "" : "\n")
      + style.wrapped(answer.sentences.map { $0 + "\n" }.joined())
      + lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")
  }
}

extension JSONValue {
  /// A number of picoseconds or nanoseconds; `nil` for anything else.
  var integer: Int64? { whole.map { Int64($0) } }
}
