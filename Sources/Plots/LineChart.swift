/// Series of points joined by lines.
public struct LineChart: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// From left to right.
  public var x: Axis
  /// From bottom to top.
  public var y: Axis
  /// The lines; those past the palette's end share colours, not markers.
  public var series: [Series]
  /// Whether each point has a marker.
  public var hasMarkers: Bool

  /// A line of a chart.
  public struct Series: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its points, in the order in which they are joined.
    public var points: [Point]

    /// A line through points.
    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// A pair of values in the units of its axes.
  public struct Point: Hashable, Sendable {
    /// From left to right.
    public var x: Double
    /// From bottom to top.
    public var y: Double

    /// A point.
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// A chart of these series.
  public init(
    title: String, description: String, x: Axis, y: Axis, series: [Series], hasMarkers: Bool = true
  ) {
    self.title = title
    self.description = description
    self.x = x
    self.y = y
    self.series = series
    self.hasMarkers = hasMarkers
  }

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let top = Legend(names: series.map(\.name), key: hasMarkers ? .line : .box)
      .draw(in: &drawing, x: 4, y: 0)
    let points = series.flatMap(\.points)
    let frame = Frame(x, points.map(\.x), y, points.map(\.y), top: top, in: &drawing)
    for (index, line) in series.enumerated() {
      let shown = line.points.filter { x.shows($0.x) && y.shows($0.y) }
      drawing.path(
        shown.map { (frame.at(x: $0.x), frame.at(y: $0.y)) },
        classes: "line s\(index % Palette.count)", dash: hasMarkers ? Drawing.dash(index) : nil)
    }
    guard hasMarkers else { return drawing }
    for (index, line) in series.enumerated() {
      for point in line.points where x.shows(point.x) && y.shows(point.y) {
        drawing.marker(
          index, x: frame.at(x: point.x), y: frame.at(y: point.y), tip: tip(line.name, point))
      }
    }
    return drawing
  }

  private func tip(_ name: String, _ point: Point) -> String {
    let place: String =
      if case .categories = x.scale { x.field(point.x) } else { x.unit.text(point.x) }
    return (series.count > 1 ? "\(name): " : "") + "\(place), \(y.unit.text(point.y))"
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(columns: ["series", x.column, y.column])
    for line in series {
      for point in line.points {
        csv.append([line.name, x.field(point.x), NumberText.plain(point.y)])
      }
    }
    return csv
  }
}
