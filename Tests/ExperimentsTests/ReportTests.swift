import Foundation
import Plots
import Programs
import Quantities
import Serving
import Testing

@testable import Experiments

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Reports")
struct ReportTests {
  /// Writes what a run leaves into a folder.
  private static func write(
    _ result: ExperimentResult, to folder: String, document: JSONValue? = nil
  ) throws {
    let document = document ?? RunDocument(result, text: nil, command: ["run", "--pp", "2"]).json
    try Data(document.document.utf8).write(to: URL(fileURLWithPath: "\(folder)/result.json"))
    try TimelineFiles(trace: nil, messages: nil, output: folder).write(result)
  }

  private static func page(_ folder: String) throws -> ReportPage {
    switch try ReportFolder(folder) {
    case .run(let run): RunReport(run, library: Fixtures.presets).page
    case .sweep(let sweep): try SweepReport(sweep, library: Fixtures.presets).page
    }
  }

  /// Text of the error of a folder that cannot be reported.
  private static func failure(_ folder: String) -> String {
    do {
      _ = try page(folder)
      return ""
    } catch {
      return "\(error)"
    }
  }

  private static func isWellFormed(_ text: String) -> Bool {
    XMLParser(data: Data(text.utf8)).parse()
  }

  @Test(
    "a run's page is well-formed, complete and loads nothing",
    arguments: [
      [], ["topology.name=ring"], ["topology.name=torus", "plan.tensor=4"],
      ["topology.name=switch"], ["plan.pipeline=1", "plan.tensor=1"],
      ["hardware.mapping=region-per-layer"], ["workload.output_tokens=30"],
      ["hardware.name=h100", "hardware.devices=1"],
    ])
  func run(arguments: [String]) async throws {
    let result = try await TimelineTests.run(
      "none", recording: .init(windows: 0..<3), set: arguments)
    let folder = try ScratchFolder()
    try Self.write(result, to: folder.path)
    let page = try Self.page(folder.path)
    let html = page.html
    #expect(Self.isWellFormed(html))
    for word in ["src=", "href=\"http", "@import", "url("] {
      #expect(!html.contains(word), "the page loads something: \(word)")
    }
    #expect(html.contains("<pre>wafer run --pp 2</pre>"))
    let titles = page.sections.map(\.title)
    for title in ["Answer", "Timeline", "Assumptions", "Experiment", "Again"] {
      #expect(titles.contains(title), "\(arguments) lacks \(title)")
    }
    // Two drawings of each picture, one of which is shown.
    #expect(html.components(separatedBy: "<svg ").count == 1 + 2 * page.figures.count)
    #expect(Set(page.figures.map(\.name)).count == page.figures.count)
    let places = page.figures.map(\.name)
    #expect(places.contains("topology") == (result.cluster.emulated.wafers > 1))
    #expect(places.contains("placement") == !arguments.contains("hardware.name=h100"))
  }

  @Test("each picture is a file of its own, and a table")
  func files() async throws {
    let folder = try ScratchFolder()
    try Self.write(try await TimelineTests.run("inproc"), to: folder.path)
    let page = try Self.page(folder.path)
    let count = try ReportFiles.write(page, to: "\(folder.path)/page.html")
    let plots = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/plots")
    #expect(plots.count == 2 * page.figures.count && count == 1 + plots.count)
    for name in plots {
      let text = try String(contentsOfFile: "\(folder.path)/plots/\(name)", encoding: .utf8)
      let isWhole = name.hasSuffix(".svg") ? Self.isWellFormed(text) : Plots.CSV(text: text) != nil
      #expect(isWhole, "\(name)")
    }
  }

  @Test("requests that come over time have distributions, one value a request")
  func serving() async throws {
    let result = try await TimelineTests.run(
      "none", set: ["workload.arrivals=poisson", "workload.rate=500/s", "workload.requests=25"])
    let folder = try ScratchFolder()
    try Self.write(result, to: folder.path)
    let page = try Self.page(folder.path)
    for name in ["request-ttft", "request-e2el"] {
      let chart = try #require(page.figures.first { $0.name == name }?.chart as? Distribution)
      #expect(chart.values.count == 25)
    }
    let metrics = try #require(result.cluster.emulated.serving?.timeToFirstToken)
    let ttft = try #require(
      page.figures.first { $0.name == "request-ttft" }?.chart as? Distribution)
    #expect(ttft.percentile(0.9) == Double(metrics.p90.picoseconds))
    #expect(page.html.contains("cluster, E2EL"))
  }

  @Test("the account's picture shows the document's numbers")
  func account() async throws {
    let result = try await TimelineTests.run("none")
    let folder = try ScratchFolder()
    try Self.write(result, to: folder.path)
    let figures = try Self.page(folder.path).figures
    let chart = try #require(figures.first { $0.name == "account-difference" }?.chart)
    let total = chart.csv.rows.compactMap { Int64($0[2]) }.reduce(0, +)
    #expect(total == result.extra.picoseconds)
  }

  @Test("what a question holds is text, never markup")
  func escaping() async throws {
    let result = try await TimelineTests.run("none", set: ["summary=<b>\"faster\" & cheaper?"])
    let folder = try ScratchFolder()
    try Self.write(result, to: folder.path)
    let html = try Self.page(folder.path).html
    #expect(html.contains("&lt;b&gt;&quot;faster&quot; &amp; cheaper?") && !html.contains("<b>"))
    #expect(Self.isWellFormed(html))
  }

  @Test("style and script of a page hold nothing that markup would change")
  func style() {
    for text in [PageStyle.rules, PageStyle.script] {
      #expect(!text.contains { "<>&\"".contains($0) })
    }
  }

  @Test("a command line is quoted as a shell reads it")
  func quoting() {
    #expect(
      ReportFiles.commandLine(["run", "--prompt", "it's", "--set", "a=b", ""])
        == "wafer run --prompt 'it'\\''s' --set a=b ''")
  }

  @Test("foreign and broken folders are errors that say what is expected")
  func foreign() async throws {
    let folder = try ScratchFolder()
    #expect(Self.failure("\(folder.path)/none").contains("is not a folder"))
    #expect(Self.failure(folder.path).contains("neither result.json nor sweep.json"))
    try folder.write("", to: "result.json")
    #expect(Self.failure(folder.path).contains("is empty: the run has not ended"))
    try folder.write("[1", to: "result.json")
    #expect(Self.failure(folder.path).contains("is not JSON"))
    try folder.write("{\"schema\": \"wafer.plan/1\"}", to: "result.json")
    #expect(Self.failure(folder.path).contains("is 'wafer.plan/1', not 'wafer.run/1'"))
    try folder.write("{\"schema\": \"wafer.run/1\"}", to: "result.json")
    #expect(Self.failure(folder.path).contains("'experiment' is missing"))
    let other = try ScratchFolder()
    try Self.write(try await TimelineTests.run("none"), to: other.path)
    try other.write("a,b\r\n1,2\r\n", to: "messages.csv")
    #expect(Self.failure(other.path).contains("Its columns are step,from,to"))
  }

  @Test("a page's heading is the question, and its answer has the figures of the document")
  func head() async throws {
    let result = try await TimelineTests.run("none", set: ["summary=What does it cost?"])
    let folder = try ScratchFolder()
    try Self.write(result, to: folder.path)
    let page = try Self.page(folder.path)
    #expect(page.html.contains("<h1>What does it cost?</h1>"))
    let tpot = ValueUnit.picoseconds.text(
      Double(result.cluster.emulated.timePerOutputToken!.picoseconds))
    let extra = ValueUnit.picoseconds.text(Double(abs(result.extra.picoseconds)))
    #expect(page.answer.contains(tpot) && page.answer.contains(extra), "\(page.answer)")
    let service = try await TimelineTests.run(
      "none", set: ["workload.arrivals=poisson", "workload.rate=500/s", "workload.requests=25"])
    try Self.write(service, to: folder.path)
    let answer = try Self.page(folder.path).answer
    let metrics = try #require(service.cluster.emulated.serving)
    for time in [metrics.timeToFirstToken!.p50, metrics.timeToFirstToken!.p99] {
      #expect(answer.contains(ValueUnit.picoseconds.text(Double(time.picoseconds))), "\(answer)")
    }
    #expect(answer.contains("25 requests") && answer.contains("stand still"), "\(answer)")
  }

  // MARK: Sweeps

  private static func sweep(_ folder: ScratchFolder, rows: [String]) throws {
    try folder.write(
      """
      {"schema": "wafer.sweep/1", "command": ["/x/wafer", "sweep", "--over", "tp=1,2"],
      "axes": [{"key": "link.latency", "name": "link-latency"}, {"key": "plan.tensor", "name": "tp"}]}
      """, to: "sweep.json")
    try folder.write(rows.joined(separator: "\n"), to: "rows.jsonl")
  }

  @Test("curves and fields of a sweep have a point for each row")
  func curves() throws {
    var rows: [String] = []
    for latency in [0, 2, 5] {
      for tensor in [1, 2, 4] {
        rows.append(
          """
          {"point": \(rows.count), "link.latency": "\(latency)us", "plan.tensor": "\(tensor)", \
          "status": "done", "reason": null, "tpot_ps": \(1000 + latency * tensor)}
          """)
      }
    }
    let folder = try ScratchFolder()
    try Self.sweep(folder, rows: rows)
    let figures = try Self.page(folder.path).figures
    let curve = try #require(figures.first { $0.chart is LineChart }?.chart as? LineChart)
    #expect(curve.series.map(\.name) == ["tp 1", "tp 2", "tp 4"])
    #expect(curve.series[2].points.map(\.x) == [0, 2e6, 5e6])
    #expect(curve.series[2].points.map(\.y) == [1000, 1008, 1020])
    let field = try #require(figures.first { $0.chart is HeatMap }?.chart as? HeatMap)
    #expect(field.columns.names == ["0us", "2us", "5us"] && field.rows.names == ["1", "2", "4"])
    #expect(field.values[2] == [1000, 1008, 1020])
    let answer = try Self.page(folder.path).answer
    #expect(
      answer.contains("1 ns at link-latency 0us, tp 1, and 1.02 ns at link-latency 5us, tp 4"),
      "\(answer)")
    #expect(answer.contains("By itself link-latency changes that up to 1.0200 times"), "\(answer)")
  }

  @Test("a point that cannot be is a hole in a field, and says why")
  func impossible() throws {
    let folder = try ScratchFolder()
    func row(_ latency: Int, _ tensor: Int, _ rest: String) -> String {
      "{\"link.latency\": \"\(latency)us\", \"plan.tensor\": \"\(tensor)\", \(rest)}"
    }
    try Self.sweep(
      folder,
      rows: [
        row(1, 1, "\"tpot_ps\": 5, \"reason\": null"), row(1, 2, "\"tpot_ps\": 6"),
        row(2, 1, "\"tpot_ps\": null, \"reason\": \"too few heads\""),
        row(2, 2, "\"tpot_ps\": 8"),
      ])
    let page = try Self.page(folder.path)
    let field = try #require(page.figures.first { $0.chart is HeatMap }?.chart as? HeatMap)
    #expect(field.values == [[5, nil], [6, 8]])
    #expect(page.html.contains("link-latency 2us, tp 1: too few heads"))
    #expect(page.html.contains("<pre>wafer sweep --over tp=1,2</pre>"))
  }

  @Test("a row without an axis, a row that is not JSON and a sweep without rows are errors")
  func brokenSweeps() throws {
    let folder = try ScratchFolder()
    try Self.sweep(folder, rows: ["{\"plan.tensor\": 1}"])
    #expect(Self.failure(folder.path).contains("rows.jsonl:1: 'link.latency' is missing"))
    try Self.sweep(folder, rows: ["{", "{}"])
    #expect(Self.failure(folder.path).contains("rows.jsonl:1: is not JSON"))
    try Self.sweep(folder, rows: [])
    #expect(Self.failure(folder.path).contains("has no rows"))
  }

  @Test("half a line at the end, of an interrupted sweep, is left out")
  func interrupted() throws {
    let folder = try ScratchFolder()
    try Self.sweep(
      folder,
      rows: [
        "{\"link.latency\": \"1us\", \"plan.tensor\": 1, \"tpot_ps\": 5}",
        "{\"link.latency\": \"2us\", \"plan.tensor\": 1, \"tpot_ps\": 7}", "{\"link.lat",
      ])
    let figures = try Self.page(folder.path).figures
    let curve = try #require(figures.first?.chart)
    #expect(curve.csv.rows.count == 2)
  }
}

/// A folder of one test's own, removed with all that the programs wrote into it.
private final class ScratchFolder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("wafer-report-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
