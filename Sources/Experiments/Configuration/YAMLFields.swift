import Quantities
import Yams

/// The keys of one mapping of a YAML file, read strictly: an unknown key, a missing one, a wrong word or
/// a missing unit is an error that names file, line, key and what would be right.
struct YAMLFields {
  private let yaml: StrictYAML
  private let what: String
  private let section: String
  private let place: Place
  private var fields: [String: (place: Place, node: Node)] = [:]

  /// - Parameters:
  ///   - what: What such a mapping is, for errors: `a row`.
  ///   - section: The dotted name above the keys; empty at the top of a file.
  ///   - place: Where the mapping stands.
  ///
  /// Throws `ConfigurationError` for a key that is not `allowed`.
  init(
    _ mapping: Node.Mapping, _ what: String, under section: String = "", at place: Place,
    allowed: [String], in yaml: StrictYAML
  ) throws(ConfigurationError) {
    self.yaml = yaml
    self.what = what
    self.section = section
    self.place = place
    for (keyNode, node) in mapping {
      let key = try yaml.key(keyNode)
      guard allowed.contains(key) else {
        throw ConfigurationError(
          yaml.place(keyNode), key: dotted(key), "is not a key of \(what)",
          nearest: NearestName.of(key, among: allowed),
          remedy: "Its keys are " + allowed.joined(separator: ", "))
      }
      fields[key] = (yaml.place(keyNode), node)
    }
  }

  /// The same keys, and those of `defaults` that are not written here.
  func over(_ defaults: YAMLFields) -> YAMLFields {
    var merged = self
    merged.fields = defaults.fields.merging(fields) { $1 }
    return merged
  }

  /// Throws `ConfigurationError` when one of the keys is missing.
  func require(_ keys: [String]) throws(ConfigurationError) {
    if let missing = keys.first(where: { fields[$0] == nil }) {
      throw ConfigurationError(
        place, key: dotted(missing), "is missing",
        remedy: "\(what) needs " + keys.joined(separator: ", "))
    }
  }

  /// Whether the key is written.
  func has(_ key: String) -> Bool { fields[key] != nil }

  /// The node of a key; `nil` when it is not written.
  func node(_ key: String) -> Node? { fields[key]?.node }

  /// Where a key stands.
  ///
  /// - Precondition: it is written.
  func place(_ key: String) -> Place { fields[key]!.place }

  /// The error of a key that is written.
  func error(_ key: String, _ problem: String, nearest: String? = nil, remedy: String? = nil)
    -> ConfigurationError
  {
    ConfigurationError(
      place(key), key: dotted(key), problem, nearest: nearest, remedy: remedy)
  }

  /// The text of a key that is written.
  func text(_ key: String) throws(ConfigurationError) -> String {
    try yaml.scalar(fields[key]!.node, key: dotted(key)).text
  }

  /// The text of a key; `nil` when it is not written.
  func optionalText(_ key: String) throws(ConfigurationError) -> String? {
    has(key) ? try text(key) : nil
  }

  /// The words of a list; none when it is not written.
  func list(_ key: String) throws(ConfigurationError) -> [String] {
    guard let node = node(key) else { return [] }
    guard case .sequence(let elements) = node else {
      throw error(key, "is no list", remedy: "Write [a, b]")
    }
    var words: [String] = []
    for element in elements { words.append(try yaml.scalar(element, key: dotted(key)).text) }
    return words
  }

  /// The mapping of a key that is written.
  func mapping(_ key: String) throws(ConfigurationError) -> Node.Mapping {
    try yaml.mapping(fields[key]!.node, key: dotted(key))
  }

  /// The keys of a mapping below a key that is written.
  func inner(_ key: String, _ what: String, allowed: [String]) throws(ConfigurationError)
    -> YAMLFields
  {
    try YAMLFields(
      try mapping(key), what, under: dotted(key), at: place(key), allowed: allowed, in: yaml)
  }

  /// A case by its raw value.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: Choice.Type = Choice.self
  ) throws(ConfigurationError) -> Choice {
    try choice(try text(key), of: key)
  }

  /// As `choice`, of a word that stands somewhere in a key's value.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ word: String, of key: String
  ) throws(ConfigurationError) -> Choice {
    if let choice = Choice(rawValue: word) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    throw error(
      key, "is '\(word)'", nearest: NearestName.of(word, among: words),
      remedy: "It must be one of " + words.joined(separator: ", "))
  }

  /// A whole number of a key that is written.
  func count(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    let text = try text(key)
    guard let count = Int(text), range.contains(count) else {
      throw error(
        key, "is '\(text)'",
        remedy: "It must be \(SettingKey(key, .count(range), "").expectation)")
    }
    return count
  }

  /// A quantity of a key that is written, in its dimension's base unit.
  func quantity(_ key: String, _ dimension: Dimension, in range: ClosedRange<Rational>)
    throws(ConfigurationError) -> Rational
  {
    let text = try text(key)
    let value: Rational
    do { value = try dimension.parse(text) } catch {
      throw self.error(key, "is wrong: \(error)")
    }
    guard range.contains(value) else {
      throw error(
        key, "is '\(text)'",
        remedy: "It must be \(SettingKey(key, .quantity(dimension, range), "").expectation)")
    }
    return value
  }

  private func dotted(_ key: String) -> String { section.isEmpty ? key : "\(section).\(key)" }
}
