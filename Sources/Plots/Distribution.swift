/// How values are spread: bars of how many lie in each range, and the part of them that is at most so
/// large.
public struct Distribution: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// What the values measure.
  public var axis: Axis
  /// The values, in any order.
  public var values: [Double]

  /// The distribution of some values.
  public init(title: String, description: String, axis: Axis, values: [Double]) {
    self.title = title
    self.description = description
    self.axis = axis
    self.values = values
  }

  /// Ranges of equal width, the last one closed, with the number of values in each. Their width is a
  /// round number; there are about the square root of the number of values, at most 40.
  public var ranges: [(lower: Double, upper: Double, count: Int)] {
    let shown = values.filter(\.isFinite)
    guard let low = shown.min(), let high = shown.max() else { return [] }
    guard high > low else { return [(low, high, shown.count)] }
    let wanted = min(40, max(5, Int(Double(shown.count).squareRoot())))
    let unit = axis.unit.step(for: max(low.magnitude, high.magnitude)).size
    let scale = Scale.linear([low, high], includesZero: false, most: wanted + 1, unit: unit)
    let count = scale.ticks.count - 1
    var counts = Array(repeating: 0, count: count)
    for value in shown { counts[min(count - 1, Int(scale.fraction(value) * Double(count)))] += 1 }
    return (0..<count).map { (scale.ticks[$0], scale.ticks[$0 + 1], counts[$0]) }
  }

  /// The value that a part of all do not exceed, nearest rank (the ⌈p·n⌉-th smallest).
  ///
  /// - Precondition: there are values; 0 < part <= 1.
  public func percentile(_ part: Double) -> Double {
    precondition(!values.isEmpty && part > 0 && part <= 1, "part \(part) of \(values.count)")
    let rank = Int((part * Double(values.count) - 1e-9).rounded(.up))
    return values.sorted()[max(0, rank - 1)]
  }

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let ranges = ranges
    let ends = ranges.flatMap { [$0.lower, $0.upper] }
    let most = ranges.map(\.count).max() ?? 1
    let frame = Frame(
      Axis(axis.label, axis.unit, .linear(includesZero: false)), ends,
      Axis("values, of \(values.count); line: part at most so large", .count()),
      [0, Double(most)], top: 0, in: &drawing)
    for range in ranges where range.count > 0 {
      let from = frame.at(x: range.lower)
      let y = frame.at(y: Double(range.count))
      drawing.rectangle(
        x: from, y: y, width: max(2, frame.at(x: range.upper) - from), height: frame.bottom - y,
        classes: "edge f0",
        tip: "\(axis.unit.text(range.lower)) to \(axis.unit.text(range.upper)): \(range.count)")
    }
    let sorted = values.filter(\.isFinite).sorted()
    guard sorted.count > 1 else { return drawing }
    // A thousand places tell a curve; more would only make the file larger.
    let stride = max(1, sorted.count / 1000)
    var places = Array(Swift.stride(from: 0, to: sorted.count, by: stride))
    if places.last != sorted.count - 1 { places.append(sorted.count - 1) }
    let height = frame.bottom - frame.top
    drawing.path(
      places.map { index in
        (
          frame.at(x: sorted[index]),
          frame.bottom - height * Double(index + 1) / Double(sorted.count)
        )
      }, classes: "line s1")
    return drawing
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(columns: [axis.column, "part at most"])
    let sorted = values.filter(\.isFinite).sorted()
    for (index, value) in sorted.enumerated() {
      csv.append([
        NumberText.plain(value),
        NumberText.fixed(Double(index + 1) / Double(sorted.count), digits: 9),
      ])
    }
    return csv
  }
}
