/// A picture of data that can be read as a table too.
public protocol Chart: Sendable {
  /// What it shows, in a few words.
  var title: String { get }
  /// What a reader who does not see it should know.
  var description: String { get }
  /// The picture, laid out for a width in points; its height follows.
  func drawing(width: Double) -> Drawing
  /// The data that the picture shows.
  var csv: CSV { get }
}

extension Chart {
  /// The picture as a part of a page whose style holds `Palette.rules`.
  public func markup(width: Double) -> Markup {
    root(drawing(width: width), isStandalone: false)
  }

  /// The picture as a file of its own.
  public func svg(width: Double = ChartWidth.wide) -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + root(drawing(width: width), isStandalone: true).rendered + "\n"
  }

  private func root(_ drawing: Drawing, isStandalone: Bool) -> Markup {
    let width = Drawing.number(drawing.width)
    let height = Drawing.number(drawing.height)
    var children: [Markup] = [
      .element("title", text: title), .element("desc", text: description),
    ]
    if isStandalone {
      children.append(.element("style", text: Palette.standaloneStyle))
      children.append(
        .element("rect", ["width": "100%", "height": "100%", "class": "paper"]))
    }
    return .element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "class": "plot", "role": "img",
        "viewBox": "0 0 \(width) \(height)", "width": width, "height": height,
      ], children + drawing.elements)
  }
}

/// Widths that pictures are laid out for, in points.
public enum ChartWidth {
  /// A page on a screen of a desk, and paper.
  public static let wide = 720.0
  /// A phone.
  public static let narrow = 340.0
}
