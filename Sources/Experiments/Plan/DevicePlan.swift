import Hardware
import Models

/// The answers of many devices to one question, as `wafer plan` shows them.
public struct DevicePlan: Hashable, Sendable {
  /// What was asked.
  public let question: PlanQuestion
  /// One answer a device, wafers first.
  public let answers: [DeviceAnswer]

  /// Asks the presets of these names, or all: wafers, then accelerators.
  ///
  /// - Parameters:
  ///   - devices: How many of each; the fewest that hold all when `nil`.
  ///   - placement: What a wafer answers with, where it is known; else it is placed by the fastest mapping.
  ///
  /// Throws `ConfigurationError` when there is no preset of a name, or it cannot be read, and
  /// `ProgramError` for faults of ours.
  public init(
    _ question: PlanQuestion, names: [String], devices: Int?, placement: WaferPlacement? = nil,
    presets: PresetLibrary
  ) throws {
    self.question = question
    let kinds: [PresetKind] = [.wafer, .accelerator]
    let place = Place.option("--hardware")
    var asked: [(name: String, kind: PresetKind)] = []
    for name in names {
      asked.append((name, try presets.kind(of: name, among: kinds, at: place)))
    }
    if names.isEmpty {
      asked = kinds.flatMap { kind in presets.names(of: kind).map { ($0, kind) } }
    }
    var answers: [DeviceAnswer] = []
    for (name, kind) in asked {
      if kind == .accelerator {
        let preset = try presets.accelerator(name, at: place)
        answers.append(
          DeviceAnswer(
            preset.value, assumed: preset.assumed, to: question, devices: devices))
      } else {
        let preset = try presets.wafer(name, at: place)
        let wafer = placement?.device.wafer ?? preset.value
        let placed =
          try placement ?? question.placement(preset.value, devices: devices, presets: presets)
        answers.append(
          DeviceAnswer(
            wafer, assumed: preset.assumed, to: question, placement: placed, devices: devices,
            isShown: placement != nil))
      }
    }
    self.answers = answers
  }
}

extension PlanQuestion {
  /// The model on so many wafers, or on the fewest, by the fastest mapping; `nil` when no number holds it.
  ///
  /// Stages are preferred to shards: shards are for models of which a layer exceeds a wafer.
  func placement(
    _ wafer: Wafer, devices: Int?, presets: PresetLibrary
  ) throws -> WaferPlacement? {
    let calibration = try presets.calibration(
      wafer.calibration, at: .file("\(presets.folder)/hardware/\(wafer.name).yaml", line: nil)
    ).value
    let device = WaferDevice(
      wafer: wafer, calibration: calibration, mapping: .fastest, grid: .fastest,
      allowsHypotheticalSRAM: false, defects: nil)
    let one = modelled(on: .wafer(device), link: wafer.link)
    if let devices {
      let splits = (1...devices).filter { devices % $0 == 0 }
        .compactMap { one.split(pipeline: devices / $0, tensor: $0) }
      let chosen = splits.first { $0.fits } ?? splits.first
      return try chosen.map { try WaferPlacement($0) }
    }
    for tensor in 1...shape.queryHeads {
      guard let stages = one.fewestStages(tensor: tensor) else { continue }
      return try one.split(pipeline: stages, tensor: tensor).map { try WaferPlacement($0) }
    }
    return nil
  }
}

extension LoadedPreset {
  /// Keys of the figures that this project chose.
  fileprivate var assumed: [String] {
    figures.filter { $0.mark == Mark.assumed.rawValue }.map(\.key)
  }
}
