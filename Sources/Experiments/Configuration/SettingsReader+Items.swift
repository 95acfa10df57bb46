import Quantities

extension SettingsReader {
  /// The mappings of a list; none when it is absent or the key's word.
  ///
  /// Throws `ConfigurationError` for a key that the mappings have not, a missing one, and a wrong value.
  func items(_ name: String) throws(ConfigurationError) -> [ItemReader] {
    let key = ExperimentSchema.key(name)
    guard case .items(let fields) = key.kind else {
      preconditionFailure("'\(name)' is no list of mappings in the schema")
    }
    let items: [Settings.Item]
    switch settings[name]?.value {
    case nil, .list([]): items = []
    case .items(let written): items = written
    case .plain(let text), .quoted(let text):
      items = text == key.word ? [] : try Settings.items(text, key: name, at: place(name))
    case .list: throw error(name, "is a list of values", remedy: "It must be \(key.expectation)")
    }
    var readers: [ItemReader] = []
    for item in items { readers.append(try ItemReader(item, fields, of: name)) }
    return readers
  }
}

/// Reads one mapping of a list, by the schema's rules for its keys.
struct ItemReader {
  /// Where it stands.
  let place: Place
  private let name: String
  private let values: [String: Value]

  private enum Value {
    case number(Rational)
    case count(Int)
    case word(String)
  }

  init(
    _ item: Settings.Item, _ fields: [SettingKey.ItemField], of name: String
  ) throws(ConfigurationError) {
    place = item.place
    self.name = name
    var values: [String: Value] = [:]
    for pair in item.pairs {
      guard let field = fields.first(where: { $0.name == pair.key }) else {
        throw ConfigurationError(
          place, key: "\(name).\(pair.key)", "is not a key of \(name)",
          nearest: NearestName.of(pair.key, among: fields.map(\.name)),
          remedy: "Its keys are " + fields.map(\.name).joined(separator: ", "))
      }
      values[pair.key] = try Self.value(pair.text, field, key: "\(name).\(pair.key)", at: place)
    }
    for field in fields where field.isRequired && values[field.name] == nil {
      throw ConfigurationError(
        place, key: "\(name).\(field.name)", "is missing",
        remedy: "Write for instance \(SettingKey.example(fields))")
    }
    self.values = values
  }

  private static func value(
    _ text: String, _ field: SettingKey.ItemField, key: String, at place: Place
  ) throws(ConfigurationError) -> Value {
    let schema = SettingKey(key, field.kind, "")
    switch field.kind {
    case .count(let range):
      if let count = Int(text), range.contains(count) { return .count(count) }
    case .decimal(let range):
      if let value = Rational(decimal: text), range.contains(value) { return .number(value) }
    case .quantity(let dimension, let range):
      let value: Rational
      do { value = try dimension.parse(text) } catch {
        throw ConfigurationError(
          place, key: key, "is wrong: \(error)", remedy: schema.example)
      }
      if range.contains(value) { return .number(value) }
    case .choice(let words):
      if words.contains(text) { return .word(text) }
      throw ConfigurationError(
        place, key: key, "is '\(text)'", nearest: NearestName.of(text, among: words),
        remedy: "It must be \(schema.expectation)")
    default: preconditionFailure("'\(key)' is of a kind that lists have not")
    }
    throw ConfigurationError(
      place, key: key, "is '\(text)'", remedy: "It must be \(schema.expectation)")
  }

  /// A whole number of a key that every mapping has.
  func count(_ key: String) -> Int {
    guard case .count(let count)? = values[key] else {
      preconditionFailure("'\(name).\(key)' is no count that is always there")
    }
    return count
  }

  /// A number, in its dimension's base unit; `nil` when it is not written.
  func number(_ key: String) -> Rational? {
    if case .number(let number)? = values[key] { number } else { nil }
  }

  /// A whole number of a key; `nil` when it is not written.
  func optionalCount(_ key: String) -> Int? {
    if case .count(let count)? = values[key] { count } else { nil }
  }

  /// One of the words of a key; `nil` when it is not written.
  func word(_ key: String) -> String? {
    if case .word(let word)? = values[key] { word } else { nil }
  }

  /// The keys that are written, in order of the alphabet.
  var keys: [String] { values.keys.sorted() }

  /// Whether a key is written.
  func has(_ key: String) -> Bool { values[key] != nil }

  /// An error of the mapping.
  func error(_ problem: String, remedy: String? = nil) -> ConfigurationError {
    ConfigurationError(place, key: name, problem, remedy: remedy)
  }

  /// An error of one of its keys.
  func error(of key: String, _ problem: String, remedy: String? = nil) -> ConfigurationError {
    ConfigurationError(place, key: "\(name).\(key)", problem, remedy: remedy)
  }
}
