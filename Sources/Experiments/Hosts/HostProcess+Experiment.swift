import Hardware
import Models
import Programs
import Quantities
import Serving

extension ExperimentResolver {
  /// A host that was measured, and the link that was measured beside it.
  ///
  /// Throws `ConfigurationError` for settings that mean nothing there, and for presets that are not there.
  func host(_ name: String, _ reader: SettingsReader) throws(ConfigurationError) -> Hardware {
    try refuse(
      [
        "hardware.clock", "hardware.calibration", "hardware.mapping", "hardware.grid",
        "hardware.devices", "hardware.hypothetical_sram", "hardware.defect_density",
        "hardware.defect_clustering", "hardware.defect_seed", "hardware.defect_map",
        "hardware.beyond_repair",
      ], on: "a host", reader)
    let key = "hardware.name"
    let preset = try presets.host(name, at: reader.place(key), key: key)
    // The experiment's own link goes before it; then it need not be there.
    guard try reader.text("link.name") == nil else {
      let none = Link(latency: .zero, bandwidth: nil)
      return Hardware(device: .host(preset.value), link: none, sources: [preset.source])
    }
    let link = try presets.link(
      preset.value.link, at: .file("\(presets.folder)/\(preset.source.file)", line: nil),
      key: "figures.link")
    return Hardware(
      device: .host(preset.value), link: link.value, sources: [preset.source, link.source])
  }

  /// A host computes what real nodes compute, and no more.
  ///
  /// Throws `ConfigurationError` for a model that they do not.
  func checkHostComputes(_ modelled: Experiment.Modelled, _ reader: SettingsReader)
    throws(ConfigurationError)
  {
    guard case .host(let process) = modelled.device else { return }
    guard modelled.overrides.speeds.isEmpty else {
      throw reader.error(
        "hardware.overrides",
        "gives ranks another speed, and '\(process.name)' is a measured host, which has the one that it has",
        remedy: "Leave it out, or choose a wafer or an accelerator")
    }
    guard !modelled.shape.isComputable else { return }
    throw reader.error(
      "hardware.name",
      "is '\(process.name)', a measured host, and \(modelled.shape.name) has experts or latent "
        + "attention, which its nodes do not compute",
      remedy: "Choose a wafer or an accelerator, or another model")
  }
}

extension Experiment.Modelled {
  /// Most processes that compute at once: all shards of as many stages as there are micro-batches.
  public var busyProcesses: Int {
    tensor * min(pipeline, servingLimits?.slots ?? workload.microBatches)
  }
}

extension Device {
  /// That a host was measured in another precision than nodes are to compute in.
  func precisionWarnings(_ host: Experiment.Host) -> [String] {
    guard case .host(let process) = self, process.precision != host.precision.rawValue else {
      return []
    }
    return [
      "\(process.name): measured in \(process.precision), and nodes compute in "
        + "\(host.precision.rawValue): kernels take other times"
    ]
  }
}

extension HostProcess {
  /// What makes a prediction worse than its preset could be, in words.
  func warnings(_ modelled: Experiment.Modelled) -> [String] {
    var warnings: [String] = []
    if modelled.shape.name != model {
      warnings.append(
        "\(name): measured with \(model), and this is \(modelled.shape.name): weights of other types "
          + "take other times")
    }
    if modelled.busyProcesses != busyProcesses {
      warnings.append(
        "\(name): measured with \(busyProcesses) busy, and up to \(modelled.busyProcesses) "
          + "\(modelled.device.noun(modelled.busyProcesses)) compute at once here")
    }
    if modelled.widths.activations != .fp32 {
      warnings.append(
        "\(name): real messages are float32, and the modelled ones "
          + "\(modelled.widths.activations.rawValue): give --set widths.activations=fp32")
    }
    let tokens = modelled.memory.tokensInFlight
    let most = min(attention.mostTokens, feedForward.mostTokens)
    if tokens > most {
      warnings.append(
        "\(name): batches of up to \(tokens) tokens, measured up to \(most): beyond, in proportion"
      )
    }
    return warnings
  }

  /// That energy is not what it seems, where nobody measured the host's power.
  var energyWarnings: [String] {
    power == nil ? ["\(name): its power was not measured, so energy is 0"] : []
  }

  /// All that prices depend on, in seconds.
  var json: JSONValue {
    func matrix(_ kernel: MatrixKernel) -> JSONValue {
      [
        "fixed_s": .exact(kernel.fixed),
        "weight_s": .array(
          kernel.points.map { ["tokens": .integer($0.tokens), "value": .exact($0.perWeight)] }),
      ]
    }
    func line(_ kernel: LinearKernel) -> JSONValue {
      ["fixed_s": .exact(kernel.fixed), "each_s": .exact(kernel.each)]
    }
    return [
      "name": .string(name), "model": .string(model), "precision": .string(precision),
      "busy_processes": .integer(busyProcesses), "attention": matrix(attention),
      "pair_s": .exact(pair), "feed_forward": matrix(feedForward), "head": matrix(head),
      "embedding": line(embedding), "candidates": line(candidates), "step_s": .exact(step),
      "power_w": power.map { .exact($0) } ?? .null,
    ]
  }
}
