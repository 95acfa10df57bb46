import Plots
import Quantities

/// Accounts, ranks, latencies, links and regions of a run, as pictures and tables.
extension RunReport {
  private var entries: [String] { Account.Entry.allCases.map(\.rawValue) }

  private func account(_ half: JSONValue) -> [Double] {
    entries.map { half.at("emulated", "account_ps", $0)?.double ?? 0 }
  }

  private var accounts: (single: [Double], cluster: [Double], difference: [Double]) {
    let single = account(single)
    let cluster = account(cluster)
    return (single, cluster, zip(cluster, single).map { $0 - $1 })
  }

  var accountChart: ReportPage.Piece {
    .figure(
      name: "account",
      StackedBars(
        title: "Accounts of single and cluster",
        description:
          "Emulated time of the last token by where it was spent; entries add up exactly.",
        unit: .picoseconds, parts: entries.map(ReportText.entry),
        bars: [.init("single", accounts.single), .init("cluster", accounts.cluster)]))
  }

  /// On a scale of its own: it may be a thousandth of the whole, and is the answer all the same.
  var differenceChart: ReportPage.Piece? {
    let difference = accounts.difference
    guard difference.contains(where: { $0 != 0 }) else { return nil }
    return .figure(
      name: "account-difference",
      StackedBars(
        title: "Difference of the accounts",
        description:
          "Cluster minus single, entry by entry: what the split costs is to the right of zero, what it "
          + "gains to the left.",
        unit: .picoseconds, parts: entries.map(ReportText.entry),
        bars: [.init("cluster minus single", difference)]))
  }

  var accountTable: ReportPage.Piece {
    let accounts = accounts
    var rows: [[String]] = []
    for (index, entry) in entries.enumerated()
    where accounts.single[index] != 0 || accounts.cluster[index] != 0 {
      rows.append([
        ReportText.entry(entry), ValueUnit.picoseconds.text(accounts.single[index]),
        ValueUnit.picoseconds.text(accounts.cluster[index]),
        ReportText.difference(accounts.difference[index]),
      ])
    }
    rows.append([
      "total", ReportText.time(single.at("emulated", "total_ps")),
      ReportText.time(cluster.at("emulated", "total_ps")),
      ReportText.difference(result.at("comparison", "extra_ps")?.double ?? 0),
    ])
    return .table(columns: ["", "single", "cluster", "difference"], rows: rows)
  }

  // MARK: Ranks

  /// Most ranks that are drawn: more bars than a screen holds tell nothing more.
  static let mostRanks = 16

  /// Ranks that are drawn where there is no room for all: the first shard of each stage, as far as they go.
  func drawnRanks(most: Int) -> [Int] {
    guard nodes > most else { return Array(0..<nodes) }
    let tensor = max(1, modelled.at("plan", "tensor")?.whole ?? 1)
    return Array(stride(from: 0, to: nodes, by: tensor).prefix(most))
  }

  /// Says that some are not drawn; nothing when all are.
  func drawnWords(_ shown: [Int]) -> String {
    shown.count < nodes
      ? " Of \(nodes) ranks \(shown.count) are drawn, the first shard of each stage." : ""
  }

  var ranks: [ReportPage.Piece?] {
    let ranks = cluster.at("emulated", "ranks")?.list ?? []
    guard ranks.count > 1, ranks.count == nodes else { return [] }
    let shown = drawnRanks(most: Self.mostRanks)
    let parts: [(name: String, path: [String])] = [
      ("computing", ["computing_ps"]), ("sending", ["sending_ps"]),
      ("peer late", ["stalled_peer_late_ps"]),
      ("in flight: latency", ["stalled_in_flight_ps", "latency"]),
      ("in flight: serialization", ["stalled_in_flight_ps", "serialization"]),
      ("in flight: queue", ["stalled_in_flight_ps", "queue"]),
      ("in flight: overhead", ["stalled_in_flight_ps", "overhead"]), ("idle", ["idle_ps"]),
    ]
    func values(_ rank: JSONValue) -> [Double] {
      parts.map { part in
        part.path.reduce(rank as JSONValue?) { $0?[$1] }?.double ?? 0
      }
    }
    let chart = StackedBars(
      title: "Use of time by rank",
      description:
        "Emulated time until everything that a rank did was done: computing, sending, or waiting for a "
        + "message that had not departed (peer late) or was in flight."
        + drawnWords(shown),
      unit: .picoseconds, parts: parts.map(\.name),
      bars: shown.map { .init("rank \($0)", values(ranks[$0])) })
    let rows = shown.map { number -> [String] in
      let rank = ranks[number]
      let end = rank["end_ps"]?.double ?? 0
      func most(_ key: String) -> String {
        let parts = rank[key]?.list?.compactMap { $0["utilisation"]?.double } ?? []
        return parts.max().map { ReportText.share($0, of: 1) } ?? "-"
      }
      return [rank["rank"]?.words ?? "?"]
        + ["busy_ps", "stalled_peer_late_ps"].map {
          ReportText.share(rank[$0]?.double ?? 0, of: end)
        }
        + [
          ReportText.share(
            (rank["stalled_ps"]?.double ?? 0) - (rank["stalled_peer_late_ps"]?.double ?? 0),
            of: end), most("regions"), most("egress"), most("ingress"),
        ]
    }
    let bubble = cluster.at("emulated", "serving", "pipeline_bubble")?.double.map { bubble in
      ReportPage.Piece.text(
        "While there were requests (\(ReportText.time(cluster.at("emulated", "serving", "occupied_ps"))) of "
          + "\(ReportText.time(cluster.at("emulated", "total_ps")))), the regions stood still for "
          + "\(ReportText.share(bubble, of: 1)) of the time: the pipeline's bubble.")
    }
    return [
      .figure(name: "ranks", chart), bubble,
      .table(
        columns: [
          "rank", "busy", "peer late", "in flight", "busiest region", "busiest egress",
          "busiest ingress",
        ], rows: Array(rows)),
    ]
  }

  // MARK: Latencies

  /// Fewest gaps between tokens that make a distribution.
  private static let fewestGaps = 20

  var latencies: [ReportPage.Piece?] {
    var pieces: [ReportPage.Piece?] = [servingTable]
    if let requests = folder.requests {
      for (column, title) in [
        ("ttft_ps", "Time to first token"), ("e2el_ps", "End-to-end latency"),
        ("queue_ps", "Queue time"),
      ] {
        let place = requests.columns.firstIndex(of: column)!
        pieces.append(
          distribution(
            "request-\(column.dropLast(3))", "\(title) of requests, emulated",
            requests.rows.compactMap { Double($0[place]) }, .picoseconds, axis: "time"))
      }
    }
    guard let tokens = folder.tokens else { return pieces }
    return pieces + [
      distribution(
        "itl-emulated", "Inter-token latency, emulated", gaps(tokens, column: "time_ps"),
        .picoseconds, axis: "gap between two tokens"),
      distribution(
        "itl-measured", "Inter-token latency, measured on this host",
        gaps(tokens, column: "measured_ns"), .nanoseconds, axis: "gap between two tokens"),
    ]
  }

  /// Latencies of requests that came over time, on the single wafer and on the cluster.
  private var servingTable: ReportPage.Piece? {
    var rows: [[String]] = []
    for (name, half) in [("single", single), ("cluster", cluster)] {
      guard let serving = half.at("emulated", "serving"), serving != .null else { continue }
      for (key, title) in [
        ("ttft", "TTFT"), ("tpot", "TPOT"), ("itl", "ITL"), ("e2el", "E2EL"), ("queue", "queue"),
      ] {
        guard let times = serving[key], times != .null else { continue }
        rows.append(
          ["\(name), \(title)"]
            + ["mean_ps", "p50_ps", "p90_ps", "p99_ps", "max_ps"].map {
              ReportText.time(times[$0])
            })
      }
    }
    return rows.isEmpty
      ? nil : .table(columns: ["requests", "mean", "p50", "p90", "p99", "most"], rows: rows)
  }

  private func distribution(
    _ name: String, _ title: String, _ values: [Double], _ unit: ValueUnit,
    axis: String
  ) -> ReportPage.Piece? {
    guard values.count >= Self.fewestGaps else { return nil }
    if let first = values.first, values.allSatisfy({ $0 == first }) {
      return .text("\(title): each of \(values.count) is \(unit.text(first)).")
    }
    var chart = Distribution(
      title: title, description: "", axis: Axis(axis, unit), values: values)
    let parts = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)].map { name, part in
      "\(name) \(unit.text(chart.percentile(part)))"
    }
    chart.description = "\(title): " + parts.joined(separator: ", ") + "."
    return .figure(name: name, chart)
  }

  /// Times between a sequence's tokens.
  private func gaps(_ tokens: Plots.CSV, column: String) -> [Double] {
    let place = tokens.columns.firstIndex(of: column)!
    var last: [String: Double] = [:]
    var gaps: [Double] = []
    for row in tokens.rows {
      guard let time = Double(row[place]) else { continue }
      if let before = last[row[0]] { gaps.append(time - before) }
      last[row[0]] = time
    }
    return gaps
  }

  // MARK: Links

  /// Most links in the table.
  private static let mostLinks = 64

  var links: [ReportPage.Piece?] {
    let links = cluster.at("emulated", "links")?.list ?? []
    guard !links.isEmpty else { return [] }
    let total = cluster.at("emulated", "total_ps")?.double ?? 0
    let rows = links.prefix(Self.mostLinks).map { link -> [String] in
      let busy = link["busy_ps"]?.double ?? 0
      return [
        "\(link["from"]?.words ?? "?") > \(link["to"]?.words ?? "?")",
        link["messages"]?.words ?? "-",
        ValueUnit.bytes.text(link["bytes"]?.double ?? 0), ValueUnit.picoseconds.text(busy),
        ReportText.share(busy, of: total),
      ]
    }
    return [
      topology(links).map { .figure(name: "topology", $0) },
      .table(
        columns: ["link", "messages", "bytes", "port busy", "of the total"], rows: Array(rows)),
      links.count > Self.mostLinks
        ? .text("And \(links.count - Self.mostLinks) more links, in result.json.") : nil,
    ]
  }

  private func topology(_ links: [JSONValue]) -> TopologyPicture? {
    let name = modelled.at("topology", "name")?.string ?? "full-mesh"
    let shape: TopologyPicture.Shape
    switch name {
    case "ring": shape = .ring
    case "line": shape = .line
    case "switch": shape = .switch
    case "torus":
      guard let columns = modelled.at("topology", "columns")?.whole, columns > 0,
        nodes % columns == 0
      else { return nil }
      shape = .torus(columns: columns)
    default: shape = .mesh
    }
    let edges = links.compactMap { link -> TopologyPicture.Edge? in
      guard let from = link["from"]?.whole, let to = link["to"]?.whole,
        (0..<nodes).contains(from), (0..<nodes).contains(to)
      else { return nil }
      return .init(from: from, to: to, weight: link["bytes"]?.double ?? 0)
    }
    return TopologyPicture(
      title: "Wafers and links",
      description:
        "Numbers are ranks, joined as a \(name); arrows are bytes one way, from lower to higher ranks in "
        + "the first colour and back in the second, thicker for more.",
      shape: shape, nodes: (0..<nodes).map(String.init), edges: edges, unit: .bytes)
  }

  // MARK: Placement

  /// Most wafers that are drawn.
  private static let mostWafers = 12

  var placement: [ReportPage.Piece?] {
    guard let layout = cluster["layout"], let columns = layout["mesh_columns"]?.whole,
      let rows = layout["mesh_rows"]?.whole, columns > 0, rows > 0,
      let wafers = layout["wafers"]?.list,
      let capacity = layout["sram_per_pe_bytes"]?.double, capacity > 0
    else { return [] }
    let drawn = wafers.prefix(Self.mostWafers).map { wafer in
      RegionPicture.Wafer(
        Self.ranks(wafer["ranks"]?.list?.compactMap(\.whole) ?? []),
        (wafer["regions"]?.list ?? []).map { Self.region($0, capacity: capacity) })
    }
    let more = wafers.count - drawn.count
    return [
      .figure(
        name: "placement",
        RegionPicture(
          title: "Regions of the wafers",
          description:
            "Regions to scale on \(columns) x \(rows) PEs; the colour is how full the fullest PE's "
            + "SRAM is." + (more > 0 ? " \(more) more kinds of wafers are not drawn." : ""),
          mesh: (columns, rows), wafers: Array(drawn))), regionTable(Array(drawn)),
    ]
  }

  /// Most regions in the table.
  private static let mostRegions = 40

  private func regionTable(_ wafers: [RegionPicture.Wafer]) -> ReportPage.Piece {
    let rows = wafers.flatMap { wafer in
      wafer.regions.map { region in
        [
          wafer.name, region.label, "\(region.columns) x \(region.rows)",
          ReportText.share(region.share, of: 1),
        ]
      }
    }
    return .table(
      columns: ["wafer", "holds", "PEs", "of their SRAM"],
      rows: Array(rows.prefix(Self.mostRegions)))
  }

  private static func ranks(_ ranks: [Int]) -> String {
    guard let first = ranks.first, let last = ranks.last else { return "no rank" }
    if ranks.count == 1 { return "rank \(first)" }
    return last - first == ranks.count - 1
      ? "ranks \(first) to \(last)" : "ranks " + ranks.map(String.init).joined(separator: ", ")
  }

  private static func region(_ region: JSONValue, capacity: Double) -> RegionPicture.Region {
    let first = region["first_layer"]?.whole ?? 0
    let count = region["layers"]?.whole ?? 0
    var parts: [String] = []
    if region["embedding"] == .boolean(true) { parts.append("embedding") }
    if count == 1 { parts.append("layer \(first)") }
    if count > 1 { parts.append("layers \(first) to \(first + count - 1)") }
    if region["head"] == .boolean(true) { parts.append("head") }
    let short = count == 0 ? "" : count == 1 ? "\(first)" : "\(first)-\(first + count - 1)"
    return RegionPicture.Region(
      parts.joined(separator: ", "), short: short, column: region["column"]?.whole ?? 0,
      row: region["row"]?.whole ?? 0, columns: region["columns"]?.whole ?? 0,
      rows: region["rows"]?.whole ?? 0,
      share: (region["sram_used_per_pe_bytes"]?.double ?? 0) / capacity)
  }
}
