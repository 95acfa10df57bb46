import Hardware
import Quantities

/// One key of an experiment: its name, what may be written for it, its default, and what it means.
///
/// The table of these keys is the schema. Files, `--set`, options, error messages and help are all
/// driven by it.
public struct SettingKey: Hashable, Sendable {
  /// Dotted, in snake_case: `plan.tensor` is `tensor` under `plan` in a file.
  public let name: String
  /// What may be written for it.
  public let kind: Kind
  /// A word that may stand instead, such as `all`.
  public let word: String?
  /// What it is when nobody sets it; `nil` when it is then absent.
  public let standard: String?
  /// The option that sets it, for help and error messages; `nil` when only `--set` does.
  public let option: String?
  /// One line for help and error messages.
  public let meaning: String

  /// A key with a default; a `word` without other default is the default.
  init(
    _ name: String, _ kind: Kind, or word: String? = nil, default standard: String? = nil,
    option: String? = nil, _ meaning: String
  ) {
    self.name = name
    self.kind = kind
    self.word = word
    self.standard = standard ?? word
    self.option = option
    self.meaning = meaning
  }

  /// What may be written for a key.
  public enum Kind: Hashable, Sendable {
    /// The name of a preset, or a path; not empty.
    case name
    /// Any text.
    case text
    /// A number with a unit of this dimension, within the range, given in the dimension's base unit.
    case quantity(Dimension, ClosedRange<Rational>)
    /// As `quantity`, or the word `infinite`.
    case quantityOrInfinite(Dimension, ClosedRange<Rational>)
    /// A whole number in the range, without unit.
    case count(ClosedRange<Int>)
    /// Whole numbers in the range.
    case counts(ClosedRange<Int>)
    /// A decimal number in the range, without unit.
    case decimal(ClosedRange<Rational>)
    /// One of these words.
    case choice([String])
    /// PEs: a side, or columns `x` rows.
    case grid
    /// Wafers: columns `x` rows.
    case sides
    /// A list of mappings, each with these keys.
    case items([ItemField])
  }

  /// A key of the mappings of a list.
  public struct ItemField: Hashable, Sendable {
    /// In snake_case.
    public let name: String
    /// What may be written for it.
    public let kind: Kind
    /// Whether every mapping has it.
    public let isRequired: Bool

    init(_ name: String, _ kind: Kind, isRequired: Bool = false) {
      self.name = name
      self.kind = kind
      self.isRequired = isRequired
    }
  }

  /// What would be right, for error messages and help.
  public var expectation: String {
    let value =
      switch kind {
      case .name: "a name"
      case .text: "text"
      case .quantity(let dimension, let range): Self.expectation(dimension, range)
      case .quantityOrInfinite(let dimension, let range):
        Self.expectation(dimension, range) + ", or 'infinite'"
      case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
      case .counts(let range):
        "whole numbers from \(range.lowerBound) to \(range.upperBound), with commas between"
      case .decimal(let range):
        "a decimal number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
      case .choice(let words): "one of " + words.joined(separator: ", ")
      case .sides: "columns x rows, such as 4x2"
      case .grid: "PEs of a side, such as 660, or columns x rows, such as 750x994"
      case .items(let fields): "a list such as [\(Self.example(fields))]"
      }
    return word.map { "\(value), or '\($0)'" } ?? value
  }

  /// What may be written, in short, for help; empty where a number or name is plain.
  public var example: String {
    switch kind {
    case .choice(let words): "One of \(words.joined(separator: ", "))."
    case .quantity(let dimension, _): "Such as \(Self.example(dimension))."
    case .quantityOrInfinite(let dimension, _):
      "Such as \(Self.example(dimension)), or infinite."
    case .sides: "Such as 4x2."
    case .grid: "Such as 660, or 750x994."
    case .counts: "Such as 12,10,8."
    case .items(let fields): "Such as [\(Self.example(fields))]."
    case .name, .text, .count, .decimal: ""
    }
  }

  /// A mapping with every key that it needs, and the first that it does not.
  static func example(_ fields: [ItemField]) -> String {
    let optional = fields.first { !$0.isRequired }.map { [$0] } ?? []
    let pairs = (fields.filter(\.isRequired) + optional).enumerated().map { place, field in
      let value =
        switch field.kind {
        case .quantity(let dimension, _): example(dimension)
        case .decimal: "0.8"
        case .choice(let words): words[0]
        default: "\(place)"
        }
      return "\(field.name): \(value)"
    }
    return "{\(pairs.joined(separator: ", "))}"
  }

  private static func text(_ bound: Rational) -> String {
    bound.decimal ?? "\(bound.approximation)"
  }

  private static func example(_ dimension: Dimension) -> String {
    switch dimension {
    case .time: "5us"
    case .bytes: "48KiB"
    case .bandwidth: "150GB/s"
    case .frequency: "1.1GHz"
    case .power: "25kW"
    case .area: "46225mm2"
    case .density: "0.001/mm2"
    case .frequencyOfRequests: "2.5/s"
    case .rate: "990TFLOP/s"
    case .price: "450kUSD"
    }
  }

  private static func expectation(_ dimension: Dimension, _ range: ClosedRange<Rational>) -> String
  {
    let base = dimension.units.first { $0.size == Rational(1) }?.name ?? ""
    return "a \(dimension.rawValue) from \(text(range.lowerBound)) \(base) to "
      + "\(text(range.upperBound)) \(base), with its unit, such as \(example(dimension))"
  }
}
