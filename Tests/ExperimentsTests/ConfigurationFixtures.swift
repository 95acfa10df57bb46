import Foundation
import Models
import Testing

@testable import Experiments

/// The repository's presets, and what tests of configuration share.
enum Fixtures {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let presets = PresetLibrary(folder: repository.appendingPathComponent("Configs").path)
  static let experiments = repository.appendingPathComponent("Configs/experiments").path

  /// A resolver whose one model file, `/model.gguf`, has weights and a tokenizer of bytes.
  static let resolver = ExperimentResolver(presets: presets) { path in
    guard path == "/model.gguf" else { throw NotThere(path: path) }
    var shape = ModelShape.syntheticSmall
    shape.name = "from-file"
    return ModelFacts(shape: shape, hasWeights: true) { $0.utf8.map(Int.init) }
  }

  struct NotThere: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): cannot read" }
  }

  /// Resolves the text of a file, then `--set` arguments.
  static func resolve(_ yaml: String = "", set arguments: [String] = []) throws(ConfigurationError)
    -> Experiment
  {
    try resolver.resolve(try settings(yaml, set: arguments))
  }

  static func settings(_ yaml: String = "", set arguments: [String] = [])
    throws(ConfigurationError) -> Settings
  {
    var settings = yaml.isEmpty ? Settings() : try Settings(yaml: yaml, path: "test.yaml")
    for argument in arguments { try settings.set(argument: argument) }
    return settings
  }

  /// The error of what should not resolve; `nil` when it does.
  static func error(_ yaml: String = "", set arguments: [String] = []) -> ConfigurationError? {
    do {
      _ = try resolve(yaml, set: arguments)
      return nil
    } catch {
      return error
    }
  }

  /// A folder that is removed after `body`.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("wafer-configuration-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }

  /// YAML that sets one dotted key.
  static func yaml(_ key: String, _ value: String) -> String {
    let parts = key.split(separator: ".", maxSplits: 1)
    return parts.count == 1 ? "\(key): \(value)\n" : "\(parts[0]):\n  \(parts[1]): \(value)\n"
  }
}

extension Experiment.Modelled {
  /// The wafer of an experiment on wafers.
  var waferDevice: WaferDevice {
    guard case .wafer(let device) = device else {
      preconditionFailure("\(device.name) is no wafer")
    }
    return device
  }
}
