import Plots
import Quantities

/// The report of one run: what was asked, what came out, where the time went, and how to get it again.
public struct RunReport: Sendable {
  let folder: RunFolder
  /// Presets to look figures up in; `nil` leaves them out.
  let library: PresetLibrary?

  /// A report of a folder.
  public init(_ folder: RunFolder, library: PresetLibrary?) {
    self.folder = folder
    self.library = library
  }

  var result: JSONValue { folder.result }
  var modelled: JSONValue { result.at("experiment", "modelled") ?? .null }
  var single: JSONValue { result["single"] ?? .null }
  var cluster: JSONValue { result["cluster"] ?? .null }

  /// The page.
  public var page: ReportPage {
    var page = ReportPage(title: title, lead: lead)
    page.question = result["summary"]?.string
    page.answer = answer
    page.add("Answer", [clocks] + tokens)
    page.add("Where the last token's time went", [accountChart, differenceChart, accountTable])
    page.add("What faults cost", faults)
    page.add("How ranks used their time", ranks)
    page.add("Timeline", timeline)
    page.add("Latencies", latencies)
    page.add("Links", links)
    page.add("Placement", placement)
    page.add("Assumptions", assumptions)
    page.add("Experiment", experiment)
    page.add("Again", again)
    return page
  }

  // MARK: Words

  private var model: String { modelled.at("model", "name")?.string ?? "a model" }
  private var device: String { modelled.at("hardware", "name")?.string ?? "wafer" }
  var nodes: Int { cluster["nodes"]?.whole ?? 1 }

  private var title: String {
    let plan = modelled["plan"]
    return "\(model) on \(nodes) \(device), PP \(plan?["pipeline"]?.words ?? "1") x TP "
      + "\(plan?["tensor"]?.words ?? "1")"
  }

  /// What was run; where nobody asked anything, what every run asks.
  private var lead: String {
    let workload = modelled["workload"]
    var work =
      "\(workload?["batch"]?.words ?? "1") x \(workload?["prompt_tokens"]?.words ?? "?") prompt and "
      + "\(workload?["output_tokens"]?.words ?? "?") output tokens"
    if let served = modelled["served"], served != .null {
      work =
        "\(served["requests"]?.words ?? "?") requests (\(served["arrivals"]?.words ?? "?")), at most "
        + "\(workload?["batch"]?.words ?? "1") at once"
    }
    return result["summary"]?.string == nil
      ? "\(work): what latency and throughput does the split give, what would one wafer have given, and "
        + "where does the difference come from?"
      : "\(title); \(work)."
  }

  private var clocks: ReportPage.Piece {
    var rows: [[String]] = []
    for (name, half) in [
      ("single", single), ("cluster", cluster), ("best single", result["best_single"] ?? .null),
    ] {
      guard let emulated = half["emulated"] else { continue }
      rows.append([
        "emulated, \(name)", ReportText.time(emulated["ttft_ps"]),
        ReportText.time(emulated["tpot_ps"]), ReportText.time(emulated["total_ps"]),
        ReportText.number(emulated["tokens_per_second"]),
        ReportText.number(emulated["joules_per_token"]),
      ])
    }
    for (name, half) in [("single", single), ("cluster", cluster)] {
      guard let measured = half["measured"], measured != .null else { continue }
      let isCrowded = measured["oversubscribed"] == .boolean(true)
      rows.append([
        "measured, \(name)" + (isCrowded ? " (more nodes than processors)" : ""),
        ReportText.time(measured["ttft_ns"], .nanoseconds),
        ReportText.time(measured["tpot_ns"], .nanoseconds),
        ReportText.time(measured["total_ns"], .nanoseconds), "-", "-",
      ])
    }
    return .table(columns: ["", "TTFT", "TPOT", "total", "tokens/s", "J/token"], rows: rows)
  }

  /// The text, where there is one, and whether both halves gave the same tokens.
  private var tokens: [ReportPage.Piece] {
    var pieces: [ReportPage.Piece] = []
    if let equal = result.at("comparison", "tokens_equal") {
      pieces.append(
        .text(equal == .boolean(true) ? "Both gave the same tokens." : "The tokens part."))
    }
    if let text = cluster["text"]?.list?.first?.string { pieces.append(.command(text)) }
    return pieces
  }

  // MARK: The end

  private var experiment: [ReportPage.Piece] {
    func rows(_ part: String) -> [[String]] {
      (result.at("experiment", part)?.leaves ?? []).map { [$0.name, $0.value.words] }
    }
    return [
      .text("What decides emulated time:"),
      .table(columns: ["key", "value"], rows: rows("modelled")),
      .text("What this host did beside it:"),
      .table(columns: ["key", "value"], rows: rows("host")),
    ]
  }

  private var again: [ReportPage.Piece] {
    let provenance = result["provenance"]
    let arguments = provenance?["command"]?.list?.compactMap(\.string) ?? []
    var pieces: [ReportPage.Piece] = []
    if !arguments.isEmpty { pieces.append(.command(ReportFiles.commandLine(arguments))) }
    pieces.append(
      .text("Made by WaferCluster \(provenance?["tool_version"]?.string ?? "of unknown version")."))
    let presets = provenance?["presets"]?.list ?? []
    if !presets.isEmpty {
      pieces.append(
        .table(
          columns: ["kind", "preset", "file", "sha256"],
          rows: presets.map { preset in
            ["kind", "name", "file", "sha256"].map { preset[$0]?.words ?? "" }
          }))
    }
    return pieces
  }

  private var assumptions: [ReportPage.Piece?] {
    let warnings = result["warnings"]?.list?.compactMap(\.string) ?? []
    return [warnings.isEmpty ? nil : .warnings(warnings)]
      + ReportAssumptions(provenance: result["provenance"] ?? .null, library: library).pieces
  }
}
