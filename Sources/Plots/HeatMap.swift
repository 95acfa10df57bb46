/// A field of numbers, each in its cell, with a colour that says how large it is.
public struct HeatMap: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// What the columns differ in, and their names.
  public var columns: Side
  /// What the rows differ in, and their names.
  public var rows: Side
  /// What the numbers measure.
  public var unit: ValueUnit
  /// values[row][column]; `nil` where there is none.
  public var values: [[Double?]]
  /// Whether colours follow the ratio of numbers rather than their difference.
  public var isLogarithmic: Bool

  /// Columns or rows.
  public struct Side: Hashable, Sendable {
    /// What they differ in.
    public var label: String
    /// Their names.
    public var names: [String]

    /// A side of a field.
    public init(_ label: String, _ names: [String]) {
      self.label = label
      self.names = names
    }
  }

  /// A field of numbers.
  ///
  /// - Precondition: there is a number, or `nil`, for each row and column.
  public init(
    title: String, description: String, columns: Side, rows: Side, unit: ValueUnit,
    values: [[Double?]], isLogarithmic: Bool = false
  ) {
    precondition(
      values.count == rows.names.count && values.allSatisfy { $0.count == columns.names.count },
      "\(rows.names.count) rows of \(columns.names.count) numbers")
    self.title = title
    self.description = description
    self.columns = columns
    self.rows = rows
    self.unit = unit
    self.values = values
    self.isLogarithmic = isLogarithmic
  }

  private static let rowHeight = 26.0
  private static let scaleHeight = 10.0

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let size = Drawing.smallSize
    let names = rows.names.map { TextMeasure.fitted($0, size: size, into: width * 0.3) }
    let left = ((names.map { TextMeasure.width($0, size: size) }.max() ?? 0) + 12).rounded(.up)
    let cell = (width - left - 4) / Double(max(1, columns.names.count))
    let top = 44.0
    drawing.text(
      TextMeasure.fitted(columns.label + " →", size: Drawing.textSize, into: width - left),
      x: left, y: 13, classes: "faint")
    drawing.text(
      TextMeasure.fitted("↓ " + rows.label, size: Drawing.textSize, into: width), x: 4,
      y: 28, classes: "faint")
    for (index, name) in columns.names.enumerated() {
      let text = TextMeasure.fitted(name, size: size, into: cell - 4)
      drawing.text(
        text, x: left + (Double(index) + 0.5) * cell, y: top - 4, anchor: .middle,
        classes: "faint small")
    }
    let range = placedRange
    let texts = values.map { $0.map { $0.map { unit.text($0, digits: 3) } } }
    let widest =
      texts.joined().compactMap { $0 }.map { TextMeasure.width($0, size: size) }.max() ?? 0
    for (row, name) in names.enumerated() {
      let y = top + Double(row) * Self.rowHeight
      drawing.text(name, x: left - 6, y: y + 17, anchor: .end, classes: "faint small")
      for (column, value) in values[row].enumerated() {
        let x = left + Double(column) * cell
        guard let value, let text = texts[row][column] else {
          drawing.text("–", x: x + cell / 2, y: y + 17, anchor: .middle, classes: "faint small")
          continue
        }
        let shade = Palette.ramp(at: place(value, in: range))
        drawing.rectangle(
          x: x, y: y, width: cell, height: Self.rowHeight, classes: "edge", fill: shade.colour,
          tip: "\(rows.names[row]), \(columns.names[column]): \(text)")
        // All numbers or none: a map with some of them would mislead.
        if widest <= cell - 4 {
          drawing.text(
            text, x: x + cell / 2, y: y + 17, anchor: .middle,
            classes: shade.needsDarkText ? "dark small" : "light small")
        }
      }
    }
    let bottom = top + Double(rows.names.count) * Self.rowHeight
    drawScale(in: &drawing, left: left, y: bottom + 10, range: range)
    drawing.height = bottom + 44
    return drawing
  }

  /// The least and the greatest number that colours must tell apart.
  private var placedRange: ClosedRange<Double> {
    let numbers = values.joined().compactMap { $0 }.filter { !isLogarithmic || $0 > 0 }
    return (numbers.min() ?? 0)...(numbers.max() ?? 1)
  }

  private func place(_ value: Double, in range: ClosedRange<Double>) -> Double {
    guard range.upperBound > range.lowerBound else { return 0.5 }
    if isLogarithmic {
      guard value > 0 else { return 0 }
      let scale = Scale(
        kind: .logarithmic, lower: range.lowerBound, upper: range.upperBound, ticks: [])
      return scale.fraction(value)
    }
    return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  private func drawScale(
    in drawing: inout Drawing, left: Double, y: Double, range: ClosedRange<Double>
  ) {
    let width = min(240, drawing.width - left - 4)
    let pieces = 40
    for piece in 0..<pieces {
      let shade = Palette.ramp(at: (Double(piece) + 0.5) / Double(pieces))
      drawing.rectangle(
        x: left + width * Double(piece) / Double(pieces), y: y, width: width / Double(pieces) + 0.3,
        height: Self.scaleHeight, classes: "", fill: shade.colour)
    }
    drawing.text(unit.text(range.lowerBound, digits: 3), x: left, y: y + 24, classes: "faint small")
    drawing.text(
      unit.text(range.upperBound, digits: 3), x: left + width, y: y + 24, anchor: .end,
      classes: "faint small")
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(
      columns: [rows.label, columns.label, unit.base.isEmpty ? "value" : unit.base])
    for (row, name) in rows.names.enumerated() {
      for (column, value) in values[row].enumerated() {
        csv.append([name, columns.names[column], value.map(NumberText.plain) ?? ""])
      }
    }
    return csv
  }
}
