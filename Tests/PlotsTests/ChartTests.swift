import Foundation
import Testing

@testable import Plots

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What holds for every chart, and what each promises for itself.
struct ChartTests {
  static let widths = [280.0, ChartWidth.narrow, 480, ChartWidth.wide, 1100]

  @Test("every chart names and describes itself", arguments: Gallery.charts.indices)
  func accessibility(index: Int) throws {
    let chart = Gallery.charts[index]
    guard case .element(let name, let attributes, let children) = chart.markup(width: 720) else {
      Issue.record("no element")
      return
    }
    #expect(name == "svg" && attributes.contains(.init("role", "img")))
    #expect(children[0] == .element("title", text: chart.title))
    #expect(children[1] == .element("desc", text: chart.description))
    #expect(!chart.title.isEmpty && !chart.description.isEmpty)
  }

  @Test("the file of a chart is well-formed XML", arguments: Gallery.charts.indices)
  func wellFormed(index: Int) {
    for width in Self.widths {
      let parser = XMLParser(data: Data(Gallery.charts[index].svg(width: width).utf8))
      #expect(parser.parse(), "\(String(describing: parser.parserError))")
    }
  }

  @Test("no text overlaps another or leaves the picture", arguments: Gallery.charts.indices)
  func texts(index: Int) {
    let chart = Gallery.charts[index]
    for width in Self.widths {
      let drawing = chart.drawing(width: width)
      let boxes = drawing.elements.compactMap(TextBox.init)
      for (number, box) in boxes.enumerated() {
        let place = "'\(box.text)' of '\(chart.title)' at \(width)"
        #expect(
          box.left >= -0.5 && box.right <= width + 0.5, "\(place): \(box.left)...\(box.right)")
        #expect(box.top >= -0.5 && box.bottom <= drawing.height + 0.5, "\(place)")
        for other in boxes[(number + 1)...] {
          #expect(!box.overlaps(other), "\(place) and '\(other.text)'")
        }
      }
    }
  }

  @Test("no coordinate is infinite or no number", arguments: Gallery.charts.indices)
  func finite(index: Int) {
    for width in Self.widths {
      let text = Gallery.charts[index].svg(width: width)
      #expect(!text.contains("nan") && !text.contains("inf\""))
    }
  }

  @Test("the table of a chart can be read again", arguments: Gallery.charts.indices)
  func tables(index: Int) {
    let csv = Gallery.charts[index].csv
    #expect(!csv.rows.isEmpty)
    #expect(CSV(text: csv.text) == csv)
  }

  @Test("styles hold nothing that markup would escape")
  func styles() {
    for text in [Palette.rules, Palette.standaloneStyle] { #expect(Markup.escaped(text) == text) }
  }

  @Test("parts of a bar lie end to end, negative ones left of zero")
  func bars() {
    let chart = StackedBars(
      title: "t", description: "d", unit: .picoseconds, parts: ["a", "b", "c"],
      bars: [.init("x", [4e6, -2e6, 1e6])])
    let rectangles = chart.drawing(width: 720).elements.compactMap(Box.init)
      .filter { $0.classes.hasPrefix("edge") }
    #expect(rectangles.count == 3)
    #expect(abs(rectangles[0].x + rectangles[0].width - rectangles[2].x) < 0.02)
    #expect(abs(rectangles[1].x + rectangles[1].width - rectangles[0].x) < 0.02)
    #expect(abs(rectangles[0].width / rectangles[2].width - 4) < 0.01)
  }

  @Test("no other point beats one of the frontier, and each other point is beaten")
  func frontier() {
    var points: [ScatterChart.Point] = []
    for index in 0..<40 {
      points.append(.init(Double(index * 7 % 40), Double(index * 11 % 37), "\(index)"))
    }
    let chart = ScatterChart(
      title: "t", description: "d", x: Axis("x", .count()), y: Axis("y", .count()),
      groups: [.init("all", points)])
    let frontier = chart.frontier
    for point in points {
      let isBeaten = points.contains { (other: ScatterChart.Point) -> Bool in
        let isAsGood = other.x >= point.x && other.y >= point.y
        return isAsGood && (other.x > point.x || other.y > point.y)
      }
      #expect(isBeaten != frontier.contains(point))
    }
    let places = frontier.map { $0.x }
    #expect(places == places.sorted())
  }

  @Test("every value lies in one range of a distribution, and percentiles are nearest rank")
  func distribution() {
    let chart = Distribution(
      title: "t", description: "d", axis: Axis("x", .count()), values: (1...100).map(Double.init))
    #expect(chart.ranges.reduce(0) { $0 + $1.count } == 100)
    #expect(chart.percentile(0.5) == 50 && chart.percentile(0.99) == 99)
    #expect(chart.percentile(1) == 100 && chart.percentile(0.001) == 1)
  }

  @Test("a torus of two columns has one link between neighbours, of three has one around")
  func torus() {
    func joins(_ nodes: Int, columns: Int) -> Int {
      TopologyPicture(
        title: "t", description: "d", shape: .torus(columns: columns),
        nodes: (0..<nodes).map(String.init), edges: [], unit: .bytes
      ).joins.count
    }
    #expect(joins(4, columns: 2) == 4)
    #expect(joins(9, columns: 3) == 18)
    #expect(joins(3, columns: 3) == 3)
  }

  @Test("what is too short to see is still seen: neighbours of one kind are drawn as one")
  func merging() {
    let spans = (0..<10_000).map { (index: Int) -> Gantt.Span in
      let start = Double(index) * 10
      return Gantt.Span(track: 0, kind: 0, name: "n", start: start, end: start + 9)
    }
    let chart = Gantt(
      title: "t", description: "d", unit: .picoseconds, tracks: ["a"], kinds: ["k"], spans: spans)
    let boxes = chart.drawing(width: 720).elements.compactMap(Box.init)
    #expect(boxes.count > 100 && boxes.count < 800)
    #expect(chart.csv.rows.count == 10_000)
  }
}

/// Where a text stands.
private struct TextBox {
  let text: String
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  init?(_ element: Markup) {
    guard case .element("text", let list, let children) = element,
      case .text(let text)? = children.first
    else { return nil }
    let attributes = Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0.value) })
    let isSmall = attributes["class"]?.contains("small") ?? false
    let size = isSmall ? 11.0 : 12.0
    let width = TextMeasure.width(text, size: size)
    let x = Double(attributes["x"]!)!
    let y = Double(attributes["y"]!)!
    self.text = text
    switch attributes["text-anchor"] {
    case "middle": left = x - width / 2
    case "end": left = x - width
    default: left = x
    }
    right = left + width
    top = y - size * 0.75
    bottom = y + size * 0.2
  }

  func overlaps(_ other: TextBox) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }
}

/// A rectangle of a picture.
private struct Box {
  let x: Double
  let width: Double
  let classes: String

  init?(_ element: Markup) {
    guard case .element("rect", let list, _) = element else { return nil }
    let attributes = Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0.value) })
    x = Double(attributes["x"]!)!
    width = Double(attributes["width"]!)!
    classes = attributes["class"] ?? ""
  }
}
