/// What was written for the keys of an experiment, before it is read as values.
///
/// Layers are merged key by key, the later over the earlier: defaults, file, options, `--set`.
public struct Settings: Hashable, Sendable {
  private var written: [String: Setting] = [:]
  /// The axes that a file gives a sweep of it; a run of the file takes none.
  public private(set) var axes: [SweepAxis] = []

  /// Nothing set: the embedded default experiment.
  public init() {}

  /// What was written for a key, and where.
  public struct Setting: Hashable, Sendable {
    /// As written.
    public let value: Value
    /// Where.
    public let place: Place
  }

  /// A value as written.
  public enum Value: Hashable, Sendable {
    /// Plain: a number, a quantity, a word, or text.
    case plain(String)
    /// Text in quotes, which no number or word is.
    case quoted(String)
    /// A list of plain values.
    case list([String])
    /// A list of mappings of plain values.
    case items([Item])
  }

  /// One mapping of a list, as written.
  public struct Item: Hashable, Sendable, CustomStringConvertible {
    /// Where it stands.
    public let place: Place
    /// Keys and values, in order.
    public let pairs: [Pair]

    /// A key and what was written for it.
    public struct Pair: Hashable, Sendable {
      /// The key.
      public let key: String
      /// Its value.
      public let text: String
    }

    /// As one line of YAML.
    public var description: String {
      "{" + pairs.map { "\($0.key): \($0.text)" }.joined(separator: ", ") + "}"
    }
  }

  /// What is set for a key; `nil` when only its default holds.
  public subscript(key: String) -> Setting? { written[key] }

  /// Names of the keys that are set, sorted.
  public var names: [String] { written.keys.sorted() }

  /// Sets the key that a dotted name means.
  ///
  /// Throws `ConfigurationError` when there is no such key, or it was set in this layer before.
  public mutating func set(_ name: String, to value: Value, at place: Place)
    throws(ConfigurationError)
  {
    guard let key = ExperimentSchema.lookUp(name) else {
      guard ExperimentSchema.isSection(name) else {
        throw ExperimentSchema.unknown(name, at: place)
      }
      let keys = ExperimentSchema.keys.map(\.name).filter { $0.hasPrefix(name + ".") }
      throw ConfigurationError(
        place, key: name, "holds other keys and has no value of its own",
        remedy: "Set one of \(keys.joined(separator: ", "))")
    }
    if let before = written[key.name] {
      throw ConfigurationError(
        place, key: key.name, "is set twice, before at \(before.place)", remedy: "Keep one")
    }
    if ExperimentSchema.alternatives.contains(key.name),
      let other = ExperimentSchema.alternatives.first(where: { written[$0] != nil })
    {
      throw ConfigurationError(
        place, key: key.name, "excludes '\(other)', which is set at \(written[other]!.place)",
        remedy: "Give one of " + ExperimentSchema.alternatives.joined(separator: ", "))
    }
    written[key.name] = Setting(value: value, place: place)
  }

  /// Sets a key from an argument `key=value` of `--set`. A later argument for the same key replaces an
  /// earlier one, as options usually do.
  ///
  /// Throws `ConfigurationError` when it is not of that form, or there is no such key.
  public mutating func set(argument: String) throws(ConfigurationError) {
    let place = Place.set(argument)
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw ConfigurationError(
        place, "is not of the form key=value", remedy: "Write for instance --set plan.tensor=2")
    }
    var layer = Settings()
    try layer.set(
      String(argument[..<equals]),
      to: .plain(String(argument[argument.index(after: equals)...])), at: place)
    merge(layer)
  }

  /// Takes the axes that a file gives.
  mutating func set(axes: [SweepAxis]) { self.axes = axes }

  /// The same settings without these keys.
  func without(_ names: String...) -> Settings {
    var settings = self
    for name in names { settings.written[name] = nil }
    return settings
  }

  /// Lays `later` over what is set here.
  public mutating func merge(_ later: Settings) {
    if ExperimentSchema.alternatives.contains(where: { later.written[$0] != nil }) {
      for name in ExperimentSchema.alternatives { written[name] = nil }
    }
    written.merge(later.written) { $1 }
    if !later.axes.isEmpty { axes = later.axes }
  }
}
