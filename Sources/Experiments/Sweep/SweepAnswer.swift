import Foundation

/// What a sweep found, in sentences with figures: between which values the times lie, at which points, and which
/// axis moves them.
struct SweepAnswer {
  /// Names of the axes, and the columns of their values.
  let axes: [(name: String, column: String)]
  /// Rows as documents.
  let rows: [JSONValue]
  /// How a time in seconds is written.
  var time: (Double) -> String = { RunTable.seconds($0) }

  /// Times that differ by less than this part are the same to a reader.
  private static let least = 0.0005

  /// A result that is spoken of.
  fileprivate struct Metric: Sendable {
    let key: String
    let name: String
    /// `A token takes`, for a range of it.
    let subject: String
    /// What stands behind a value; `nil` of a time in picoseconds.
    let unit: String?
    /// What a ratio of two of them means.
    let compared: String
  }

  private static let metrics = [
    Metric(
      key: "tpot_ps", name: "TPOT", subject: "A token takes", unit: nil, compared: "as long"),
    Metric(
      key: "ttft_ps", name: "TTFT", subject: "The first token takes", unit: nil,
      compared: "as long"),
    Metric(
      key: "tokens_per_second", name: "tokens/s", subject: "All together make", unit: "",
      compared: "as many"),
    Metric(
      key: "tokens_per_second_per_wafer", name: "tokens/s a wafer", subject: "A wafer makes",
      unit: "", compared: "as many"),
    Metric(
      key: "joules_per_token", name: "J/token", subject: "A token costs", unit: " J",
      compared: "as much"),
    Metric(
      key: "slowdown", name: "slowdown", subject: "", unit: " times", compared: "as long"),
  ]

  private func text(_ value: Double, _ metric: Metric) -> String {
    guard let unit = metric.unit else { return time(value / 1e12) }
    return metric.key == "slowdown"
      ? String(format: "%.4f", value) + unit : RunTable.number(value) + unit
  }

  /// An end of a range, and the point where it is: the values of all axes, and these with their names.
  struct End {
    let text: String
    let values: String
    let place: String
  }

  /// Between which values a result lies.
  struct Range {
    fileprivate let metric: Metric
    /// What readers call it.
    var name: String { metric.name }
    /// The least and the largest.
    let low: End, high: End
    /// The largest over the least.
    let ratio: Double
    /// Whether they differ.
    var varies: Bool { ratio > 1 + SweepAnswer.least }

    /// One line: both values with their points.
    var line: String { "\(name): \(low.text) (\(low.place)) to \(high.text) (\(high.place))" }

    /// `1.30 times`
    var factor: String { SweepAnswer.factor(ratio) }

    fileprivate var sentence: String {
      if metric.key == "slowdown" {
        return "In all it takes \(low.text) as long as on one wafer at \(low.place), and "
          + "\(high.text) at \(high.place)."
      }
      return varies
        ? "\(metric.subject) \(low.text) at \(low.place), and \(high.text) at \(high.place): "
          + "\(factor) \(metric.compared)."
        : "\(metric.subject) \(low.text) at every point."
    }
  }

  /// The answer in at most four sentences: of a token's time, or the first token's where that does not change; of
  /// the time against one wafer, when that changes; of the axes; of points that cannot be.
  var sentences: [String] {
    let ranges = ranges
    guard let main = ranges.prefix(2).first(where: \.varies) ?? ranges.first else { return [] }
    var sentences = [main.sentence]
    if let influence = influence(on: main.metric) {
      sentences.append(influence)
    }
    if let slowdown = ranges.last, slowdown.metric.key == "slowdown", slowdown.varies {
      sentences.append(slowdown.sentence)
    }
    let without = rows.count { $0["total_ps"]?.double == nil }
    if without > 0 {
      let places = rows.filter { $0["total_ps"]?.double == nil }.prefix(3).map(place)
      sentences.append(
        "\(without) of \(rows.count) points cannot be: \(places.joined(separator: "; "))"
          + (without > places.count ? "; and \(without - places.count) more." : "."))
    }
    return sentences
  }

  /// Of each result that any point has.
  var ranges: [Range] { Self.metrics.compactMap(range) }

  private func values(_ metric: Metric) -> [(row: JSONValue, value: Double)] {
    rows.compactMap { row in row[metric.key]?.double.map { (row, $0) } }
  }

  private func range(_ metric: Metric) -> Range? {
    let values = values(metric)
    guard let low = values.min(by: { $0.value < $1.value }),
      let high = values.max(by: { $0.value < $1.value }), low.value > 0
    else { return nil }
    func end(_ end: (row: JSONValue, value: Double)) -> End {
      End(
        text: text(end.value, metric),
        values: axes.map { Self.shown(end.row[$0.column]?.words ?? "-") }.joined(separator: ", "),
        place: place(end.row))
    }
    return Range(metric: metric, low: end(low), high: end(high), ratio: high.value / low.value)
  }

  private func place(_ row: JSONValue) -> String {
    axes.map { "\($0.name) \(Self.shown(row[$0.column]?.words ?? "-"))" }.joined(separator: ", ")
  }

  /// By how much each axis alone changes a result, the others being as they are.
  private func influence(on metric: Metric) -> String? {
    guard axes.count > 1 else { return nil }
    let values = values(metric)
    let parts = axes.map { axis -> (name: String, ratio: Double) in
      let others = axes.filter { $0.column != axis.column }
      let groups = Dictionary(grouping: values) { entry in
        others.map { entry.row[$0.column]?.words ?? "-" }
      }
      let ratios = groups.values.map { group in
        group.map(\.value).max()! / group.map(\.value).min()!
      }
      return (axis.name, ratios.max() ?? 1)
    }.sorted { $0.ratio > $1.ratio }
    return "By itself \(parts[0].name) changes that up to \(Self.factor(parts[0].ratio)), "
      + parts.dropFirst().map { "\($0.name) up to \(Self.factor($0.ratio))" }
      .joined(separator: ", ") + "."
  }

  private static func factor(_ ratio: Double) -> String {
    String(format: ratio < 1.1 ? "%.4f times" : ratio < 10 ? "%.2f times" : "%.0f times", ratio)
  }

  /// A value as tables show it: a list of mappings without its brackets, of a link `1 to 2: latency 50 us`.
  static func shown(_ value: String) -> String {
    guard value.hasPrefix("[{"), value.hasSuffix("}]") else { return value }
    return value.dropFirst(2).dropLast(2).split(separator: "}, {").map { item in
      var words = item.split(separator: ", ").map { String($0.replacing(": ", with: " ")) }
      if words.count > 2, words[0].hasPrefix("from "), words[1].hasPrefix("to ") {
        words[0] = "\(words[0].dropFirst(5)) \(words[1]): \(words[2])"
        words.removeSubrange(1...2)
      }
      return words.joined(separator: ", ")
    }.joined(separator: "; ")
  }
}
