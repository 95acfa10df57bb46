import Foundation
import Plots

extension PlacementPicture {
  /// The picture. It has a ground of its own, so that it reads alike in light and dark viewers.
  var markup: Markup {
    .element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": "0 0 \(Ink.points(size.width)) \(Ink.points(size.height))",
        "width": Ink.points(size.width), "height": Ink.points(size.height), "role": "img",
        "font-family": Ink.font,
      ],
      [
        .element("title", text: title.joined(separator: "; ")),
        .element(
          "rect",
          [
            "class": "ground", "x": "0", "y": "0", "width": "100%", "height": "100%",
            "fill": Ink.ground,
          ]),
      ] + heading + wafers.map(draw) + legend)
  }

  private var heading: [Markup] {
    title.enumerated().map { index, line in
      Ink.text(
        line, x: Self.margin, y: 28 + 20 * Double(index), size: index == 0 ? 16 : 12.5,
        isBold: index == 0)
    }
  }

  private func draw(_ wafer: DrawnWafer) -> Markup {
    let caption = wafer.caption.enumerated().map { index, line in
      Ink.text(
        line, x: wafer.box.x, y: wafer.box.y - 24 + 16 * Double(index), size: 12,
        isBold: index == 0)
    }
    return .element(
      "g", ["class": "wafer"],
      caption + [
        Ink.box(wafer.box, fill: Ink.unused, stroke: Ink.ink, width: 1.5, kind: "mesh")
      ] + wafer.regions.map { draw($0) } + order(wafer) + wafer.regions.compactMap { label($0) })
  }

  private func draw(_ region: DrawnRegion) -> Markup {
    .element(
      "g", [:],
      [
        .element("title", text: region.words),
        Ink.box(
          region.box, fill: Ink.fill(region.share), stroke: Ink.ink, width: 0.6, kind: "region"),
      ])
  }

  /// What a region holds, above its centre and with a rim of its colour, so that the way does not strike it
  /// out; `nil` where it would be too small to read.
  private func label(_ region: DrawnRegion) -> Markup? {
    let box = region.box
    // A digit is about 0.6 of its height wide.
    let letters = 0.6 * Double(max(region.label.count, 1))
    let level = min(13, box.height * 0.32, box.width * 0.92 / letters)
    // A strip that is high and narrow has its words turned.
    let turned = min(13, box.width * 0.7, box.height * 0.46 / letters)
    let isTurned = turned > 1.5 * level
    let size = isTurned ? turned : level
    guard size >= 4 else { return nil }
    // Apart from the way, which goes through the centre.
    let x = isTurned ? box.centre.x + size * 0.35 : box.centre.x
    let y = isTurned ? box.y + box.height * 0.25 : box.centre.y - size * 0.45
    let text = Ink.text(
      region.label, x: x, y: y, size: size, anchor: "middle",
      colour: region.share > 0.55 ? Ink.ground : Ink.ink
    )
    .with("stroke", Ink.fill(region.share)).with("stroke-width", "3")
    .with("paint-order", "stroke")
    return isTurned
      ? text.with("transform", "rotate(-90 \(Ink.points(x)) \(Ink.points(y)))") : text
  }

  /// The way of an activation, from centre to centre.
  private func order(_ wafer: DrawnWafer) -> [Markup] {
    guard wafer.order.count > 1 else { return [] }
    let centres = wafer.order.map { index -> (x: Double, y: Double) in
      let box = wafer.regions[index].box
      return (box.centre.x, box.centre.y + min(6, box.height * 0.2))
    }
    let points = centres.map { "\(Ink.points($0.x)),\(Ink.points($0.y))" }
    let start = centres[0]
    return [
      .element(
        "polyline",
        [
          "points": points.joined(separator: " "), "fill": "none", "stroke": Ink.way,
          "stroke-width": "1.2",
        ]),
      .element(
        "circle",
        ["cx": Ink.points(start.x), "cy": Ink.points(start.y), "r": "3", "fill": Ink.way]),
      arrow(from: centres[centres.count - 2], to: centres[centres.count - 1]),
    ]
  }

  private func arrow(
    from: (x: Double, y: Double), to: (x: Double, y: Double)
  ) -> Markup {
    let (dx, dy) = (to.x - from.x, to.y - from.y)
    let length = max((dx * dx + dy * dy).squareRoot(), 1e-9)
    let (ux, uy) = (dx / length * 7, dy / length * 7)
    let corners = [
      (to.x, to.y), (to.x - ux - uy / 2, to.y - uy + ux / 2),
      (to.x - ux + uy / 2, to.y - uy - ux / 2),
    ]
    return .element(
      "polygon",
      [
        "points": corners.map { "\(Ink.points($0.0)),\(Ink.points($0.1))" }.joined(separator: " "),
        "fill": Ink.way,
      ])
  }

  // MARK: Legend

  private static let swatches = 10

  private var legend: [Markup] {
    let top = size.height - Self.legend + 16
    let kibibytes = Double(sramPerPE) / 1024
    var parts = [
      Ink.text(
        String(
          format: "SRAM that the fullest PE of a region uses, of %.1f KiB (%d B)", kibibytes,
          sramPerPE), x: Self.margin, y: top, size: 12)
    ]
    let width = 28.0
    for index in 0..<Self.swatches {
      let share = (Double(index) + 0.5) / Double(Self.swatches)
      parts.append(
        Ink.box(
          Box(x: Self.margin + width * Double(index), y: top + 8, width: width, height: 14),
          fill: Ink.fill(share), stroke: Ink.ink, width: 0.4, kind: "swatch"))
    }
    let scale = width * Double(Self.swatches)
    for part in [0.0, 0.5, 1.0] {
      parts.append(
        Ink.text(
          String(format: "%.0f KiB, %.0f %%", kibibytes * part, part * 100),
          x: Self.margin + scale * part, y: top + 36, size: 11,
          anchor: part == 0 ? "start" : part == 1 ? "end" : "middle"))
    }
    var x = Self.margin + scale + 24
    for (fill, words) in [
      (Ink.unused, "no region"), (Ink.fill(2), "more than there is (hypothetical)"),
    ] {
      parts.append(
        Ink.box(
          Box(x: x, y: top + 8, width: 14, height: 14), fill: fill, stroke: Ink.ink, width: 0.4,
          kind: "swatch"))
      parts.append(Ink.text(words, x: x + 19, y: top + 19, size: 11))
      x += 90
    }
    parts.append(
      Ink.text(
        "Numbers are layers; the line is an activation's way from region to region. Wafers are drawn to "
          + "scale.", x: Self.margin, y: top + 58, size: 11))
    if omitted > 0 {
      parts.append(
        Ink.text(
          "Stages drawn: \(wafers.count); \(omitted) more follow.", x: Self.margin, y: top + 74,
          size: 11))
    }
    return parts
  }
}

/// Colours and shapes that the pictures of a plan share.
enum Ink {
  static let font = "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif"
  static let ground = "#ffffff"
  static let ink = "#1a1a1a"
  static let unused = "#ececec"
  static let way = "#d9480f"

  /// Light to dark blue, and red above 1.
  static func fill(_ share: Double) -> String {
    guard share <= 1 else { return "#b3261e" }
    let from = (222.0, 235.0, 247.0)
    let to = (8.0, 64.0, 129.0)
    let part = max(share, 0)
    func channel(_ a: Double, _ b: Double) -> String {
      let value = String(Int((a + (b - a) * part).rounded()), radix: 16)
      return value.count == 1 ? "0" + value : value
    }
    return "#" + channel(from.0, to.0) + channel(from.1, to.1) + channel(from.2, to.2)
  }

  /// A coordinate, to a hundredth of a point.
  static func points(_ value: Double) -> String { String(format: "%.2f", value) }

  static func box(
    _ box: PlacementPicture.Box, fill: String, stroke: String, width: Double, kind: String
  ) -> Markup {
    .element(
      "rect",
      [
        "class": kind, "x": points(box.x), "y": points(box.y), "width": points(box.width),
        "height": points(box.height), "fill": fill, "stroke": stroke,
        "stroke-width": points(width),
      ])
  }

  static func text(
    _ text: String, x: Double, y: Double, size: Double, isBold: Bool = false,
    anchor: String = "start", colour: String = ink
  ) -> Markup {
    .element(
      "text",
      [
        "x": points(x), "y": points(y), "font-size": points(size),
        "font-weight": isBold ? "bold" : "normal", "text-anchor": anchor, "fill": colour,
      ], text: text)
  }
}
