import Defects
import Hardware
import Models
import Programs
import Quantities
import Runtime
import Serving

extension Experiment {
  /// The experiment as a result's document has it: `modelled` and `host`.
  public var json: JSONValue { ["modelled": modelled.json, "host": host.json] }

  /// The preset files that it was made from, for a result's `provenance`.
  public var presetsJSON: JSONValue {
    .array(
      presets.map {
        [
          "kind": .string($0.kind.rawValue), "name": .string($0.name), "file": .string($0.file),
          "sha256": .string($0.sha256),
        ]
      })
  }

  /// What `wafer show` prints: as a run's document, without its results.
  public var document: JSONValue {
    [
      "schema": "wafer.experiment/1",
      "experiment": json,
      "provenance": ["presets": presetsJSON],
      "warnings": .array(warnings.map { .string($0) }),
    ]
  }
}

extension Experiment.Modelled {
  /// Everything that decides emulated time, with no path and no fact of this host.
  public var json: JSONValue {
    [
      "model": shape.json,
      "hardware": hardwareJSON,
      "link": link.json.adding("overrides", .array(overrides.links.map(\.json))),
      "topology": topology.json,
      "faults": .array(faults.map(\.json)),
      "plan": [
        "pipeline": .integer(pipeline),
        "tensor": .integer(tensor),
        "layers_per_stage": .array(layersPerStage.map { .integer($0) }),
      ],
      "workload": [
        "prompt_tokens": .integer(workload.promptTokens),
        "output_tokens": .integer(workload.outputTokens),
        "batch": .integer(workload.batch),
        "micro_batches": .integer(workload.microBatches),
        "prefill_chunk_tokens": .integer(
          min(workload.prefillChunk ?? workload.promptTokens, workload.promptTokens)),
      ],
      "served": served?.json ?? .null,
      "collective": .string(collectives.written),
      "widths": [
        "weights": .string(widths.weights.rawValue),
        "weights_bits": .integer(widths.weights.bits),
        "kv_cache": .string(widths.keyValues.rawValue),
        "kv_cache_bits": .integer(widths.keyValues.bits),
        "activations": .string(widths.activations.rawValue),
        "activations_bits": .integer(widths.activations.bits),
      ],
      "sampling": ["candidates": .integer(candidates)],
      "pricing": [
        "embedding_and_head": .boolean(countsEmbeddingAndHead),
        "gqa": .string(countsGroupedQuery ? "true" : "published-no-gqa"),
      ],
      "seed": .integer(seed),
    ]
  }

  private var hardwareJSON: JSONValue {
    let device =
      switch device {
      case .wafer(let device): device.json
      case .accelerators(let group): group.json
      case .host(let process): process.json
      }
    return device.adding(
      "overrides",
      .array(
        overrides.speeds.map { ["rank": .integer($0.rank.index), "speed": .exact($0.speed)] }))
  }
}

extension LinkOverride {
  /// The link, and its own figures; null where it has those of all.
  fileprivate var json: JSONValue {
    [
      "from": .integer(ends.from.index), "to": .integer(ends.to.index),
      "latency_ps": latency.map { .picoseconds($0) } ?? .null,
      "bandwidth_bytes_per_second": bandwidth.map { .exact($0) } ?? .null,
      "send_overhead_ps": sendOverhead.map { .picoseconds($0) } ?? .null,
      "receive_overhead_ps": receiveOverhead.map { .picoseconds($0) } ?? .null,
    ]
  }
}

extension ServedRequests {
  /// How requests come, and a digest of all of them; no path.
  fileprivate var json: JSONValue {
    var digest = Digest()
    for request in requests {
      switch request.coming {
      case .at(let time): digest.add(time.picoseconds)
      case .after(let earlier, let pause):
        digest.add(Int64(earlier))
        digest.add(pause.picoseconds)
      }
      digest.add(Int64(request.promptTokens))
      digest.add(Int64(request.outputTokens))
    }
    var members: [String: JSONValue] = [
      "arrivals": .string(kind.rawValue), "requests": .integer(requests.count),
      "requests_digest": .string(String(digest.value, radix: 16)),
      "prompt_tokens_total": .integer(requests.reduce(0) { $0 + $1.promptTokens }),
      "output_tokens_total": .integer(requests.reduce(0) { $0 + $1.outputTokens }),
      "cache_sequences": cacheSequences.map { .integer($0) } ?? .null,
      "ttft_limit_ps": goal.timeToFirstToken.map { .picoseconds($0) } ?? .null,
      "tpot_limit_ps": goal.timePerOutputToken.map { .picoseconds($0) } ?? .null,
    ]
    switch source {
    case .together: break
    case .users(let users, let pause):
      members["users"] = .integer(users)
      members["pause_ps"] = .picoseconds(pause)
    case .rate(let rate): members["requests_per_second"] = .exact(rate)
    case .trace(_, let sha256): members["trace_sha256"] = .string(sha256)
    }
    if kind != .trace {
      members["prompt_lengths"] = .string(lengths.prompt.rawValue)
      members["prompt_tokens_mean"] = .integer(lengths.promptMean)
      members["output_lengths"] = .string(lengths.output.rawValue)
      members["output_tokens_mean"] = .integer(lengths.outputMean)
    }
    return .object(members)
  }
}

extension WaferDevice {
  fileprivate var json: JSONValue {
    [
      "name": .string(wafer.name),
      "columns": .integer(wafer.mesh.columns),
      "rows": .integer(wafer.mesh.rows),
      "clock_hz": .exact(wafer.clock),
      "sram_per_pe_bytes": .integer(wafer.sramPerPE),
      "cycles_per_hop": .integer(wafer.cyclesPerHop),
      "ramp_cycles": .integer(wafer.rampCycles),
      "power_w": .exact(wafer.power),
      "mapping": .string(mapping.written),
      "grid": .string(grid.written),
      "hypothetical_sram": .boolean(allowsHypotheticalSRAM),
      "calibration": calibration.json,
      "defects": defects?.json ?? .null,
    ]
  }
}

extension WaferDefects {
  /// What is left of the wafer, and which map it is; no path.
  fileprivate var json: JSONValue {
    [
      "map_sha256": .string(SHA256.hexadecimal(Array(mesh.map.text.utf8))),
      "dead_pes": .integer(mesh.map.dead.count),
      "beyond_repair": .string(beyondRepair.rawValue),
      "columns": .integer(mesh.columns),
      "rows": .integer(mesh.rows),
      "extra_hops_west_to_east": .integer(mesh.extraHops.westToEast),
      "extra_hops_north_to_south": .integer(mesh.extraHops.northToSouth),
    ]
  }
}

extension AcceleratorGroup {
  fileprivate var json: JSONValue {
    [
      "name": .string(accelerator.name),
      "devices": .integer(devices),
      "memory_bytes": .integer(accelerator.memory),
      "memory_bytes_per_second": .exact(accelerator.memoryBandwidth),
      "memory_efficiency": .exact(accelerator.memoryEfficiency),
      "peak_flop_per_second": .exact(accelerator.peak),
      "compute_efficiency": .exact(accelerator.computeEfficiency),
      "kernel_floor_ps": .picoseconds(accelerator.kernelFloor),
      "node_devices": .integer(accelerator.nodeDevices),
      "collective_floor_ps": .picoseconds(accelerator.collectiveFloor),
      "cluster_floor_ps": .picoseconds(accelerator.clusterFloor),
      "link_bytes_per_second": .exact(accelerator.linkBandwidth),
      "power_w": .exact(accelerator.power),
      "hypothetical_memory": .boolean(allowsHypotheticalMemory),
    ]
  }
}

extension Experiment.Host {
  /// What this host does, beside emulated time.
  public var json: JSONValue {
    [
      "model": .string(model.written),
      "transport": .string(transport.rawValue),
      "payload": .string(payload.rawValue),
      "precision": .string(precision.rawValue),
      "threads_per_node": .integer(Self.threadsPerNode),
      "weights": .string(weights.rawValue),
      "on_failure": .string(onFailure.rawValue),
      "wait_limit_ns": .integer(waitLimit.nanoseconds),
      "pinning": .string(pinning.rawValue),
      "repetitions": .integer(repetitions),
      "prompt": prompt.json,
      "sampling": [
        "temperature": .exact(sampling.temperature),
        "top_k": sampling.topK.map { .integer($0) } ?? .null,
        "top_p": .exact(sampling.topP),
      ],
      "logits": .optional(logits),
      "output": .optional(output),
    ]
  }
}

extension Prompt {
  /// Text and tokens where they are known, else their number.
  fileprivate var json: JSONValue {
    switch self {
    case .text(let text, let tokens):
      ["text": .string(text), "ids": .array(tokens.map { .integer($0) })]
    case .tokens(let tokens): ["text": .null, "ids": .array(tokens.map { .integer($0) })]
    case .drawn(let count): ["text": .null, "drawn_tokens": .integer(count)]
    }
  }
}

extension ModelShape {
  /// What decides the cost of a forward pass, and what else tells models apart.
  var json: JSONValue {
    [
      "name": .string(name),
      "layers": .integer(layers),
      "width": .integer(width),
      "query_heads": .integer(queryHeads),
      "key_value_heads": .integer(keyValueHeads),
      "head_size": .integer(headSize),
      "feed_forward_width": .integer(feedForwardWidth),
      "vocabulary": .integer(vocabulary),
      "context_length": .integer(contextLength),
      "tied_head": .boolean(tiedHead),
      "attention_bias": .boolean(attentionBias),
      "sliding_window": slidingWindow.map { .integer($0) } ?? .null,
      "experts": experts?.json ?? .null,
      "latent_attention": latentAttention?.json ?? .null,
    ]
  }
}

extension ModelShape.Experts {
  fileprivate var json: JSONValue {
    [
      "count": .integer(count), "active": .integer(active), "shared": .integer(shared),
      "width": .integer(width), "dense_layers": .integer(denseLayers),
    ]
  }
}

extension ModelShape.LatentAttention {
  fileprivate var json: JSONValue {
    [
      "query_rank": .integer(queryRank), "key_value_rank": .integer(keyValueRank),
      "rotary_size": .integer(rotarySize), "plain_size": .integer(plainSize),
      "value_size": .integer(valueSize),
    ]
  }
}

extension Link {
  /// Everything that decides what a message costs.
  public var json: JSONValue {
    [
      "name": .string(name),
      "latency_ps": .picoseconds(latency),
      "bandwidth_bytes_per_second": bandwidth.map { .exact($0) } ?? "infinite",
      "send_overhead_ps": .picoseconds(sendOverhead),
      "receive_overhead_ps": .picoseconds(receiveOverhead),
      "ports": .string(ports.rawValue),
      "hold": .string(hold.rawValue),
    ]
  }
}

extension Calibration {
  /// Coefficients and groups, which prices are made of; the rows they were fitted to decide nothing.
  var json: JSONValue {
    [
      "name": .string(name),
      "wafer": .string(wafer),
      "clock_hz": .exact(coefficients.clock),
      "decode_row_cycles": .exact(coefficients.decodeRow),
      "decode_fmac_cycles": .exact(coefficients.decodeFmac),
      "decode_chain_step_cycles": .exact(coefficients.decodeChainStep),
      "decode_fixed_cycles": .exact(coefficients.decodeFixed),
      "prefill_row_cycles": .exact(coefficients.prefillRow),
      "prefill_fmac_cycles": .exact(coefficients.prefillFmac),
      "prefill_step_cycles": .exact(coefficients.prefillStep),
      "prefill_align_cycles": .exact(coefficients.prefillAlign),
      "groups": .object(
        Dictionary(uniqueKeysWithValues: groups.map { ("\($0.key)", .integer($0.value)) })),
    ]
  }
}
