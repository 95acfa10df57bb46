import Foundation
import Hardware
import Models

/// The presets of a `Configs` folder.
public struct PresetLibrary: Hashable, Sendable {
  /// The folder that holds `models`, `hardware`, `links` and `calibration`.
  public let folder: String
  private var cache: PresetCache?

  /// The same library, which reads each preset once.
  public var remembering: PresetLibrary {
    var library = self
    library.cache = PresetCache()
    return library
  }

  /// A library in a folder that is known.
  public init(folder: String) { self.folder = folder }

  /// Finds the folder: the one that was asked for, or the environment's `WAFER_CONFIGS`, or `Configs` in
  /// or above the executable's folder or the current one, or `share/wafercluster/Configs` beside the
  /// executable's `bin`.
  ///
  /// Throws `ConfigurationError` that lists where it was looked for.
  public static func locate(
    asked: String?, environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String = Bundle.main.executablePath ?? CommandLine.arguments[0],
    currentFolder: String = FileManager.default.currentDirectoryPath
  ) throws(ConfigurationError) -> PresetLibrary {
    if let asked { return try checked(asked, at: .option("--configs")) }
    if let variable = environment["WAFER_CONFIGS"], !variable.isEmpty {
      return try checked(variable, at: .option("$WAFER_CONFIGS"))
    }
    let binary = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
      .deletingLastPathComponent()
    let candidates =
      above(binary) + above(URL(fileURLWithPath: currentFolder))
      + [binary.deletingLastPathComponent().appendingPathComponent("share/wafercluster/Configs")]
    for candidate in candidates where isLibrary(candidate.path) {
      return PresetLibrary(folder: candidate.path)
    }
    throw ConfigurationError(
      .option("--configs"), "is not given, and no folder with presets was found",
      remedy: "Looked for "
        + candidates.map(\.path).reduce(into: [String]()) { unique, path in
          if !unique.contains(path) { unique.append(path) }
        }.joined(separator: ", ") + ". Give --configs FOLDER or set WAFER_CONFIGS")
  }

  /// The library in a folder that was asked for at `place`.
  ///
  /// Throws `ConfigurationError` there when it is none.
  static func locate(asked folder: String, at place: Place) throws(ConfigurationError)
    -> PresetLibrary
  {
    try checked(folder, at: place)
  }

  /// Names of the presets of a kind, sorted; none when the folder is not there.
  public func names(of kind: PresetKind) -> [String] {
    let files = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(kind.folder)")
    let isShared = PresetKind.allCases.contains { $0 != kind && $0.folder == kind.folder }
    return (files ?? []).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
      .filter { !isShared || mayHold("\(folder)/\(kind.folder)/\($0)", kind) }
      .map { String($0.dropLast(".yaml".count)) }.sorted()
  }

  /// Whether a file of a folder that kinds share says that it is of this one. A file that says neither
  /// belongs to all of them, so that reading it tells what is wrong.
  private func mayHold(_ path: String, _ kind: PresetKind) -> Bool {
    let key = "preset:"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) })
    else { return true }
    let written = line.dropFirst(key.count).split(separator: " ").first.map(String.init) ?? ""
    return written == kind.rawValue || PresetKind(rawValue: written)?.folder != kind.folder
  }

  /// The one of these kinds that has a preset of this name.
  ///
  /// Throws `ConfigurationError` at `place` with all their names when there is none.
  public func kind(of name: String, among kinds: [PresetKind], at place: Place, key: String? = nil)
    throws(ConfigurationError) -> PresetKind
  {
    // One kind alone says its own name in the error of loading it.
    if kinds.count == 1 { return kinds[0] }
    if let kind = kinds.first(where: { holds(name, $0) }) { return kind }
    let names = kinds.flatMap(names(of:))
    throw ConfigurationError(
      place, key: key, "is '\(name)', and there is no preset of that name",
      nearest: NearestName.of(name, among: names),
      remedy: names.isEmpty
        ? "\(folder) holds no such presets" : "The presets are \(names.joined(separator: ", "))")
  }

  /// A wafer by its name.
  ///
  /// Throws `ConfigurationError` at `place` when there is none, and in the file when it cannot be read.
  public func wafer(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<Wafer>
  {
    try load(name, .wafer, at: place, key: key)
  }

  /// An accelerator by its name; throws as `wafer`.
  public func accelerator(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<Accelerator>
  {
    try load(name, .accelerator, at: place, key: key)
  }

  /// A host by its name; throws as `wafer`.
  public func host(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<HostProcess>
  {
    try load(name, .host, at: place, key: key)
  }

  /// A link by its name; throws as `wafer`.
  public func link(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<Link>
  {
    try load(name, .link, at: place, key: key)
  }

  /// A model's shape by its name; throws as `wafer`.
  public func model(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<ModelShape>
  {
    try load(name, .model, at: place, key: key)
  }

  /// A calibration by its name; throws as `wafer`.
  public func calibration(_ name: String, at place: Place, key: String? = nil)
    throws(ConfigurationError) -> LoadedPreset<Calibration>
  {
    try remembered(name, .calibration) { () throws(ConfigurationError) in
      try readCalibration(name, at: place, key: key)
    }
  }

  private func readCalibration(_ name: String, at place: Place, key: String?)
    throws(ConfigurationError) -> LoadedPreset<Calibration>
  {
    let (file, source) = try open(name, .calibration, at: place, key: key)
    let (value, coefficients) = try file.calibration()
    return LoadedPreset(
      summary: coefficients.summary, value: value, figures: Self.listed(coefficients),
      source: source)
  }

  /// Whether there is a preset of this name.
  public func holds(_ name: String, _ kind: PresetKind) -> Bool { names(of: kind).contains(name) }

  private func load<Value: PresetValue>(
    _ name: String, _ kind: PresetKind, at place: Place, key: String?
  ) throws(ConfigurationError) -> LoadedPreset<Value> {
    try remembered(name, kind) { () throws(ConfigurationError) in
      let (file, source) = try open(name, kind, at: place, key: key)
      let preset = try file.preset(of: Value.self)
      return LoadedPreset(
        summary: preset.summary, value: preset.value, figures: Self.listed(preset), source: source)
    }
  }

  private func remembered<Value>(
    _ name: String, _ kind: PresetKind,
    load: () throws(ConfigurationError) -> LoadedPreset<Value>
  ) throws(ConfigurationError) -> LoadedPreset<Value> {
    guard let cache else { return try load() }
    return try cache.value("\(kind.folder)/\(name)", load: load)
  }

  private func open(_ name: String, _ kind: PresetKind, at place: Place, key: String?)
    throws(ConfigurationError) -> (PresetFile, PresetSource)
  {
    let names = names(of: kind)
    guard names.contains(name) else {
      throw ConfigurationError(
        place, key: key, "is '\(name)', and there is no \(kind) preset of that name",
        nearest: NearestName.of(name, among: names),
        remedy: names.isEmpty
          ? "\(folder)/\(kind.folder) holds no presets"
          : "The presets in \(folder)/\(kind.folder) are \(names.joined(separator: ", "))")
    }
    let relative = "\(kind.folder)/\(name).yaml"
    let path = "\(folder)/\(relative)"
    let bytes = try StrictYAML.bytes(path)
    return (
      try PresetFile(path: path, kind: kind, expectedName: name),
      PresetSource(kind: kind, name: name, file: relative, sha256: SHA256.hexadecimal(bytes))
    )
  }

  private static func listed<Value>(_ preset: Preset<Value>) -> [ListedFigure] {
    preset.figures.map {
      ListedFigure(
        key: $0.key.name, value: $0.figure.value, mark: $0.figure.mark.rawValue,
        source: $0.figure.source, meaning: $0.key.meaning)
    }
  }

  private static func checked(_ folder: String, at place: Place) throws(ConfigurationError)
    -> PresetLibrary
  {
    guard isLibrary(folder) else {
      throw ConfigurationError(
        place, "'\(folder)' is no folder of presets",
        remedy: "It must hold the folder 'hardware', and beside it 'models', 'links', "
          + "'calibration'")
    }
    return PresetLibrary(folder: folder)
  }

  private static func isLibrary(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/hardware")
  }

  /// `Configs` in a folder and in each one above it.
  private static func above(_ start: URL) -> [URL] {
    var found: [URL] = []
    var folder = start.standardizedFileURL
    // No path is deeper; `deletingLastPathComponent` of the root is the root.
    for _ in 0..<128 {
      found.append(folder.appendingPathComponent("Configs"))
      let parent = folder.deletingLastPathComponent().standardizedFileURL
      if parent.path == folder.path { break }
      folder = parent
    }
    return found
  }
}
