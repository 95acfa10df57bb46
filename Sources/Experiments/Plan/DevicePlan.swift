import Hardware

/// The answers of many devices to one question, as `wafer plan` shows them.
public struct DevicePlan: Hashable, Sendable {
  /// What was asked.
  public let question: PlanQuestion
  /// One answer a device, wafers first.
  public let answers: [DeviceAnswer]

  /// Asks the presets of these names, or all: wafers, then accelerators.
  ///
  /// - Parameter devices: How many of each; the fewest that hold all when `nil`.
  ///
  /// Throws `ConfigurationError` when there is no preset of a name, or it cannot be read.
  public init(
    _ question: PlanQuestion, names: [String], devices: Int?, presets: PresetLibrary
  ) throws(ConfigurationError) {
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
        let calibration = try presets.calibration(preset.value.calibration, at: place).value
        answers.append(
          DeviceAnswer(
            preset.value, calibration: calibration, assumed: preset.assumed, to: question,
            devices: devices))
      }
    }
    self.answers = answers
  }
}

extension LoadedPreset {
  /// Keys of the figures that this project chose.
  fileprivate var assumed: [String] {
    figures.filter { $0.mark == Mark.assumed.rawValue }.map(\.key)
  }
}
