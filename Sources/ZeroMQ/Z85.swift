import CZeroMQ

/// The text encoding of CURVE keys: five printable characters for four bytes (ZeroMQ RFC 32).
public enum Z85 {
  /// The text of `bytes`.
  ///
  /// - Precondition: the number of bytes is a multiple of four.
  public static func encode(_ bytes: [UInt8]) -> String {
    precondition(bytes.count.isMultiple(of: 4), "Z85 of \(bytes.count) bytes, no multiple of 4")
    let size = bytes.count / 4 * 5
    return String(unsafeUninitializedCapacity: size + 1) { text in
      text.withMemoryRebound(to: CChar.self) {
        _ = zmq_z85_encode($0.baseAddress, bytes, bytes.count)
      }
      return size
    }
  }

  /// The bytes of `text`; `nil` when its length is no multiple of five, or it is not Z85.
  public static func decode(_ text: String) -> [UInt8]? {
    let size = text.utf8.count
    // libzmq stops at a zero, and reads a byte beyond ASCII as an index before its table.
    guard size.isMultiple(of: 5), text.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }) else { return nil }
    guard size > 0 else { return [] }
    var isValid = false
    let bytes = [UInt8](unsafeUninitializedCapacity: size / 5 * 4) { bytes, count in
      isValid = zmq_z85_decode(bytes.baseAddress, text) != nil
      count = isValid ? size / 5 * 4 : 0
    }
    return isValid ? bytes : nil
  }
}
