extension Tokenizer {
  /// Largest token number; published vocabularies end below 300,000.
  static let largestToken = 1 << 24
  /// Most numbers below the largest token that no token has: vocabularies in use have some hundred, and each takes
  /// memory though the file has no byte for it.
  static let mostGaps = 1 << 16

  /// The tokenizer of a `tokenizer.json`; `endOfText` are the tokens that other files beside it name.
  init(_ json: TokenizerJSON, endOfText: [Int], endOfTextName: String?) throws(JSON.KeyError) {
    let normalization = try json.normalization()
    let (table, added) = try json.table(normalization)
    var merges = MergeTable(capacity: json.model.merges.count)
    for (left, right) in json.model.merges {
      guard merges.append(left: left, right: right, table) else {
        throw JSON.KeyError(
          .malformed, key: "model.merges",
          "'\(left)' and '\(right)' are not two tokens that make a third")
      }
    }
    var unknown: Int?
    if let name = json.model.unknown {
      unknown = json.model.vocabulary[name]
    }
    try json.checkDecoder()
    let (prefix, suffix) = try json.template(tokens: table.count)
    let named = added.filter { entry in
      entry.isSpecial && (Self.isEndOfText(entry.bytes) || entry.isNamed(endOfTextName))
    }
    self.init(
      Parts(
        table: table, merges: merges, added: AddedTokens(added),
        preTokenizer: try json.preTokenizerSteps(), normalization: normalization,
        ignoresMerges: json.model.ignoresMerges, unknown: unknown, prefix: prefix, suffix: suffix),
      endOfText: named.map(\.token) + endOfText)
  }
}

extension AddedTokens.Entry {
  fileprivate func isNamed(_ name: String?) -> Bool {
    name.map { bytes.elementsEqual($0.utf8) } ?? false
  }
}

extension TokenizerJSON {
  fileprivate func normalization() throws(JSON.KeyError) -> Normalization {
    var normalization = Normalization.none
    var pending = normalizer.map { [$0] } ?? []
    while let component = pending.popLast() {
      switch component.type {
      case "Sequence": pending += component.normalizers ?? []
      case "NFC": normalization = .composed
      default:
        throw JSON.KeyError(
          key: "normalizer", "\(component.type); known is NFC. \(Self.advice)")
      }
    }
    return normalization
  }

  /// All tokens by number, and those that are found in text as they are.
  fileprivate func table(
    _ normalization: Normalization
  ) throws(JSON.KeyError) -> (TokenTable, [AddedTokens.Entry]) {
    var texts: [Int: (text: String, isAdded: Bool)] = [:]
    texts.reserveCapacity(model.vocabulary.count + addedTokens.count)
    for (text, token) in model.vocabulary {
      guard (0..<Tokenizer.largestToken).contains(token), texts[token] == nil else {
        throw JSON.KeyError(
          .malformed, key: "model.vocab", "token \(token) is there twice, or out of bounds")
      }
      texts[token] = (text, false)
    }
    var added: [AddedTokens.Entry] = []
    for token in addedTokens {
      guard (0..<Tokenizer.largestToken).contains(token.id) else {
        throw JSON.KeyError(.malformed, key: "added_tokens", "token \(token.id) is out of bounds")
      }
      try check(token, normalization)
      texts[token.id] = (token.content, true)
      added.append(
        .init(token: token.id, bytes: Array(token.content.utf8), isSpecial: token.special))
    }
    let count = (texts.keys.max() ?? -1) + 1
    guard count > 0 else { throw JSON.KeyError(.malformed, key: "model.vocab", "it is empty") }
    guard count - texts.count <= Tokenizer.mostGaps else {
      throw JSON.KeyError(
        .malformed, key: "model.vocab",
        "\(texts.count) tokens have numbers up to \(count - 1); at most \(Tokenizer.mostGaps) may be missing"
      )
    }
    var table = TokenTable(capacity: count)
    for token in 0..<count {
      guard let (text, isAdded) = texts[token] else {
        table.append([], findable: false)
        continue
      }
      let bytes = isAdded ? nil : ByteAlphabet.bytes(of: text)
      table.append(bytes ?? Array(text.utf8), findable: bytes != nil)
    }
    return (table, added)
  }

  private func check(
    _ token: AddedToken, _ normalization: Normalization
  ) throws(JSON.KeyError) {
    func refuse(_ field: String) -> JSON.KeyError {
      JSON.KeyError(
        key: "added_tokens",
        "'\(token.content)' has \(field), which is not computed. \(Self.advice)")
    }
    if token.singleWord == true { throw refuse("single_word") }
    if token.stripsLeft == true { throw refuse("lstrip") }
    if token.stripsRight == true { throw refuse("rstrip") }
    if token.normalized == true, normalization != .none { throw refuse("normalized") }
  }

  /// The cuts that the pre-tokenizer makes; it must end by turning bytes into the byte alphabet.
  fileprivate func preTokenizerSteps() throws(JSON.KeyError) -> PreTokenizer {
    var components = preTokenizer.map { [$0] } ?? []
    var flat: [Component] = []
    while !components.isEmpty {
      let component = components.removeFirst()
      if component.type == "Sequence" {
        components = (component.pretokenizers ?? []) + components
      } else {
        flat.append(component)
      }
    }
    guard flat.last?.type == "ByteLevel" else {
      throw JSON.KeyError(
        key: "pre_tokenizer",
        "\(flat.last?.type ?? "none") at its end; only ByteLevel is read. \(Self.advice)")
    }
    var steps: [PreTokenizer.Step] = []
    for (index, component) in flat.enumerated() {
      switch component.type {
      case "Digits": steps.append(.digits(individual: component.individualDigits ?? false))
      case "Split": steps.append(try split(component))
      case "ByteLevel" where index == flat.count - 1:
        if component.addsPrefixSpace ?? true { steps.append(.spaceBefore) }
        if component.usesRegex ?? true { steps.append(.pattern(.gpt2)) }
      default:
        throw JSON.KeyError(
          key: "pre_tokenizer",
          "\(component.type); known are Digits and Split, then one ByteLevel. \(Self.advice)")
      }
    }
    return PreTokenizer(steps: steps)
  }

  private func split(_ component: Component) throws(JSON.KeyError) -> PreTokenizer.Step {
    let regex = component.pattern?["Regex"]
    // The patterns match everything, so keeping the matches alone is the same as cutting at them.
    let cutsAtMatches = component.behavior == "Isolated" && component.invert != true
    let keepsMatches = component.behavior == "Removed" && component.invert == true
    if cutsAtMatches || keepsMatches, let regex {
      if let pattern = SplitPattern.allCases.first(where: { $0.regex == regex }) {
        return .pattern(pattern)
      }
      if cutsAtMatches, regex == #"\p{N}"# { return .digits(individual: true) }
    }
    let known = SplitPattern.allCases.map { "\($0): \($0.regex)" }.joined(separator: "; ")
    throw JSON.KeyError(
      key: "pre_tokenizer",
      "Split by \(component.pattern ?? [:]), \(component.behavior ?? "no behavior"); known are, "
        + "Isolated: \(known). \(Self.advice)")
  }

  fileprivate func checkDecoder() throws(JSON.KeyError) {
    let parts = decoder?.type == "Sequence" ? decoder?.decoders ?? [] : decoder.map { [$0] } ?? []
    guard parts.count == 1, parts[0].type == "ByteLevel" else {
      throw JSON.KeyError(
        key: "decoder",
        "\(parts.map(\.type).joined(separator: ", ")); only ByteLevel is read. \(Self.advice)")
    }
  }

  /// The tokens that the post-processor puts before and after a text.
  fileprivate func template(
    tokens count: Int
  ) throws(JSON.KeyError) -> (prefix: [Int], suffix: [Int]) {
    var edges: (prefix: [Int], suffix: [Int]) = ([], [])
    let components =
      postProcessor?.type == "Sequence"
      ? postProcessor?.processors ?? [] : postProcessor.map { [$0] } ?? []
    for component in components {
      switch component.type {
      case "ByteLevel": continue  // It only moves offsets.
      case "TemplateProcessing":
        var isBefore = true
        for part in component.single ?? [] {
          if part["Sequence"] != nil {
            isBefore = false
          } else if let name = part["SpecialToken"]?.id {
            guard let ids = component.specialTokens?[name]?.ids,
              ids.allSatisfy({ (0..<count).contains($0) })
            else {
              throw JSON.KeyError(
                .malformed, key: "post_processor", "'\(name)' is not one of its special_tokens")
            }
            if isBefore { edges.prefix += ids } else { edges.suffix += ids }
          }
        }
      default:
        throw JSON.KeyError(
          key: "post_processor",
          "\(component.type); known are ByteLevel and TemplateProcessing. \(Self.advice)")
      }
    }
    return edges
  }
}
