import Defects
import Hardware
import Models
import Programs
import Quantities
import Runtime
import Serving

extension Experiment {
  /// The experiment as a file that resolves to it: every key, in the order of the schema.
  ///
  /// Presets stay named and what replaces their figures is written out, so that the file says what it
  /// depends on. Paths are as they were resolved.
  public var yaml: String {
    var text = ""
    var section = ""
    for key in ExperimentSchema.keys {
      guard let value = written(key.name) else { continue }
      let parts = key.name.split(separator: ".", maxSplits: 1).map(String.init)
      if parts.count == 2, parts[0] != section { text += "\(parts[0]):\n" }
      section = parts.count == 2 ? parts[0] : ""
      text += "\(section.isEmpty ? "" : "  ")\(parts.last!): \(Self.scalar(value, of: key))\n"
    }
    return text
  }

  /// What a file would say for a key; `nil` when it would say nothing.
  private func written(_ key: String) -> String? {
    switch key {
    case "summary": summary
    case "model.name": host.model.written
    case "hardware.name": modelled.device.name
    case "hardware.overrides":
      Self.items(
        modelled.overrides.speeds.map {
          "rank: \($0.rank.index), speed: \($0.speed.decimal ?? "\($0.speed)")"
        })
    case _ where key.hasPrefix("hardware."): hardware(key)
    case "link.name": linkPreset
    case "link.latency": "\(modelled.link.latency.picoseconds) ps"
    case "link.bandwidth": modelled.link.bandwidth.map { Self.quantity($0, "B/s") } ?? "infinite"
    case "link.send_overhead": "\(modelled.link.sendOverhead.picoseconds) ps"
    case "link.receive_overhead": "\(modelled.link.receiveOverhead.picoseconds) ps"
    case "link.ports": modelled.link.ports.rawValue
    case "link.hold": modelled.link.hold.rawValue
    case "link.overrides":
      Self.items(
        modelled.overrides.links.map { link in
          (["from: \(link.ends.from.index)", "to: \(link.ends.to.index)"]
            + link.figures.map { "\($0.key): \($0.text)" }).joined(separator: ", ")
        })
    case "faults": Self.items(modelled.faults.map(\.written))
    case "topology.name": modelled.topology.name.rawValue
    case "topology.dimensions":
      if case .torus(let columns, let rows) = modelled.topology {
        "\(columns)x\(rows)"
      } else {
        nil
      }
    case "topology.switch_latency":
      if case .switch(let latency) = modelled.topology { "\(latency.picoseconds) ps" } else { nil }
    case "plan.pipeline": "\(modelled.pipeline)"
    case "plan.tensor": "\(modelled.tensor)"
    case "plan.layers": Self.list(modelled.layersPerStage)
    case "workload.prompt":
      if case .text(let text, _) = host.prompt { text } else { nil }
    case "workload.prompt_ids":
      if case .tokens(let tokens) = host.prompt { Self.list(tokens) } else { nil }
    case "workload.prompt_tokens":
      if case .drawn(let count) = host.prompt { "\(count)" } else { nil }
    case "workload.output_tokens":
      "\(modelled.served?.lengths.outputMean ?? modelled.workload.outputTokens)"
    case "workload.batch": "\(modelled.workload.batch)"
    case "workload.micro_batches": "\(modelled.workload.microBatches)"
    case "workload.prefill_chunk": modelled.workload.prefillChunk.map { "\($0)" } ?? "all"
    case "workload.arrivals": modelled.served?.kind.rawValue ?? "none"
    case _ where ExperimentResolver.keysOfServices.contains(key):
      modelled.served.flatMap { Self.service($0, key) }
    case "collective": modelled.collectives.written
    case "widths.weights": modelled.widths.weights.rawValue
    case "widths.kv_cache": modelled.widths.keyValues.rawValue
    case "widths.activations": modelled.widths.activations.rawValue
    case "sampling.temperature": host.sampling.temperature.decimal
    case "sampling.top_k": host.sampling.topK.map { "\($0)" } ?? "all"
    case "sampling.top_p": host.sampling.topP.decimal
    case "sampling.candidates": "\(modelled.candidates)"
    case "pricing.embedding_and_head": "\(modelled.countsEmbeddingAndHead)"
    case "pricing.gqa": modelled.countsGroupedQuery ? "true" : "published-no-gqa"
    case "seed": "\(modelled.seed)"
    case "host.transport": host.transport.rawValue
    case "host.payload": host.payload.rawValue
    case "host.precision": host.precision.rawValue
    case "host.weights": host.weights.rawValue
    case "host.on_failure": host.onFailure.rawValue
    case "host.wait_limit": "\(host.waitLimit.nanoseconds) ns"
    case "host.pinning": host.pinning.rawValue
    case "host.repetitions": "\(host.repetitions)"
    case "host.logits": host.logits
    case "host.output": host.output
    default: preconditionFailure("key '\(key)' of the schema is not written")
    }
  }

  /// What a file would say of the device; `nil` for what its kind has not, or where there are no defects.
  private func hardware(_ key: String) -> String? {
    switch modelled.device {
    case .accelerators(let group):
      switch key {
      case "hardware.devices": "\(group.devices)"
      case "hardware.hypothetical_sram": "\(group.allowsHypotheticalMemory)"
      default: nil
      }
    case .host: nil
    case .wafer(let device):
      switch key {
      case "hardware.clock": Self.quantity(device.wafer.clock, "Hz")
      case "hardware.calibration": device.calibration.name
      case "hardware.mapping": device.mapping.written
      case "hardware.grid": device.grid.written
      case "hardware.hypothetical_sram": "\(device.allowsHypotheticalSRAM)"
      default: device.defects.flatMap { Self.defects($0, key) }
      }
    }
  }

  /// What a file would say of a service; `nil` for what its kind of arrivals has not.
  private static func service(_ served: ServedRequests, _ key: String) -> String? {
    switch (key, served.source) {
    case ("workload.requests", .together), ("workload.requests", .users),
      ("workload.requests", .rate):
      "\(served.requests.count)"
    case ("workload.rate", .rate(let rate)): quantity(rate, "/s")
    case ("workload.users", .users(let users, _)): "\(users)"
    case ("workload.pause", .users(_, let pause)): "\(pause.picoseconds) ps"
    case ("workload.trace", .trace(let path, _)): path
    case ("workload.prompt_lengths", .together), ("workload.prompt_lengths", .users),
      ("workload.prompt_lengths", .rate):
      served.lengths.prompt.rawValue
    case ("workload.output_lengths", .together), ("workload.output_lengths", .users),
      ("workload.output_lengths", .rate):
      served.lengths.output.rawValue
    case ("workload.ttft_limit", _): served.goal.timeToFirstToken.map { "\($0.picoseconds) ps" }
    case ("workload.tpot_limit", _): served.goal.timePerOutputToken.map { "\($0.picoseconds) ps" }
    default: nil
    }
  }

  private static func defects(_ defects: WaferDefects, _ key: String) -> String? {
    switch (key, defects.source) {
    case ("hardware.beyond_repair", _): defects.beyondRepair.rawValue
    case ("hardware.defect_density", .drawn(let density, _, _)): quantity(density, "/mm2")
    case ("hardware.defect_clustering", .drawn(_, let clustering, _)): clustering?.decimal
    case ("hardware.defect_seed", .drawn(_, _, let seed)): "\(seed)"
    case ("hardware.defect_map", .file(let path)): path
    default: nil
    }
  }

  /// The link's preset; `hardware` when the link is the wafer's own.
  private var linkPreset: String {
    presets.first { $0.kind == .link }?.name ?? "hardware"
  }

  /// A number in its base unit; what cannot be a decimal was never written in a file.
  private static func quantity(_ value: Rational, _ unit: String) -> String {
    "\(value.decimal ?? "\(value.approximation)") \(unit)"
  }

  private static func items(_ mappings: [String]) -> String {
    mappings.isEmpty ? "none" : "[\(mappings.map { "{\($0)}" }.joined(separator: ", "))]"
  }

  private static func list(_ counts: [Int]) -> String {
    "[\(counts.map { "\($0)" }.joined(separator: ", "))]"
  }

  /// Texts and names stand in double quotes, as JSON strings, which are YAML too.
  private static func scalar(_ value: String, of key: SettingKey) -> String {
    switch key.kind {
    case .text, .name: String(JSONValue.string(value).document.dropLast())
    default: value
    }
  }
}

extension Mapping.Grid {
  /// As options write it.
  public var written: String {
    switch self {
    case .fastest: "fastest"
    case .exactly(let rectangle): "\(rectangle)"
    }
  }
}

extension CollectiveChoice {
  /// As options write it.
  public var written: String {
    switch self {
    case .automatic: "auto"
    case .fixed(let algorithm): algorithm.rawValue
    }
  }
}
