import ArgumentParser
import Experiments
import Foundation
import Quantities

/// What `calibrate --host` and `validate --host` share: the model that real nodes compute, and where nodes
/// are.
struct HostOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "With --host: a model with weights: a GGUF file, a folder, or synthetic-NAME. Default: "
        + "synthetic-small.", valueName: "file|name"))
  var model: String?
  @Option(help: "With --host: float32 or reduced, as host.precision of an experiment.")
  var precision: String?
  @Option(
    help: ArgumentHelp(
      "With --host: how the presets are called; default: host.", valueName: "name"))
  var name: String?
  @Option(help: "With --host: how often everything is measured.")
  var repetitions: String?
  @Option(
    help: ArgumentHelp(
      "With --host: the wafer-node program. Default: the one beside this program.",
      valueName: "file"))
  var nodeProgram: String?

  /// Options that were given, by name.
  var given: [String] {
    [
      ("--model", model), ("--precision", precision), ("--name", name),
      ("--repetitions", repetitions), ("--node-program", nodeProgram),
    ].compactMap { $0.1 == nil ? nil : $0.0 }
  }

  /// The experiment of one process that computes the model, to be cut into plans.
  ///
  /// - Parameter workload: Settings of the workload, with the option that gave each.
  ///
  /// Throws `ConfigurationError` for a value that is none of its key's, and for a model without weights.
  func experiment(
    _ library: PresetLibrary, workload: [(key: String, value: String?, option: String)] = []
  ) throws(ConfigurationError) -> Experiment {
    var settings = Settings()
    for (key, value) in [
      ("plan.pipeline", "1"), ("plan.tensor", "1"), ("host.transport", "tcp"),
      ("host.payload", "real"),
    ] {
      try settings.set(key, to: .plain(value), at: .builtIn)
    }
    for (key, value, option) in [
      ("model.name", model, "--model"), ("host.precision", precision, "--precision"),
    ] + workload {
      if let value { try settings.set(key, to: .plain(value), at: .option(option)) }
    }
    return try ExperimentResolver(presets: library).resolve(settings)
  }

  /// Repetitions, or so many.
  func rounds(otherwise standard: Int) throws(ConfigurationError) -> Int {
    guard let repetitions else { return standard }
    return try OptionValue.count(repetitions, in: 1...1000, option: "--repetitions")
  }

  /// Nodes that are started here.
  ///
  /// Throws `ConfigurationError` when the node program is not there.
  func launch() throws(ConfigurationError) -> NodeLaunch {
    NodeLaunch(program: try NodeOptions.program(nodeProgram), coordinator: nil)
  }

  /// An option that belongs to `--host` and was given without it.
  static func refuse(_ given: [String]) throws(ConfigurationError) {
    guard let first = given.first else { return }
    throw ConfigurationError(
      .option(first), "is given without --host", remedy: "Add --host, or leave it out")
  }
}
