/// Names of series with their colours, in as many lines as the width asks for.
struct Legend {
  /// How a series is shown.
  enum Key { case line, box, marker }

  /// Each with the number of its series, which decides its colour.
  let entries: [(series: Int, name: String)]
  let key: Key

  init(_ entries: [(series: Int, name: String)], key: Key) {
    self.entries = entries
    self.key = key
  }

  /// Series in order; none when there is one, which the title names.
  init(names: [String], key: Key) {
    self.init(names.count > 1 ? names.enumerated().map { ($0.offset, $0.element) } : [], key: key)
  }

  private static let keyWidth = 22.0
  private static let gap = 14.0
  static let lineHeight = 17.0

  /// Draws it below `y`, between `x` and the picture's right side, and returns where it ends.
  func draw(in drawing: inout Drawing, x left: Double, y top: Double) -> Double {
    guard !entries.isEmpty else { return top }
    let available = drawing.width - left - 4
    var x = left
    var y = top + Self.lineHeight - 5
    for (series, name) in entries {
      let text = TextMeasure.fitted(
        name, size: Drawing.textSize, into: available - Self.keyWidth)
      let width = Self.keyWidth + TextMeasure.width(text, size: Drawing.textSize) + Self.gap
      if x > left, x + width - Self.gap > left + available {
        x = left
        y += Self.lineHeight
      }
      drawKey(series, in: &drawing, x: x, y: y - 4)
      drawing.text(text, x: x + Self.keyWidth, y: y)
      x += width
    }
    return y + 9
  }

  private func drawKey(_ series: Int, in drawing: inout Drawing, x: Double, y: Double) {
    let colour = series % Palette.count
    switch key {
    case .box:
      drawing.rectangle(x: x + 3, y: y - 6, width: 13, height: 12, classes: "f\(colour)")
    case .line:
      drawing.path(
        [(x, y), (x + 17, y)], classes: "line s\(colour)", dash: Drawing.dash(series))
      drawing.marker(series, x: x + 8.5, y: y)
    case .marker: drawing.marker(series, x: x + 8.5, y: y)
    }
  }
}
