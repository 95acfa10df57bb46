import Hardware
import Quantities

/// Reads settings as values, each by the schema's rule for its key, with errors that name the place.
struct SettingsReader {
  let settings: Settings

  /// Reads every key that is set, so that a wrong value is an error even where nothing would ask for
  /// it, and before any preset or model is opened.
  func checkAll() throws(ConfigurationError) {
    for key in ExperimentSchema.keys where isSet(key.name) {
      switch key.kind {
      case .name, .text, .choice: _ = try text(key.name)
      case .quantity, .quantityOrInfinite: _ = try limit(key.name)
      case .count: _ = try optionalCount(key.name)
      case .counts: _ = try counts(key.name)
      case .decimal: _ = try optionalDecimal(key.name)
      case .grid: _ = try grid(key.name)
      case .sides: _ = try sides(key.name)
      case .items: _ = try items(key.name)
      }
    }
  }

  /// Where a key's value stands: in a layer, or in the program.
  func place(_ name: String) -> Place { settings[name]?.place ?? .builtIn }

  /// Whether somebody set the key.
  func isSet(_ name: String) -> Bool { settings[name] != nil }

  /// Whether a key is set to its own word for absence, such as `automatic`.
  func isWord(_ name: String) -> Bool {
    switch settings[name]?.value {
    case .plain(let text), .quoted(let text): text == ExperimentSchema.key(name).word
    default: false
    }
  }

  /// The error of a key's value that cannot be, for a reason beyond the schema.
  func error(_ name: String, _ problem: String, remedy: String? = nil) -> ConfigurationError {
    ConfigurationError(place(name), key: name, problem, remedy: remedy)
  }

  /// A word, a name or a text; `nil` when it is absent or the key's own word for absence.
  func text(_ name: String) throws(ConfigurationError) -> String? {
    let key = ExperimentSchema.key(name)
    switch settings[name]?.value {
    case nil: return key.standard.flatMap { $0 == key.word ? nil : $0 }
    case .list, .items: throw wrong(key, "is a list")
    case .plain(let text), .quoted(let text):
      if text == key.word { return nil }
      switch key.kind {
      case .choice(let words) where !words.contains(text):
        let valid = words + (key.word.map { [$0] } ?? [])
        throw ConfigurationError(
          place(name), key: name, "is '\(text)'", nearest: NearestName.of(text, among: valid),
          remedy: "It must be \(key.expectation)")
      case .name where text.isEmpty: throw wrong(key, "is empty")
      default: return text
      }
    }
  }

  /// As `text`, of a key that has a default other than its word.
  func requiredText(_ name: String) throws(ConfigurationError) -> String {
    guard let text = try text(name) else {
      preconditionFailure("'\(name)' may be absent by the schema")
    }
    return text
  }

  /// A case of an enumeration whose raw values are the key's choices.
  func choice<Choice: RawRepresentable<String>>(
    _ name: String, as type: Choice.Type = Choice.self
  ) throws(ConfigurationError) -> Choice {
    let text = try requiredText(name)
    guard let choice = Choice(rawValue: text) else {
      preconditionFailure("'\(text)' of '\(name)' is no case of \(type)")
    }
    return choice
  }

  /// Whether a key says `true`.
  func boolean(_ name: String) throws(ConfigurationError) -> Bool {
    try requiredText(name) == "true"
  }

  /// A whole number; `nil` when it is absent or the key's word.
  func optionalCount(_ name: String) throws(ConfigurationError) -> Int? {
    let key = ExperimentSchema.key(name)
    guard case .count(let range) = key.kind else {
      preconditionFailure("'\(name)' is no count in the schema")
    }
    guard let text = try plain(key) else { return nil }
    guard let count = Int(text), range.contains(count) else { throw wrong(key, "is '\(text)'") }
    return count
  }

  /// As `optionalCount`, of a key that has a number as its default.
  func count(_ name: String) throws(ConfigurationError) -> Int {
    guard let count = try optionalCount(name) else {
      preconditionFailure("'\(name)' may be absent by the schema")
    }
    return count
  }

  /// Whole numbers; `nil` when they are absent or the key's word.
  func counts(_ name: String) throws(ConfigurationError) -> [Int]? {
    let key = ExperimentSchema.key(name)
    guard case .counts(let range) = key.kind else {
      preconditionFailure("'\(name)' is no list of counts in the schema")
    }
    let words: [String]
    if case .list(let list) = settings[name]?.value {
      words = list
    } else {
      guard let text = try plain(key) else { return nil }
      words = Self.commaSeparated(text)
    }
    guard !words.isEmpty else { throw wrong(key, "is empty") }
    var counts: [Int] = []
    for word in words {
      guard let count = Int(word), range.contains(count) else {
        throw wrong(key, "holds '\(word)'")
      }
      counts.append(count)
    }
    return counts
  }

  /// A quantity in its dimension's base unit; `nil` when it is the key's word.
  func quantity(_ name: String) throws(ConfigurationError) -> Rational? {
    guard let limit = try limit(name) else { return nil }
    guard case .finite(let value) = limit else {
      preconditionFailure("'\(name)' may be infinite by the schema")
    }
    return value
  }

  /// A quantity that may be infinite.
  enum Limit: Hashable {
    case finite(Rational)
    case infinite
  }

  /// As `quantity`, of a key that may be infinite.
  func limit(_ name: String) throws(ConfigurationError) -> Limit? {
    let key = ExperimentSchema.key(name)
    guard let text = try plain(key, allowsQuotes: true) else { return nil }
    let dimension: Dimension
    let range: ClosedRange<Rational>
    switch key.kind {
    case .quantity(let of, let bounds): (dimension, range) = (of, bounds)
    case .quantityOrInfinite(let of, let bounds):
      if text == "infinite" { return .infinite }
      (dimension, range) = (of, bounds)
    default: preconditionFailure("'\(name)' is no quantity in the schema")
    }
    let value: Rational
    do { value = try dimension.parse(text) } catch {
      throw self.error(name, "is wrong: \(error)", remedy: key.example)
    }
    guard range.contains(value) else { throw wrong(key, "is '\(text)'") }
    return .finite(value)
  }

  /// A decimal number.
  func decimal(_ name: String) throws(ConfigurationError) -> Rational {
    guard let value = try optionalDecimal(name) else {
      preconditionFailure("'\(name)' may be absent by the schema")
    }
    return value
  }

  /// A decimal number in its range; `nil` when the key is absent or has its word for none.
  func optionalDecimal(_ name: String) throws(ConfigurationError) -> Rational? {
    let key = ExperimentSchema.key(name)
    guard case .decimal(let range) = key.kind else {
      preconditionFailure("'\(name)' is no decimal in the schema")
    }
    guard let text = try plain(key) else { return nil }
    guard let value = Rational(decimal: text), range.contains(value) else {
      throw wrong(key, "is '\(text)'")
    }
    return value
  }

  /// A rectangle of PEs; `nil` when it is the key's word.
  func grid(_ name: String) throws(ConfigurationError) -> Rectangle? {
    let key = ExperimentSchema.key(name)
    guard let text = try plain(key, allowsQuotes: true) else { return nil }
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(sides.count),
      sides.allSatisfy({ $0.map { (1...10_000).contains($0) } ?? false })
    else { throw wrong(key, "is '\(text)'") }
    return Rectangle(columns: sides[0]!, rows: sides.last!!)
  }

  /// Columns and rows of wafers; `nil` when it is the key's word.
  func sides(_ name: String) throws(ConfigurationError) -> (columns: Int, rows: Int)? {
    let key = ExperimentSchema.key(name)
    guard let text = try plain(key, allowsQuotes: true) else { return nil }
    guard let sides = OptionValue.sides(text) else { throw wrong(key, "is '\(text)'") }
    return sides
  }

  /// What is written for a key that is no text; `nil` when it is absent or the key's word.
  private func plain(_ key: SettingKey, allowsQuotes: Bool = false) throws(ConfigurationError)
    -> String?
  {
    let text: String
    switch settings[key.name]?.value {
    case nil:
      guard let standard = key.standard else { return nil }
      text = standard
    case .plain(let written): text = written
    case .quoted(let written):
      guard allowsQuotes || written == key.word else {
        throw wrong(key, "is the text \"\(written)\" in quotes")
      }
      text = written
    case .list, .items: throw wrong(key, "is a list")
    }
    return text == key.word ? nil : text
  }

  private func wrong(_ key: SettingKey, _ problem: String) -> ConfigurationError {
    error(key.name, problem, remedy: "It must be \(key.expectation)")
  }

  /// `504,3575,282`, spaces and the brackets of a YAML list allowed.
  private static func commaSeparated(_ text: String) -> [String] {
    var inner = text[...]
    if inner.first == "[", inner.last == "]" { inner = inner.dropFirst().dropLast() }
    guard inner.contains(where: { $0 != " " }) else { return [] }
    return inner.split(separator: ",", omittingEmptySubsequences: false).map { part in
      String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }
}
