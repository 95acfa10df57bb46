/// A metadata value of a GGUF file.
///
/// The file's twelve scalar types come down to five: no reader cares whether a count was stored in 4
/// bytes or in 8.
enum GGUFValue: Sendable {
  case unsigned(UInt64)
  case signed(Int64)
  case float(Double)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)

  /// The value as a count; `nil` when it is not an integer or does not fit.
  var integer: Int? {
    switch self {
    case .unsigned(let value): Int(exactly: value)
    case .signed(let value): Int(exactly: value)
    default: nil
    }
  }

  /// What kind of value it is, for errors.
  var kindName: String {
    switch self {
    case .unsigned(let value): "the integer \(value)"
    case .signed(let value): "the integer \(value)"
    case .float(let value): "the number \(value)"
    case .bool(let value): "\(value)"
    case .string: "a string"
    case .array(let array): "an array of \(array.count)"
    }
  }
}

/// An array among the metadata, left in the file until it is asked for.
///
/// A vocabulary is a few megabytes of strings; a node never needs it. The parser has walked over the
/// elements once, so reading them later stays inside the file.
struct GGUFArray: Sendable {
  let elementType: GGUFValueType
  let count: Int
  /// Where the elements lie in the file.
  let range: Range<Int>
}

/// The types of metadata values by their code in the file.
enum GGUFValueType: UInt32, Sendable {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64,
    float64

  /// Bytes of a value where they are always the same.
  var fixedSize: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The fewest bytes that a value takes: a bound on how many can be in a file.
  var smallestSize: Int {
    switch self {
    case .string: 8  // a length of 0
    case .array: 12  // a type and a count of 0
    default: fixedSize!
    }
  }
}
