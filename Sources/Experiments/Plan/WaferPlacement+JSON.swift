import Hardware
import Programs
import Quantities

extension WaferPlacement {
  /// The parts of a plan's document that tell of the placement.
  ///
  /// - Parameter trials: Of `trials()`.
  public func members(trials: [MappingTrial]) -> [String: JSONValue] {
    [
      "placement": placed.map(json) ?? .null,
      "refusal": refusal?.json ?? .null,
      "tried": .array(trials.map { json($0) }),
      "verdict": .string(verdict(trials)),
      "warnings": .array((placed?.warnings ?? []).map { .string($0) }),
    ]
  }

  /// Why it does not fit; `nil` when it does.
  public var refusal: MappingError? {
    if case .refused(let error) = outcome { error } else { nil }
  }

  private func json(_ placed: Placed) -> JSONValue {
    let step = placed.step
    return [
      "pipeline": .integer(modelled.pipeline), "tensor": .integer(modelled.tensor),
      "wafer": .string(device.wafer.name),
      "mapping": .string(placed.mappings[0].kind.written),
      "grid": .string(placed.mappings[0].grid.description),
      "mesh": .string(device.wafer.mesh.description),
      "clock_hz": .exact(device.wafer.clock),
      "sram_per_pe_bytes": .integer(device.wafer.sramPerPE),
      "hypothetical": .boolean(DeviceLayout.wafers(placed.mappings).isHypothetical),
      "stages": .array(placed.stages(tensor: modelled.tensor).map(json)),
      "step": [
        "sequences": .integer(step.sequences),
        "total_ps": .picoseconds(step.latency), "account_ps": step.account.json,
        "spacing_ps": .picoseconds(step.spacing),
        "tokens_per_second": .rounded(tokensPerSecond!, digits: 3),
        "tokens_per_second_filled": .rounded(tokensPerSecondFilled!, digits: 3),
      ],
    ]
  }

  private func json(_ stage: PlacedStage) -> JSONValue {
    [
      "ranks": .array(stage.ranks.map { .integer($0) }),
      "pes": .integer(stage.area), "pes_of_mesh": .integer(device.wafer.mesh.area),
      "sram_held_bytes": stage.use.json, "sram_of_wafer_bytes": .integer(device.wafer.sram),
      "regions": .array(
        stage.mapping.regions.map { region in
          [
            "layers": .array(region.layers.map { .integer($0) }),
            "embedding": .boolean(region.hasEmbedding), "head": .boolean(region.hasHead),
            "column": .integer(region.place.column), "row": .integer(region.place.row),
            "columns": .integer(region.size.columns), "rows": .integer(region.size.rows),
            "sram_per_pe_bytes": region.use.json,
          ]
        }),
    ]
  }

  private func json(_ trial: MappingTrial) -> JSONValue {
    guard let best = trial.best else {
      return ["mapping": .string(trial.kind.written), "fits": false, "best": .null]
    }
    let batch = modelled.workload.batch
    return [
      "mapping": .string(trial.kind.written), "fits": .boolean(best.fits),
      "best": [
        "grid": .string(best.grid.description), "regions": .integer(best.regions),
        "sram_used_per_pe_bytes": .integer(best.usedPerPE),
        "step_ps": .picoseconds(best.step),
        "tokens_per_second": .rounded(Self.rate(batch, best.step), digits: 3),
        "slowest_region_ps": .picoseconds(best.slowestRegion),
        "tokens_per_second_filled": .rounded(Self.rate(batch, best.slowestRegion), digits: 3),
      ],
    ]
  }
}

extension SRAMUse {
  /// What takes it, and all of it.
  var json: JSONValue {
    [
      "weights": .integer(weights), "kv_cache": .integer(keyValues),
      "activations": .integer(activations), "total": .integer(total),
    ]
  }
}

extension MappingError {
  /// In words, and what would fit.
  var json: JSONValue {
    [
      "message": .string(description),
      "missing_per_pe_bytes": missing.map { .integer($0) } ?? .null,
      "would_fit": advice?.json ?? .null,
    ]
  }

  /// Bytes a PE that are missing; `nil` where it is room that is.
  private var missing: Int? {
    if case .doesNotFit(let shortage) = self { shortage.missing } else { nil }
  }
}

extension MappingAdvice {
  /// Each of the three; null where none fits.
  var json: JSONValue {
    [
      "wafers": wafers.map {
        [
          "pipeline": .integer($0.pipeline), "tensor": .integer($0.tensor),
          "wafers": .integer($0.count),
        ]
      } ?? .null,
      "weight_bits": weightBits.map { .integer($0) } ?? .null,
      "context": context.map { .integer($0) } ?? .null,
    ]
  }
}
