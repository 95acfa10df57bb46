import ArgumentParser
import Experiments
import Foundation

/// `wafer sweep`
struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Evaluates an experiment over axes: every value with every other.",
    discussion: """
      --over names an option without its dashes, or any key; values are separated by commas, or by \
      semicolons where they have commas themselves. Points that cannot be, as with more stages than \
      layers, are rows with a reason. With --output DIR rows are written as they come, and the same \
      command goes on where it was interrupted.

        wafer sweep --model llama-3.1-70b --over pp=1,2,4 --over tp=1,2,4 --hypothetical-sram
        wafer sweep EXPERIMENT.yaml --over link-latency=1us,5us,20us --output latency
        wafer sweep --over link.hold=serialization,delivery --measure --transport ipc
      """)

  @OptionGroup(title: "Experiment") var experiment: ExperimentOptions
  @Option(
    name: .customLong("over"), parsing: .singleValue,
    help: ArgumentHelp(
      "An axis: a key and its values; may be repeated. The last one changes fastest.",
      valueName: "key=value,…"))
  var over: [String] = []
  @Flag(help: "Run every point on nodes too, one after the other, and add measured columns.")
  var measure = false
  @Option(
    help: ArgumentHelp(
      "Measure every so many points, from the first on; means --measure.", valueName: "n"))
  var measureEvery: String?
  @OptionGroup(title: "Nodes") var nodes: NodeOptions
  @OptionGroup var format: FormatOption

  func run() async throws {
    let sweep = try sweep()
    let document = sweep.json(command: ["wafer"] + CommandLine.arguments.dropFirst())
    let folder = try output.map { path throws(ConfigurationError) in
      try SweepStore(
        path, sweep: document, columns: sweep.columns, rows: sweep.grid.count)
    }
    var rows = folder?.finished ?? []
    let launch = try launch(sweep)
    defer { launch.end() }
    let interruption = Interruption()
    interruption.install()
    let progress = SweepProgressLine(before: rows.count, all: sweep.grid.count)
    let run = SweepRun(
      sweep, launch: launch, workers: ProcessInfo.processInfo.activeProcessorCount,
      interruption: { interruption.reason })
    let end: Int
    do {
      end = try await run.run(from: rows.count) { row in
        let json = row.json(sweep.grid.axes, measures: sweep.measures != nil)
        try folder?.append(json)
        rows.append(json)
        progress.show(rows.count)
      }
    } catch {
      progress.end()
      throw error
    }
    progress.end()
    guard end == sweep.grid.count else {
      throw RunFailure(
        "\(interruption.reason ?? "stopped") after \(end) of \(sweep.grid.count) points; "
          + (output.map { "their rows are in '\($0)', and the same command goes on from there" }
            ?? "with --output DIR rows are kept, and the same command goes on from there"))
    }
    let found = rows
    format.print(document.adding("rows", .array(found))) { SweepText(sweep, rows: found).text($0) }
    let failed = rows.count { $0["status"] == "measurement-failed" }
    if failed > 0 {
      throw RunFailure("\(failed) of \(rows.count) points failed on nodes; their rows say why")
    }
  }

  private var output: String? { experiment.output }

  private func sweep() throws(ConfigurationError) -> Sweep {
    var axes: [SweepAxis] = []
    for argument in over { axes.append(try SweepAxis(argument)) }
    let grid = try SweepGrid(base: try experiment.settings(), axes: axes)
    guard experiment.logits == nil else {
      throw ConfigurationError(
        .option("--logits"), "is given, and a sweep writes none", remedy: "Use 'wafer run'")
    }
    let every = try measureEvery.map { text throws(ConfigurationError) in
      try OptionValue.count(text, in: 1...1_000_000, option: "--measure-every")
    }
    let measures = every ?? (measure ? 1 : nil)
    return try Sweep(
      grid, measures: measures.map { Sweep.Measures(every: $0) },
      resolver: ExperimentResolver(presets: try experiment.presets.library().remembering))
  }

  /// Who starts nodes; nobody where nothing is measured.
  private func launch(_ sweep: Sweep) throws -> NodeLaunch {
    guard let transport = sweep.transport else { return NodeLaunch(program: nil, coordinator: nil) }
    return try nodes.launch(for: transport)
  }
}
