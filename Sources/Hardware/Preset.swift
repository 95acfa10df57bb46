import Quantities

/// A device, link or calibration as a file describes it: the value that pricing uses, and beside it
/// every figure as it was written, with mark and source, so that any number can be traced.
public struct Preset<Value: PresetValue>: Hashable, Sendable {
  /// How options and results call it.
  public let name: String
  /// One sentence on what it is.
  public let summary: String
  /// What pricing uses.
  public let value: Value
  /// The figures as written, in the order of `Value.keys`.
  public let figures: [WrittenFigure]

  /// A key of the file with its figure as written.
  public struct WrittenFigure: Hashable, Sendable {
    /// The key.
    public let key: FigureKey
    /// Its figure; the value is the text of the file.
    public let figure: Figure<String>
  }

  /// Reads a preset from its figures as written.
  ///
  /// Throws `PresetError` when a key is unknown or missing, or a value is no number, lacks its unit
  /// or lies outside its range.
  public init(name: String, summary: String, figures: [String: Figure<String>])
    throws(PresetError)
  {
    let reader = try FigureReader(preset: name, keys: Value.keys, figures: figures)
    self.name = name
    self.summary = summary
    self.value = try Value(name: name, figures: reader)
    self.figures = Value.keys.compactMap { key in
      figures[key.name].map { WrittenFigure(key: key, figure: $0) }
    }
  }
}

/// What a preset file can describe.
public protocol PresetValue: Hashable, Sendable {
  /// The schema: every key that may stand under `figures`.
  static var keys: [FigureKey] { get }

  /// Makes the value from figures that were checked against `keys`.
  init(name: String, figures: FigureReader) throws(PresetError)
}

/// A preset that cannot be read: which preset, which key, what is wrong and what would be right.
public struct PresetError: Error, Hashable, CustomStringConvertible {
  /// The preset's name.
  public let preset: String
  /// The key at fault, so that a reader can name its line.
  public let key: String
  /// What is wrong with it.
  public let problem: Problem

  /// The ways in which a figure can be wrong.
  public enum Problem: Hashable, Sendable {
    case unknownKey(allowed: [String])
    case missingKey(meaning: String)
    case value(String, expected: String)
    case quantity(QuantityError)
  }

  /// One sentence: preset, key, what is wrong, what would be right.
  public var description: String {
    let reason =
      switch problem {
      case .unknownKey(let allowed):
        "is not a key of such a preset; the keys are \(allowed.joined(separator: ", "))"
      case .missingKey(let meaning): "is missing: \(meaning)"
      case .value(let text, let expected): "is '\(text)'; it must be \(expected)"
      case .quantity(let error): "is wrong: \(error)"
      }
    return "preset '\(preset)': '\(key)' \(reason)"
  }
}

/// The figures of one preset, checked against its keys, read one by one as exact values.
public struct FigureReader: Sendable {
  private let preset: String
  private let keys: [String: FigureKey]
  private let figures: [String: Figure<String>]

  /// Throws `PresetError` for an unknown key, the alphabetically first when there are several, or a
  /// missing one.
  init(preset: String, keys: [FigureKey], figures: [String: Figure<String>]) throws(PresetError) {
    let names = keys.map(\.name)
    if let unknown = figures.keys.sorted().first(where: { !names.contains($0) }) {
      throw PresetError(preset: preset, key: unknown, problem: .unknownKey(allowed: names))
    }
    if let missing = keys.first(where: { $0.isRequired && figures[$0.name] == nil }) {
      let problem = PresetError.Problem.missingKey(meaning: missing.meaning)
      throw PresetError(preset: preset, key: missing.name, problem: problem)
    }
    self.preset = preset
    self.keys = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0) })
    self.figures = figures
  }

  /// A quantity in its base unit, or a decimal; `nil` when it is absent or `infinite`.
  func number(_ name: String) throws(PresetError) -> Rational? {
    guard let (key, text) = written(name) else { return nil }
    let value: Rational
    let range: ClosedRange<Rational>
    switch key.kind {
    case .quantityOrInfinite where text == "infinite": return nil
    case .quantity(let dimension, let bounds), .quantityOrInfinite(let dimension, let bounds):
      do { value = try dimension.parse(text) } catch {
        throw PresetError(preset: preset, key: name, problem: .quantity(error))
      }
      range = bounds
    case .decimal, .signedDecimal:
      guard let decimal = Rational(decimal: text),
        key.kind == .signedDecimal || decimal >= Rational(0)
      else { throw wrong(key, text) }
      return decimal
    case .count(let bounds):
      guard let count = Int(text), bounds.contains(count) else { throw wrong(key, text) }
      return Rational(count)
    case .choice, .name:
      preconditionFailure("'\(name)' is a word, not a number")
    }
    guard range.contains(value) else { throw wrong(key, text) }
    return value
  }

  /// As `number`, of a key that must be there.
  func required(_ name: String) throws(PresetError) -> Rational {
    guard let value = try number(name) else {
      preconditionFailure("'\(name)' was read as required but is not so in the schema")
    }
    return value
  }

  /// A whole number of a key that must be there.
  func count(_ name: String) throws(PresetError) -> Int {
    let value = try required(name)
    guard value.denominator == 1, let count = Int(exactly: value.numerator) else {
      let (key, text) = written(name)!
      throw wrong(key, text)
    }
    return count
  }

  /// A word out of the key's choices; the first of them when the key is absent.
  func choice(_ name: String) throws(PresetError) -> String {
    guard let key = keys[name], case .choice(let words) = key.kind else {
      preconditionFailure("'\(name)' is not a choice in the schema")
    }
    guard let text = figures[name]?.value else { return words[0] }
    guard words.contains(text) else { throw wrong(key, text) }
    return text
  }

  /// A name, which is not empty.
  func name(_ name: String) throws(PresetError) -> String {
    guard let (key, text) = written(name), key.kind == .name else {
      preconditionFailure("'\(name)' was read as a name but is not so in the schema")
    }
    guard !text.isEmpty else { throw wrong(key, text) }
    return text
  }

  /// The error of a figure that contradicts another one.
  func contradiction(_ name: String, expected: String) -> PresetError {
    let problem = PresetError.Problem.value(figures[name]?.value ?? "", expected: expected)
    return PresetError(preset: preset, key: name, problem: problem)
  }

  /// How a figure is marked and where it comes from.
  func provenance(_ name: String) -> (mark: Mark, source: String)? {
    figures[name].map { ($0.mark, $0.source) }
  }

  private func written(_ name: String) -> (key: FigureKey, text: String)? {
    guard let key = keys[name] else { preconditionFailure("'\(name)' is not in the schema") }
    return figures[name].map { (key, $0.value) }
  }

  private func wrong(_ key: FigureKey, _ text: String) -> PresetError {
    let problem = PresetError.Problem.value(text, expected: key.kind.expectation)
    return PresetError(preset: preset, key: key.name, problem: problem)
  }
}
