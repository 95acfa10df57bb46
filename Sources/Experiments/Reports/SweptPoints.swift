import Plots
import Quantities

/// The points of a sweep as values: where each lies on the axes, and what came out.
struct SweptPoints: Sendable {
  let axes: [SweptAxis]
  let points: [Point]
  /// Keys of results that are numbers, in the order in which readers want them.
  let results: [String]

  /// What was varied.
  struct SweptAxis: Sendable {
    /// The key by which rows have it.
    let key: String
    /// As it was asked for.
    let name: String
    /// As written, in the order of the sweep.
    let values: [String]
    /// The values as numbers, in the base unit of `axis`; `nil` unless all are.
    let numbers: [Double]?
    let axis: Axis

    var isNumeric: Bool { numbers != nil }

    /// Where a point lies on the axis.
    func place(_ point: Point) -> Double? {
      guard let written = point.axes[key], let index = values.firstIndex(of: written) else {
        return nil
      }
      return numbers.map { $0[index] } ?? Double(index)
    }
  }

  /// A line of the sweep.
  struct Point: Sendable {
    /// Values as written, by key of the axis.
    let axes: [String: String]
    let results: [String: Double]
    /// Why there is no result.
    let failure: String?
  }

  /// Reads what a sweep left.
  ///
  /// Throws `ConfigurationError` when it names no axes, or a row lacks one.
  init(_ folder: SweptFolder) throws(ConfigurationError) {
    let names = Self.names(folder.sweep["axes"])
    guard !names.isEmpty else {
      throw ConfigurationError(
        .file("\(folder.path)/\(ReportFolder.sweepName)", line: nil), key: "axes",
        "names none", remedy: "Give the folder that 'wafer sweep --output DIR' wrote")
    }
    guard !folder.rows.isEmpty else {
      throw ConfigurationError(
        .file("\(folder.path)/\(ReportFolder.rowsName)", line: nil), "has no rows",
        remedy: "Let the sweep finish a point first")
    }
    var points: [Point] = []
    for (index, row) in folder.rows.enumerated() {
      var axes: [String: String] = [:]
      for name in names {
        guard let value = row[name.key] else {
          throw ConfigurationError(
            .file("\(folder.path)/\(ReportFolder.rowsName)", line: index + 1), key: name.key,
            "is missing", remedy: "Every row has a value for each axis of \(ReportFolder.sweepName)"
          )
        }
        axes[name.key] = SweepAnswer.shown(value.words)
      }
      var results: [String: Double] = [:]
      for (key, value) in row.leaves where axes[key] == nil && key != "point" {
        if let number = value.double { results[key] = number }
      }
      points.append(Point(axes: axes, results: results, failure: row["reason"]?.string))
    }
    self.points = points
    axes = names.map { Self.axis($0.key, $0.name, points) }
    results = Self.ordered(Set(points.flatMap { $0.results.keys }))
  }

  /// Results that get pictures: those that readers ask for first.
  var charted: [String] {
    let wanted = results.filter(Self.order.contains)
    return Array((wanted.isEmpty ? results : wanted).prefix(7))
  }

  // MARK: Reading

  /// Keys and names of axes; the key is the name where there is no other.
  private static func names(_ axes: JSONValue?) -> [(key: String, name: String)] {
    (axes?.list ?? []).compactMap { axis in
      guard let key = axis["key"]?.string else { return nil }
      return (key, axis["name"]?.string ?? key)
    }
  }

  private static func axis(_ key: String, _ name: String, _ points: [Point]) -> SweptAxis {
    var values: [String] = []
    for point in points {
      if let value = point.axes[key], !values.contains(value) { values.append(value) }
    }
    let label = name.replacing("_", with: " ").replacing("-", with: " ")
    for (dimension, unit, size) in [
      (Dimension.time, ValueUnit.picoseconds, 1e12), (.bandwidth, .bytesPerSecond, 1),
      (.bytes, .bytes, 1),
    ] {
      let numbers = values.compactMap { try? dimension.parse($0) }.map { $0.approximation * size }
      if numbers.count == values.count {
        return SweptAxis(
          key: key, name: name, values: values, numbers: numbers,
          axis: Axis(label, unit, scale(numbers)))
      }
    }
    let numbers = values.compactMap(Double.init)
    if numbers.count == values.count {
      return SweptAxis(
        key: key, name: name, values: values, numbers: numbers,
        axis: Axis(label, .count(), scale(numbers)))
    }
    return SweptAxis(
      key: key, name: name, values: values, numbers: nil,
      axis: Axis(label, .count(), .categories(values)))
  }

  /// By ratio where values differ by more than they add up to: powers of two, decades.
  private static func scale(_ numbers: [Double]) -> Axis.Kind {
    spansDecades(numbers) ? .logarithmic : .linear()
  }

  /// Whether all are positive and the largest is at least twenty times the smallest.
  static func spansDecades(_ numbers: [Double]) -> Bool {
    guard let low = numbers.min(), let high = numbers.max(), low > 0 else { return false }
    return high / low >= 20
  }

  /// Results in the order of interest.
  private static let order = [
    "slowdown", "tpot_ps", "ttft_ps", "tokens_per_second", "total_ps", "joules_per_token",
    "measured_tpot_ns",
  ]

  private static func ordered(_ keys: Set<String>) -> [String] {
    func place(_ key: String) -> Int { order.firstIndex(of: key) ?? order.count }
    return keys.sorted { (place($0), $0) < (place($1), $1) }
  }

  /// A name that is a file's on any system.
  static func fileName(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }
}
