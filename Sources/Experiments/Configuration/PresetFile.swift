import Hardware
import Quantities
import Yams

/// A file that describes a device, link, model or calibration, read strictly.
///
/// ```yaml
/// preset: link
/// name: ideal
/// summary: "No latency, infinite bandwidth"
/// figures:
///   latency: {value: 0 us, mark: assumed, source: "a limit, not a device"}
/// ```
struct PresetFile {
  private let yaml: StrictYAML
  private let kind: PresetKind
  let name: String
  let summary: String
  private let figures: Node.Mapping
  private let rest: [String: (place: Place, node: Node)]

  /// Throws `ConfigurationError` when the file is not a preset of this kind, or its name is not that
  /// of the file.
  init(path: String, kind: PresetKind, expectedName: String) throws(ConfigurationError) {
    try self.init(yaml: try StrictYAML(path: path), kind: kind, expectedName: expectedName)
  }

  init(yaml: StrictYAML, kind: PresetKind, expectedName: String) throws(ConfigurationError) {
    self.yaml = yaml
    self.kind = kind
    let common = ["preset", "name", "summary", "figures"]
    let own = kind == .calibration ? ["wafer", "groups", "rows"] : []
    let fields = try Self.fields(
      of: yaml.root, allowed: common + own, required: common + own, what: "a \(kind) preset",
      at: .file(yaml.path, line: nil), in: yaml)
    let written = try Self.word("preset", fields, yaml)
    guard written == kind.rawValue else {
      let words = PresetKind.allCases.filter { $0.folder == kind.folder }.map { "'\($0)'" }
      throw ConfigurationError(
        fields["preset"]!.place, key: "preset", "is '\(written)'",
        remedy: "In this folder it must be " + words.joined(separator: " or "))
    }
    name = try Self.word("name", fields, yaml)
    guard name == expectedName else {
      throw ConfigurationError(
        fields["name"]!.place, key: "name", "is '\(name)'",
        remedy: "It must be '\(expectedName)', as the file is called")
    }
    summary = try Self.word("summary", fields, yaml)
    figures = try yaml.mapping(fields["figures"]!.node, key: "figures")
    rest = fields
  }

  /// The preset's figures as its value.
  func preset<Value: PresetValue>(of type: Value.Type) throws(ConfigurationError) -> Preset<Value> {
    var written: [String: Figure<String>] = [:]
    var places: [String: Place] = [:]
    for (keyNode, node) in figures {
      let key = try yaml.key(keyNode)
      places[key] = yaml.place(keyNode)
      try Self.checkKey(key, of: Value.keys, at: yaml.place(keyNode), under: "figures")
      let fields = try Self.fields(
        of: try yaml.mapping(node, key: "figures.\(key)"), allowed: ["value", "mark", "source"],
        required: ["value", "mark", "source"], what: "a figure", under: "figures.\(key)",
        at: yaml.place(keyNode), in: yaml)
      written[key] = Figure(
        try Self.word("value", fields, yaml), try Self.mark(fields, yaml),
        source: try Self.word("source", fields, yaml))
    }
    do {
      return try Preset(name: name, summary: summary, figures: written)
    } catch {
      throw Self.configurationError(
        error, under: "figures", at: places[error.key] ?? place("figures"))
    }
  }

  /// The calibration: its coefficients, the rows they were fitted to, the groups of its all-reduce.
  func calibration() throws(ConfigurationError) -> (
    value: Calibration, coefficients: Preset<Calibration.Coefficients>
  ) {
    let coefficients = try preset(of: Calibration.Coefficients.self)
    guard case .sequence(let elements) = rest["rows"]!.node else {
      throw ConfigurationError(place("rows"), key: "rows", "is no list", remedy: "List the rows")
    }
    var rows: [Calibration.Row] = []
    for (index, element) in elements.enumerated() {
      rows.append(try row(element, under: "rows[\(index)]"))
    }
    let value = Calibration(
      name: name, wafer: try Self.word("wafer", rest, yaml), coefficients: coefficients.value,
      rows: rows, groups: try groups())
    return (value, coefficients)
  }

  private func place(_ key: String) -> Place {
    rest[key]?.place ?? .file(yaml.path, line: nil)
  }

  /// A row's keys stand beside the mark and source that they share.
  private func row(_ node: Node, under name: String) throws(ConfigurationError)
    -> Calibration.Row
  {
    let keys = Calibration.Row.keys
    let fields = try Self.fields(
      of: try yaml.mapping(node, key: name), allowed: keys.map(\.name) + ["mark", "source"],
      required: ["mark", "source"], what: "a calibration row", under: name, at: yaml.place(node),
      in: yaml)
    let mark = try Self.mark(fields, yaml)
    let source = try Self.word("source", fields, yaml)
    var figures: [String: Figure<String>] = [:]
    for key in keys where fields[key.name] != nil {
      figures[key.name] = Figure(
        try Self.word(key.name, fields, yaml), mark, source: source)
    }
    do {
      return try Preset(name: name, summary: "", figures: figures).value
    } catch {
      throw Self.configurationError(
        error, under: name, at: fields[error.key]?.place ?? yaml.place(node))
    }
  }

  /// Groups by the length of a line, with the mark and source that they share.
  private func groups() throws(ConfigurationError) -> [Int: Int] {
    let names = ["mark", "source", "configurations"]
    let fields = try Self.fields(
      of: try yaml.mapping(rest["groups"]!.node, key: "groups"), allowed: names, required: names,
      what: "groups", under: "groups", at: place("groups"), in: yaml)
    _ = try Self.mark(fields, yaml)
    let key = "groups.configurations"
    var groups: [Int: Int] = [:]
    for (lengthNode, countNode) in try yaml.mapping(fields["configurations"]!.node, key: key) {
      let length = try yaml.key(lengthNode)
      let count = try yaml.scalar(countNode, key: key).text
      guard let length = Int(length), let count = Int(count), (1...10_000).contains(length),
        count >= 1, length.isMultiple(of: count)
      else {
        throw ConfigurationError(
          yaml.place(lengthNode), key: key, "holds '\(length): \(count)'",
          remedy: "PEs of a line from 1 to 10000, and a number of groups that divides them")
      }
      groups[length] = count
    }
    return groups
  }

  // MARK: Fields

  private typealias Fields = [String: (place: Place, node: Node)]

  /// The keys of a mapping, each one of `allowed`, none of `required` missing.
  private static func fields(
    of mapping: Node.Mapping, allowed: [String], required: [String], what: String,
    under section: String = "", at place: Place, in yaml: StrictYAML
  ) throws(ConfigurationError) -> Fields {
    let prefix = section.isEmpty ? "" : "\(section)."
    var fields: Fields = [:]
    for (keyNode, node) in mapping {
      let key = try yaml.key(keyNode)
      guard allowed.contains(key) else {
        throw ConfigurationError(
          yaml.place(keyNode), key: prefix + key, "is not a key of \(what)",
          nearest: NearestName.of(key, among: allowed),
          remedy: "Its keys are " + allowed.joined(separator: ", "))
      }
      fields[key] = (yaml.place(keyNode), node)
    }
    if let missing = required.first(where: { fields[$0] == nil }) {
      throw ConfigurationError(
        place, key: prefix + missing, "is missing",
        remedy: "The keys of \(what) are " + allowed.joined(separator: ", "))
    }
    return fields
  }

  private static func word(_ key: String, _ fields: Fields, _ yaml: StrictYAML)
    throws(ConfigurationError) -> String
  {
    try yaml.scalar(fields[key]!.node, key: key).text
  }

  private static func mark(_ fields: Fields, _ yaml: StrictYAML) throws(ConfigurationError)
    -> Hardware.Mark
  {
    let text = try word("mark", fields, yaml)
    guard let mark = Hardware.Mark(rawValue: text) else {
      let marks = Hardware.Mark.allCases.map(\.rawValue)
      throw ConfigurationError(
        fields["mark"]!.place, key: "mark", "is '\(text)'",
        nearest: NearestName.of(text, among: marks),
        remedy: "It must be one of " + marks.joined(separator: ", "))
    }
    return mark
  }

  private static func checkKey(
    _ key: String, of keys: [FigureKey], at place: Place, under section: String
  ) throws(ConfigurationError) {
    let names = keys.map(\.name)
    guard names.contains(key) else {
      throw ConfigurationError(
        place, key: "\(section).\(key)", "is not a figure of such a preset",
        nearest: NearestName.of(key, among: names),
        remedy: "The figures are " + names.joined(separator: ", "))
    }
  }

  private static func configurationError(
    _ error: PresetError, under section: String, at place: Place
  ) -> ConfigurationError {
    let key = "\(section).\(error.key)"
    return switch error.problem {
    case .unknownKey(let allowed):
      ConfigurationError(
        place, key: key, "is not a figure of such a preset",
        nearest: NearestName.of(error.key, among: allowed),
        remedy: "The figures are " + allowed.joined(separator: ", "))
    case .missingKey(let meaning):
      ConfigurationError(place, key: key, "is missing", remedy: "Add it: \(meaning)")
    case .value(let text, let expected):
      ConfigurationError(place, key: key, "is '\(text)'", remedy: "It must be \(expected)")
    case .quantity(let error):
      ConfigurationError(place, key: key, "is wrong: \(error)")
    }
  }
}
