/// Bars of parts that add up, such as accounts. Negative parts go to the left of zero.
public struct StackedBars: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// What the parts measure.
  public var unit: ValueUnit
  /// Names of the parts, in the order of each bar's values.
  public var parts: [String]
  /// The bars, from top to bottom.
  public var bars: [Bar]

  /// A bar with a value for each part.
  public struct Bar: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// One a part; may be negative.
    public var values: [Double]

    /// A bar.
    public init(_ name: String, _ values: [Double]) {
      self.name = name
      self.values = values
    }

    /// The sum of all parts.
    public var total: Double { values.reduce(0, +) }
  }

  /// A chart of these bars.
  ///
  /// - Precondition: every bar has a value for each part.
  public init(title: String, description: String, unit: ValueUnit, parts: [String], bars: [Bar]) {
    precondition(bars.allSatisfy { $0.values.count == parts.count }, "\(parts.count) parts a bar")
    self.title = title
    self.description = description
    self.unit = unit
    self.parts = parts
    self.bars = bars
  }

  private static let barHeight = 26.0
  /// Room of a bar with its name above it.
  private static let rowHeight = 54.0

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let used = parts.indices.filter { part in bars.contains { $0.values[part] != 0 } }
    let top = Legend(used.map { ($0, parts[$0]) }, key: .box).draw(in: &drawing, x: 4, y: 0) + 2
    let left = 8.0
    let right = width - 16
    let ends = bars.flatMap { bar in
      [bar.values.filter { $0 > 0 }.reduce(0, +), bar.values.filter { $0 < 0 }.reduce(0, +)]
    }
    let axis = placedAxis(ends, width: right - left)
    func at(_ value: Double) -> Double { left + axis.scale.fraction(value) * (right - left) }
    let bottom = top + Double(bars.count) * Self.rowHeight
    for tick in axis.ticks {
      drawing.line(at(tick.value), top, at(tick.value), bottom + 4, classes: "grid")
      let half = TextMeasure.width(tick.text, size: Drawing.smallSize) / 2
      drawing.text(
        tick.text, x: min(max(at(tick.value), half), width - half), y: bottom + 18,
        anchor: .middle, classes: "faint small")
    }
    drawing.line(at(0), top, at(0), bottom + 4, classes: "axis")
    for (index, bar) in bars.enumerated() {
      draw(bar, in: &drawing, y: top + Double(index) * Self.rowHeight, width: width, at: at)
    }
    drawing.text(
      axis.title, x: (left + right) / 2, y: bottom + 36, anchor: .middle, classes: "faint")
    drawing.height = bottom + 44
    return drawing
  }

  private func placedAxis(_ ends: [Double], width: Double) -> PlacedAxis {
    var most = max(2, Int(width / 50))
    while true {
      let axis = Axis("", unit).placed(ends, most: most)
      let widest =
        axis.ticks.map { TextMeasure.width($0.text, size: Drawing.smallSize) }.max() ?? 0
      if most == 2 || (widest + 8) * Double(axis.ticks.count - 1) <= width {
        return PlacedAxis(
          title: unit.isCount ? unit.base : unit.step(for: ends.map(\.magnitude).max() ?? 0).name,
          scale: axis.scale, ticks: axis.ticks)
      }
      most -= 1
    }
  }

  private func draw(
    _ bar: Bar, in drawing: inout Drawing, y: Double, width: Double, at: (Double) -> Double
  ) {
    let words = "\(bar.name): \(unit.text(bar.total))"
    drawing.text(
      TextMeasure.fitted(words, size: Drawing.textSize, into: width - 12), x: 8, y: y + 15,
      classes: "strong halo")
    var positive = 0.0
    var negative = 0.0
    for (index, value) in bar.values.enumerated() where value != 0 {
      let start = value > 0 ? positive : negative
      if value > 0 { positive += value } else { negative += value }
      let from = min(at(start), at(start + value))
      let length = abs(at(start + value) - at(start))
      drawing.rectangle(
        x: from, y: y + 21, width: length, height: Self.barHeight,
        classes: "edge f\(index % Palette.count)",
        tip: "\(bar.name), \(parts[index]): \(unit.text(value))")
    }
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(columns: ["bar", "part", unit.base])
    for bar in bars {
      for (part, value) in zip(parts, bar.values) {
        csv.append([bar.name, part, NumberText.plain(value)])
      }
    }
    return csv
  }
}
