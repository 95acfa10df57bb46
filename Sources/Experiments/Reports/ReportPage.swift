import Plots

/// A page of sections, complete in one file: it loads nothing, runs without scripts, and is readable on
/// a phone, in the dark and on paper.
public struct ReportPage: Sendable {
  /// What it is about: the name of the window, and the heading where there is no question.
  public var title: String
  /// What was asked, which is then the heading.
  public var question: String?
  /// What came out, in a sentence or two with figures.
  public var answer = ""
  /// A line or two below it.
  public var lead: String
  /// What follows, in this order.
  public var sections: [Section] = []

  /// A part of a page under a heading.
  public struct Section: Sendable {
    /// Its heading.
    public var title: String
    /// What it holds.
    public var pieces: [Piece]
  }

  /// What a section is made of.
  public enum Piece: Sendable {
    /// A sentence or two.
    case text(String)
    /// Names and cells; numbers are set to the right.
    case table(columns: [String], rows: [[String]])
    /// A picture, under the name of its files.
    case figure(name: String, any Chart)
    /// Something to be typed.
    case command(String)
    /// What a reader should beware of.
    case warnings([String])
  }

  /// Every picture with the name of its files.
  public var figures: [(name: String, chart: any Chart)] {
    sections.flatMap(\.pieces).compactMap { piece in
      if case .figure(let name, let chart) = piece { (name, chart) } else { nil }
    }
  }

  /// Adds a section, when there is something in it.
  mutating func add(_ title: String, _ pieces: [Piece?]) {
    let pieces = pieces.compactMap { $0 }
    if !pieces.isEmpty { sections.append(Section(title: title, pieces: pieces)) }
  }

  /// The file.
  public var html: String {
    let body: [Markup] =
      [
        .element(
          "header", [:],
          [
            .element(
              "button", ["id": "theme", "type": "button", "hidden": ""], text: "Light or dark"),
            .element("p", ["class": "brand"], text: "WaferCluster"),
            .element("h1", text: question ?? title),
          ] + (answer.isEmpty ? [] : [.element("p", ["class": "answer"], text: answer)])
            + [.element("p", ["class": "lead"], text: lead)]), contents,
      ] + sections.enumerated().map { section($0.element, number: $0.offset) }
      + [
        .element("p", ["id": "value", "role": "status", "hidden": ""], text: ""),
        .element("script", text: PageStyle.script),
      ]
    let page = Markup.element(
      "html", ["lang": "en"],
      [
        .element(
          "head", [:],
          [
            .element("meta", ["charset": "utf-8"]),
            .element(
              "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("meta", ["name": "color-scheme", "content": "light dark"]),
            .element("title", text: title),
            .element("style", text: PageStyle.rules),
          ]), .element("body", [:], [.element("main", [:], body)]),
      ])
    return "<!DOCTYPE html>\n" + page.rendered + "\n"
  }

  private var contents: Markup {
    .element(
      "nav", ["aria-label": "Contents"],
      sections.enumerated().map { index, section in
        .element("a", ["href": "#s\(index)"], text: section.title)
      })
  }

  private func section(_ section: Section, number: Int) -> Markup {
    .element(
      "section", ["id": "s\(number)"],
      [.element("h2", text: section.title)] + section.pieces.map(markup))
  }

  private func markup(_ piece: Piece) -> Markup {
    switch piece {
    case .text(let text): .element("p", text: text)
    case .table(let columns, let rows): Self.table(columns, rows)
    // No element inside: the lines between would show.
    case .command(let text): .element("pre", text: text)
    case .warnings(let texts):
      .element("ul", ["class": "warnings"], texts.map { .element("li", text: $0) })
    case .figure(let name, let chart):
      .element(
        "figure", [:],
        [
          .element("div", ["class": "wide"], [chart.markup(width: ChartWidth.wide)]),
          .element("div", ["class": "narrow"], [chart.markup(width: ChartWidth.narrow)]),
          .element(
            "figcaption", [:],
            [
              .element("span", text: chart.description + " "),
              .element("a", ["href": "\(ReportFiles.plots)/\(name).svg"], text: "SVG"),
              .element("span", text: " "),
              .element("a", ["href": "\(ReportFiles.plots)/\(name).csv"], text: "CSV"),
            ]),
        ])
    }
  }

  private static func table(_ columns: [String], _ rows: [[String]]) -> Markup {
    let numeric = columns.indices.map { column in
      rows.allSatisfy { row in isNumber(row[column]) }
    }
    func cell(_ name: String, _ text: String, _ column: Int) -> Markup {
      let cell = Markup.element(name, text: text)
      return numeric[column] ? cell.with("class", "number") : cell
    }
    return .element(
      "div", ["class": "scroll", "tabindex": "0"],
      [
        .element(
          "table", [:],
          [
            .element(
              "thead", [:],
              [.element("tr", [:], columns.enumerated().map { cell("th", $1, $0) })]),
            .element(
              "tbody", [:],
              rows.map { row in .element("tr", [:], row.enumerated().map { cell("td", $1, $0) }) }),
          ])
      ])
  }

  /// Whether a cell is a number, perhaps with a unit, or has nothing to say.
  private static func isNumber(_ text: String) -> Bool {
    guard let first = text.first(where: { $0 != "+" && $0 != "-" }) else { return true }
    return first.isNumber
  }
}
