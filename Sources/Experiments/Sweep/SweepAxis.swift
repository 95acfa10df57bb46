import Yams

/// One axis of a sweep: a key of the experiment, or several that go together, and what they are set to, in turn.
public struct SweepAxis: Hashable, Sendable {
  /// The keys of the schema that each value sets.
  public let keys: [SettingKey]
  /// As they were written, in that order: `4`, or `4x2` of two keys.
  public let values: [String]
  /// parts[value][key]: what each key is set to.
  let parts: [[String]]
  /// Where each value stands.
  private let places: [String: Int]
  /// Where the axis was written.
  let place: Place

  /// Most values of an axis.
  static let mostValues = 10_000

  /// Reads `KEY=v1,v2,…`. The key is one of the schema, or the name of an option without its dashes, as
  /// `link-latency` or `tp`. Values that have commas themselves, as lists of layers, are separated by
  /// semicolons.
  ///
  /// Several keys go together when they are joined: `pp+tp=1x1,4x2`. The parts of a value are joined by `+` too;
  /// where all keys are whole numbers `x` does as well.
  ///
  /// Throws `ConfigurationError` that names the key, and the value where one is wrong.
  public init(_ argument: String) throws(ConfigurationError) {
    let place = Place.option("--over \(argument)")
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw ConfigurationError(
        place, "is not of the form KEY=VALUE,VALUE",
        remedy: "Write for instance --over link-latency=1us,5us")
    }
    let text = argument[argument.index(after: equals)...]
    let separator: Character = text.contains(";") ? ";" : ","
    try self.init(
      String(argument[..<equals]),
      text.split(separator: separator, omittingEmptySubsequences: false).map { Self.trimmed($0) },
      at: place)
  }

  /// An axis of these values.
  ///
  /// Throws `ConfigurationError` as for an argument.
  init(_ name: String, _ values: [String], at place: Place) throws(ConfigurationError) {
    var keys: [SettingKey] = []
    for part in name.split(separator: "+", omittingEmptySubsequences: false) {
      let key = try Self.key(Self.trimmed(part), at: place)
      guard !keys.contains(key) else {
        throw ConfigurationError(
          place, key: key.name, "stands twice in one axis", remedy: "Keep one")
      }
      keys.append(key)
    }
    self.keys = keys
    self.values = values
    self.place = place
    let column = keys.map(\.name).joined(separator: "+")
    guard values.count <= Self.mostValues else {
      throw ConfigurationError(
        place, key: column, "has \(values.count) values",
        remedy: "At most \(Self.mostValues) are possible")
    }
    var parts: [[String]] = []
    var places: [String: Int] = [:]
    for (index, value) in values.enumerated() {
      guard !value.isEmpty else {
        throw ConfigurationError(place, key: column, "has an empty value", remedy: Self.form)
      }
      guard places.updateValue(index, forKey: value) == nil else {
        throw ConfigurationError(
          place, key: column, "has the value '\(value)' twice", remedy: "Keep one")
      }
      parts.append(try Self.parts(of: value, keys, at: place))
      var settings = Settings()
      for (key, part) in zip(keys, parts[index]) {
        try settings.set(key.name, to: .plain(part), at: place)
      }
      try SettingsReader(settings: settings).checkAll()
    }
    self.parts = parts
    self.places = places
  }

  private static let form = "Write VALUE,VALUE; values with commas in them take semicolons between"

  /// What each key is set to by a value.
  private static func parts(
    of value: String, _ keys: [SettingKey], at place: Place
  ) throws(ConfigurationError) -> [String] {
    guard keys.count > 1 else { return [value] }
    let areCounts = keys.allSatisfy { if case .count = $0.kind { true } else { false } }
    let separator: Character = value.contains("+") || !areCounts ? "+" : "x"
    let parts = value.split(separator: separator, omittingEmptySubsequences: false)
      .map { trimmed($0) }
    guard parts.count == keys.count, parts.allSatisfy({ !$0.isEmpty }) else {
      let example = areCounts ? ["4x2x1x8", "4+2+1+8"] : ["A+B+C+D"]
      throw ConfigurationError(
        place, key: keys.map(\.name).joined(separator: "+"),
        "has the value '\(value)', and an axis of \(keys.count) keys sets \(keys.count) values together",
        remedy: "Write each as "
          + example.map { "'\($0.prefix(2 * keys.count - 1))'" }.joined(separator: " or "))
    }
    return parts
  }

  /// How tables and files call it: as the options, where there are some.
  public var name: String {
    keys.map { key in key.option.map { String($0.dropFirst(2)) } ?? key.name }
      .joined(separator: "+")
  }

  /// The name of the column of its values.
  public var column: String { keys.map(\.name).joined(separator: "+") }

  /// The names of all its columns: that of its values, and where these set several keys one for each.
  var columns: [String] { keys.count == 1 ? [column] : [column] + keys.map(\.name) }

  /// What stands in its columns for a value.
  func fields(of value: String) -> [(column: String, text: String)] {
    Array(zip(columns, keys.count == 1 ? [value] : [value] + parts[places[value]!]))
  }

  /// Sets its keys to a value.
  func set(_ value: String, in settings: inout Settings) throws(ConfigurationError) {
    let place: Place =
      if case .option = self.place { .option("--over \(name)=\(value)") } else { self.place }
    for (key, part) in zip(keys, parts[places[value]!]) {
      try settings.set(key.name, to: .plain(part), at: place)
    }
  }

  /// Keys whose values say where something is written.
  private static let refused = ["host.output", "host.logits"]

  private static let optionNames = ExperimentSchema.keys.compactMap { key in
    key.option.map { String($0.dropFirst(2)) }
  }

  /// Other names of options.
  private static let longNames = [
    "pipeline-parallel-size": "plan.pipeline", "tensor-parallel-size": "plan.tensor",
  ]

  private static func key(_ name: String, at place: Place) throws(ConfigurationError) -> SettingKey
  {
    let found =
      ExperimentSchema.lookUp(name) ?? ExperimentSchema.keys.first { $0.option == "--\(name)" }
      ?? longNames[name].map { ExperimentSchema.key($0) }
    guard let key = found else {
      throw ConfigurationError(
        place, key: name, "is not a key of an experiment",
        nearest: NearestName.of(name, among: ExperimentSchema.keys.map(\.name) + optionNames),
        remedy: "'wafer show' prints every key")
    }
    guard !refused.contains(key.name) else {
      throw ConfigurationError(
        place, key: key.name, "is a place to write to, and no axis",
        remedy: "The rows of a sweep go to --output")
    }
    return key
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

extension SweepAxis {
  /// The axes of the section `sweep` of an experiment file, in the order of the file: a name as for `--over`,
  /// and a list of values.
  ///
  /// Throws `ConfigurationError` that names the line.
  static func axes(_ node: Node, of yaml: StrictYAML) throws(ConfigurationError) -> [SweepAxis] {
    var axes: [SweepAxis] = []
    for (keyNode, values) in try yaml.mapping(node, key: "sweep") {
      let name = try yaml.key(keyNode)
      guard case .sequence(let elements) = values, !elements.isEmpty else {
        throw ConfigurationError(
          yaml.place(values), key: "sweep.\(name)", "is no list of values",
          remedy: "Write the values that it is set to, such as [1, 2, 4]")
      }
      var texts: [String] = []
      for element in elements { texts.append(try text(element, key: "sweep.\(name)", of: yaml)) }
      axes.append(try SweepAxis(name, texts, at: yaml.place(keyNode)))
    }
    guard !axes.isEmpty else {
      throw ConfigurationError(
        yaml.place(node), key: "sweep", "has no axis",
        remedy: "Write for instance 'pp: [1, 2, 4]' below it")
    }
    return axes
  }

  /// A value in one line, as a command line would have it.
  private static func text(
    _ node: Node, key: String, of yaml: StrictYAML
  ) throws(ConfigurationError) -> String {
    switch node {
    case .sequence(let elements):
      var texts: [String] = []
      for element in elements { texts.append(try text(element, key: key, of: yaml)) }
      return "[\(texts.joined(separator: ", "))]"
    case .mapping(let mapping):
      var pairs: [String] = []
      for (keyNode, value) in mapping {
        pairs.append("\(try yaml.key(keyNode)): \(try yaml.scalar(value, key: key).text)")
      }
      return "{\(pairs.joined(separator: ", "))}"
    default: return try yaml.scalar(node, key: key).text
    }
  }
}
