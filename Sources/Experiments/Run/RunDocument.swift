import Hardware
import Programs
import Quantities
import Runtime

/// The result of `wafer run` as a document, `wafer.run/1`: the shape is a contract, so it is written
/// out key by key.
public struct RunDocument {
  private let result: ExperimentResult
  /// Text of each sequence, of single and cluster; `nil` without a tokenizer.
  private let text: (single: [String], cluster: [String])?
  /// The arguments that the run was asked for with, the program's name not among them.
  private let command: [String]

  /// Takes each field as it is.
  public init(
    _ result: ExperimentResult, text: (single: [String], cluster: [String])?,
    command: [String] = []
  ) {
    self.result = result
    self.text = text
    self.command = command
  }

  /// The document.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "schema": "wafer.run/1",
      "summary": .optional(result.experiment.summary),
      "experiment": result.experiment.json,
      "single": half(result.single, text?.single),
      "cluster": half(result.cluster, text?.cluster, result.faultCosts),
      "comparison": comparison,
      "provenance": provenance,
      "warnings": .array(result.warnings.map { .string($0) }),
    ]
    if let best = result.bestSingle { members["best_single"] = half(best, nil) }
    return .object(members)
  }

  private func half(
    _ half: HalfResult, _ text: [String]?, _ faults: FaultCosts? = nil
  ) -> JSONValue {
    var emulated = half.emulated.json
    for (key, value) in faults?.json ?? [:] {
      emulated = emulated.adding(key, value)
    }
    return .object([
      "nodes": .integer(half.emulated.wafers),
      "layout": half.layout.json,
      "hypothetical": .boolean(half.isHypothetical),
      "emulated": emulated,
      "measured": half.measured?.json ?? .null,
      "tokens": .array(half.tokens.map { .array($0.map { .integer($0) }) }),
      "text": text.map { .array($0.map { .string($0) }) } ?? .null,
    ])
  }

  private var comparison: JSONValue {
    var members: [String: JSONValue] = [
      "slowdown": .ratio(
        result.cluster.emulated.total.time, over: result.single.emulated.total.time),
      "extra_ps": .picoseconds(result.extra),
      "extra_account_ps": result.extraAccount.json,
    ]
    // Phantom payloads have no numbers to compare.
    if !result.cluster.tokens.isEmpty {
      members["tokens_equal"] = .boolean(result.firstDifference == nil)
      members["first_difference"] =
        result.firstDifference.map {
          ["sequence": .integer($0.sequence), "token": .integer($0.token)]
        } ?? .null
    }
    if let difference = result.largestLogitDifference {
      members["largest_logit_difference"] = .number("\(difference)")
    }
    if let single = result.single.measured, let cluster = result.cluster.measured {
      members["measured_slowdown"] = .number(
        "\(Double(cluster.total.nanoseconds) / Double(max(single.total.nanoseconds, 1)))")
    }
    return .object(members)
  }

  private var provenance: JSONValue {
    [
      "tool_version": .string(Provenance.toolVersion),
      "command": .array(command.map { .string($0) }),
      "presets": .array(
        result.experiment.presets.map {
          [
            "kind": .string($0.kind.rawValue), "name": .string($0.name), "file": .string($0.file),
            "sha256": .string($0.sha256),
          ]
        }),
      "model_fingerprint": .optional(result.modelFingerprint),
      "nodes": .array(
        result.cluster.nodes.map {
          [
            "host": .string($0.host), "instructions": .string($0.instructions),
            "tool_version": .string($0.toolVersion),
          ]
        }),
    ]
  }
}

extension DeviceLayout {
  /// Regions and their SRAM, or the number of accelerators.
  var json: JSONValue {
    switch self {
    case .wafers(let mappings):
      [
        "mapping": .string(mappings[0].kind.written),
        "grid": .string(mappings[0].grid.description),
        "regions": .integer(mappings.map(\.regions.count).max()!),
        "sram_per_pe_bytes": .integer(mappings[0].sramPerPE),
        "sram_used_per_pe_bytes": .integer(mappings.map(\.usedPerPE).max()!),
        "mesh_columns": .integer(mappings[0].mesh.columns),
        "mesh_rows": .integer(mappings[0].mesh.rows),
        "wafers": .array(Self.wafers(mappings)),
      ]
    case .accelerators(let group, _): ["devices": .integer(group.devices)]
    case .host(let process): ["busy_processes": .integer(process.busyProcesses)]
    }
  }
}

extension DeviceLayout {
  /// The regions of each wafer; ranks whose wafers are laid out alike stand together.
  private static func wafers(_ mappings: [Mapping]) -> [JSONValue] {
    var groups: [(regions: [Region], ranks: [Int])] = []
    var places: [[Region]: Int] = [:]
    for (rank, mapping) in mappings.enumerated() {
      if let place = places[mapping.regions] {
        groups[place].ranks.append(rank)
      } else {
        places[mapping.regions] = groups.count
        groups.append((mapping.regions, [rank]))
      }
    }
    return groups.map { group in
      [
        "ranks": .array(group.ranks.map { .integer($0) }),
        "regions": .array(group.regions.map(\.json)),
      ]
    }
  }
}

extension Region {
  /// Where it lies, what it holds, and how full its fullest PE is.
  fileprivate var json: JSONValue {
    [
      "column": .integer(place.column), "row": .integer(place.row),
      "columns": .integer(size.columns), "rows": .integer(size.rows),
      "first_layer": .integer(layers.lowerBound), "layers": .integer(layers.count),
      "embedding": .boolean(hasEmbedding), "head": .boolean(hasHead),
      "sram_used_per_pe_bytes": .integer(use.total),
    ]
  }
}

extension EmulatedResult {
  /// As every document has it; part of the emulated document.
  public var json: JSONValue {
    let seconds = Rational(
      Int128(total.time.picoseconds), over: Int128(EmulatedTime.picosecondsPerSecond))
    let rate = total.time > .zero ? Rational(tokens) / seconds : Rational(0)
    return [
      "ttft_ps": .picoseconds(timeToFirstToken),
      "tpot_ps": timePerOutputToken.map { .picoseconds($0) } ?? .null,
      "total_ps": .picoseconds(total.time),
      "tokens_per_second": .rounded(rate, digits: 3),
      "tokens_per_second_per_wafer": .rounded(rate / Rational(wafers), digits: 3),
      "joules_per_token": .rounded(joulesPerToken, digits: 6),
      "account_ps": total.account.json,
      "serving": serving?.json.adding(
        "pipeline_bubble", pipelineBubble.map { .rounded($0, digits: 9) } ?? .null) ?? .null,
      "links": .array(links.map(\.json)),
      "ranks": .array(ranks.map { $0.json(of: total.time) }),
    ]
  }
}

extension Traffic.Link {
  /// What crossed it, and how long the sender's port worked for it.
  public var json: JSONValue {
    [
      "from": .integer(from.index), "to": .integer(to.index),
      "messages": .integer(total.messages), "bytes": .integer(total.bytes),
      "busy_ps": .picoseconds(total.busy),
    ]
  }
}

extension MeasuredResult {
  /// As every document has it.
  public var json: JSONValue {
    [
      "ttft_ns": .integer(timeToFirstToken.nanoseconds),
      "tpot_ns": timePerOutputToken.map { .integer($0.nanoseconds) } ?? .null,
      "itl_ns": interTokenLatency?.json ?? .null,
      "total_ns": .integer(total.nanoseconds),
      "bytes": .integer(bytes),
      "messages": .integer(messages),
      "oversubscribed": .boolean(isOversubscribed),
      "restarts": .integer(restarts),
      "hosts": .integer(hosts),
      "clock_bound_ns": clockBound.map { .integer($0.nanoseconds) } ?? .null,
      "loading_ns": .integer(loading.nanoseconds),
      "weight_bytes_streamed": .integer(streamedBytes),
      "weight_bytes_cached": .integer(cachedBytes),
      "peak_resident_bytes": .integer(peakResidentBytes),
      "weight_bytes": .integer(weightBytes),
      "kv_cache_bytes": .integer(cacheBytes),
    ]
  }
}

extension MeasuredDistribution {
  /// In nanoseconds, as the key that it stands under says.
  var json: JSONValue {
    [
      "count": .integer(count), "p50": .integer(p50.nanoseconds),
      "p90": .integer(p90.nanoseconds), "p99": .integer(p99.nanoseconds),
      "max": .integer(most.nanoseconds),
    ]
  }
}

extension Account {
  /// Every entry, zero or not.
  public var json: JSONValue {
    .object(
      Dictionary(
        uniqueKeysWithValues: Entry.allCases.map { ($0.rawValue, .picoseconds(self[$0])) }))
  }
}

extension JSONValue {
  /// One time over another, to nine digits; 1 over nothing.
  static func ratio(_ time: EmulatedTime, over other: EmulatedTime) -> JSONValue {
    guard other > .zero else { return .integer(1) }
    return .rounded(
      Rational(Int128(time.picoseconds), over: Int128(other.picoseconds)), digits: 9)
  }
}
