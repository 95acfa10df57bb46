/// What a picture is made of, in points from its upper left corner.
public struct Drawing: Hashable, Sendable {
  /// Points from side to side.
  public let width: Double
  /// Points from top to bottom; set when everything has its place.
  public var height: Double
  /// Elements, the later over the earlier.
  public private(set) var elements: [Markup] = []

  /// An empty picture.
  public init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// Where a text stands relative to its point.
  public enum Anchor: String, Sendable { case start, middle, end }

  /// Points of ordinary text and of small text, as the classes have them.
  public static let textSize = 12.0
  static let smallSize = 11.0

  /// Adds any element.
  public mutating func add(_ element: Markup) { elements.append(element) }

  /// Text whose baseline is at `y`.
  public mutating func text(
    _ text: String, x: Double, y: Double, anchor: Anchor = .start, classes: String = ""
  ) {
    var element = Markup.element(
      "text", ["x": Self.number(x), "y": Self.number(y)], text: text)
    if anchor != .start { element = element.with("text-anchor", anchor.rawValue) }
    if !classes.isEmpty { element = element.with("class", classes) }
    add(element)
  }

  /// A straight line.
  public mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, classes: String
  ) {
    add(
      .element(
        "line",
        [
          "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2),
          "y2": Self.number(y2), "class": classes,
        ]))
  }

  /// A rectangle; `tip` is shown to whoever points at it.
  public mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, classes: String, fill: String? = nil,
    tip: String? = nil
  ) {
    var element = Markup.element(
      "rect",
      [
        "x": Self.number(x), "y": Self.number(y), "width": Self.number(max(0, width)),
        "height": Self.number(max(0, height)),
      ], Self.tip(tip))
    if !classes.isEmpty { element = element.with("class", classes) }
    if let fill { element = element.with("fill", fill) }
    add(element)
  }

  /// A line through points.
  public mutating func path(
    _ points: [(x: Double, y: Double)], classes: String, dash: String? = nil
  ) {
    var text = ""
    for (index, point) in points.enumerated() {
      text += "\(index == 0 ? "M" : "L")\(Self.number(point.x)) \(Self.number(point.y))"
    }
    var element = Markup.element("path", ["d": text, "class": classes])
    if let dash, !dash.isEmpty { element = element.with("stroke-dasharray", dash) }
    add(element)
  }

  /// A point of a series: each series has a form of its own.
  public mutating func marker(
    _ series: Int, x: Double, y: Double, size: Double = 3.5, tip: String? = nil
  ) {
    func place(_ dx: Double, _ dy: Double) -> String {
      "\(Self.number(x + dx * size)) \(Self.number(y + dy * size))"
    }
    func outline(_ corners: [(Double, Double)]) -> String {
      corners.map { place($0.0, $0.1) }.joined(separator: "L")
    }
    let path =
      switch series % 6 {
      case 0:
        "M\(place(-1, 0))a\(Self.number(size)) \(Self.number(size)) 0 1 0 \(Self.number(2 * size)) 0"
          + "a\(Self.number(size)) \(Self.number(size)) 0 1 0 \(Self.number(-2 * size)) 0"
      case 1: "M" + outline([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
      case 2: "M" + outline([(0, -1.15), (1.1, 0.85), (-1.1, 0.85)])
      case 3: "M" + outline([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
      case 4: "M" + outline([(0, 1.15), (1.1, -0.85), (-1.1, -0.85)])
      default:
        "M"
          + outline([
            (-0.35, -1.1), (0.35, -1.1), (0.35, -0.35), (1.1, -0.35), (1.1, 0.35), (0.35, 0.35),
            (0.35, 1.1), (-0.35, 1.1), (-0.35, 0.35), (-1.1, 0.35), (-1.1, -0.35), (-0.35, -0.35),
          ])
      }
    add(
      .element(
        "path", ["d": path + "Z", "class": "edge f\(series % Palette.count)"], Self.tip(tip)))
  }

  /// Dashes of the lines of a series; none for the first ones.
  static func dash(_ series: Int) -> String { ["", "6 4", "2 4", "8 3 2 3"][series % 4] }

  private static func tip(_ text: String?) -> [Markup] {
    text.map { [.element("title", text: $0)] } ?? []
  }

  /// A coordinate, to a hundredth of a point.
  static func number(_ value: Double) -> String { NumberText.fixed(value, digits: 2) }
}
