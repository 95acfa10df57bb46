import Foundation

/// The part of a run's document that must be byte-identical between runs, transports, payloads and
/// launchers: `experiment.modelled`, every `emulated`, and the emulated entries of `comparison`.
public struct EmulatedDocument: Hashable, Sendable {
  /// The document.
  public let json: JSONValue

  /// Keys of a run that hold one half of it.
  static let halves = ["single", "cluster", "best_single"]
  /// Keys of `comparison` that follow from emulated times alone.
  static let comparisonKeys = ["slowdown", "extra_ps", "extra_account_ps"]

  /// Takes the emulated part out of a run's document.
  ///
  /// Throws `ConfigurationError` at `place` when it is no such document, with the key that is missing.
  public init(run: JSONValue, place: Place) throws(ConfigurationError) {
    guard case .string(let schema) = run["schema"], schema.hasPrefix("wafer.") else {
      throw ConfigurationError(
        place, key: "schema", "is not that of a run", remedy: Self.remedy)
    }
    guard let modelled = run["experiment"]?["modelled"] else {
      throw ConfigurationError(
        place, key: "experiment.modelled", "is missing", remedy: Self.remedy)
    }
    var document: [String: JSONValue] = [
      "schema": .string(schema), "experiment": ["modelled": modelled],
    ]
    for half in Self.halves {
      guard let part = run[half], part != .null else { continue }
      guard let emulated = part["emulated"] else {
        throw ConfigurationError(
          place, key: "\(half).emulated", "is missing", remedy: Self.remedy)
      }
      document[half] = ["emulated": emulated]
    }
    if let emulated = run["emulated"] { document["emulated"] = emulated }
    guard document.count > 2 else {
      throw ConfigurationError(place, key: "emulated", "is missing", remedy: Self.remedy)
    }
    if let comparison = run["comparison"] {
      var kept: [String: JSONValue] = [:]
      for key in Self.comparisonKeys { kept[key] = comparison[key] }
      document["comparison"] = .object(kept)
    }
    json = .object(document)
  }

  /// Reads a run's document from a file.
  ///
  /// Throws `ConfigurationError` when it cannot be read, or is no such document.
  public init(file path: String) throws(ConfigurationError) {
    let place = Place.file(path, line: nil)
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: path)
      throw ConfigurationError(
        place, isThere ? "cannot be read" : "does not exist", remedy: Self.remedy)
    }
    let run: JSONValue
    do {
      run = try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      throw ConfigurationError(place, "is not JSON", remedy: Self.remedy)
    }
    try self.init(run: run, place: place)
  }

  private static let remedy =
    "Give the file that 'wafer run --format json' wrote, or the result of a run's --output folder"
}
