import Foundation

/// Which nodes are joined, and how much went between them.
public struct TopologyPicture: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// How the nodes lie.
  public var shape: Shape
  /// Names of the nodes, which stand in them: short ones.
  public var nodes: [String]
  /// What went from node to node.
  public var edges: [Edge]
  /// What edges' weights measure.
  public var unit: ValueUnit

  /// How nodes lie, and what joins them.
  public enum Shape: Hashable, Sendable {
    /// Each with the next, the last with the first.
    case ring
    /// Each with the next.
    case line
    /// Columns × rows, each with four neighbours; the ends of a row or column are joined around.
    case torus(columns: Int)
    /// Each with a switch in the middle.
    case `switch`
    /// Each with each.
    case mesh
  }

  /// What went from one node to another.
  public struct Edge: Hashable, Sendable {
    /// Index of the node it left.
    public var from: Int
    /// Index of the node it reached.
    public var to: Int
    /// How much.
    public var weight: Double

    /// Something that went from node to node.
    public init(from: Int, to: Int, weight: Double) {
      self.from = from
      self.to = to
      self.weight = weight
    }
  }

  /// A picture of nodes and what went between them.
  ///
  /// - Precondition: edges name nodes that there are; a torus has whole rows.
  public init(
    title: String, description: String, shape: Shape, nodes: [String], edges: [Edge],
    unit: ValueUnit
  ) {
    precondition(
      edges.allSatisfy { nodes.indices.contains($0.from) && nodes.indices.contains($0.to) },
      "edges of \(nodes.count) nodes")
    if case .torus(let columns) = shape {
      precondition(nodes.count % max(1, columns) == 0, "\(nodes.count) nodes in rows of \(columns)")
    }
    self.title = title
    self.description = description
    self.shape = shape
    self.nodes = nodes
    self.edges = edges
    self.unit = unit
  }

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    let radius = nodeRadius(width)
    let (places, height) = layout(width, radius)
    var drawing = Drawing(width: width, height: height + 24)
    let centre = (x: width / 2, y: height / 2)
    for (a, b) in joins {
      if shape == .switch {
        drawing.line(places[a].x, places[a].y, centre.x, centre.y, classes: "grid")
      } else if isAround(a, b) {
        drawAround(places[a], places[b], radius, in: &drawing)
      } else {
        drawing.line(places[a].x, places[a].y, places[b].x, places[b].y, classes: "grid")
      }
    }
    let largest = edges.map(\.weight).max() ?? 0
    for edge in edges where edge.from != edge.to && edge.weight > 0 {
      draw(edge, places, radius, largest: largest, in: &drawing)
    }
    if shape == .switch {
      drawing.rectangle(
        x: centre.x - 26, y: centre.y - 11, width: 52, height: 22, classes: "grid paper")
      drawing.text("switch", x: centre.x, y: centre.y + 4, anchor: .middle, classes: "faint small")
    }
    let hasNames = nodes.allSatisfy {
      TextMeasure.width($0, size: Drawing.smallSize) <= 2 * radius
    }
    for (index, name) in nodes.enumerated() {
      drawing.add(
        .element(
          "circle",
          [
            "cx": Drawing.number(places[index].x), "cy": Drawing.number(places[index].y),
            "r": Drawing.number(radius), "class": "axis paper",
          ]))
      // All names or none.
      if hasNames {
        drawing.text(
          name, x: places[index].x, y: places[index].y + 4, anchor: .middle, classes: "small")
      }
    }
    if largest > 0 {
      drawing.text(
        "thickest: \(unit.text(largest)) one way", x: width / 2, y: height + 16, anchor: .middle,
        classes: "faint small")
    }
    return drawing
  }

  // MARK: Layout

  private func nodeRadius(_ width: Double) -> Double {
    switch shape {
    case .line: min(18, max(4, width / Double(max(1, nodes.count)) / 3.2))
    case .torus(let columns): min(16, max(4, width / Double(max(1, columns)) / 3.2))
    case .ring, .switch, .mesh:
      min(18, max(4, min(width, 360) * 1.1 / Double(max(3, nodes.count))))
    }
  }

  private func layout(
    _ width: Double, _ radius: Double
  ) -> (places: [(x: Double, y: Double)], height: Double) {
    let count = Double(max(1, nodes.count))
    switch shape {
    case .line:
      let step = (width - 4 * radius) / max(1, count - 1)
      let places = nodes.indices.map { index in
        (x: nodes.count == 1 ? width / 2 : 2 * radius + Double(index) * step, y: 50.0)
      }
      return (places, 100)
    case .torus(let columns):
      let step = min(110, (width - 60) / Double(max(1, columns)))
      let rows = (nodes.count + columns - 1) / columns
      let left = (width - step * Double(columns - 1)) / 2
      let places = nodes.indices.map { index in
        (
          x: left + Double(index % columns) * step,
          y: 34 + Double(index / columns) * min(step, 80)
        )
      }
      return (places, 68 + Double(rows - 1) * min(step, 80))
    case .ring, .switch, .mesh:
      let side = min(width, 360)
      let reach = side / 2 - radius - 8
      // The first node is at the top; they go round clockwise.
      let places = nodes.indices.map { index in
        let turn = 2 * Double.pi * Double(index) / count
        return (x: width / 2 + reach * sin(turn), y: side / 2 - reach * cos(turn))
      }
      return (places, side)
    }
  }

  /// Pairs of nodes that a link joins, the lower first.
  var joins: [(Int, Int)] {
    let count = nodes.count
    switch shape {
    case .line: return (0..<max(0, count - 1)).map { ($0, $0 + 1) }
    case .ring:
      return count == 2 ? [(0, 1)] : count < 2 ? [] : (0..<count).map { ($0, ($0 + 1) % count) }
    case .switch: return (0..<count).map { ($0, $0) }
    case .mesh:
      // Beyond some dozen nodes the picture would be all links; those in use are drawn anyway.
      guard count <= 24 else { return [] }
      return (0..<count).flatMap { a in (a + 1..<max(a + 1, count)).map { (a, $0) } }
    case .torus(let columns):
      let rows = count / columns
      var pairs: [(Int, Int)] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let here = row * columns + column
          if columns > 1, column + 1 < columns || columns > 2 {
            pairs.append((here, row * columns + (column + 1) % columns))
          }
          if rows > 1, row + 1 < rows || rows > 2 {
            pairs.append((here, (row + 1) % rows * columns + column))
          }
        }
      }
      return pairs
    }
  }

  /// Whether a link of a torus goes around.
  private func isAround(_ a: Int, _ b: Int) -> Bool {
    guard case .torus(let columns) = shape else { return false }
    return abs(a % columns - b % columns) > 1 || abs(a / columns - b / columns) > 1
  }

  /// Two ends that leave the field, of a link that goes around.
  private func drawAround(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ radius: Double,
    in drawing: inout Drawing
  ) {
    let reach = radius + 14
    for (from, to) in [(a, b), (b, a)] {
      let x = from.x == to.x ? 0.0 : from.x < to.x ? -reach : reach
      let y = from.y == to.y ? 0.0 : from.y < to.y ? -reach : reach
      drawing.line(from.x, from.y, from.x + x, from.y + y, classes: "grid")
    }
  }

  /// What went one way, beside what went the other, as thick as it was much.
  private func draw(
    _ edge: Edge, _ places: [(x: Double, y: Double)], _ radius: Double, largest: Double,
    in drawing: inout Drawing
  ) {
    let a = places[edge.from]
    let b = places[edge.to]
    let length = ((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y)).squareRoot()
    guard length > 2 * radius else { return }
    let along = (x: (b.x - a.x) / length, y: (b.y - a.y) / length)
    let aside = 4.0
    let start = (
      x: a.x + along.x * radius - along.y * aside, y: a.y + along.y * radius + along.x * aside
    )
    let end = (
      x: b.x - along.x * (radius + 5) - along.y * aside,
      y: b.y - along.y * (radius + 5) + along.x * aside
    )
    let thickness = max(0.8, 5 * (edge.weight / largest).squareRoot())
    let colour = edge.from < edge.to ? 0 : 1
    drawing.add(
      .element(
        "path",
        [
          "d":
            "M\(Drawing.number(start.x)) \(Drawing.number(start.y))"
            + "L\(Drawing.number(end.x)) \(Drawing.number(end.y))",
          "class": "s\(colour)", "fill": "none", "stroke-width": Drawing.number(thickness),
        ],
        [
          .element(
            "title",
            text: "\(nodes[edge.from]) to \(nodes[edge.to]): \(unit.text(edge.weight))")
        ]))
    let tip = 4 + thickness / 2
    func corner(_ forward: Double, _ side: Double) -> String {
      let x = end.x + along.x * forward - along.y * side
      let y = end.y + along.y * forward + along.x * side
      return "\(Drawing.number(x)) \(Drawing.number(y))"
    }
    drawing.add(
      .element(
        "path",
        [
          "d": "M\(corner(5, 0))L\(corner(-2, tip))L\(corner(-2, -tip))Z",
          "class": "f\(colour)",
        ]))
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(columns: ["from", "to", unit.base.isEmpty ? "weight" : unit.base])
    for edge in edges {
      csv.append([nodes[edge.from], nodes[edge.to], NumberText.plain(edge.weight)])
    }
    return csv
  }
}
