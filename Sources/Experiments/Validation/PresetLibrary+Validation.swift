import Foundation

extension PresetLibrary {
  /// Names of the validation tables, sorted.
  public var validationTables: [String] {
    let files = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/validation")
    return (files ?? []).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
      .map { String($0.dropLast(".yaml".count)) }.sorted()
  }

  /// Reads a table by its name, or by the path of its file, which holds a slash or ends in `.yaml`.
  ///
  /// Throws `ConfigurationError` at `place` when there is none, and in the file when it cannot be read.
  public func validationTable(_ name: String, at place: Place) throws(ConfigurationError)
    -> ValidationTable
  {
    if name.contains("/") || name.hasSuffix(".yaml") {
      return try ValidationFile(path: name).table()
    }
    let names = validationTables
    guard names.contains(name) else {
      throw ConfigurationError(
        place, "'\(name)' is no validation table", nearest: NearestName.of(name, among: names),
        remedy: names.isEmpty
          ? "\(folder)/validation holds no tables"
          : "The tables in \(folder)/validation are \(names.joined(separator: ", "))")
    }
    return try ValidationFile(path: "\(folder)/validation/\(name).yaml").table()
  }
}
