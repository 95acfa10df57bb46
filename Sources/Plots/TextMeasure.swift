/// How wide text is about, since a picture is laid out without the reader's font at hand.
enum TextMeasure {
  /// Points of a text in a common sans-serif face of `size` points, rather too wide than too narrow.
  static func width(_ text: String, size: Double) -> Double {
    text.unicodeScalars.reduce(0.0) { $0 + ems($1) } * size
  }

  /// Advance of a character in the wider of DejaVu Sans and Helvetica, in ems, by class.
  private static func ems(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", "I", ".", ",", ":", ";", "'", "|", "!": 0.34
    case "f", "t", "r", "(", ")", "[", "]", "-", "/", " ": 0.42
    case "m", "w", "M", "W", "%", "@", "…", "→": 1.0
    case "A"..."Z": 0.74
    case _ where scalar.value > 0x2E80: 1.05
    default: 0.64
    }
  }

  /// The text, or as much of it as fits with an ellipsis behind; empty when not even that does.
  static func fitted(_ text: String, size: Double, into available: Double) -> String {
    if width(text, size: size) <= available { return text }
    var kept = text
    while !kept.isEmpty {
      kept.removeLast()
      while kept.last == " " { kept.removeLast() }
      if width(kept + "…", size: size) <= available { return kept.isEmpty ? "" : kept + "…" }
    }
    return ""
  }
}
