import Defects
import Hardware
import Programs
import Quantities

extension ExperimentResolver {
  /// What goes wrong in the cluster, as the settings list it.
  ///
  /// Throws `ConfigurationError` for a key that the fault's kind has not, a rank or a link that the plan has not,
  /// a fault that would do nothing whatever happens, and dead PEs that cannot be replaced.
  func faults(
    _ reader: SettingsReader, _ modelled: Experiment.Modelled
  ) throws(ConfigurationError) -> [FaultSetting] {
    var faults: [FaultSetting] = []
    for item in try reader.items("faults") {
      faults.append(try fault(item, modelled))
    }
    return faults
  }

  private func fault(
    _ item: ItemReader, _ modelled: Experiment.Modelled
  ) throws(ConfigurationError) -> FaultSetting {
    let kind = FaultSetting.Kind(rawValue: item.word("kind")!)!
    let keys = FaultSetting.keys(kind)
    let all = keys.required + keys.optional
    for key in item.keys where key != "kind" && !all.contains(key) {
      throw item.error(
        of: key, "is not a key of a fault of kind \(kind.rawValue)",
        remedy: "Its keys are \(all.joined(separator: ", "))")
    }
    for key in keys.required where !item.has(key) {
      throw item.error(
        of: key, "is missing from a fault of kind \(kind.rawValue)",
        remedy: "It needs \(keys.required.joined(separator: ", "))")
    }
    for key in ["rank", "from", "to"] {
      guard let rank = item.optionalCount(key), rank >= modelled.ranks else { continue }
      throw item.error(
        of: key, "is \(rank), and there is no such rank",
        remedy:
          "The plan has \(modelled.ranks == 1 ? "rank 0 alone" : "ranks 0 to \(modelled.ranks - 1)")"
      )
    }
    if let from = item.optionalCount("from"), let to = item.optionalCount("to"),
      !modelled.topology.joins(Rank(from), Rank(to), ranks: modelled.ranks)
    {
      throw item.error(
        "is on a link from rank \(from) to rank \(to), and a \(modelled.topology) of \(modelled.ranks) has no such "
          + "link",
        remedy: from == to
          ? "Give two ranks"
          : "Give neighbours; messages to others are sent on by the ranks between")
    }
    try checkSpan(item)
    let fault = FaultSetting(kind: kind, values: values(item))
    try check(fault, item)
    if kind == .pes { try checkSpares(fault, item, modelled) }
    return fault
  }

  private func values(_ item: ItemReader) -> [String: FaultSetting.Value] {
    var values: [String: FaultSetting.Value] = [:]
    for field in FaultSetting.fields where item.has(field.name) && field.name != "kind" {
      switch field.kind {
      case .count: values[field.name] = .count(item.count(field.name))
      case .choice: values[field.name] = .word(item.word(field.name)!)
      case .decimal: values[field.name] = .number(item.number(field.name)!)
      case .quantity(.time, _):
        values[field.name] = .time(EmulatedTime(seconds: item.number(field.name)!))
      default: values[field.name] = .bandwidth(item.number(field.name)!)
      }
    }
    return values
  }

  private func checkSpan(_ item: ItemReader) throws(ConfigurationError) {
    guard let ends = item.number("ends") else { return }
    guard ends > item.number("begins") ?? Rational(0) else {
      throw item.error(
        of: "ends", "is not after its begin", remedy: "Leave it out for a fault without end")
    }
  }

  private func check(_ fault: FaultSetting, _ item: ItemReader) throws(ConfigurationError) {
    for key in ["factor", "bandwidth_factor", "probability"] {
      // Six digits leave room for exact products with every time.
      guard let number = fault.number(key), (number * Rational(1_000_000)).denominator != 1 else {
        continue
      }
      throw item.error(
        of: key, "has more than six digits after the point", remedy: "Round it, as in 0.833333")
    }
    switch fault.kind {
    case .link where fault.time("latency") == nil && fault.number("bandwidth_factor") == nil:
      throw item.error(
        "makes a link neither longer nor slower", remedy: "Write latency or bandwidth_factor")
    case .loss:
      let isNamed = fault.values["stream"] != nil && fault.values["sequence"] != nil
      let isPartlyNamed = fault.values["stream"] != nil || fault.values["sequence"] != nil
      let isDrawn = fault.values["probability"] != nil
      let hasSeed = fault.values["seed"] != nil
      guard isNamed != isDrawn, isPartlyNamed != isDrawn, isDrawn || !hasSeed else {
        throw item.error(
          "does not say which messages are lost",
          remedy: "Write stream and sequence for one, or probability and seed for each try of all")
      }
    default: break
    }
  }

  private func checkSpares(
    _ fault: FaultSetting, _ item: ItemReader, _ modelled: Experiment.Modelled
  ) throws(ConfigurationError) {
    guard case .wafer(let device) = modelled.device, let dies = device.wafer.dies else {
      throw item.error(
        "kills PEs of \(modelled.device.name), whose dies are not known",
        remedy: "wse-2 and wse-3 have them")
    }
    let spares = dies.columns * dies.dieRows * dies.columnBudget
    let dead = device.defects?.mesh.map.dead.count ?? 0
    let count = fault.count("count")!
    guard count <= spares - dead else {
      throw item.error(
        of: "count", "is \(count), and the wafer has \(spares - dead) spare PEs left of \(spares)",
        remedy: "Let fewer die, or lose the wafer with a fault of kind wafer")
    }
    do { _ = try device.repaired(after: fault) } catch {
      throw item.error(
        of: "count",
        "is \(count), and the spare PEs, \(dies.columnBudget) in each column of a die, do not replace them: \(error)",
        remedy: "Let fewer die, or try another seed")
    }
  }
}

extension WaferDevice {
  /// The mesh after some PEs more have died: drawn by the fault's seed among all that still live.
  ///
  /// Throws `RepairError` when a column has more dead PEs than repair passes over.
  ///
  /// - Precondition: the wafer's dies are known, and it has so many live PEs.
  func repaired(after fault: FaultSetting) throws(RepairError) -> RepairedMesh {
    let dies = wafer.dies!
    var dead = Set(defects?.mesh.map.dead ?? [])
    let count = dead.count + fault.count("count")!
    var generator = SplitMix64(seed: UInt64(fault.count("seed") ?? 0))
    while dead.count < count {
      let place = generator.index(below: dies.physicalPEs)
      dead.insert(PhysicalPE(column: place / dies.physicalRows, row: place % dies.physicalRows))
    }
    return try RepairedMesh(
      DefectMap(dies: dies, dead: dead),
      limit: (columns: wafer.mesh.columns, rows: wafer.mesh.rows))
  }
}
