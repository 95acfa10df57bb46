/// One axis of a sweep: a key of the experiment, and what it is set to, in turn.
public struct SweepAxis: Hashable, Sendable {
  /// The key of the schema.
  public let key: SettingKey
  /// As they were written, in that order.
  public let values: [String]

  /// Most values of an axis.
  static let mostValues = 10_000

  /// Reads `KEY=v1,v2,…`. The key is one of the schema, or the name of an option without its dashes, as
  /// `link-latency` or `tp`. Values that have commas themselves, as lists of layers, are separated by
  /// semicolons.
  ///
  /// Throws `ConfigurationError` that names the key, and the value where one is wrong.
  public init(_ argument: String) throws(ConfigurationError) {
    let place = Place.option("--over \(argument)")
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw ConfigurationError(
        place, "is not of the form KEY=VALUE,VALUE",
        remedy: "Write for instance --over link-latency=1us,5us")
    }
    let name = String(argument[..<equals])
    guard let key = Self.key(name) else {
      throw ConfigurationError(
        place, key: name, "is not a key of an experiment",
        nearest: NearestName.of(
          name, among: ExperimentSchema.keys.map(\.name) + Self.optionNames),
        remedy: "'wafer show' prints every key")
    }
    guard !Self.refused.contains(key.name) else {
      throw ConfigurationError(
        place, key: key.name, "is a place to write to, and no axis",
        remedy: "The rows of a sweep go to --output")
    }
    let text = argument[argument.index(after: equals)...]
    let separator: Character = text.contains(";") ? ";" : ","
    let values = text.split(separator: separator, omittingEmptySubsequences: false).map {
      Self.trimmed($0)
    }
    guard values.count <= Self.mostValues else {
      throw ConfigurationError(
        place, key: key.name, "has \(values.count) values",
        remedy: "At most \(Self.mostValues) are possible")
    }
    self.key = key
    self.values = values
    for (index, value) in values.enumerated() {
      guard !value.isEmpty else {
        throw ConfigurationError(place, key: key.name, "has an empty value", remedy: Self.form)
      }
      guard !values[..<index].contains(value) else {
        throw ConfigurationError(
          place, key: key.name, "has the value '\(value)' twice", remedy: "Keep one")
      }
      var settings = Settings()
      try settings.set(key.name, to: .plain(value), at: place)
      try SettingsReader(settings: settings).checkAll()
    }
  }

  private static let form = "Write VALUE,VALUE; values with commas in them take semicolons between"

  /// How tables and files call it: as the option, where there is one.
  public var name: String { key.option.map { String($0.dropFirst(2)) } ?? key.name }

  /// The name of a column.
  public var column: String { key.name }

  /// Keys whose values say where something is written.
  private static let refused = ["host.output", "host.logits"]

  private static let optionNames = ExperimentSchema.keys.compactMap { key in
    key.option.map { String($0.dropFirst(2)) }
  }

  /// Other names of options.
  private static let longNames = [
    "pipeline-parallel-size": "plan.pipeline", "tensor-parallel-size": "plan.tensor",
  ]

  private static func key(_ name: String) -> SettingKey? {
    ExperimentSchema.lookUp(name) ?? ExperimentSchema.keys.first { $0.option == "--\(name)" }
      ?? longNames[name].map { ExperimentSchema.key($0) }
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
