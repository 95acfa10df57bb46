import ArgumentParser
import Experiments
import Models

/// `wafer plan`
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Says how many devices a model needs, how fast they can be, and what bounds them.",
    discussion: """
      Every wafer and accelerator preset answers for one decode step: how many by weights alone and \
      with KV cache and activations, the least time of the step and what bounds it, and its time as \
      priced.

        wafer plan --model llama-3.1-70b
        wafer plan --model deepseek-v3 --weights fp8 --hardware wse-3 --hardware h200
        wafer plan --model llama-3.1-70b --hardware h100 --devices 4 --context 2048
      """)

  @Option(help: "A preset, synthetic-NAME, a model file or folder, or a config.json.")
  var model: String
  @Option(help: "A wafer or accelerator preset; may be repeated. All when absent.")
  var hardware: [String] = []
  @Option(help: "How many of each device, instead of the fewest that hold the model.")
  var devices: String?
  @Option(help: "Width of weights: bf16, fp8, int8, int4.")
  var weights = NumberFormat.bf16.rawValue
  @Option(help: "Width of keys and values in the cache.")
  var kvCache = NumberFormat.bf16.rawValue
  @Option(help: "Tokens of each sequence; 4096, or the model's longest context if that is less.")
  var context: String?
  @Option(help: "Sequences that decode together.")
  var batch = "1"
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
    let plan = try devicePlan(library)
    let claims = explain ? try PlanClaims(presets: library) : nil
    var document = plan.members
    document["schema"] = "wafer.plan/1"
    if let claims { document["claims"] = claims.json }
    format.print(.object(document)) { style in
      ([plan.text(style)] + (claims.map { [$0.text(style)] } ?? [])).joined(separator: "\n")
    }
  }

  private func devicePlan(_ library: PresetLibrary) throws(ConfigurationError) -> DevicePlan {
    var settings = Settings()
    try settings.set("model.name", to: .plain(model), at: .option("--model"))
    let shape = try ExperimentResolver(presets: library).shape(settings)
    let context =
      try context.map { (text) throws(ConfigurationError) in
        try OptionValue.count(text, in: 1...Self.longestContext, option: "--context")
      } ?? min(Self.standardContext, shape.contextLength)
    let question = PlanQuestion(
      shape: shape,
      weights: try OptionValue.choice(weights, option: "--weights"),
      keyValues: try OptionValue.choice(kvCache, option: "--kv-cache"),
      context: context,
      batch: try OptionValue.count(batch, in: 1...Self.mostSequences, option: "--batch"))
    let devices = try devices.map { (text) throws(ConfigurationError) in
      try OptionValue.count(text, in: 1...Self.mostDevices, option: "--devices")
    }
    return try DevicePlan(question, names: hardware, devices: devices, presets: library)
  }
}
