/// Text as pre-tokenisers look at it: scalars by class, and where each starts in the UTF-8.
struct ScannedText {
  /// The classes that the patterns tell apart.
  enum Class: UInt8 {
    /// `\p{L}`
    case letter
    /// `\p{N}`
    case number
    /// `\r` or `\n`
    case newline
    /// Every other `\s`: Unicode's White_Space
    case space
    /// `[^\s\p{L}\p{N}]`
    case other
  }

  /// UTF-8.
  let bytes: [UInt8]
  /// A class for each scalar.
  let classes: [Class]
  /// Where each scalar starts, and the end.
  let starts: [Int]

  /// Number of scalars.
  var count: Int { classes.count }

  init(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    var classes: [Class] = []
    var starts: [Int] = []
    classes.reserveCapacity(bytes.count)
    starts.reserveCapacity(bytes.count + 1)
    var offset = 0
    for scalar in text.unicodeScalars {
      starts.append(offset)
      classes.append(Self.classify(scalar))
      offset += UTF8.width(scalar)
    }
    starts.append(offset)
    self.bytes = bytes
    self.classes = classes
    self.starts = starts
  }

  /// The scalar at an index if it is ASCII, else 0x80.
  func ascii(_ index: Int) -> UInt8 {
    let byte = bytes[starts[index]]
    return byte < 0x80 ? byte : 0x80
  }

  /// The end of the run of scalars of one class from `index` on.
  func run(of kind: Class, from index: Int, to end: Int) -> Int {
    var index = index
    while index < end, classes[index] == kind { index += 1 }
    return index
  }

  /// Whether the scalar is `\s`.
  func isWhitespace(_ index: Int) -> Bool {
    classes[index] == .space || classes[index] == .newline
  }

  private static func classify(_ scalar: Unicode.Scalar) -> Class {
    if scalar.value < 0x80 { return ascii[Int(scalar.value)] }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return scalar.properties.isWhitespace ? .space : .other
    }
  }

  private static let ascii: [Class] = (0..<0x80).map { (value: UInt8) in
    switch value {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): .letter
    case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"): .newline
    case 0x09, 0x0B, 0x0C, 0x20: .space
    default: .other
    }
  }
}
