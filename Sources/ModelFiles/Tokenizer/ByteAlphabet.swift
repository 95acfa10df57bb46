/// GPT-2's alphabet: every byte as a visible character, so that tokens can stand in text files.
///
/// Printable Latin-1 stands for itself; the other 68 bytes are U+0100 and on, in order (`bytes_to_unicode`
/// in openai/gpt-2, `src/encoder.py`). So `Ġ`, U+0120, is a space.
enum ByteAlphabet {
  /// The byte that a scalar stands for; `nil` where it stands for none.
  static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    let value = Int(scalar.value)
    return value < bytes.count ? bytes[value] : nil
  }

  /// The scalar that stands for a byte.
  static func scalar(of byte: UInt8) -> Unicode.Scalar { scalars[Int(byte)] }

  /// The bytes that a token's text stands for; `nil` when a character stands for none.
  static func bytes(of text: String) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = byte(of: scalar) else { return nil }
      out.append(byte)
    }
    return out
  }

  private static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)!
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  /// By scalar value; the last is U+0143.
  private static let bytes: [UInt8?] = {
    var table = [UInt8?](repeating: nil, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = UInt8(byte) }
    return table
  }()
}
