import Defects
import Foundation
import Hardware
import Models
import Placement
import Quantities

/// The device of an experiment: a wafer with its mapping and its defects, or accelerators.
extension ExperimentResolver {
  /// A device, its own link, and the files that it was read from.
  struct Hardware {
    var device: Device
    var link: Link
    var sources: [PresetSource]
  }

  func hardware(_ reader: SettingsReader) throws(ConfigurationError) -> Hardware {
    let key = "hardware.name"
    let name = try reader.requiredText(key)
    let kind = try presets.kind(
      of: name, among: [.wafer, .accelerator, .host], at: reader.place(key), key: key)
    return switch kind {
    case .wafer: try wafer(name, reader)
    case .host: try host(name, reader)
    default: try accelerators(name, reader)
    }
  }

  // MARK: Wafers

  private func wafer(_ name: String, _ reader: SettingsReader) throws(ConfigurationError)
    -> Hardware
  {
    try refuse(["hardware.devices"], on: "a wafer", reader)
    let preset = try presets.wafer(name, at: reader.place("hardware.name"), key: "hardware.name")
    var wafer = preset.value
    if let clock = try reader.quantity("hardware.clock") { wafer.clock = clock }
    if let name = try reader.text("hardware.calibration") { wafer.calibration = name }
    let place =
      reader.isSet("hardware.calibration")
      ? reader.place("hardware.calibration")
      : .file("\(presets.folder)/\(preset.source.file)", line: nil)
    let calibration = try presets.calibration(
      wafer.calibration, at: place, key: "hardware.calibration")
    let defects = try defects(reader, wafer: wafer)
    if let defects {
      wafer.mesh = Rectangle(columns: defects.mesh.columns, rows: defects.mesh.rows)
    }
    let device = WaferDevice(
      wafer: wafer, calibration: calibration.value, mapping: try mapping(reader),
      grid: try grid(reader, wafer: wafer),
      allowsHypotheticalSRAM: try reader.boolean("hardware.hypothetical_sram"),
      defects: defects)
    return Hardware(
      device: .wafer(device), link: wafer.link, sources: [preset.source, calibration.source])
  }

  private func grid(_ reader: SettingsReader, wafer: Wafer) throws(ConfigurationError)
    -> Mapping.Grid
  {
    guard let rectangle = try reader.grid("hardware.grid") else { return .fastest }
    guard wafer.mesh.holds(rectangle) else {
      throw reader.error(
        "hardware.grid", "is \(rectangle) PEs",
        remedy: "The usable mesh of \(wafer.name) is \(wafer.mesh) PEs")
    }
    return .exactly(rectangle)
  }

  private func mapping(_ reader: SettingsReader) throws(ConfigurationError) -> Mapping.Kind {
    let text = try reader.requiredText("hardware.mapping")
    guard let kind = Mapping.Kind(written: text) else {
      throw reader.error(
        "hardware.mapping", "is '\(text)'",
        remedy: "It must be whole-mesh, region-per-layer, fastest, or blocks-N with N from 2 on")
    }
    return kind
  }

  // MARK: Defects

  /// The dead PEs that settings ask for, repaired; `nil` when they ask for none.
  private func defects(_ reader: SettingsReader, wafer: Wafer) throws(ConfigurationError)
    -> WaferDefects?
  {
    let density = try reader.quantity("hardware.defect_density")
    let file = try reader.text("hardware.defect_map")
    guard density != nil || file != nil else {
      for key in ["hardware.defect_clustering", "hardware.defect_seed"] where reader.isSet(key) {
        throw reader.error(
          key, "is given, and no defects are drawn",
          remedy: "Give --defect-density too, such as 0.001/mm2")
      }
      return nil
    }
    let key = file == nil ? "hardware.defect_density" : "hardware.defect_map"
    guard let dies = wafer.dies, let area = wafer.area else {
      throw reader.error(
        key, "needs a wafer whose dies are known, and those of \(wafer.name) are not",
        remedy: "wse-2 and wse-3 have them")
    }
    let map: DefectMap
    let source: WaferDefects.Source
    if let file {
      guard density == nil else {
        throw reader.error(key, "is given beside 'hardware.defect_density'", remedy: "Give one")
      }
      source = .file(file)
      map = try defectMap(file, dies: dies, at: reader.place(key))
    } else {
      let clustering = try reader.optionalDecimal("hardware.defect_clustering")
      let seed = try reader.count("hardware.defect_seed")
      source = .drawn(density: density!, clustering: clustering, seed: seed)
      map = DefectMap(
        dies: dies, expected: (density! * area).approximation,
        clustering: clustering?.approximation, seed: UInt64(seed))
    }
    let beyondRepair: RepairedMesh.BeyondRepair = try reader.choice("hardware.beyond_repair")
    do {
      let mesh = try RepairedMesh(
        map, limit: (columns: wafer.mesh.columns, rows: wafer.mesh.rows),
        beyondRepair: beyondRepair)
      return WaferDefects(source: source, beyondRepair: beyondRepair, mesh: mesh)
    } catch {
      throw reader.error(key, "leaves no wafer to run on: \(error)")
    }
  }

  private func defectMap(_ path: String, dies: DieGrid, at place: Place)
    throws(ConfigurationError) -> DefectMap
  {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ConfigurationError(
        place, key: "hardware.defect_map", "is '\(path)', which cannot be read",
        remedy: "Give the path of a file as docs/yield.md describes it")
    }
    do {
      return try DefectMap(text: text, file: path, dies: dies)
    } catch {
      throw ConfigurationError(
        .file(error.file, line: error.line), key: "hardware.defect_map", error.problem,
        remedy: error.remedy)
    }
  }

  // MARK: Accelerators

  private func accelerators(_ name: String, _ reader: SettingsReader) throws(ConfigurationError)
    -> Hardware
  {
    try refuse(
      [
        "hardware.clock", "hardware.calibration", "hardware.mapping", "hardware.grid",
        "hardware.defect_density", "hardware.defect_clustering", "hardware.defect_seed",
        "hardware.defect_map", "hardware.beyond_repair",
      ], on: "an accelerator", reader)
    let preset = try presets.accelerator(
      name, at: reader.place("hardware.name"), key: "hardware.name")
    let asked = try reader.optionalCount("hardware.devices")
    let group = AcceleratorGroup(
      accelerator: preset.value, devices: asked ?? 1, isAutomatic: asked == nil,
      allowsHypotheticalMemory: try reader.boolean("hardware.hypothetical_sram"))
    return Hardware(device: .accelerators(group), link: group.link, sources: [preset.source])
  }

  /// Settings that a kind of device has no use for.
  func refuse(_ keys: [String], on what: String, _ reader: SettingsReader)
    throws(ConfigurationError)
  {
    // The word that a key has for nothing says nothing: axes of several kinds of devices need it.
    for key in keys where reader.isSet(key) && !reader.isWord(key) {
      throw reader.error(
        key, "means nothing on \(what)",
        remedy: "Leave it out, or choose another 'hardware.name'")
    }
  }

  /// Accelerators get as many devices as a rank's share needs, when none were asked for; as many as were
  /// asked for must hold it.
  func chooseDevices(_ modelled: inout Experiment.Modelled, _ reader: SettingsReader)
    throws(ConfigurationError)
  {
    guard case .accelerators(var group) = modelled.device else { return }
    let fewest = group.accelerator.fewestDevices(
      shape: modelled.shape, memory: modelled.memory, layers: modelled.layersPerStage.max()!,
      tensor: modelled.tensor)
    if group.isAutomatic {
      guard let fewest else {
        throw reader.error(
          "hardware.name",
          "is '\(group.accelerator.name)', and no number of them holds a step's vectors",
          remedy: "Give a smaller batch or prefill chunk")
      }
      group.devices = fewest
    } else if fewest.map({ $0 > group.devices }) ?? true, !group.allowsHypotheticalMemory {
      let need = fewest.map { "\($0) hold it" } ?? "no number of them holds it"
      throw reader.error(
        "hardware.devices", "is \(group.devices), and a rank's share does not fit; \(need)",
        remedy: "Give --devices automatic, or --hypothetical-sram to take memory as enlarged")
    }
    modelled.device = .accelerators(group)
  }
}
