/// The field of a chart of two axes: where it lies, and where values lie in it.
struct Frame {
  let x: PlacedAxis
  let y: PlacedAxis
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  /// Lays out a field for values under its legend, draws grid, ticks and titles, and sets the
  /// picture's height.
  init(
    _ xAxis: Axis, _ xValues: [Double], _ yAxis: Axis, _ yValues: [Double], top: Double,
    in drawing: inout Drawing
  ) {
    let size = Drawing.smallSize
    y = yAxis.placed(yValues, most: 6)
    let widest = y.ticks.map { TextMeasure.width($0.text, size: size) }.max() ?? 0
    left = (widest + 12).rounded(.up)
    right = drawing.width - 16
    // The axis' title stands above it, level, so that nobody turns the head.
    self.top = top + 24
    let fieldHeight = min(260, max(170, (right - left) * 0.5))
    bottom = self.top + fieldHeight
    // Fewer marks until their texts have room.
    var most = max(2, Int((right - left) / 70))
    var placed = xAxis.placed(xValues, most: most)
    while most > 2, Self.collide(placed, width: right - left, size: size) {
      most -= 1
      placed = xAxis.placed(xValues, most: most)
    }
    x = placed
    drawing.text(
      TextMeasure.fitted(y.title, size: Drawing.textSize, into: drawing.width - 8), x: 4,
      y: top + 13, classes: "faint")
    for tick in y.ticks {
      let place = at(y: tick.value)
      drawing.line(left, place, right, place, classes: "grid")
      drawing.text(
        tick.text, x: left - 6, y: place + 4, anchor: .end, classes: "faint small")
    }
    drawTicks(in: &drawing, size: size)
    drawing.line(left, bottom, right, bottom, classes: "axis")
    drawing.text(
      TextMeasure.fitted(x.title, size: Drawing.textSize, into: right - left),
      x: (left + right) / 2, y: bottom + 36, anchor: .middle, classes: "faint")
    drawing.height = bottom + 44
  }

  /// Marks of the horizontal axis; of names, which cannot be fewer, those that have room.
  private func drawTicks(in drawing: inout Drawing, size: Double) {
    var free = -Double.infinity
    for tick in x.ticks {
      let place = at(x: tick.value)
      drawing.line(place, bottom, place, bottom + 4, classes: "axis")
      let width = TextMeasure.width(tick.text, size: size)
      // The last text is kept within the picture.
      let centre = min(place, drawing.width - width / 2 - 1)
      guard centre - width / 2 >= free else { continue }
      drawing.text(tick.text, x: centre, y: bottom + 18, anchor: .middle, classes: "faint small")
      free = centre + width / 2 + 6
    }
  }

  private static func collide(_ axis: PlacedAxis, width: Double, size: Double) -> Bool {
    var end = -Double.infinity
    for tick in axis.ticks {
      let centre = axis.scale.fraction(tick.value) * width
      let half = TextMeasure.width(tick.text, size: size) / 2
      if centre - half < end + 6 { return true }
      end = centre + half
    }
    return false
  }

  func at(x value: Double) -> Double { left + x.scale.fraction(value) * (right - left) }
  func at(y value: Double) -> Double { bottom - y.scale.fraction(value) * (bottom - top) }
}
