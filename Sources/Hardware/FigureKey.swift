import Quantities

/// One key of a preset's `figures`: its name, what may be written for it, and what it means.
///
/// The tables of these keys are the schema: readers, error messages and listings are all driven by
/// them.
public struct FigureKey: Hashable, Sendable {
  /// The key in the file, in snake_case.
  public let name: String
  /// What may be written for it.
  public let kind: Kind
  /// Whether a preset without it is an error.
  public let isRequired: Bool
  /// One line for listings and error messages.
  public let meaning: String

  /// A key; required unless said otherwise.
  public init(_ name: String, _ kind: Kind, isRequired: Bool = true, meaning: String) {
    self.name = name
    self.kind = kind
    self.isRequired = isRequired
    self.meaning = meaning
  }

  /// What may be written for a key.
  public enum Kind: Hashable, Sendable {
    /// A number with a unit of this dimension, within the range, given in the dimension's base unit.
    case quantity(Dimension, ClosedRange<Rational>)
    /// As `quantity`, or the word `infinite`.
    case quantityOrInfinite(Dimension, ClosedRange<Rational>)
    /// A whole number in the range, without unit.
    case count(ClosedRange<Int>)
    /// A decimal number of at least 0, without unit.
    case decimal
    /// A decimal number of any sign, without unit.
    case signedDecimal
    /// One of these words.
    case choice([String])
    /// The name of another preset, or of a model.
    case name

    /// What would be right, for error messages.
    var expectation: String {
      switch self {
      case .quantity(let dimension, let range): Self.expectation(dimension, range)
      case .quantityOrInfinite(let dimension, let range):
        Self.expectation(dimension, range) + ", or 'infinite'"
      case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
      case .decimal: "a decimal number of at least 0"
      case .signedDecimal: "a decimal number"
      case .name: "a name"
      case .choice(let words): "one of " + words.joined(separator: ", ")
      }
    }

    private static func expectation(_ dimension: Dimension, _ range: ClosedRange<Rational>)
      -> String
    {
      let base = dimension.units.first { $0.size == Rational(1) }?.name ?? ""
      return "a \(dimension.rawValue) from \(range.lowerBound.approximation) "
        + "to \(range.upperBound.approximation) \(base), with its unit"
    }
  }
}
