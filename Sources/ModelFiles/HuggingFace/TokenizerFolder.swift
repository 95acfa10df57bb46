/// The files of a Hugging Face model folder that make its tokenizer.
struct TokenizerFolder {
  let path: String

  /// The tokenizer of `tokenizer.json`; `nil` when the folder has none.
  ///
  /// Tokens that end a text are those of `config.json` (`endOfText`), `generation_config.json` and
  /// `tokenizer_config.json`, and those whose names say so.
  func tokenizer(endOfText: [Int]) throws(ModelFileError) -> Tokenizer? {
    guard MappedFile.exists("\(path)/tokenizer.json") else { return nil }
    let file = try FileBytes(mapping: "\(path)/tokenizer.json")
    let json = try JSON.decode(TokenizerJSON.self, file: file)
    let generation = try optional(Generation.self, "generation_config.json")
    let settings = try optional(Settings.self, "tokenizer_config.json")
    do {
      return try Tokenizer(
        json, endOfText: endOfText + (generation?.endOfText?.tokens ?? []),
        endOfTextName: settings?.endOfText?.content)
    } catch {
      throw error.inFile(file.path)
    }
  }

  private func optional<T: Decodable>(
    _ type: T.Type, _ name: String
  ) throws(ModelFileError) -> T? {
    guard MappedFile.exists("\(path)/\(name)") else { return nil }
    return try JSON.decode(type, file: FileBytes(mapping: "\(path)/\(name)"))
  }

  private struct Generation: Decodable {
    let endOfText: TokenList?

    enum CodingKeys: String, CodingKey {
      case endOfText = "eos_token_id"
    }
  }

  private struct Settings: Decodable {
    let endOfText: Name?

    enum CodingKeys: String, CodingKey {
      case endOfText = "eos_token"
    }

    /// A token's text, alone or in an object with its properties.
    struct Name: Decodable {
      let content: String

      enum CodingKeys: CodingKey {
        case content
      }

      init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
          content = text
        } else {
          content = try decoder.container(keyedBy: CodingKeys.self)
            .decode(String.self, forKey: .content)
        }
      }
    }
  }
}
