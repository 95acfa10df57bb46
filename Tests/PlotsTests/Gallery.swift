@testable import Plots

/// One chart of each kind and of each edge that a kind has.
enum Gallery {
  static let charts: [any Chart] = lines + fields + pictures

  private static func number(_ index: Int) -> Double {
    Double((index * 7919 + 13) % 1000) / 1000
  }

  private static let lines: [any Chart] = {
    let times = Axis("link latency", .picoseconds)
    let series = (1...10).map { number in
      LineChart.Series(
        "tensor-parallel size \(number)",
        (0..<6).map { LineChart.Point(Double($0) * 2e6, Double($0 * number) * 7e7 + 1e8) })
    }
    let rates = [1e9, 3e10, 1.5e12].map { LineChart.Point($0, $0 / 1e7) }
    let names = ["wse3-io", "100gbe", "ideal", "wse3-turbo-io", "a link of one's own"]
    return [
      LineChart(
        title: "many lines", description: "Ten lines.", x: times, y: Axis("TPOT", .picoseconds),
        series: series),
      LineChart(
        title: "two logarithms", description: "One line.",
        x: Axis("bandwidth", .bytesPerSecond, .logarithmic),
        y: Axis("rate", .count("tokens/s"), .logarithmic), series: [.init("a", rates)]),
      LineChart(
        title: "names", description: "Points at names.",
        x: Axis("link", .count(), .categories(names)), y: Axis("TTFT", .picoseconds),
        series: [.init("a", names.indices.map { LineChart.Point(Double($0), 1e8) })]),
      LineChart(
        title: "a point", description: "One point.", x: times, y: Axis("busy", .share),
        series: [.init("a", [.init(5e6, 0)])]),
      ScatterChart(
        title: "frontier", description: "Two groups.", x: Axis("tokens/s a user", .count()),
        y: Axis("tokens/s a wafer", .count()),
        groups: (0..<2).map { group in
          ScatterChart.Group(
            "plan \(group)",
            (0..<20).map { .init(number($0 + 20 * group) * 9000, number($0 + 99), "\($0)") })
        }),
    ]
  }()

  private static let fields: [any Chart] = {
    let parts = [
      "compute", "fabric", "memory", "link latency", "link serialization", "port queue",
      "region queue", "overhead", "idle",
    ]
    var values: [[Double?]] = []
    for row in 0..<4 {
      values.append((0..<7).map { (column: Int) -> Double in Double(row * column + 1) * 1.2345e8 })
    }
    values[2][2] = nil
    func bar(_ name: String, _ start: Double, _ step: Double) -> StackedBars.Bar {
      StackedBars.Bar(name, parts.indices.map { (start + step * Double($0)) * 1e8 })
    }
    let bars = [
      bar("single", 0, 1), bar("cluster", 18, -2),
      bar("difference of the two, which has a long name", 4, -1),
    ]
    let columns = HeatMap.Side("link latency", (0..<7).map { "\($0 * 5) us" })
    let rows = HeatMap.Side("model", (0..<4).map { "a model with a long name \($0)" })
    return [
      StackedBars(
        title: "accounts", description: "Two accounts and their difference.", unit: .picoseconds,
        parts: parts,
        bars: bars),
      HeatMap(
        title: "field", description: "A field with a hole.", columns: columns, rows: rows,
        unit: .picoseconds, values: values),
      HeatMap(
        title: "field by ratio", description: "The same by ratio.", columns: columns, rows: rows,
        unit: .picoseconds, values: values, isLogarithmic: true),
      Distribution(
        title: "spread", description: "Some values.", axis: Axis("TTFT", .picoseconds),
        values: (0..<300).map { (number($0) + number($0 * 3 + 1)) * 4e9 }),
      Distribution(
        title: "no spread", description: "One value.", axis: Axis("TTFT", .picoseconds),
        values: [5e9]),
    ]
  }()

  private static let pictures: [any Chart] = {
    var spans: [Gantt.Span] = []
    for index in 0..<80 {
      let start = Double(index / 4) * 1e7
      spans.append(
        Gantt.Span(
          track: index % 4, kind: index / 4 % 4, name: "n\(index)", start: start, end: start + 9e6))
    }
    func picture(_ shape: TopologyPicture.Shape, _ count: Int) -> TopologyPicture {
      TopologyPicture(
        title: "\(shape) of \(count)", description: "Nodes.", shape: shape,
        nodes: (0..<count).map(String.init),
        edges: count > 1
          ? [.init(from: 0, to: 1, weight: 1e6), .init(from: 1, to: 0, weight: 5e6)]
          : [.init(from: 0, to: 0, weight: 1)],
        unit: .bytes)
    }
    return [
      Gantt(
        title: "timeline", description: "Four tracks.", unit: .picoseconds,
        tracks: (0..<4).map { "rank \($0), region 12" },
        kinds: ["compute", "sending", "waiting, peer late", "waiting, in flight"], spans: spans,
        arrows: [.init(from: 0, to: 2, departure: 3e7, arrival: 5e7)]),
      RegionPicture(
        title: "regions", description: "Two wafers.", mesh: (750, 994),
        wafers: (0..<3).map { wafer in
          RegionPicture.Wafer(
            "rank \(wafer)",
            (0..<6).map { index in
              RegionPicture.Region(
                "layers \(index * 4) to \(index * 4 + 3)", short: "\(index * 4)",
                column: index % 2 * 370,
                row: index / 2 * 300, columns: 360, rows: 290, share: Double(index) * 0.22)
            })
        }),
      picture(.ring, 1), picture(.ring, 2), picture(.ring, 16), picture(.line, 8),
      picture(.line, 1), picture(.torus(columns: 4), 12), picture(.torus(columns: 1), 2),
      picture(.switch, 5), picture(.mesh, 8), picture(.mesh, 128),
    ]
  }()
}
