/// How text is cut into pieces, none of which a token crosses.
struct PreTokenizer: Hashable, Sendable {
  /// One cut; steps are applied in turn, each to the pieces of the one before.
  enum Step: Hashable, Sendable {
    /// Numbers stand alone: each `\p{N}` by itself, or each run of them.
    case digits(individual: Bool)
    /// A regular expression's matches are the pieces.
    case pattern(SplitPattern)
    /// A piece that does not start with a space gets one.
    case spaceBefore
  }

  var steps: [Step]

  static let gpt2 = PreTokenizer(steps: [.pattern(.gpt2)])
  static let smollm = PreTokenizer(steps: [.digits(individual: true), .pattern(.gpt2)])
  static let llama3 = PreTokenizer(steps: [.pattern(.llama3)])
  static let qwen2 = PreTokenizer(steps: [.pattern(.qwen2)])

  /// By the names that `tokenizer.ggml.pre` has for them (llama.cpp, `llama-vocab.cpp`).
  static let byName: [String: PreTokenizer] = [
    "gpt-2": .gpt2, "smollm": .smollm, "starcoder": .smollm, "refact": .smollm,
    "llama-bpe": .llama3, "llama3": .llama3, "llama-v3": .llama3,
    "qwen2": .qwen2, "deepseek-r1-qwen": .qwen2,
  ]

  /// Hands the pieces of a text to `body`, in order, as UTF-8.
  func forEachPiece(_ text: ScannedText, _ body: (ArraySlice<UInt8>) -> Void) {
    split(text, 0..<text.count, steps: steps[...], body)
  }

  private func split(
    _ text: ScannedText, _ range: Range<Int>, steps: ArraySlice<Step>,
    _ body: (ArraySlice<UInt8>) -> Void
  ) {
    guard !range.isEmpty else { return }
    guard let step = steps.first else {
      return body(text.bytes[text.starts[range.lowerBound]..<text.starts[range.upperBound]])
    }
    let rest = steps.dropFirst()
    switch step {
    case .pattern(let pattern):
      var start = range.lowerBound
      while start < range.upperBound {
        let end = pattern.endOfPiece(text, from: start, to: range.upperBound)
        split(text, start..<end, steps: rest, body)
        start = end
      }
    case .digits(let individual):
      var start = range.lowerBound
      while start < range.upperBound {
        var end = start + 1
        if text.classes[start] == .number {
          if !individual { end = text.run(of: .number, from: end, to: range.upperBound) }
        } else {
          while end < range.upperBound, text.classes[end] != .number { end += 1 }
        }
        split(text, start..<end, steps: rest, body)
        start = end
      }
    case .spaceBefore:
      guard text.ascii(range.lowerBound) != UInt8(ascii: " ") else {
        return split(text, range, steps: rest, body)
      }
      let bytes = text.bytes[text.starts[range.lowerBound]..<text.starts[range.upperBound]]
      let longer = ScannedText(" " + String(decoding: bytes, as: UTF8.self))
      split(longer, 0..<longer.count, steps: rest, body)
    }
  }
}
