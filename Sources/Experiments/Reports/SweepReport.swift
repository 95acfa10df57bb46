import Plots

/// The report of a sweep: how each result depends on what was varied.
///
/// It knows no axis and no result by name but the order in which readers want them: a row is what is
/// varied and what came out, and keys say their units.
public struct SweepReport: Sendable {
  private let folder: SweptFolder
  private let library: PresetLibrary?
  private let table: SweptPoints

  /// A report of a folder.
  ///
  /// Throws `ConfigurationError` when it has no axes or no rows.
  public init(_ folder: SweptFolder, library: PresetLibrary?) throws(ConfigurationError) {
    self.folder = folder
    self.library = library
    table = try SweptPoints(folder)
  }

  /// Most rows of the table, and most lines of a chart.
  private static let mostRows = 200
  private static let mostSeries = 9

  /// The page.
  public var page: ReportPage {
    let axes = table.axes.map(\.name).joined(separator: " x ")
    var page = ReportPage(
      title: "Sweep over \(axes)",
      lead:
        "How latency and throughput depend on \(axes): \(table.points.count) points, in emulated time."
    )
    page.question = folder.sweep["summary"]?.string
    let answer = SweepAnswer(
      axes: table.axes.map { ($0.name, $0.key) }, rows: folder.rows,
      time: { ValueUnit.picoseconds.text($0 * 1e12) })
    page.answer = answer.sentences.joined(separator: " ")
    page.add(
      "Answer",
      [
        .text("Between which values results lie, and where: \(axes)."), ranges(answer),
      ])
    page.add("Curves", curves)
    page.add("Fields", fields)
    page.add("Trade-off", [tradeOff])
    page.add("Points", points + [impossible])
    page.add(
      "Assumptions",
      ReportAssumptions(provenance: folder.sweep["provenance"] ?? .null, library: library).pieces)
    page.add("Experiment", experiment)
    page.add("Again", again)
    return page
  }

  /// Between which values each result lies.
  private func ranges(_ answer: SweepAnswer) -> ReportPage.Piece? {
    let rows = answer.ranges.filter(\.varies).map {
      [$0.name, $0.low.text, $0.low.values, $0.high.text, $0.high.values, $0.factor]
    }
    return rows.isEmpty
      ? nil : .table(columns: ["", "least", "at", "most", "at", "apart"], rows: rows)
  }

  // MARK: Pictures

  /// A chart for each of the first results, over the axis that most tells them apart: the first with
  /// numbers, else the first.
  private var curves: [ReportPage.Piece?] {
    guard
      let along = table.axes.first(where: { $0.isNumeric && $0.values.count > 1 })
        ?? table.axes.first(where: { $0.values.count > 1 })
    else { return [] }
    return table.charted.filter(varies).map { metric in
      let series = lines(metric, along: along)
      let includesZero = !isNarrow(metric)
      let shown = series.prefix(Self.mostSeries)
      return .figure(
        name: "\(SweptPoints.fileName(metric))-over-\(SweptPoints.fileName(along.name))",
        LineChart(
          title: "\(ReportText.label(ofKey: metric)) over \(along.name)",
          description: "\(ReportText.label(ofKey: metric)) over \(along.name)"
            + (series.count > 1 ? ", a line for each of the other values." : ".")
            + (series.count > shown.count
              ? " The first \(shown.count) of \(series.count) lines." : "")
            + (includesZero ? "" : " The scale does not begin at zero."),
          x: along.axis,
          y: Axis(
            ReportText.label(ofKey: metric), ReportText.unit(ofKey: metric),
            .linear(includesZero: includesZero)),
          series: Array(shown)))
    }
  }

  private func extent(_ metric: String) -> (low: Double, high: Double)? {
    let values = table.points.compactMap { $0.results[metric] }
    guard let low = values.min(), let high = values.max() else { return nil }
    return (low, high)
  }

  /// Whether a result is not the same at all points; of one that is, the table says enough.
  private func varies(_ metric: String) -> Bool {
    extent(metric).map { $0.low < $0.high } ?? false || table.points.count == 1
  }

  /// Whether a result's values lie so close together that lines over a scale from zero would be one.
  private func isNarrow(_ metric: String) -> Bool {
    extent(metric).map { $0.low > 0 && $0.low < $0.high && $0.high < 1.5 * $0.low } ?? false
  }

  /// A line for each combination of the values of the other axes, in their order.
  private func lines(_ metric: String, along: SweptPoints.SweptAxis) -> [LineChart.Series] {
    let others = table.axes.filter { $0.key != along.key && $0.values.count > 1 }
    var names: [String] = []
    var points: [String: [LineChart.Point]] = [:]
    for point in table.points {
      guard let value = point.results[metric], let place = along.place(point) else { continue }
      let name = others.map { "\($0.name) \(point.axes[$0.key] ?? "-")" }.joined(separator: ", ")
      if points[name] == nil { names.append(name) }
      points[name, default: []].append(.init(place, value))
    }
    return names.map { name in
      LineChart.Series(name, points[name]!.sorted { $0.x < $1.x })
    }
  }

  /// A heat map of each of the first results over the first two axes, for each combination of the
  /// others up to a few.
  private var fields: [ReportPage.Piece?] {
    let axes = table.axes.filter { $0.values.count > 1 }
    guard axes.count >= 2 else { return [] }
    let columns = axes[0]
    let rows = axes[1]
    let others = Array(axes.dropFirst(2))
    let combinations = table.points.map { point in others.map { point.axes[$0.key] ?? "-" } }
    var kept: [[String]] = []
    for combination in combinations where kept.count < 3 && !kept.contains(combination) {
      kept.append(combination)
    }
    return table.charted.filter(varies).flatMap { metric in
      kept.enumerated().map { number, fixed in
        let label = zip(others, fixed).map { "\($0.name) \($1)" }.joined(separator: ", ")
        let field = field(metric, columns, rows, others, fixed)
        return .figure(
          name: "\(SweptPoints.fileName(metric))-field-\(number)",
          HeatMap(
            title: ReportText.label(ofKey: metric) + (label.isEmpty ? "" : ", \(label)"),
            description: "\(ReportText.label(ofKey: metric)) over \(columns.name) and \(rows.name)"
              + (label.isEmpty ? "." : " at \(label)."),
            columns: .init(columns.name, columns.values), rows: .init(rows.name, rows.values),
            unit: ReportText.unit(ofKey: metric), values: field,
            isLogarithmic: SweptPoints.spansDecades(field.joined().compactMap { $0 })))
      }
    }
  }

  private func field(
    _ metric: String, _ columns: SweptPoints.SweptAxis, _ rows: SweptPoints.SweptAxis,
    _ others: [SweptPoints.SweptAxis], _ fixed: [String]
  ) -> [[Double?]] {
    var field = Array(
      repeating: [Double?](repeating: nil, count: columns.values.count), count: rows.values.count)
    for point in table.points where others.map({ point.axes[$0.key] ?? "-" }) == fixed {
      guard let column = columns.values.firstIndex(of: point.axes[columns.key] ?? "-"),
        let row = rows.values.firstIndex(of: point.axes[rows.key] ?? "-")
      else { continue }
      field[row][column] = point.results[metric]
    }
    return field
  }

  /// Tokens a second of one user against those of a wafer.
  private var tradeOff: ReportPage.Piece? {
    let tpot = table.results.first { $0 == "tpot_ps" }
    let rate = table.results.first { $0 == "tokens_per_second_per_wafer" }
    guard let tpot, let rate else { return nil }
    let points = table.points.compactMap { point -> ScatterChart.Point? in
      guard let time = point.results[tpot], time > 0, let y = point.results[rate] else {
        return nil
      }
      let name = table.axes.map { "\($0.name) \(point.axes[$0.key] ?? "-")" }
      return ScatterChart.Point(1e12 / time, y, name.joined(separator: ", "))
    }
    guard points.count > 2 else { return nil }
    return .figure(
      name: "trade-off",
      ScatterChart(
        title: "Speed of one user against tokens of a wafer",
        description:
          "Every point of the sweep; none beats those of the dashed line in both directions.",
        x: Axis("tokens/s a user, 1/TPOT", .count()), y: Axis("tokens/s a wafer", .count()),
        groups: [.init("points", points)]))
  }

  // MARK: Tables

  private var points: [ReportPage.Piece?] {
    let results = Array(table.charted.prefix(6))
    let rows = table.points.prefix(Self.mostRows).map { point in
      table.axes.map { point.axes[$0.key] ?? "-" }
        + results.map { key in
          point.results[key].map { ReportText.unit(ofKey: key).text($0) } ?? "-"
        }
    }
    let more = table.points.count - rows.count
    return [
      .table(
        columns: table.axes.map(\.name) + results.map { ReportText.label(ofKey: $0) },
        rows: Array(rows)),
      more > 0 ? .text("And \(more) more points, in rows.csv.") : nil,
    ]
  }

  /// Why some points have no result.
  private var impossible: ReportPage.Piece? {
    let reasons = table.points.compactMap { point -> String? in
      guard let failure = point.failure else { return nil }
      return table.axes.map { "\($0.name) \(point.axes[$0.key] ?? "-")" }.joined(separator: ", ")
        + ": " + failure
    }
    return reasons.isEmpty ? nil : .warnings(Array(reasons.prefix(20)))
  }

  private var experiment: [ReportPage.Piece?] {
    let rows = (folder.sweep["experiment"]?.leaves ?? []).map { [$0.name, $0.value.words] }
    return [rows.isEmpty ? nil : .table(columns: ["key", "value"], rows: rows)]
  }

  private var again: [ReportPage.Piece?] {
    // With the program first, however it was called.
    let arguments = (folder.sweep["command"]?.list ?? []).compactMap(\.string).dropFirst()
    return [arguments.isEmpty ? nil : .command(ReportFiles.commandLine(Array(arguments)))]
  }
}
