/// Turns tokens into text one at a time, as they are generated.
///
/// A token may end inside a character. Its bytes are held until the character is complete, so that what
/// was given out, put together, is what `Tokenizer.decode` gives for all tokens.
public struct TokenStream: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The start of a character: at most 3 bytes between calls.
  private var held: [UInt8] = []

  /// A stream at its start.
  public init(_ tokenizer: Tokenizer, skippingSpecialTokens: Bool = false) {
    self.tokenizer = tokenizer
    skipsSpecialTokens = skippingSpecialTokens
  }

  /// The text that the token completes; empty while a character is incomplete.
  public mutating func append(_ token: Int) -> String {
    if skipsSpecialTokens && tokenizer.isSpecial(token) { return "" }
    held += tokenizer.bytes(of: token)
    let end = held.count - Self.incompleteBytes(held)
    defer { held.removeSubrange(..<end) }
    return String(decoding: held[..<end], as: UTF8.self)
  }

  /// What is still held when no token follows: U+FFFD for a character that was never completed.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// Bytes at the end that start a character and do not finish it.
  ///
  /// A first byte ends whatever came before it, so cutting there never changes how the rest decodes.
  private static func incompleteBytes(_ bytes: [UInt8]) -> Int {
    for count in 1...3 where count <= bytes.count {
      let byte = bytes[bytes.count - count]
      if byte & 0xC0 == 0x80 { continue }
      let length =
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
      return length > count ? count : 0
    }
    return 0
  }
}
