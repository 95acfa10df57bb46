import Foundation
import Quantities

/// A JSON document whose bytes are a function of its content: keys sorted, numbers exact.
///
/// The emulated document must be byte-identical between runs, so nothing in it passes through a
/// `Double`: a number is kept as the decimal that is written.
public enum JSONValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// A decimal, as it is written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// A whole number.
  public static func integer(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }

  /// An emulated time in picoseconds.
  public static func picoseconds(_ time: EmulatedTime) -> JSONValue {
    .number("\(time.picoseconds)")
  }

  /// An exact number: a decimal where it ends, the text of a fraction where it does not.
  public static func exact(_ value: Rational) -> JSONValue {
    value.decimal.map { .number($0) } ?? .string("\(value.numerator)/\(value.denominator)")
  }

  /// A number rounded to so many digits after the point, ties to even, without trailing zeros.
  public static func rounded(_ value: Rational, digits: Int) -> JSONValue {
    precondition((0...18).contains(digits), "\(digits) digits")
    let scale = (0..<digits).reduce(Int128(1)) { power, _ in power * 10 }
    let units = (value * Rational(scale)).rounded
    return .number(Rational(units, over: scale).decimal!)
  }

  /// A text, or null.
  public static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// The value under a key of an object.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The document: two spaces a level, keys in the order of their UTF-8 bytes, a line's end at the end.
  public var document: String {
    var text = ""
    write(to: &text, indent: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int) {
    let inner = String(repeating: " ", count: indent + 2)
    let outer = String(repeating: " ", count: indent)
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .number(let literal): text += literal
    case .string(let string): Self.write(string, to: &text)
    case .array(let elements) where elements.allSatisfy(\.isNumber):
      // Lists of tokens or layers stay on one line.
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ", " }
        element.write(to: &text, indent: 0)
      }
      text += "]"
    case .array(let elements):
      text += "[\n"
      for (index, element) in elements.enumerated() {
        text += inner
        element.write(to: &text, indent: indent + 2)
        text += index + 1 < elements.count ? ",\n" : "\n"
      }
      text += outer + "]"
    case .object(let members):
      guard !members.isEmpty else { return text += "{}" }
      text += "{\n"
      let keys = members.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
      for (index, key) in keys.enumerated() {
        text += inner
        Self.write(key, to: &text)
        text += ": "
        members[key]!.write(to: &text, indent: indent + 2)
        text += index + 1 < keys.count ? ",\n" : "\n"
      }
      text += outer + "}"
    }
  }

  private var isNumber: Bool {
    if case .number = self { true } else { false }
  }

  /// RFC 8259: quotes, backslashes and control characters are escaped, all else is itself.
  static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An object; a key that stands twice is our mistake.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(uniqueKeysWithValues: elements))
  }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// A boolean.
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .integer(value) }
}

extension JSONValue: Decodable {
  /// Reads a document of this program. Numbers keep their value to 38 digits, so that what was written
  /// by `document` is written again alike.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: AnyKey.self) {
      var members: [String: JSONValue] = [:]
      for key in container.allKeys {
        members[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
      }
      self = .object(members)
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
      self = .array(elements)
    } else {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let boolean = try? container.decode(Bool.self) {
        self = .boolean(boolean)
      } else if let integer = try? container.decode(Int64.self) {
        self = .integer(integer)
      } else if let decimal = try? container.decode(Decimal.self) {
        self = .number("\(decimal)")
      } else {
        self = .string(try container.decode(String.self))
      }
    }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

extension Rational {
  /// The decimal that equals it exactly; `nil` when there is none of at most 38 digits after the point.
  var decimal: String? {
    var rest = denominator
    var twos = 0
    var fives = 0
    while rest % 2 == 0 { (rest, twos) = (rest / 2, twos + 1) }
    while rest % 5 == 0 { (rest, fives) = (rest / 5, fives + 1) }
    let digits = max(twos, fives)
    guard rest == 1, digits <= 38 else { return nil }
    var scaled = numerator.magnitude
    for (factor, count) in [(UInt128(2), digits - twos), (UInt128(5), digits - fives)] {
      for _ in 0..<count {
        let (product, overflow) = scaled.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        scaled = product
      }
    }
    let sign = numerator < 0 ? "-" : ""
    let text = String(scaled)
    guard digits > 0 else { return sign + text }
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
  }
}
