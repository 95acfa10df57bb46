import Foundation
import Hardware
import Models
import Plots
import Quantities

/// The frontiers of a plan as a picture: both measures beside each other over the rate of a user, each
/// frontier a line, its points numbered and told below.
struct FrontierChart {
  let plan: ParetoPlan

  /// A logarithmic axis: from a tick to a tick of 1, 2, 5 × 10ⁿ, so that every value lies on it.
  struct Axis: Hashable {
    let ticks: [Double]

    /// An axis that spans these values, all above 0; from 1 to 10 when there is none.
    init(of values: [Double]) {
      let low = values.min() ?? 1
      let high = values.max() ?? 10
      let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
      let all = decades.flatMap { decade in [1.0, 2, 5].map { $0 * pow(10, Double(decade)) } }
      let first = all.lastIndex { $0 <= low } ?? 0
      let last = max(all.firstIndex { $0 >= high } ?? all.count - 1, first + 1)
      ticks = Array(all[first...min(last, all.count - 1)])
    }

    /// Where a value lies, from 0 to 1.
    func place(_ value: Double) -> Double {
      (log10(value) - log10(ticks[0])) / (log10(ticks.last!) - log10(ticks[0]))
    }

    /// Ticks that are written: few enough to be read.
    var written: [Double] {
      ticks.count <= 7
        ? ticks
        : ticks.filter { value in
          let mantissa = value / pow(10, log10(value * 1.000_001).rounded(.down))
          return abs(mantissa - 1) < 0.01
        }
    }
  }

  /// A frontier's point with its number.
  struct Numbered {
    let number: Int
    let point: ParetoPoint
  }

  private static let colours = [
    "#0b5cad", "#d9480f", "#2b8a3e", "#862e9c", "#7a4f01", "#c2255c", "#0c8599", "#495057",
    "#5f3dc4", "#364fc7",
  ]
  private static let plot = (width: 430.0, height: 320.0)
  private static let left = 76.0
  private static let top = 92.0
  private static let gap = 110.0
  private static let lineHeight = 15.0
  private static let bottom = 62.0

  /// All frontier points, numbered in the order of devices.
  var numbered: [Numbered] {
    plan.devices.flatMap { plan.frontier(of: $0) }.enumerated().map {
      Numbered(number: $0.offset + 1, point: $0.element)
    }
  }

  /// The picture. It has a ground of its own, so that it reads alike in light and dark viewers.
  var markup: Markup {
    let all = numbered
    let width = Self.left + 2 * Self.plot.width + Self.gap + 30
    let listTop = Self.top + Self.plot.height + Self.bottom
    let height = listTop + Self.lineHeight * Double(all.count + 1) + 16
    let users = Axis(of: plan.points.map(\.perUser.approximation))
    let panels = ParetoPoint.Measure.allCases.enumerated().map { index, measure in
      panel(
        measure, all, users, x: Self.left + Double(index) * (Self.plot.width + Self.gap))
    }
    return .element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": "0 0 \(Ink.points(width)) \(Ink.points(height))", "width": Ink.points(width),
        "height": Ink.points(height), "role": "img", "font-family": Ink.font,
      ],
      [
        .element("title", text: title),
        .element(
          "rect",
          [
            "class": "ground", "x": "0", "y": "0", "width": "100%", "height": "100%",
            "fill": Ink.ground,
          ]),
        Ink.text(title, x: 24, y: 28, size: 16, isBold: true),
        Ink.text(
          "decode at context \(plan.question.context), weights \(plan.question.widths.weights), KV "
            + "cache \(plan.question.widths.keyValues); \(plan.evaluated) points evaluated, "
            + "\(plan.points.count) fit (dots); lines are frontiers", x: 24, y: 48, size: 12.5),
        Ink.text(
          "The price of several sequences in one step on a wafer is an assumption: no source measures "
            + "it.", x: 24, y: 66, size: 12.5),
      ] + panels + list(all, top: listTop))
  }

  private var title: String { "\(plan.question.shape.name): batch against interactivity" }

  private func colour(_ device: String) -> String {
    Self.colours[plan.devices.firstIndex(of: device)! % Self.colours.count]
  }

  // MARK: A panel

  private func panel(
    _ measure: ParetoPoint.Measure, _ all: [Numbered], _ users: Axis, x: Double
  ) -> Markup {
    let values = Axis(of: plan.points.map { $0.value(measure).approximation })
    func place(_ point: ParetoPoint) -> (x: Double, y: Double) {
      (
        x + Self.plot.width * users.place(point.perUser.approximation),
        Self.top + Self.plot.height * (1 - values.place(point.value(measure).approximation))
      )
    }
    let dots = plan.points.map { point in
      let at = place(point)
      return Markup.element(
        "circle",
        [
          "cx": Ink.points(at.x), "cy": Ink.points(at.y), "r": "1.8",
          "fill": colour(point.device), "fill-opacity": "0.35",
        ])
    }
    let lines = plan.devices.flatMap { device -> [Markup] in
      let frontier = plan.frontier(of: device, by: measure)
      let corners = frontier.map { point in
        let at = place(point)
        return "\(Ink.points(at.x)),\(Ink.points(at.y))"
      }
      return [
        .element(
          "polyline",
          [
            "class": "frontier", "points": corners.joined(separator: " "), "fill": "none",
            "stroke": colour(device), "stroke-width": "1.6",
          ])
      ]
        + frontier.map { point in
          let at = place(point)
          return .element(
            "circle",
            [
              "class": "point", "cx": Ink.points(at.x), "cy": Ink.points(at.y), "r": "3.2",
              "fill": colour(device),
            ], [.element("title", text: Self.words(point))])
        }
    }
    return .element(
      "g", ["class": measure.rawValue],
      axes(measure, users, values, x: x) + dots + lines + labels(measure, all, at: place))
  }

  /// Numbers beside the points, each only where no earlier one stands.
  private func labels(
    _ measure: ParetoPoint.Measure, _ all: [Numbered],
    at place: (ParetoPoint) -> (x: Double, y: Double)
  ) -> [Markup] {
    var taken: [(x: Double, y: Double)] = []
    let frontiers = Set(plan.devices.flatMap { plan.frontier(of: $0, by: measure) })
    return all.filter { frontiers.contains($0.point) }.compactMap { numbered in
      let at = place(numbered.point)
      guard !taken.contains(where: { abs($0.x - at.x) < 14 && abs($0.y - at.y) < 11 }) else {
        return nil
      }
      taken.append(at)
      return Ink.text(
        "\(numbered.number)", x: at.x + 5, y: at.y - 5, size: 10.5,
        colour: colour(numbered.point.device))
    }
  }

  private func axes(
    _ measure: ParetoPoint.Measure, _ users: Axis, _ values: Axis, x: Double
  ) -> [Markup] {
    let (width, height, top) = (Self.plot.width, Self.plot.height, Self.top)
    var parts = [
      Ink.box(
        .init(x: x, y: top, width: width, height: height), fill: "none", stroke: Ink.ink,
        width: 1, kind: "frame")
    ]
    func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
      .element(
        "line",
        [
          "x1": Ink.points(x1), "y1": Ink.points(y1), "x2": Ink.points(x2), "y2": Ink.points(y2),
          "stroke": "#c9c9c9", "stroke-width": "0.7",
        ])
    }
    for tick in users.written {
      let at = x + width * users.place(tick)
      parts += [
        line(at, top, at, top + height),
        Ink.text(Self.tick(tick), x: at, y: top + height + 16, size: 11, anchor: "middle"),
      ]
    }
    for tick in values.written {
      let at = top + height * (1 - values.place(tick))
      parts += [
        line(x, at, x + width, at),
        Ink.text(Self.tick(tick), x: x - 6, y: at + 4, size: 11, anchor: "end"),
      ]
    }
    parts += [
      Ink.text(
        "tokens/s per user", x: x + width / 2, y: top + height + 36, size: 12.5, anchor: "middle"),
      Ink.text(measure.words, x: x, y: top - 8, size: 12.5, isBold: true),
    ]
    return parts
  }

  private static func tick(_ value: Double) -> String { String(format: "%.6g", value) }

  // MARK: The list

  private func list(_ all: [Numbered], top: Double) -> [Markup] {
    all.enumerated().map { index, numbered in
      Ink.text(
        "\(numbered.number): \(Self.words(numbered.point))", x: 24,
        y: top + Self.lineHeight * Double(index), size: 11, colour: colour(numbered.point.device))
    }
  }

  /// A point in words.
  static func words(_ point: ParetoPoint) -> String {
    let split =
      point.mapping.map {
        "PP \(point.pipeline) x TP \(point.tensor), \($0.kind.written) \($0.grid)"
      } ?? "one group"
    return "\(point.devices) \(point.device), \(split), batch \(point.batch) in "
      + "\(point.microBatches): \(RunTable.number(point.perUser.approximation)) a user, "
      + "\(RunTable.number(point.perDevice.approximation)) a device, "
      + "\(RunTable.number(point.perKilowatt.approximation)) a kW"
  }
}

extension ParetoPlan {
  /// The frontiers as an SVG document.
  public var svg: String { FrontierChart(plan: self).markup.rendered + "\n" }
}
