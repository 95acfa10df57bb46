import Foundation
import Hardware
import Quantities
import Yams

/// A calibration's file with all its texts, so that it can be written anew with what a fit gives.
///
/// Written and read again it gives the same bytes: what is not fitted is carried over as it was written,
/// the comment at the top included, in one fixed layout.
public struct CalibrationFile: Sendable {
  /// The calibration.
  public let calibration: Calibration
  /// The file, as errors call it.
  public let path: String
  private let heading: String
  private let summary: String
  private let clock: Figure<String>
  private let groupsMark: String
  private let groupsSource: String
  /// What is written for the keys of each row, its mark and its source.
  private let rows: [[String: String]]

  /// Reads a file.
  ///
  /// Throws `ConfigurationError` when it is no calibration.
  public init(path: String) throws(ConfigurationError) {
    guard let text = String(data: try StrictYAML.bytes(path), encoding: .utf8) else {
      throw ConfigurationError(.file(path, line: nil), "is not UTF-8 text")
    }
    try self.init(path: path, text: text)
  }

  /// Reads a text; `path` is what errors call it.
  init(path: String, text: String) throws(ConfigurationError) {
    let yaml = try StrictYAML(path: path, text: text)
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let preset = try PresetFile(yaml: yaml, kind: .calibration, expectedName: name)
    let (calibration, coefficients) = try preset.calibration()
    self.calibration = calibration
    self.path = path
    summary = preset.summary
    clock = coefficients.figures.first { $0.key.name == "clock" }!.figure
    heading = text.split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("#") }.map { $0 + "\n" }.joined()

    let top = try YAMLFields(
      yaml.root, "a calibration", at: .file(path, line: nil),
      allowed: ["preset", "name", "summary", "wafer", "figures", "groups", "rows"], in: yaml)
    let groups = try top.inner(
      "groups", "groups", allowed: ["mark", "source", "configurations"])
    groupsMark = try groups.text("mark")
    groupsSource = try groups.text("source")
    guard case .sequence(let elements) = top.node("rows") else {
      preconditionFailure("rows were read as a list before")
    }
    let keys = Calibration.Row.keys.map(\.name) + ["mark", "source"]
    var rows: [[String: String]] = []
    for element in elements {
      let fields = try YAMLFields(
        try yaml.mapping(element, key: "rows"), "a calibration row", at: yaml.place(element),
        allowed: keys, in: yaml)
      var row: [String: String] = [:]
      for key in keys { row[key] = try fields.optionalText(key) }
      rows.append(row)
    }
    self.rows = rows
  }

  /// The file with the coefficients and the residuals of a fit.
  ///
  /// - Precondition: the fit is of this file's rows.
  public func written(_ fit: CalibrationFit) -> String {
    precondition(fit.rows.count == rows.count, "\(fit.rows.count) rows for \(rows.count)")
    var text =
      heading + "preset: calibration\nname: \(calibration.name)\nsummary: \(quoted(summary))\n"
      + "wafer: \(calibration.wafer)\nfigures:\n"
      + figure("clock", clock.value, clock.mark.rawValue, clock.source)
    for term in fit.terms {
      text += figure(term.key.name, decimal(term.fitted), "derived", source(of: term))
    }
    let configurations = calibration.groups.keys.sorted().map {
      "    \($0): \(calibration.groups[$0]!)\n"
    }
    text += """
      # PEs of a line and groups of its two-tree all-reduce. Elsewhere it is the largest divisor of the PEs
      # that is at most their square root.
      groups:
        mark: \(groupsMark)
        source: \(quoted(groupsSource))
        configurations:
      \(configurations.joined())\
      # Measured figures. K and V were computed at the full width of Q, embedding and LM head left out. A
      # residual is 100 x (predicted - measured)/measured, at the same counting.
      rows:

      """
    for (row, error) in zip(rows, fit.rows) { text += written(row, error) }
    return text
  }

  private func written(_ row: [String: String], _ error: CalibrationFit.RowError) -> String {
    var row = row
    row["residual_percent"] = decimal(error.residualPercent)
    var lines: [String] = []
    for key in Calibration.Row.keys {
      guard let value = row[key.name] else { continue }
      lines.append("\(key.name): \(key.kind == .name ? quoted(value) : value)")
    }
    lines.append("mark: \(row["mark"]!)")
    lines.append("source: \(quoted(row["source"]!))")
    return lines.enumerated().map { ($0.offset == 0 ? "  - " : "    ") + $0.element + "\n" }
      .joined()
  }

  private func figure(_ key: String, _ value: String, _ mark: String, _ source: String) -> String {
    "  \(key):\n    value: \(value)\n    mark: \(mark)\n    source: \(quoted(source))\n"
  }

  /// What the coefficient is and how it was derived.
  private func source(of term: CalibrationFit.Term) -> String {
    let phase: Calibration.Phase = term.key.name.hasPrefix("decode") ? .decode : .prefill
    let count = calibration.rows.count { $0.phase == phase }
    return term.key.meaning + (term.fitted == Rational(0) ? "; the fit gives none" : "")
      + "; least relative squares over the \(count) \(phase.rawValue) rows"
  }

  private func decimal(_ value: Rational) -> String {
    guard let decimal = value.decimal else {
      preconditionFailure("\(value) was rounded to decimals and is none")
    }
    return decimal
  }

  /// A JSON string, which is YAML too.
  private func quoted(_ text: String) -> String {
    String(JSONValue.string(text).document.dropLast())
  }
}

extension PresetLibrary {
  /// The file of a calibration by its name, by that of a wafer it prices, or by its path, which holds a
  /// slash or ends in `.yaml`.
  ///
  /// Throws `ConfigurationError` at `place` when there is none, and in the file when it cannot be read.
  public func calibrationFile(_ name: String, at place: Place) throws(ConfigurationError)
    -> CalibrationFile
  {
    if name.contains("/") || name.hasSuffix(".yaml") { return try CalibrationFile(path: name) }
    let calibration =
      holds(name, .wafer) && !holds(name, .calibration)
      ? try wafer(name, at: place).value.calibration : name
    let source = try self.calibration(calibration, at: place).source
    return try CalibrationFile(path: "\(folder)/\(source.file)")
  }
}
