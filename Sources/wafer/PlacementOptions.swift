import ArgumentParser
import Experiments
import Hardware

/// How a model is to lie on its wafers, in the words of `wafer run`.
struct PlacementOptions: ParsableArguments {
  /// The wafer of a placement when none is named.
  static let standardWafer = "wse-3"

  @Option(
    name: [.customLong("pp"), .customLong("pipeline-parallel-size")],
    help: "Stages; the fewest that fit when absent. With --pareto a list.")
  var pipeline: String?
  @Option(
    name: [.customLong("tp"), .customLong("tensor-parallel-size")],
    help: "Shards of each stage; 1 when absent. With --pareto a list.")
  var tensor: String?
  @Option(
    help:
      "whole-mesh, region-per-layer, blocks-N, or fastest, as when absent. With --pareto a list.")
  var mapping: String?
  @Option(help: "PEs of a region of layers, columns x rows; the fastest when absent.")
  var grid: String?
  @Option(help: "Most prompt tokens of a sequence that are in flight together; 1 when absent.")
  var prefillChunk: String?
  @Flag(help: "Place a model that does not fit as if SRAM were larger; the plan is then marked so.")
  var hypotheticalSram = false
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Set any key of an experiment for the placement, such as --set hardware.clock=0.85GHz; may be "
        + "repeated.", valueName: "key=value"))
  var set: [String] = []

  private var written: [(option: String, key: String, value: String?)] {
    [
      ("--pp", "plan.pipeline", pipeline), ("--tp", "plan.tensor", tensor),
      ("--mapping", "hardware.mapping", mapping), ("--grid", "hardware.grid", grid),
      ("--prefill-chunk", "workload.prefill_chunk", prefillChunk),
      ("--hypothetical-sram", "hardware.hypothetical_sram", hypotheticalSram ? "true" : nil),
    ]
  }

  /// The first option that is given; `nil` when none is.
  var first: String? {
    written.first { $0.value != nil }?.option ?? (set.isEmpty ? nil : "--set")
  }

  /// What was written, as settings of an experiment.
  func settings() throws(ConfigurationError) -> Settings {
    var settings = Settings()
    for (option, key, value) in written {
      if let value { try settings.set(key, to: .plain(value), at: .option(option)) }
    }
    for argument in set { try settings.set(argument: argument) }
    return settings
  }

  /// The mappings of a list; `nil` when none is given.
  func kinds() throws(ConfigurationError) -> [Mapping.Kind]? {
    guard let mapping else { return nil }
    var kinds: [Mapping.Kind] = []
    for word in mapping.split(separator: ",", omittingEmptySubsequences: false) {
      guard let kind = Mapping.Kind(written: String(word)) else {
        throw ConfigurationError(
          .option("--mapping"), "holds '\(word)'",
          remedy: "Each must be whole-mesh, region-per-layer, fastest, or blocks-N with N from 2 on"
        )
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  /// Throws `ConfigurationError` for options that mean nothing beside another.
  func refuseAllBut(_ allowed: [String], beside other: String) throws(ConfigurationError) {
    let given = written.filter { $0.value != nil }.map(\.option) + set.map { _ in "--set" }
    if let wrong = given.first(where: { !allowed.contains($0) }) {
      throw ConfigurationError(
        .option(wrong), "means nothing beside \(other)", remedy: "Leave it out")
    }
  }
}
