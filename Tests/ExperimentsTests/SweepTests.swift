import Foundation
import Programs
import Quantities
import Testing

@testable import Experiments

@Suite("Sweeps")
struct SweepTests {
  /// A small experiment: emulated time alone.
  static let base = ["workload.output_tokens=3", "hardware.hypothetical_sram=true"]

  static func sweep(
    _ over: String..., set arguments: [String] = base, measures: Sweep.Measures? = nil
  ) throws -> Sweep {
    try Sweep(
      try SweepGrid(
        base: try Fixtures.settings(set: arguments), axes: try over.map { try SweepAxis($0) }),
      measures: measures, resolver: Fixtures.resolver)
  }

  static func rows(
    _ sweep: Sweep, workers: Int = 2, from first: Int = 0,
    interruption: @escaping @Sendable () -> String? = { nil }
  ) async throws -> [JSONValue] {
    var rows: [JSONValue] = []
    let run = SweepRun(
      sweep, launch: NodeLaunch(program: nil, coordinator: nil), workers: workers,
      interruption: interruption)
    _ = try await run.run(from: first) {
      rows.append($0.json(sweep.grid.axes, measures: sweep.measures != nil))
    }
    return rows
  }

  // MARK: Axes

  @Test("an axis is named by a key, by its last part's section, or by an option")
  func names() throws {
    for (argument, key, values) in [
      ("plan.tensor=1,2", "plan.tensor", ["1", "2"]), ("tp=1,2", "plan.tensor", ["1", "2"]),
      ("tensor-parallel-size=4", "plan.tensor", ["4"]), ("model=a,b", "model.name", ["a", "b"]),
      ("link-latency=1us, 5 us", "link.latency", ["1us", "5 us"]),
      ("layers=4,4;5,3", "plan.layers", ["4,4", "5,3"]),
      ("link.bandwidth=infinite,1GB/s", "link.bandwidth", ["infinite", "1GB/s"]),
    ] {
      let axis = try SweepAxis(argument)
      #expect(axis.column == key && axis.values == values, "\(argument)")
    }
  }

  @Test("keys that are joined take their values together: by + or, of whole numbers, by x")
  func joint() throws {
    for (argument, name, parts) in [
      ("pp+tp=1x1,4x2", "pp+tp", [["1", "1"], ["4", "2"]]),
      ("pp + tp=1+1, 4 x 2", "pp+tp", [["1", "1"], ["4", "2"]]),
      (
        "link-latency+link.bandwidth=1us+infinite,5us+150GB/s", "link-latency+link-bandwidth",
        [["1us", "infinite"], ["5us", "150GB/s"]]
      ),
      ("layers+tp=4,4+1;5,3+2", "layers+tp", [["4,4", "1"], ["5,3", "2"]]),
    ] {
      let axis = try SweepAxis(argument)
      #expect(axis.name == name && axis.parts == parts, "\(argument)")
    }
  }

  @Test("a joint axis is one loop, and its rows have a column for it and one for each key")
  func jointRows() async throws {
    let sweep = try Self.sweep("pp+tp=1x1,2x1,1x2,9x1", "link-latency=1us,5us")
    #expect(
      sweep.columns.prefix(5) == [
        "point", "plan.pipeline+plan.tensor", "plan.pipeline", "plan.tensor", "link.latency",
      ])
    let rows = try await Self.rows(sweep)
    let apart = try await Self.rows(try Self.sweep("pp=1,2,9", "tp=1,2", "link-latency=1us,5us"))
    #expect(rows.count == 8)
    for row in rows {
      let twin = try #require(
        apart.first { other in
          ["plan.pipeline", "plan.tensor", "link.latency"].allSatisfy { other[$0] == row[$0] }
        })
      #expect(row["total_ps"] == twin["total_ps"] && row["status"] == twin["status"])
    }
    #expect(rows[2]["plan.pipeline+plan.tensor"] == "2x1" && rows[2]["plan.pipeline"] == "2")
    #expect(rows[6]["status"] == "impossible")
  }

  @Test(
    "a file's section 'sweep' holds axes in its order, and what is wrong there is named by its line"
  )
  func section() throws {
    let text = """
      sweep:
        pp+tp: [1x1, 2x2]
        link-latency: [1 us, 5us]
        layers: [[4, 4], "5,3"]
        link.overrides: [none, [{from: 0, to: 1, latency: 9 us}]]

      """
    let settings = try Fixtures.settings(text)
    #expect(settings.axes.map(\.name) == ["pp+tp", "link-latency", "layers", "link.overrides"])
    #expect(settings.axes[2].values == ["[4, 4]", "5,3"])
    #expect(settings.axes[3].values == ["none", "[{from: 0, to: 1, latency: 9 us}]"])
    #expect(settings.names.isEmpty)
    for (yaml, words) in [
      ("seed: 1\nsweep:\n  tq: [1]\n", ["test.yaml:3", "tq", "nearest is 'tp'"]),
      ("sweep: {tp: 1}\n", ["test.yaml:1", "sweep.tp", "no list"]),
      ("sweep:\n  tp: [1, 0]\n", ["test.yaml:2", "'0'"]), ("sweep: [tp]\n", ["sweep"]),
      ("sweep: {}\n", ["no axis"]), ("sweep:\n  output: [a]\n", ["no axis"]),
      ("sweep:\n  pp+tp: [1x1, 2]\n", ["test.yaml:2", "'2'", "2 keys"]),
    ] {
      let error = Fixtures.error(yaml)
      for word in words { #expect("\(error!)".contains(word), "\(error!)") }
    }
  }

  @Test(
    "a wrong axis is an error that names key and value",
    arguments: [
      ("tp", ["KEY=VALUE"]), ("tq=1", ["tq", "nearest is 'tp'"]),
      ("link.latncy=1us", ["link.latncy", "link.latency"]), ("tp=1,x", ["plan.tensor", "'x'"]),
      ("link-latency=1us,5", ["link.latency", "unit"]), ("tp=1,,2", ["plan.tensor", "empty"]),
      ("tp=1,2,1", ["plan.tensor", "'1' twice"]), ("link.hold=deliver", ["link.hold", "delivery"]),
      ("output=a,b", ["host.output", "no axis"]), ("tp=0", ["plan.tensor", "'0'"]),
      ("pp+tp=1x1,4", ["plan.pipeline+plan.tensor", "'4'", "'4x2' or '4+2'"]),
      ("pp+tp=1x", ["'1x'"]), ("pp+pp=1x1", ["plan.pipeline", "twice"]),
      ("pp+tq=1x1", ["tq", "nearest is 'tp'"]), ("link-latency+tp=1us+0", ["plan.tensor", "'0'"]),
    ])
  func wrongAxes(argument: String, words: [String]) {
    let error = #expect(throws: ConfigurationError.self) { try SweepAxis(argument) }
    for word in words { #expect("\(error!)".contains(word), "\(error!)") }
  }

  @Test("a grid is refused without axes, with one key twice, and with keys that exclude each other")
  func wrongGrids() throws {
    for axes in [
      [], ["tp=1", "plan.tensor=2"], ["prompt-tokens=4", "prompt-ids=1;2"], ["pp+tp=1x1", "tp=2"],
    ] {
      let axes = try axes.map { try SweepAxis($0) }
      #expect(throws: ConfigurationError.self) { try SweepGrid(base: Settings(), axes: axes) }
    }
  }

  @Test("the last axis changes fastest")
  func order() throws {
    let grid = try Self.sweep("pp=1,2", "link-latency=1us,2us,3us").grid
    #expect(
      (0..<grid.count).map { grid.values(at: $0) } == [
        ["1", "1us"], ["1", "2us"], ["1", "3us"], ["2", "1us"], ["2", "2us"], ["2", "3us"],
      ])
  }

  @Test("a sweep of which no point can be is an error of the input")
  func noPoint() {
    #expect(throws: ConfigurationError.self) {
      try Self.sweep("tp=1,2", set: ["model.name=not-there"])
    }
  }

  // MARK: Rows

  @Test("each row is what a run of its experiment gives")
  func rowsAreRuns() async throws {
    let sweep = try Self.sweep(
      "pp=1,2,4", "tp=1,2,3", "link-latency=0us,5us", "link-bandwidth=infinite,150GB/s")
    let rows = try await Self.rows(sweep)
    #expect(rows.count == 36)
    for (number, row) in rows.enumerated() {
      let settings = try sweep.grid.settings(at: number).evaluated
      let run = ExperimentRun(
        try Fixtures.resolver.resolve(settings),
        launch: NodeLaunch(program: nil, coordinator: nil))
      let document = RunDocument(try await run.run(), text: nil).json
      let emulated = try #require(document["cluster"]?["emulated"])
      for key in ["ttft_ps", "tpot_ps", "total_ps", "tokens_per_second", "joules_per_token"] {
        #expect(row[key] == emulated[key], "\(key) of \(row.line)")
      }
      let comparison = try #require(document["comparison"])
      #expect(row["slowdown"] == comparison["slowdown"])
      #expect(row["extra_ps"] == comparison["extra_ps"])
      for entry in Account.Entry.allCases {
        #expect(
          row["extra_\(entry.rawValue)_ps"] == comparison["extra_account_ps"]?[entry.rawValue])
      }
    }
  }

  @Test("the entries of a row's difference add up to it")
  func entriesAddUp() async throws {
    for row in try await Self.rows(try Self.sweep("pp=1,2", "tp=1,2", "batch=1,3")) {
      let sum = Account.Entry.allCases.reduce(Int64(0)) {
        $0 + (row["extra_\($1.rawValue)_ps"]?.integer ?? 0)
      }
      #expect(row["extra_ps"]?.integer == sum, "\(row.line)")
    }
  }

  @Test("points that cannot be are rows with a reason: too many stages, and too little SRAM")
  func impossible() async throws {
    let rows = try await Self.rows(
      try Self.sweep(
        "pp=2,9", "prompt-tokens=4,4000000",
        set: ["workload.output_tokens=2", "hardware.hypothetical_sram=false"]))
    #expect(
      rows.map { $0["status"] } == ["done", "impossible", "impossible", "impossible"])
    #expect(rows[1]["reason"]?.string?.contains("SRAM") ?? false, "\(rows[1].line)")
    #expect(rows[2]["reason"]?.string?.contains("plan.pipeline") ?? false, "\(rows[2].line)")
    #expect(rows[1]["total_ps"] == .null)
  }

  @Test("rows are the same, in the same order, by one thread and by several")
  func threads() async throws {
    let sweep = try Self.sweep("pp=1,2,4", "tp=1,2,4", "link-latency=1us,5us")
    let alone = try await Self.rows(sweep, workers: 1)
    #expect(try await Self.rows(sweep, workers: 4) == alone)
    #expect(alone.map { $0["point"] } == (0..<18).map { .integer($0) })
  }

  @Test("a row's line is one line, with every column")
  func columns() async throws {
    let sweep = try Self.sweep("pp=2,9")
    for row in try await Self.rows(sweep) {
      #expect(!row.line.contains("\n"))
      guard case .object(let members) = row else { return #expect(Bool(false)) }
      #expect(Set(members.keys) == Set(sweep.columns))
    }
  }

  @Test("fields of a table are quoted where commas and quotes ask for it, and hold no line's end")
  func fields() {
    #expect(RowField.text("plain") == "plain")
    #expect(RowField.text("a,b") == "\"a,b\"")
    #expect(RowField.text("say \"x\"") == "\"say \"\"x\"\"\"")
    #expect(RowField.text("two\nlines") == "two lines")
    #expect(RowField.text(.null) == "" && RowField.text(.boolean(true)) == "true")
  }

  @Test(
    "a sweep's answer names the ends of each result, the axis that moves it, and what cannot be")
  func answer() {
    func row(_ latency: String, _ tensor: Int, _ time: Double?) -> JSONValue {
      let value = time.map { JSONValue.number("\($0)") } ?? .null
      return [
        "link.latency": .string(latency), "plan.tensor": .string("\(tensor)"),
        "tpot_ps": value, "ttft_ps": time == nil ? .null : .integer(5_000_000),
        "total_ps": value, "slowdown": time.map { .number("\($0 / 1e6)") } ?? .null,
      ]
    }
    let rows = [
      row("1us", 1, 1e6), row("1us", 2, 1.5e6), row("9us", 1, 3e6), row("9us", 2, 4e6),
      row("9us", 4, nil),
    ]
    let answer = SweepAnswer(
      axes: [("link-latency", "link.latency"), ("tp", "plan.tensor")], rows: rows)
    #expect(
      answer.sentences == [
        "A token takes 1.000 us at link-latency 1us, tp 1, and 4.000 us at link-latency 9us, tp 2: "
          + "4.00 times as long.",
        "By itself link-latency changes that up to 3.00 times, tp up to 1.50 times.",
        "In all it takes 1.0000 times as long as on one wafer at link-latency 1us, tp 1, and "
          + "4.0000 times at link-latency 9us, tp 2.",
        "1 of 5 points cannot be: link-latency 9us, tp 4.",
      ])
    #expect(answer.ranges.map(\.varies) == [true, false, true])
    #expect(SweepAnswer(axes: answer.axes, rows: [rows[4]]).sentences.isEmpty)
    #expect(
      SweepAnswer.shown(
        "[{from: 1, to: 2, latency: 5us, bandwidth: 1GB/s}, {from: 2, to: 1, latency: 9us}]")
        == "1 to 2: latency 5us, bandwidth 1GB/s; 2 to 1: latency 9us")
    #expect(SweepAnswer.shown("[{rank: 1, speed: 0.5}]") == "rank 1, speed 0.5")
    #expect(SweepAnswer.shown("none") == "none")
  }

  // MARK: Progress

  @Test("an estimate goes by the rows of this call alone")
  func progress() {
    let progress = SweepProgress(done: 60, before: 50, all: 100, seconds: 5)
    #expect(progress.secondsLeft == 20)
    #expect(progress.words == "60 of 100 points, 60 %, 0:20 min left")
    #expect(progress.bar(width: 60).count <= 60 && progress.bar(width: 60).hasPrefix("[###"))
    #expect(progress.bar(width: 10).count == 10)
    #expect(SweepProgress(done: 0, before: 0, all: 9, seconds: 1).secondsLeft == nil)
    #expect(SweepProgress.clock(3700) == "1:01 h")
  }
}
