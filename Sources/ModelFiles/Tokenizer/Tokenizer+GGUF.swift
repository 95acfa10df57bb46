import Tensors

extension Tokenizer {
  /// The tokenizer in a GGUF file's metadata: `tokenizer.ggml.model` `gpt2`.
  ///
  /// What the file does not say is as in llama.cpp: Llama 3 puts its beginning-of-text before every text
  /// and takes whole pieces first. As in Hugging Face's tokenizer, Qwen2's text is composed first, which a
  /// GGUF file has no place to say.
  ///
  /// Throws `ModelFileError` for another kind of tokenizer, an unknown pre-tokenizer, and parts that do
  /// not fit each other.
  init(_ gguf: GGUFFile) throws(ModelFileError) {
    let (name, preTokenizer) = try Self.preTokenizer(gguf)
    let tokens = try Self.tokens(gguf)
    var table = TokenTable(capacity: tokens.count)
    var added: [AddedTokens.Entry] = []
    for (token, text) in tokens.enumerated() {
      switch text.kind {
      case .normal, .byte:
        let bytes = ByteAlphabet.bytes(of: text.text)
        table.append(bytes ?? Array(text.text.utf8), findable: bytes != nil)
      case .control, .unknown, .userDefined:
        let bytes = Array(text.text.utf8)
        table.append(bytes, findable: false)
        added.append(.init(token: token, bytes: bytes, isSpecial: text.kind != .userDefined))
      case .unused: table.append([], findable: false)
      }
    }
    let isLlama3 = preTokenizer == .llama3
    func token(_ key: String) throws(ModelFileError) -> Int? {
      guard let token = try gguf.integer("tokenizer.ggml.\(key)") else { return nil }
      guard (0..<tokens.count).contains(token) else {
        throw Self.malformed(gguf, key, "\(token) is not one of the \(tokens.count) tokens")
      }
      return token
    }
    func edge(_ flag: String, default isOn: Bool, _ key: String) throws(ModelFileError) -> [Int] {
      guard try gguf.bool("tokenizer.ggml.\(flag)") ?? isOn else { return [] }
      guard let token = try token(key) else {
        throw Self.malformed(gguf, flag, "true, and there is no tokenizer.ggml.\(key)")
      }
      return [token]
    }
    let named = added.filter { $0.isSpecial && Self.isEndOfText($0.bytes) }.map(\.token)
    let stated = [
      try token("eos_token_id"), try token("eot_token_id"), try token("eom_token_id"),
    ].compactMap(\.self)
    let hasBeginning = try token("bos_token_id") != nil
    self.init(
      Parts(
        table: table, merges: try Self.merges(gguf, table), added: AddedTokens(added),
        preTokenizer: preTokenizer,
        normalization: name == "qwen2" || name == "deepseek-r1-qwen" ? .composed : .none,
        ignoresMerges: isLlama3,
        prefix: try edge("add_bos_token", default: isLlama3 && hasBeginning, "bos_token_id"),
        suffix: try edge("add_eos_token", default: false, "eos_token_id")),
      endOfText: named + stated)
  }

  /// Whether bytes are the name of a token that ends a text.
  static func isEndOfText(_ bytes: [UInt8]) -> Bool {
    endOfTextNames.contains { $0.utf8.elementsEqual(bytes) }
  }

  private static func preTokenizer(
    _ gguf: GGUFFile
  ) throws(ModelFileError) -> (String, PreTokenizer) {
    let model = try gguf.string("tokenizer.ggml.model")
    guard model == "gpt2" else {
      throw ModelFileError(
        .unsupported, file: gguf.file.path, subject: "key 'tokenizer.ggml.model'",
        "tokenizer '\(model ?? "none")'; only byte-level BPE ('gpt2') is read. "
          + "Give the prompt as token numbers with --prompt-ids")
    }
    let name = try gguf.string("tokenizer.ggml.pre")
    guard let name, let known = PreTokenizer.byName[name] else {
      let all = PreTokenizer.byName.keys.sorted().joined(separator: ", ")
      throw ModelFileError(
        .unsupported, file: gguf.file.path, subject: "key 'tokenizer.ggml.pre'",
        "pre-tokenizer '\(name ?? "none")'; known are \(all). "
          + "Give the prompt as token numbers with --prompt-ids")
    }
    return (name, known)
  }

  /// `tokenizer.ggml.token_type`.
  private enum TokenKind: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  private static func tokens(
    _ gguf: GGUFFile
  ) throws(ModelFileError) -> [(text: String, kind: TokenKind)] {
    guard let ranges = try gguf.stringRanges("tokenizer.ggml.tokens"), !ranges.isEmpty else {
      throw malformed(gguf, "tokens", "there are no tokens")
    }
    let kinds = try gguf.integers("tokenizer.ggml.token_type")
    if let kinds, kinds.count != ranges.count {
      throw malformed(
        gguf, "token_type", "\(kinds.count) types for \(ranges.count) tokens")
    }
    var tokens: [(String, TokenKind)] = []
    tokens.reserveCapacity(ranges.count)
    for (token, range) in ranges.enumerated() {
      guard let kind = TokenKind(rawValue: kinds?[token] ?? 1) else {
        throw malformed(
          gguf, "token_type", "type \(kinds![token]) of token \(token) is not one of 1 to 6")
      }
      tokens.append((try text(gguf, range, "tokens"), kind))
    }
    return tokens
  }

  private static func merges(
    _ gguf: GGUFFile, _ table: TokenTable
  ) throws(ModelFileError) -> MergeTable {
    guard let ranges = try gguf.stringRanges("tokenizer.ggml.merges") else {
      throw malformed(gguf, "merges", "there are no merges")
    }
    var merges = MergeTable(capacity: ranges.count)
    for range in ranges {
      let text = try text(gguf, range, "merges")
      let parts = text.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2,
        merges.append(left: String(parts[0]), right: String(parts[1]), table)
      else {
        throw malformed(
          gguf, "merges", at: range.lowerBound, "'\(text)' is not two tokens that make a third")
      }
    }
    return merges
  }

  private static func text(
    _ gguf: GGUFFile, _ range: Range<Int>, _ key: String
  ) throws(ModelFileError) -> String {
    guard let text = String(validating: gguf.file.storage.bytes[range], as: UTF8.self) else {
      throw malformed(gguf, key, at: range.lowerBound, "a string is not UTF-8")
    }
    return text
  }

  private static func malformed(
    _ gguf: GGUFFile, _ key: String, at offset: Int? = nil, _ detail: String
  ) -> ModelFileError {
    ModelFileError(
      .malformed, file: gguf.file.path, subject: "key 'tokenizer.ggml.\(key)'", offset: offset,
      detail)
  }
}

extension MergeTable {
  /// Adds a merge of two tokens by their text in the byte alphabet; false when a token is missing.
  mutating func append(left: String, right: String, _ table: TokenTable) -> Bool {
    guard let leftBytes = ByteAlphabet.bytes(of: left),
      let rightBytes = ByteAlphabet.bytes(of: right),
      let leftToken = table.token(of: leftBytes[...]),
      let rightToken = table.token(of: rightBytes[...]),
      let result = table.token(of: (leftBytes + rightBytes)[...])
    else { return false }
    append(left: leftToken, right: rightToken, result: result)
    return true
  }
}
