import FoundationEssentials
import Tensors
import Testing

@testable import ModelFiles

/// What Hugging Face's tokenizers make of nasty texts; see `Tests/Golden/make_tokenizers.py`.
@Suite struct TokenizerGoldenTests {
  static let names = ["gpt2", "smollm", "llama3", "qwen2", "prefix"]

  @Test("texts become the tokens that Hugging Face makes of them", arguments: names)
  func encode(name: String) throws {
    let (tokenizer, expected) = try load(name)
    for text in expected.texts {
      #expect(tokenizer.encode(text.text) == text.ids, "\(name): \(text.text.debugDescription)")
      #expect(
        tokenizer.encode(text.text, addingSpecialTokens: false) == text.bare,
        "\(name): \(text.text.debugDescription)")
      #expect(
        tokenizer.encode(
          text.text, addingSpecialTokens: false, recognizingSpecialTokens: false) == text.plain,
        "\(name): \(text.text.debugDescription)")
    }
  }

  @Test("texts are cut where Hugging Face cuts them", arguments: names)
  func cut(name: String) throws {
    let (tokenizer, expected) = try load(name)
    for text in expected.texts {
      let pieces = tokenizer.pieces(of: text.text).map(\.count)
      #expect(pieces == text.pieces, "\(name): \(text.text.debugDescription)")
    }
  }

  @Test("tokens become the texts that Hugging Face makes of them", arguments: names)
  func decode(name: String) throws {
    let (tokenizer, expected) = try load(name)
    // Unicode scalars: strings that only look the same must not pass as equal.
    func scalars(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }
    for text in expected.texts {
      #expect(scalars(tokenizer.decode(text.ids)) == scalars(text.decoded))
      #expect(
        scalars(tokenizer.decode(text.ids, skippingSpecialTokens: true)) == scalars(text.skipped))
    }
    for tokens in expected.tokens {
      #expect(
        scalars(tokenizer.decode(tokens.ids)) == scalars(tokens.decoded), "\(name): \(tokens.ids)")
    }
  }

  @Test("a stream of tokens gives the same text as all of them at once", arguments: names)
  func stream(name: String) throws {
    let (tokenizer, expected) = try load(name)
    for ids in expected.texts.map(\.ids) + expected.tokens.map(\.ids) {
      for skips in [false, true] {
        var stream = TokenStream(tokenizer, skippingSpecialTokens: skips)
        var text = ""
        for id in ids { text += stream.append(id) }
        text += stream.finish()
        let whole = tokenizer.decode(ids, skippingSpecialTokens: skips)
        #expect(Array(text.utf8) == Array(whole.utf8), "\(name): \(ids)")
      }
    }
  }

  // MARK: Fixtures

  private struct Expected: Decodable {
    struct Text: Decodable {
      let text: String
      let pieces, ids, bare, plain: [Int]
      let decoded, skipped: String
    }

    struct Tokens: Decodable {
      let ids: [Int]
      let decoded: String
    }

    let texts: [Text]
    let tokens: [Tokens]
  }

  private func load(_ name: String) throws -> (Tokenizer, Expected) {
    let folder = Golden.folder + "/tokenizers"
    let json = try JSON.decode(
      TokenizerJSON.self, file: FileBytes(mapping: "\(folder)/\(name).json"))
    let expected = try JSON.decode(
      Expected.self, file: FileBytes(mapping: "\(folder)/\(name).expected.json"))
    return (try Tokenizer(json, endOfText: [], endOfTextName: nil), expected)
  }
}

/// The committed fixtures, found from this file's place.
enum Golden {
  static let folder: String = {
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(tests)/Golden"
  }()
}
