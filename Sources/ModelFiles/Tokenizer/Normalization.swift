@_spi(_Unicode) import Swift

/// What is done to text before it is split.
enum Normalization: Hashable, Sendable {
  case none
  /// Unicode's canonical composition (Qwen2).
  case composed

  func apply(_ text: Substring) -> Substring {
    switch self {
    case .none: return text
    case .composed:
      // All scalars below U+0300 are composed already (Unicode, NFC_Quick_Check).
      guard text.unicodeScalars.contains(where: { $0.value >= 0x300 }) else { return text }
      var composed = String.UnicodeScalarView()
      // The standard library composes for comparing strings, but offers it to Foundation only; all of
      // Foundation for this one call would be a third of a node's size.
      for scalar in String(text)._nfc { composed.append(scalar) }
      return Substring(String(composed))
    }
  }
}
