/// Hugging Face's `tokenizer.json`, as far as byte-level BPE uses it.
///
/// Everything that changes the tokens is read or refused; the names are those of the `tokenizers` library.
struct TokenizerJSON: Decodable {
  let addedTokens: [AddedToken]
  let normalizer: Component?
  let preTokenizer: Component?
  let postProcessor: Component?
  let decoder: Component?
  let model: Model

  enum CodingKeys: String, CodingKey {
    case addedTokens = "added_tokens"
    case normalizer
    case preTokenizer = "pre_tokenizer"
    case postProcessor = "post_processor"
    case decoder, model
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    addedTokens = try container.decodeIfPresent([AddedToken].self, forKey: .addedTokens) ?? []
    normalizer = try container.decodeIfPresent(Component.self, forKey: .normalizer)
    preTokenizer = try container.decodeIfPresent(Component.self, forKey: .preTokenizer)
    postProcessor = try container.decodeIfPresent(Component.self, forKey: .postProcessor)
    self.decoder = try container.decodeIfPresent(Component.self, forKey: .decoder)
    model = try container.decode(Model.self, forKey: .model)
  }

  struct AddedToken: Decodable {
    let id: Int
    let content: String
    let special: Bool
    let normalized: Bool?
    let singleWord: Bool?
    let stripsLeft: Bool?
    let stripsRight: Bool?

    enum CodingKeys: String, CodingKey {
      case id, content, special, normalized
      case singleWord = "single_word"
      case stripsLeft = "lstrip"
      case stripsRight = "rstrip"
    }
  }

  struct Model: Decodable {
    let vocabulary: [String: Int]
    let merges: [(left: String, right: String)]
    let unknown: String?
    let ignoresMerges: Bool

    enum CodingKeys: String, CodingKey {
      case type, dropout, merges
      case vocabulary = "vocab"
      case unknown = "unk_token"
      case prefix = "continuing_subword_prefix"
      case suffix = "end_of_word_suffix"
      case byteFallback = "byte_fallback"
      case ignoresMerges = "ignore_merges"
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      // Old files have no type; only BPE has merges.
      let type = try container.decodeIfPresent(String.self, forKey: .type)
      guard type == "BPE" || (type == nil && container.contains(.merges)) else {
        throw JSON.KeyError(
          key: "model.type",
          "\(type ?? "none"); only byte-level BPE is read. \(TokenizerJSON.advice)")
      }
      if try container.decodeIfPresent(Bool.self, forKey: .byteFallback) == true {
        throw JSON.KeyError(
          key: "model.byte_fallback",
          "true; a SentencePiece vocabulary is not read. \(TokenizerJSON.advice)")
      }
      for key in [CodingKeys.prefix, .suffix] {
        if let text = try container.decodeIfPresent(String.self, forKey: key), !text.isEmpty {
          throw JSON.KeyError(key: "model.\(key.rawValue)", "'\(text)'; only none is read")
        }
      }
      if let dropout = try container.decodeIfPresent(Double.self, forKey: .dropout), dropout != 0 {
        throw JSON.KeyError(key: "model.dropout", "\(dropout); random merges are not computed")
      }
      vocabulary = try container.decode([String: Int].self, forKey: .vocabulary)
      unknown = try container.decodeIfPresent(String.self, forKey: .unknown)
      ignoresMerges = try container.decodeIfPresent(Bool.self, forKey: .ignoresMerges) ?? false
      merges = try Self.merges(container)
    }

    /// `["a b", …]` in older files, `[["a", "b"], …]` in newer ones.
    private static func merges(
      _ container: KeyedDecodingContainer<CodingKeys>
    ) throws -> [(left: String, right: String)] {
      if let texts = try? container.decode([String].self, forKey: .merges) {
        return try texts.map { text in
          let parts = text.split(separator: " ", omittingEmptySubsequences: false)
          guard parts.count == 2 else {
            throw JSON.KeyError(.malformed, key: "model.merges", "'\(text)' is not two tokens")
          }
          return (String(parts[0]), String(parts[1]))
        }
      }
      return try container.decode([[String]].self, forKey: .merges).map { pair in
        guard pair.count == 2 else {
          throw JSON.KeyError(.malformed, key: "model.merges", "\(pair) is not two tokens")
        }
        return (pair[0], pair[1])
      }
    }
  }

  /// A normalizer, pre-tokenizer, post-processor or decoder: its type and all the fields any has.
  final class Component: Decodable {
    let type: String
    let normalizers, pretokenizers, processors, decoders: [Component]?
    let individualDigits, addsPrefixSpace, usesRegex, invert: Bool?
    let pattern: [String: String]?
    let behavior: String?
    let single: [[String: TemplatePart]]?
    let specialTokens: [String: SpecialToken]?

    enum CodingKeys: String, CodingKey {
      case type, normalizers, pretokenizers, processors, decoders, invert, pattern, behavior, single
      case individualDigits = "individual_digits"
      case addsPrefixSpace = "add_prefix_space"
      case usesRegex = "use_regex"
      case specialTokens = "special_tokens"
    }

    struct TemplatePart: Decodable {
      let id: String
    }

    struct SpecialToken: Decodable {
      let ids: [Int]
    }
  }

  /// What a person can do when a text cannot be turned into tokens.
  static let advice = "Give the prompt as token numbers with --prompt-ids"
}
