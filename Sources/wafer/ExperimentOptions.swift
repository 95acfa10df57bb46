import ArgumentParser
import Experiments

/// The options of every command that takes an experiment. Each sets one key of the experiment's schema,
/// which also gives its help and checks its value.
struct ExperimentOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A file of Configs/experiments or one like it; without it, the embedded default.",
      valueName: "experiment.yaml"))
  var file: String?

  @Option(name: .long, help: .key("model.name")) var model: String?
  @Option(
    name: [.customLong("pp"), .customLong("pipeline-parallel-size")], help: .key("plan.pipeline"))
  var pipeline: String?
  @Option(
    name: [.customLong("tp"), .customLong("tensor-parallel-size")], help: .key("plan.tensor"))
  var tensor: String?
  @Option(name: .long, help: .key("plan.layers")) var layers: String?

  @Option(name: .long, help: .key("hardware.name")) var hardware: String?
  @Option(name: .long, help: .key("hardware.clock")) var clock: String?
  @Option(name: .long, help: .key("hardware.calibration")) var calibration: String?
  @Option(name: .long, help: .key("hardware.mapping")) var mapping: String?
  @Option(name: .long, help: .key("hardware.grid")) var grid: String?
  @Option(name: .long, help: .key("hardware.devices")) var devices: String?
  @Option(name: .long, help: .key("hardware.defect_density")) var defectDensity: String?
  @Option(name: .long, help: .key("hardware.defect_map")) var defectMap: String?
  @Flag(
    name: .long,
    help: "Take the SRAM as enlarged where it is too small; the result is then marked so.")
  var hypotheticalSram = false
  @Option(name: .long, help: .key("link.name")) var link: String?
  @Option(name: .long, help: .key("link.latency")) var linkLatency: String?
  @Option(name: .long, help: .key("link.bandwidth")) var linkBandwidth: String?
  @Option(name: .long, help: .key("topology.name")) var topology: String?
  @Option(name: .long, help: .key("topology.dimensions")) var topologyDimensions: String?
  @Option(name: .long, help: .key("topology.switch_latency")) var switchLatency: String?

  @Option(name: .long, help: .key("workload.prompt")) var prompt: String?
  @Option(name: .long, help: .key("workload.prompt_ids")) var promptIds: String?
  @Option(name: .long, help: .key("workload.prompt_tokens")) var promptTokens: String?
  @Option(name: .long, help: .key("workload.output_tokens")) var outputTokens: String?
  @Option(name: .long, help: .key("workload.batch")) var batch: String?
  @Option(name: .long, help: .key("workload.micro_batches")) var microBatches: String?
  @Option(name: .long, help: .key("workload.prefill_chunk")) var prefillChunk: String?
  @Option(name: .long, help: .key("workload.arrivals")) var arrivals: String?
  @Option(name: .long, help: .key("workload.requests")) var requests: String?
  @Option(name: .long, help: .key("workload.rate")) var rate: String?
  @Option(name: .long, help: .key("workload.users")) var users: String?
  @Option(name: .long, help: .key("workload.trace")) var arrivalTrace: String?
  @Option(name: .long, help: .key("workload.prompt_lengths")) var promptLengths: String?
  @Option(name: .long, help: .key("workload.output_lengths")) var outputLengths: String?
  @Option(name: .long, help: .key("workload.ttft_limit")) var ttftLimit: String?
  @Option(name: .long, help: .key("workload.tpot_limit")) var tpotLimit: String?
  @Option(name: .long, help: .key("collective")) var collective: String?
  @Flag(
    name: .long,
    help: "Leave embedding, LM head and sampling out of emulated time, as published figures do.")
  var layersOnly = false

  @Option(name: .long, help: .key("sampling.temperature")) var temperature: String?
  @Option(name: .long, help: .key("sampling.top_k")) var topK: String?
  @Option(name: .long, help: .key("sampling.top_p")) var topP: String?
  @Option(name: .long, help: .key("seed")) var seed: String?

  @Option(name: .long, help: .key("host.transport")) var transport: String?
  @Option(name: .long, help: .key("host.payload")) var payload: String?
  @Option(name: .long, help: .key("host.precision")) var precision: String?
  @Option(name: .long, help: .key("host.weights")) var weights: String?
  @Option(name: .long, help: .key("host.wait_limit")) var waitLimit: String?
  @Option(name: .long, help: .key("host.repetitions")) var repetitions: String?
  @Option(name: .long, help: .key("host.logits")) var logits: String?
  @Option(name: .long, help: .key("host.output")) var output: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Set any key of an experiment, such as --set link.hold=delivery; may be repeated.",
      discussion: "'wafer show' prints every key with its value.", valueName: "key=value"))
  var set: [String] = []
  @OptionGroup var presets: PresetOption

  /// Whether there is any experiment on the command line, by file or by option.
  var isAnythingGiven: Bool { file != nil || !written.isEmpty || !set.isEmpty }

  /// The experiment: defaults, file, options, `--set`, the later over the earlier.
  ///
  /// - Parameter standard: What a command takes in place of the schema's defaults.
  ///
  /// Throws `ConfigurationError`.
  func resolve(standard: [String: String] = [:]) throws(ConfigurationError) -> Experiment {
    var all = Settings()
    for (key, value) in standard.sorted(by: { $0.key < $1.key }) {
      try all.set(key, to: .plain(value), at: .option("the command's default"))
    }
    all.merge(try settings())
    return try ExperimentResolver(presets: try presets.library()).resolve(all)
  }

  /// The experiment in emulated time alone, whatever nodes its file asks for.
  ///
  /// Throws `ConfigurationError`.
  func resolveForEvaluation() throws(ConfigurationError) -> Experiment {
    try ExperimentResolver(presets: try presets.library()).resolve(try settings().evaluated)
  }

  /// What was written, in its layers.
  func settings() throws(ConfigurationError) -> Settings {
    var settings = try file.map(Settings.init(file:)) ?? Settings()
    var options = Settings()
    for (key, value) in written {
      let place = Place.option(ExperimentSchema.key(key).option ?? key)
      try options.set(key, to: .plain(value), at: place)
    }
    settings.merge(options)
    for argument in set { try settings.set(argument: argument) }
    return settings
  }

  /// Keys and values of the options that were given.
  private var written: [(key: String, value: String)] {
    let all: [(String, String?)] = [
      ("model.name", model), ("plan.pipeline", pipeline), ("plan.tensor", tensor),
      ("plan.layers", layers), ("hardware.name", hardware), ("hardware.clock", clock),
      ("hardware.calibration", calibration), ("hardware.mapping", mapping), ("hardware.grid", grid),
      ("hardware.devices", devices), ("hardware.defect_density", defectDensity),
      ("hardware.defect_map", defectMap),
      ("hardware.hypothetical_sram", hypotheticalSram ? "true" : nil), ("link.name", link),
      ("link.latency", linkLatency), ("link.bandwidth", linkBandwidth),
      ("topology.name", topology), ("topology.dimensions", topologyDimensions),
      ("topology.switch_latency", switchLatency),
      ("workload.prompt", prompt), ("workload.prompt_ids", promptIds),
      ("workload.prompt_tokens", promptTokens), ("workload.output_tokens", outputTokens),
      ("workload.batch", batch), ("workload.micro_batches", microBatches),
      ("workload.prefill_chunk", prefillChunk), ("workload.arrivals", arrivals),
      ("workload.requests", requests), ("workload.rate", rate), ("workload.users", users),
      ("workload.trace", arrivalTrace), ("workload.prompt_lengths", promptLengths),
      ("workload.output_lengths", outputLengths), ("workload.ttft_limit", ttftLimit),
      ("workload.tpot_limit", tpotLimit), ("collective", collective),
      ("pricing.embedding_and_head", layersOnly ? "false" : nil),
      ("sampling.temperature", temperature), ("sampling.top_k", topK), ("sampling.top_p", topP),
      ("seed", seed), ("host.transport", transport), ("host.payload", payload),
      ("host.precision", precision), ("host.weights", weights),
      ("host.wait_limit", waitLimit), ("host.repetitions", repetitions), ("host.logits", logits),
      ("host.output", output),
    ]
    return all.compactMap { key, value in value.map { (key, $0) } }
  }
}

extension ArgumentHelp {
  private static func sentence(_ parts: String...) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Help of the option that sets a key: what it means, what may be written, what it is otherwise.
  fileprivate static func key(_ name: String) -> ArgumentHelp {
    let key = ExperimentSchema.key(name)
    let meaning = key.meaning.prefix(1).uppercased() + key.meaning.dropFirst()
    let standard = key.standard.map { "Default: \($0)." } ?? ""
    let last = name.split(separator: ".").last.map(String.init) ?? name
    var help = ArgumentHelp(
      stringLiteral: sentence("\(meaning).", key.example, standard))
    help.valueName = last.split(separator: "_").joined(separator: "-")
    return help
  }
}
