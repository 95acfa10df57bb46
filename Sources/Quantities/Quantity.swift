/// What a number in a file or an option measures, with the units that may be written for it.
///
/// A unit is never optional and never guessed: "GB/s" is 10⁹ and "GiB/s" is 2³⁰ bytes a second.
public enum Dimension: String, CaseIterable, Sendable {
  case time, bytes, bandwidth, frequency, power, area, rate, price
  /// Of arrivals: how many in a time.
  case frequencyOfRequests = "request rate"
  /// Of defects: how many on an area.
  case density

  /// Units and their size in the base unit: seconds, bytes, bytes/s, hertz, watts, mm², floating-point
  /// operations/s, US dollars, 1/mm², requests/s.
  public var units: [(name: String, size: Rational)] {
    switch self {
    case .time:
      [
        ("ps", Rational(1, over: 1_000_000_000_000)), ("ns", Rational(1, over: 1_000_000_000)),
        ("us", Rational(1, over: 1_000_000)), ("µs", Rational(1, over: 1_000_000)),
        ("ms", Rational(1, over: 1000)), ("s", Rational(1)),
      ]
    case .bytes: Self.byteUnits
    case .bandwidth:
      Self.byteUnits.map { ($0.name + "/s", $0.size) }
        + [
          ("kb/s", Rational(125)), ("Mb/s", Rational(125_000)), ("Gb/s", Rational(125_000_000)),
          ("Tb/s", Rational(125_000_000_000)),
        ]
    case .frequency:
      [
        ("Hz", Rational(1)), ("kHz", Rational(1000)), ("MHz", Rational(1_000_000)),
        ("GHz", Rational(1_000_000_000)),
      ]
    case .frequencyOfRequests:
      [("/s", Rational(1)), ("/min", Rational(1, over: 60)), ("/h", Rational(1, over: 3600))]
    case .power: [("W", Rational(1)), ("kW", Rational(1000)), ("MW", Rational(1_000_000))]
    case .area: [("mm2", Rational(1)), ("cm2", Rational(100))]
    case .density: [("/mm2", Rational(1)), ("/cm2", Rational(1, over: 100))]
    case .rate:
      [
        ("FLOP/s", Rational(1)), ("GFLOP/s", Rational(1_000_000_000)),
        ("TFLOP/s", Rational(1_000_000_000_000)), ("PFLOP/s", Rational(1_000_000_000_000_000)),
      ]
    case .price: [("USD", Rational(1)), ("kUSD", Rational(1000)), ("MUSD", Rational(1_000_000))]
    }
  }

  /// Largest value that may be written, in the base unit, far above anything modelled. It keeps every
  /// later product within 128 bits and every time within the range of `EmulatedTime`, so that an
  /// absurd option is an error and not a trap.
  public var limit: Rational {
    switch self {
    case .time: Rational(1_000_000)
    case .bytes, .bandwidth, .rate: Rational(Int128(1) << 60)
    case .frequencyOfRequests: Rational(1_000_000_000)
    case .frequency, .power, .area, .density, .price: Rational(1_000_000_000_000)
    }
  }

  /// Parts of the base unit beyond which a value is too fine to be meant: attoseconds, or millionths.
  var finestParts: Int128 { self == .time ? 1_000_000_000_000_000_000 : 1_000_000 }

  private static let byteUnits: [(name: String, size: Rational)] = [
    ("B", Rational(1)),
    ("kB", Rational(1000)), ("KB", Rational(1000)), ("MB", Rational(1_000_000)),
    ("GB", Rational(1_000_000_000)), ("TB", Rational(1_000_000_000_000)),
    ("PB", Rational(1_000_000_000_000_000)),
    ("KiB", Rational(1 << 10)), ("MiB", Rational(1 << 20)), ("GiB", Rational(1 << 30)),
    ("TiB", Rational(1 << 40)),
  ]

  /// Reads a number with its unit, such as `5 us`, `150GB/s` or `48 KiB`, as an exact value in the
  /// base unit.
  ///
  /// Throws `QuantityError` when the number or the unit is missing or unknown, or the value is
  /// negative, larger than `limit`, or finer than a millionth of the base unit (for a time, than an
  /// attosecond).
  public func parse(_ text: String) throws(QuantityError) -> Rational {
    let trimmed = text.drop { $0 == " " }
    // An exponent's "e" is followed by a digit or a sign; a unit never starts so.
    var end = trimmed.startIndex
    while end < trimmed.endIndex {
      let next = trimmed.index(after: end)
      let character = trimmed[end]
      let isExponent =
        (character == "e" || character == "E") && next < trimmed.endIndex
        && (trimmed[next].isNumber || trimmed[next] == "-" || trimmed[next] == "+")
      guard character.isNumber || ".+-".contains(character) || isExponent else { break }
      end = next
    }
    guard let number = Rational(decimal: trimmed[..<end]) else {
      throw QuantityError(text: text, dimension: self, problem: .notANumber)
    }
    let unit = trimmed[end...].trimmingSpaces()
    guard !unit.isEmpty else {
      throw QuantityError(text: text, dimension: self, problem: .missingUnit)
    }
    guard let size = units.first(where: { $0.name == unit })?.size else {
      throw QuantityError(text: text, dimension: self, problem: .unknownUnit(unit))
    }
    guard number >= Rational(0) else {
      throw QuantityError(text: text, dimension: self, problem: .negative)
    }
    // Compared before multiplying, which could leave the range of a rational.
    guard number.numerator / number.denominator <= (limit / size).rounded else {
      throw QuantityError(text: text, dimension: self, problem: .tooLarge)
    }
    guard number.denominator <= finestParts * size.numerator else {
      throw QuantityError(text: text, dimension: self, problem: .tooFine)
    }
    let value = number * size
    guard value <= limit else {
      throw QuantityError(text: text, dimension: self, problem: .tooLarge)
    }
    guard value.denominator <= finestParts else {
      throw QuantityError(text: text, dimension: self, problem: .tooFine)
    }
    return value
  }
}

/// A number with a unit that could not be read.
public struct QuantityError: Error, Hashable, CustomStringConvertible {
  /// What was written.
  public let text: String
  /// What was wanted.
  public let dimension: Dimension
  /// What is wrong with it.
  public let problem: Problem

  /// The ways in which a quantity can be wrong.
  public enum Problem: Hashable, Sendable {
    case notANumber, missingUnit, negative, tooLarge, tooFine
    case unknownUnit(String)
  }

  /// One sentence: what is wrong, and which units may be written.
  public var description: String {
    let allowed = dimension.units.map(\.name).joined(separator: ", ")
    let reason =
      switch problem {
      case .notANumber: "does not start with a number"
      case .missingUnit: "has no unit"
      case .negative: "is negative"
      case .tooLarge: "is larger than any \(dimension.rawValue) that can be modelled"
      case .tooFine: "has more digits than a \(dimension.rawValue) can have"
      case .unknownUnit(let unit): "has the unknown unit '\(unit)'"
      }
    return "'\(text)' \(reason); a \(dimension.rawValue) is a number with one of \(allowed)"
  }
}

extension Substring {
  fileprivate func trimmingSpaces() -> String {
    var part = self.drop { $0 == " " }
    while part.last == " " { part.removeLast() }
    return String(part)
  }
}
