import Plots

/// Numbers of a document as a page writes them.
enum ReportText {
  /// A time in picoseconds, with the unit that suits it.
  static func time(_ value: JSONValue?, _ unit: ValueUnit = .picoseconds) -> String {
    value?.double.map { unit.text($0) } ?? "-"
  }

  /// A number of four digits.
  static func number(_ value: JSONValue?) -> String {
    value?.double.map { NumberText.significant($0) } ?? "-"
  }

  /// A difference of times, with its sign.
  static func difference(_ value: Double) -> String {
    (value > 0 ? "+" : "") + ValueUnit.picoseconds.text(value)
  }

  /// An entry of an account, in words.
  static func entry(_ name: String) -> String { name.replacing("_", with: " ") }

  /// A part of a whole.
  static func share(_ part: Double, of whole: Double) -> String {
    whole > 0 ? "\(NumberText.fixed(part / whole * 100, digits: 2)) %" : "-"
  }

  /// What a key's name says that its numbers measure.
  static func unit(ofKey name: String) -> ValueUnit {
    if name.hasSuffix("_ps") { return .picoseconds }
    if name.hasSuffix("_ns") { return .nanoseconds }
    if name.hasSuffix("bytes_per_second") { return .bytesPerSecond }
    if name.hasSuffix("_bytes") || name == "bytes" { return .bytes }
    if name.contains("utilisation") || name.hasSuffix("share") { return .share }
    if name.contains("tokens_per_second") { return .count("tokens/s") }
    if name.hasSuffix("joules_per_token") { return .count("J") }
    if name == "slowdown" { return .count("times one wafer") }
    return .count()
  }

  /// A key's name for a reader: no unit, no section.
  static func label(ofKey name: String) -> String {
    var text = name
    for suffix in ["_ps", "_ns", "_bytes"] where text.hasSuffix(suffix) {
      text = String(text.dropLast(suffix.count))
    }
    text = text.replacing("_", with: " ")
    for known in ["ttft", "tpot", "itl", "e2el"] where text.hasPrefix(known) {
      text = known.uppercased() + text.dropFirst(known.count)
    }
    return text
  }
}
