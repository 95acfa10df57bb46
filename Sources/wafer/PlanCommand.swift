import ArgumentParser
import Experiments
import Foundation
import Hardware
import Models

/// `wafer plan`
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract:
      "Says how many devices a model needs, how fast they are, what bounds them, and how it lies on them.",
    discussion: """
      Every wafer and accelerator preset answers for one decode step: how many by weights alone and \
      with KV cache and activations, the least time of the step and what bounds it, and its time as \
      priced. One wafer alone shows its placement too, what the mapper tried, and what would fit when \
      nothing does. --pareto weighs tokens/s of a user against tokens/s of a device and of a kW.

        wafer plan --model llama-3.1-70b
        wafer plan --model deepseek-v3 --weights fp8 --hardware wse-3 --hardware h200
        wafer plan --model llama-3.1-70b --hardware wse-3 --pp 4 --mapping region-per-layer --svg plan.svg
        wafer plan --model llama-3.1-70b --hardware wse-3 --hardware h100 --pareto --svg pareto.svg
      """)

  @Option(help: "A preset, synthetic-NAME, a model file or folder, or a config.json.")
  var model: String
  @Option(help: "A wafer or accelerator preset; may be repeated. All when absent.")
  var hardware: [String] = []
  @Option(
    help:
      "How many of each device, instead of the fewest that hold the model; with --pareto a list.")
  var devices: String?
  @Option(help: "Width of weights: bf16, fp8, int8, int4.")
  var weights = NumberFormat.bf16.rawValue
  @Option(help: "Width of keys and values in the cache.")
  var kvCache = NumberFormat.bf16.rawValue
  @Option(help: "Tokens of each sequence; 4096, or the model's longest context if that is less.")
  var context: String?
  @Option(help: "Sequences that decode together: 1; with --pareto a list, 1,2,4,... up to 256.")
  var batch: String?
  @OptionGroup var placement: PlacementOptions
  @Flag(help: "Weigh tokens/s per user against tokens/s per device and per kW.")
  var pareto = false
  @Option(help: "Write the placement, or the frontiers of --pareto, as a picture.")
  var svg: String?
  @Option(help: "Write the frontiers of --pareto as comma-separated values.")
  var csv: String?
  @Flag(help: "Add often-heard claims about devices, each with its arithmetic.")
  var explain = false
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  /// Most devices that may be asked for, far above any plan.
  private static let mostDevices = 1_000_000
  /// Most sequences of a step: each is an entry of its work, priced on some thousand grids.
  private static let mostSequences = 10_000
  /// Longest context, far above any model's.
  private static let longestContext = 100_000_000
  /// A context that nobody gave.
  private static let standardContext = 4096

  func run() throws {
    let library = try presets.library()
    let claims = explain ? try PlanClaims(presets: library) : nil
    if pareto { return try weigh(library, claims) }
    guard csv == nil else {
      throw ConfigurationError(
        .option("--csv"), "is for frontiers", remedy: "Give --pareto too, or --format json")
    }
    let question = try question(library, batch: batch ?? "1")
    let placed = try placed(question, library)
    let plan = try DevicePlan(
      question, names: placed.map { [$0.device.wafer.name] } ?? hardware,
      devices: try devices.map { try count($0, in: 1...Self.mostDevices, "--devices") },
      placement: placed, presets: library)
    let trials = placed?.trials() ?? []
    var document = plan.members
    document["schema"] = "wafer.plan/1"
    if let claims { document["claims"] = claims.json }
    if let placed { document.merge(placed.members(trials: trials)) { $1 } }
    if let svg {
      guard let picture = placed?.svg else { throw placed!.refusal! }
      try write(picture, to: svg, option: "--svg")
    }
    format.print(.object(document)) { style in
      let parts =
        [plan.text(style)] + (placed.map { [$0.text(style, trials: trials)] } ?? [])
        + (claims.map { [$0.text(style)] } ?? [])
      return parts.joined(separator: "\n")
    }
  }

  // MARK: Placement

  /// The placement of the one wafer that is named, or of the standard one when there are options for it;
  /// `nil` when there is none to show.
  private func placed(_ question: PlanQuestion, _ library: PresetLibrary) throws -> WaferPlacement?
  {
    var asked = try placement.settings()
    let option = placement.first ?? (svg == nil ? nil : "--svg")
    if option == nil {
      guard hardware.count == 1,
        try library.kind(
          of: hardware[0], among: [.wafer, .accelerator], at: .option("--hardware")) == .wafer
      else { return nil }
    }
    guard hardware.count <= 1 else {
      throw ConfigurationError(
        .option(option!), "is for one wafer, and \(hardware.count) devices are named",
        remedy: "Give --hardware once")
    }
    var layer = Settings()
    if let name = hardware.first {
      try layer.set("hardware.name", to: .plain(name), at: .option("--hardware"))
    }
    if let devices {
      guard asked["plan.pipeline"] == nil else {
        throw ConfigurationError(
          .option("--devices"), "is given beside --pp", remedy: "Give one of them")
      }
      try layer.set("plan.pipeline", to: .plain(devices), at: .option("--devices"))
    }
    layer.merge(asked)
    asked = layer
    return try WaferPlacement(asked, to: question, model: model, presets: library)
  }

  // MARK: Pareto

  private func weigh(_ library: PresetLibrary, _ claims: PlanClaims?) throws {
    let question = try question(library, batch: "1")
    let plan = try ParetoPlan(
      question,
      axes: ParetoPlan.Axes(
        batches: try counts(batch, in: 1...Self.mostSequences, "--batch"),
        pipelines: try counts(placement.pipeline, in: 1...question.shape.layers, "--pp"),
        tensors: try counts(placement.tensor, in: 1...question.shape.queryHeads, "--tp"),
        mappings: try placement.kinds(),
        accelerators: try counts(devices, in: 1...Self.mostDevices, "--devices")),
      names: hardware.isEmpty ? [PlacementOptions.standardWafer] : hardware, presets: library)
    try placement.refuseAllBut(["--pp", "--tp", "--mapping"], beside: "--pareto")
    if let svg { try write(plan.svg, to: svg, option: "--svg") }
    if let csv { try write(plan.csv, to: csv, option: "--csv") }
    var document: [String: JSONValue] = ["schema": "wafer.plan/1", "pareto": plan.json]
    document["question"] = question.json
    if let claims { document["claims"] = claims.json }
    format.print(.object(document)) { style in
      ([plan.text(style)] + (claims.map { [$0.text(style)] } ?? [])).joined(separator: "\n")
    }
  }

  // MARK: Values

  private func question(
    _ library: PresetLibrary, batch: String
  ) throws(ConfigurationError) -> PlanQuestion {
    var settings = Settings()
    try settings.set("model.name", to: .plain(model), at: .option("--model"))
    let shape = try ExperimentResolver(presets: library).shape(settings)
    let context =
      try context.map { (text) throws(ConfigurationError) in
        try count(text, in: 1...Self.longestContext, "--context")
      } ?? min(Self.standardContext, shape.contextLength)
    return PlanQuestion(
      shape: shape,
      weights: try OptionValue.choice(weights, option: "--weights"),
      keyValues: try OptionValue.choice(kvCache, option: "--kv-cache"),
      context: context,
      batch: try count(batch, in: 1...Self.mostSequences, "--batch"))
  }

  private func count(
    _ text: String, in range: ClosedRange<Int>, _ option: String
  ) throws(ConfigurationError) -> Int {
    try OptionValue.count(text, in: range, option: option)
  }

  /// A list of counts, in rising order, each once.
  private func counts(
    _ text: String?, in range: ClosedRange<Int>, _ option: String
  ) throws(ConfigurationError) -> [Int]? {
    guard let text else { return nil }
    var numbers: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      numbers.insert(try count(String(part), in: range, option))
    }
    return numbers.sorted()
  }

  private func write(_ text: String, to path: String, option: String) throws(ConfigurationError) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw ConfigurationError(
        .option(option), "'\(path)' cannot be written: \(error.localizedDescription)",
        remedy: "Give a path in a folder that exists")
    }
  }
}
