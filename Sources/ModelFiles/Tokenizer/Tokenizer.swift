/// Text to tokens and back, by byte-level byte-pair encoding (GPT-2, Llama 3, Qwen2, SmolLM).
///
/// Text is normalised, cut at added tokens, cut into pieces, and each piece's bytes are merged. It is
/// made from a GGUF file or from `tokenizer.json`; see `ModelFile.tokenizer`.
public struct Tokenizer: Sendable {
  /// Number of tokens that have a text; a model's vocabulary may be padded beyond it.
  public var vocabulary: Int { parts.table.count }
  /// Tokens that end a text, in ascending order: end of text, end of turn, end of message.
  public let endOfText: [Int]

  /// What a tokenizer is made of, whatever file it comes from.
  struct Parts: Sendable {
    var table: TokenTable
    var merges: MergeTable
    var added: AddedTokens
    var preTokenizer: PreTokenizer
    var normalization = Normalization.none
    /// A piece that is a token as a whole is not built up from merges.
    var ignoresMerges = false
    /// Stands for a byte that has no token of its own; such a byte is dropped where this is absent.
    var unknown: Int?
    /// Tokens put before and after every text.
    var prefix: [Int] = []
    var suffix: [Int] = []
  }

  private let parts: Parts
  /// The token of each single byte; −1 where the vocabulary lacks it.
  private let byteTokens: [Int32]

  /// Names of tokens that end a text or a turn, whether or not a file's settings say so.
  ///
  /// Chat models end their turn with one of these, while their files often name only another.
  static let endOfTextNames = [
    "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>",
  ]

  init(_ parts: Parts, endOfText: [Int]) {
    self.parts = parts
    self.endOfText = Set(endOfText).sorted()
    byteTokens = (0...255).map { (byte: UInt8) in
      Int32(parts.table.token(of: [byte]) ?? parts.unknown ?? -1)
    }
  }

  /// The tokens of a text.
  ///
  /// `addingSpecialTokens` puts the model's beginning-of-text before it, where the model has one.
  /// `recognizingSpecialTokens` reads `<|im_start|>` in the text as that token, as a chat template needs
  /// it; without it, it is seven characters like others.
  public func encode(
    _ text: String, addingSpecialTokens: Bool = true, recognizingSpecialTokens: Bool = true
  ) -> [Int] {
    var tokens = addingSpecialTokens ? parts.prefix : []
    let bytes = Array(text.utf8)
    var rest = bytes[...]
    while let (token, range) = parts.added.first(
      in: rest, recognizingSpecial: recognizingSpecialTokens)
    {
      appendTokens(of: rest[..<range.lowerBound], to: &tokens)
      tokens.append(token)
      rest = rest[range.upperBound...]
    }
    appendTokens(of: rest, to: &tokens)
    if addingSpecialTokens { tokens += parts.suffix }
    return tokens
  }

  /// Encodes text without added tokens in it.
  private func appendTokens(of bytes: ArraySlice<UInt8>, to tokens: inout [Int]) {
    guard !bytes.isEmpty else { return }
    // Added tokens are UTF-8, so what lies between them is too.
    forEachPiece(Substring(decoding: bytes, as: UTF8.self)) { piece in
      if parts.ignoresMerges, let whole = parts.table.token(of: piece) {
        tokens.append(whole)
        return
      }
      let symbols = piece.lazy.map { byteTokens[Int($0)] }.filter { $0 >= 0 }
      for token in parts.merges.merge(Array(symbols)) { tokens.append(Int(token)) }
    }
  }

  private func forEachPiece(_ text: Substring, _ body: (ArraySlice<UInt8>) -> Void) {
    parts.preTokenizer.forEachPiece(ScannedText(parts.normalization.apply(text)), body)
  }

  /// The pieces that a text without added tokens is cut into.
  func pieces(of text: String) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    forEachPiece(text[...]) { pieces.append(Array($0)) }
    return pieces
  }

  /// The text of tokens. Bytes that are not UTF-8 become U+FFFD; numbers that are no token are left out.
  public func decode(_ tokens: some Sequence<Int>, skippingSpecialTokens: Bool = false) -> String {
    var bytes: [UInt8] = []
    for token in tokens where !(skippingSpecialTokens && isSpecial(token)) {
      bytes += self.bytes(of: token)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes of one token, often only a part of a character; none when the number is no token.
  public func bytes(of token: Int) -> ArraySlice<UInt8> {
    (0..<vocabulary).contains(token) ? parts.table[token] : []
  }

  /// Whether a token is a control token: no part of a text.
  public func isSpecial(_ token: Int) -> Bool { parts.added.isSpecial(token) }
}
