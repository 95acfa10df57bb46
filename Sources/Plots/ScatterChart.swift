/// Points of several groups, and the frontier of those that no other beats in both directions.
public struct ScatterChart: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// From left to right; more is better.
  public var x: Axis
  /// From bottom to top; more is better.
  public var y: Axis
  /// Groups of points.
  public var groups: [Group]
  /// Whether the frontier is drawn.
  public var hasFrontier: Bool

  /// Points of one kind.
  public struct Group: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its points.
    public var points: [Point]

    /// A group of points.
    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// A pair of values and what it stands for.
  public struct Point: Hashable, Sendable {
    /// From left to right.
    public var x: Double
    /// From bottom to top.
    public var y: Double
    /// What it stands for.
    public var name: String

    /// A point.
    public init(_ x: Double, _ y: Double, _ name: String) {
      self.x = x
      self.y = y
      self.name = name
    }
  }

  /// A chart of these groups.
  public init(
    title: String, description: String, x: Axis, y: Axis, groups: [Group], hasFrontier: Bool = true
  ) {
    self.title = title
    self.description = description
    self.x = x
    self.y = y
    self.groups = groups
    self.hasFrontier = hasFrontier
  }

  /// The points that no other beats: each other has less in x or less in y. From left to right.
  public var frontier: [Point] {
    let points = groups.flatMap(\.points).filter { x.shows($0.x) && y.shows($0.y) }
    let sorted = points.sorted { ($0.x, $0.y) > ($1.x, $1.y) }
    var best: [Point] = []
    for point in sorted where point.y > (best.last?.y ?? -.infinity) { best.append(point) }
    return best.reversed()
  }

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let top = Legend(names: groups.map(\.name), key: .marker)
      .draw(in: &drawing, x: 4, y: 0)
    let points = groups.flatMap(\.points)
    let frame = Frame(x, points.map(\.x), y, points.map(\.y), top: top, in: &drawing)
    if hasFrontier {
      // A step: what lies between two points can be had only at the lower of them.
      var corners: [(x: Double, y: Double)] = []
      for point in frontier {
        let place = (x: frame.at(x: point.x), y: frame.at(y: point.y))
        if let last = corners.last { corners.append((last.x, place.y)) }
        corners.append(place)
      }
      drawing.path(corners, classes: "axis", dash: "5 3")
    }
    for (index, group) in groups.enumerated() {
      for point in group.points where x.shows(point.x) && y.shows(point.y) {
        drawing.marker(
          index, x: frame.at(x: point.x), y: frame.at(y: point.y),
          tip: "\(point.name): \(x.unit.text(point.x)), \(y.unit.text(point.y))")
      }
    }
    return drawing
  }

  /// The data that it shows.
  public var csv: CSV {
    let best = Set(frontier)
    var csv = CSV(columns: ["group", "name", x.column, y.column, "on frontier"])
    for group in groups {
      for point in group.points {
        csv.append([
          group.name, point.name, x.field(point.x), y.field(point.y),
          best.contains(point) ? "yes" : "no",
        ])
      }
    }
    return csv
  }
}
