/// The regular expressions that byte-level tokenisers split text with, as scanners.
///
/// Each takes the first alternative that matches, as a regular expression does, and together they match
/// every text without gaps. Held against Hugging Face `tokenizers` by the golden tests.
enum SplitPattern: Hashable, Sendable, CaseIterable {
  case gpt2
  case llama3
  case qwen2

  /// The expression, as it stands in `tokenizer.json`.
  var regex: String {
    switch self {
    case .gpt2:
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    case .llama3:
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"#
        + #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    case .qwen2:
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"#
        + #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
  }

  /// The end of the piece that starts at `start`; pieces end at `end` at the latest.
  func endOfPiece(_ text: ScannedText, from start: Int, to end: Int) -> Int {
    switch self {
    case .gpt2: Self.gpt2Piece(text, from: start, to: end)
    case .llama3: Self.llama3Piece(text, from: start, to: end, longestNumber: 3)
    case .qwen2: Self.llama3Piece(text, from: start, to: end, longestNumber: 1)
    }
  }

  private static func gpt2Piece(_ text: ScannedText, from start: Int, to end: Int) -> Int {
    if let contraction = contraction(text, from: start, to: end, ignoringCase: false) {
      return contraction
    }
    // ` ?` before a run of letters, numbers or others.
    let hasSpace =
      text.ascii(start) == UInt8(ascii: " ") && start + 1 < end && !text.isWhitespace(start + 1)
    let first = hasSpace ? start + 1 : start
    if !text.isWhitespace(first) {
      return text.run(of: text.classes[first], from: first + 1, to: end)
    }
    return whitespace(text, from: start, to: end)
  }

  private static func llama3Piece(
    _ text: ScannedText, from start: Int, to end: Int, longestNumber: Int
  ) -> Int {
    if let contraction = contraction(text, from: start, to: end, ignoringCase: true) {
      return contraction
    }
    let kind = text.classes[start]
    let next = start + 1 < end ? text.classes[start + 1] : nil
    // `[^\r\n\p{L}\p{N}]?\p{L}+`
    if kind == .letter || (next == .letter && (kind == .other || kind == .space)) {
      return text.run(of: .letter, from: start + 1, to: end)
    }
    // `\p{N}{1,3}`
    if kind == .number {
      return text.run(of: .number, from: start + 1, to: min(end, start + longestNumber))
    }
    // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    let hasSpace = text.ascii(start) == UInt8(ascii: " ") && next == .other
    if kind == .other || hasSpace {
      let others = text.run(of: .other, from: start + 1, to: end)
      return text.run(of: .newline, from: others, to: end)
    }
    // `\s*[\r\n]+`: up to the last newline of the whitespace.
    var index = start
    var afterNewline: Int?
    while index < end, text.isWhitespace(index) {
      if text.classes[index] == .newline { afterNewline = index + 1 }
      index += 1
    }
    return afterNewline ?? whitespace(text, from: start, to: end)
  }

  /// `\s+(?!\S)|\s+`: whitespace leaves its last character to what follows, unless it has only one.
  private static func whitespace(_ text: ScannedText, from start: Int, to end: Int) -> Int {
    var index = start
    while index < end, text.isWhitespace(index) { index += 1 }
    return index == end || index == start + 1 ? index : index - 1
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d`, where case may be ignored.
  private static func contraction(
    _ text: ScannedText, from start: Int, to end: Int, ignoringCase: Bool
  ) -> Int? {
    guard text.ascii(start) == UInt8(ascii: "'"), start + 1 < end else { return nil }
    func letter(_ index: Int) -> UInt8 {
      guard index < end else { return 0 }
      let letter = text.ascii(index)
      guard ignoringCase else { return letter }
      // U+017F, the long s, is an s when case is ignored; its UTF-8 is C5 BF.
      if letter == 0x80, text.bytes[text.starts[index]...].starts(with: [0xC5, 0xBF]) {
        return UInt8(ascii: "s")
      }
      return letter >= UInt8(ascii: "A") && letter <= UInt8(ascii: "Z") ? letter + 32 : letter
    }
    switch (letter(start + 1), letter(start + 2)) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}
