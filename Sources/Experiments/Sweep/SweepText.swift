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
    return text + "\n" + conclusion(style)
  }

  private func cells(_ row: JSONValue) -> [String] {
    var cells = sweep.grid.axes.map { row[$0.column]?.string ?? "" }
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
    if let reason = row["reason"]?.string { return reason }
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
    let done = rows.filter { $0["total_ps"]?.double != nil }
    var lines: [String] = []
    func best(_ what: String, _ key: String, largest: Bool) {
      let sorted = done.compactMap { row in row[key]?.double.map { (row, $0) } }
      guard
        let best = sorted.min(by: { largest ? $0.1 > $1.1 : $0.1 < $1.1 })
      else { return }
      let place = sweep.grid.axes.map { "\($0.name) \(best.0[$0.column]?.string ?? "")" }
      let value =
        key.hasSuffix("_ps") ? RunTable.seconds(best.1 / 1e12) : RunTable.number(best.1)
      lines.append("\(style.bold(what)): \(value) at \(place.joined(separator: ", "))")
    }
    best("lowest TPOT", "tpot_ps", largest: false)
    best("lowest TTFT", "ttft_ps", largest: false)
    best("most tokens/s", "tokens_per_second", largest: true)
    best("most tokens/s a wafer", "tokens_per_second_per_wafer", largest: true)
    let impossible = rows.count { $0["status"] == "impossible" }
    if impossible > 0 {
      lines.append("\(impossible) of \(rows.count) points cannot be; their rows say why.")
    }
    let failed = rows.count { $0["status"] == "measurement-failed" }
    if failed > 0 {
      lines.append(style.failure("\(failed) runs on nodes failed; their rows say why."))
    }
    return lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")
  }
}

extension JSONValue {
  /// A number of picoseconds or nanoseconds; `nil` for anything else.
  var integer: Int64? { whole.map { Int64($0) } }
}
