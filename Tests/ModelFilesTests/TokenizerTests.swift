import FoundationEssentials
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct TokenizerTests {
  // MARK: The same tokenizer from both kinds of file

  /// A GGUF file with the tokenizer of a fixture.
  private func gguf(
    _ json: TokenizerJSON, pre: String, _ extra: [(key: String, value: GGUFWriter.Value)] = []
  ) -> GGUFWriter {
    let added = Dictionary(uniqueKeysWithValues: json.addedTokens.map { ($0.id, $0) })
    var texts = Dictionary(uniqueKeysWithValues: json.model.vocabulary.map { ($0.value, $0.key) })
    for token in json.addedTokens { texts[token.id] = token.content }
    let tokens = (0..<texts.count).map { GGUFWriter.Value.string(texts[$0]!) }
    let types = (0..<texts.count).map { token in
      GGUFWriter.Value.int32(added[token].map { $0.special ? 3 : 4 } ?? 1)
    }
    let merges = json.model.merges.map { GGUFWriter.Value.string("\($0.left) \($0.right)") }
    return GGUFWriter(
      metadata: [
        ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string(pre)),
        ("tokenizer.ggml.tokens", .array(tokens)), ("tokenizer.ggml.token_type", .array(types)),
        ("tokenizer.ggml.merges", .array(merges)),
      ] + extra)
  }

  private func fixture(_ name: String) throws -> TokenizerJSON {
    try JSON.decode(
      TokenizerJSON.self, file: FileBytes(mapping: "\(Golden.folder)/tokenizers/\(name).json"))
  }

  private func tokenizer(_ writer: GGUFWriter) throws -> Tokenizer {
    try withFile(writer.bytes()) { try Tokenizer(GGUFFile($0)) }
  }

  @Test(
    "a GGUF file's tokenizer gives the tokens of tokenizer.json",
    arguments: [
      ("gpt2", "gpt-2"), ("smollm", "smollm"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"),
    ])
  func sameFromGGUF(name: String, pre: String) throws {
    let json = try fixture(name)
    let start = try #require(json.addedTokens.first { $0.content == "<|im_start|>" }).id
    let fromJSON = try Tokenizer(json, endOfText: [], endOfTextName: nil)
    let fromGGUF = try tokenizer(
      gguf(json, pre: pre, [("tokenizer.ggml.bos_token_id", .uint32(UInt32(start)))]))
    #expect(fromGGUF.vocabulary == fromJSON.vocabulary)
    #expect(fromGGUF.endOfText == fromJSON.endOfText)
    struct Expected: Decodable {
      struct Text: Decodable {
        let text: String
      }
      let texts: [Text]
    }
    let texts = try JSON.decode(
      Expected.self, file: FileBytes(mapping: "\(Golden.folder)/tokenizers/\(name).expected.json")
    ).texts
    #expect(texts.count > 150)
    for text in texts.map(\.text) {
      #expect(fromGGUF.encode(text) == fromJSON.encode(text), "\(text.debugDescription)")
      let plain = fromGGUF.encode(text, recognizingSpecialTokens: false)
      #expect(plain == fromJSON.encode(text, recognizingSpecialTokens: false))
    }
    for token in -1...fromJSON.vocabulary {
      #expect(fromGGUF.bytes(of: token) == fromJSON.bytes(of: token))
      #expect(fromGGUF.isSpecial(token) == fromJSON.isSpecial(token))
    }
  }

  // MARK: Settings of a GGUF file

  @Test("beginning and end of text are added where the file says so, or the kind of tokenizer")
  func edges() throws {
    let json = try fixture("gpt2")
    let ids: [(key: String, value: GGUFWriter.Value)] = [
      ("tokenizer.ggml.bos_token_id", .uint32(7)), ("tokenizer.ggml.eos_token_id", .uint32(9)),
    ]
    func edges(_ pre: String, _ flags: [String: Bool]) throws -> [Int] {
      let flags = flags.map {
        (key: "tokenizer.ggml.\($0.key)", value: GGUFWriter.Value.bool($0.value))
      }
      return try tokenizer(gguf(json, pre: pre, ids + flags)).encode("")
    }
    #expect(try edges("gpt-2", [:]) == [])
    #expect(try edges("gpt-2", ["add_bos_token": true]) == [7])
    #expect(try edges("gpt-2", ["add_bos_token": true, "add_eos_token": true]) == [7, 9])
    #expect(try edges("llama-bpe", [:]) == [7])
    #expect(try edges("llama-bpe", ["add_bos_token": false]) == [])
    let llama = try tokenizer(gguf(json, pre: "llama-bpe", ids))
    #expect(llama.encode("a", addingSpecialTokens: false).count == 1)
  }

  @Test("tokens that end a text are those that the file names, and those whose names say so")
  func endOfText() throws {
    let json = try fixture("gpt2")
    func token(_ name: String) throws -> Int {
      try #require(json.addedTokens.first { $0.content == name }).id
    }
    let named = [try token("<|endoftext|>"), try token("<|im_end|>")].sorted()
    #expect(try Tokenizer(json, endOfText: [], endOfTextName: nil).endOfText == named)
    #expect(
      try Tokenizer(json, endOfText: [3], endOfTextName: nil).endOfText == (named + [3]).sorted())
    let start = try token("<|im_start|>")
    #expect(
      try Tokenizer(json, endOfText: [], endOfTextName: "<|im_start|>").endOfText
        == (named + [start]).sorted())
    let ids: [(key: String, value: GGUFWriter.Value)] = [
      ("tokenizer.ggml.eos_token_id", .uint32(5)), ("tokenizer.ggml.eot_token_id", .uint32(6)),
      ("tokenizer.ggml.eom_token_id", .uint32(6)),
    ]
    #expect(
      try tokenizer(gguf(json, pre: "gpt-2", ids)).endOfText == (named + [5, 6]).sorted())
  }

  @Test("a folder's tokenizer takes its end of text from all the files that name one")
  func folder() throws {
    let folder = TemporaryFolder()
    folder.write(SmallModels.configuration(["eos_token_id": "11"]), to: "config.json")
    let path = "\(folder.path)/config.json"
    #expect(try ModelFile.open(path).tokenizer() == nil)
    let json = try FileBytes(mapping: "\(Golden.folder)/tokenizers/smollm.json")
    folder.write(Array(json.storage.bytes), to: "tokenizer.json")
    let base = try #require(try ModelFile.open(path).tokenizer()).endOfText
    #expect(base.contains(11))
    folder.write(#"{"eos_token_id": [12, 13]}"#, to: "generation_config.json")
    folder.write(#"{"eos_token": {"content": "<|im_start|>"}}"#, to: "tokenizer_config.json")
    let all = try #require(try ModelFile.open(path).tokenizer()).endOfText
    #expect(all.count == base.count + 3)
    #expect(Set(all).isSuperset(of: [11, 12, 13]))
    folder.write(#"{"eos_token": "<|im_start|>"}"#, to: "tokenizer_config.json")
    #expect(try ModelFile.open(path).tokenizer()?.endOfText == all)
    folder.write("{}", to: "tokenizer.json")
    let error = #expect(throws: ModelFileError.self) { try ModelFile.open(path).tokenizer() }
    #expect(error?.file == "\(folder.path)/tokenizer.json")
  }

  // MARK: Refusals

  struct Refused: Sendable, CustomTestStringConvertible {
    let key: String
    let value: GGUFWriter.Value?
    let message: String
    var testDescription: String { "\(key) = \(String(describing: value)): \(message)" }

    init(_ key: String, _ value: GGUFWriter.Value?, _ message: String) {
      self.key = "tokenizer.ggml.\(key)"
      self.value = value
      self.message = message
    }
  }

  static let refused = [
    Refused("model", .string("llama"), "--prompt-ids"),
    Refused("model", nil, "--prompt-ids"),
    Refused("pre", .string("tekken"), "known are deepseek-r1-qwen, gpt-2, llama-bpe"),
    Refused("pre", nil, "known are"),
    Refused("tokens", nil, "no tokens"),
    Refused("tokens", .array([]), "array of strings"),
    Refused("token_type", .array([.int32(1)]), "1 types for"),
    Refused("merges", nil, "no merges"),
    Refused("merges", .array([.string("a b c")]), "'a b c' is not two tokens"),
    Refused("merges", .array([.string("ab")]), "'ab' is not two tokens"),
    Refused("merges", .array([.string("Ġ €")]), "'Ġ €' is not two tokens"),
    Refused("bos_token_id", .uint32(100_000), "not one of"),
    Refused("eos_token_id", .string("x"), "an integer"),
    Refused("add_bos_token", .bool(true), "no tokenizer.ggml.bos_token_id"),
    Refused("add_bos_token", .uint8(1), "a bool"),
  ]

  @Test("a GGUF tokenizer that cannot be used says why, and what to do", arguments: refused)
  func isRefused(_ refused: Refused) throws {
    var writer = gguf(try fixture("gpt2"), pre: "gpt-2")
    writer.metadata.removeAll { $0.key == refused.key }
    if let value = refused.value { writer.metadata.append((refused.key, value)) }
    let error = error(of: writer.bytes()) { (file) throws(ModelFileError) in
      try Tokenizer(GGUFFile(file))
    }
    #expect(error?.subject == "key '\(refused.key)'")
    #expect(error?.detail.contains(refused.message) == true, "\(String(describing: error))")
  }

  @Test("a token of an unknown type, or a string that is not UTF-8, is refused")
  func badTokens() throws {
    var writer = gguf(try fixture("gpt2"), pre: "gpt-2")
    let index = try #require(
      writer.metadata.firstIndex { $0.key == "tokenizer.ggml.token_type" })
    guard case .array(var types) = writer.metadata[index].value else { return }
    types[5] = .int32(7)
    writer.metadata[index].value = .array(types)
    let unknown = error(of: writer.bytes()) { (file) throws(ModelFileError) in
      try Tokenizer(GGUFFile(file))
    }
    #expect(unknown?.detail == "type 7 of token 5 is not one of 1 to 6")
    var bytes = gguf(try fixture("gpt2"), pre: "gpt-2").bytes()
    let name = Array("<|endoftext|>".utf8)
    let place = try #require(
      bytes.indices.first { bytes[$0...].starts(with: name) })
    bytes[place] = 0xFF
    let invalid = error(of: bytes) { (file) throws(ModelFileError) in
      try Tokenizer(GGUFFile(file))
    }
    #expect(invalid?.detail == "a string is not UTF-8")
    #expect(invalid?.offset == place)
  }

  struct RefusedJSON: Sendable, CustomTestStringConvertible {
    let from: String
    let to: String
    let key: String
    var testDescription: String { "\(to) for \(from)" }

    init(_ from: String, _ to: String, _ key: String) {
      self.from = from
      self.to = to
      self.key = key
    }
  }

  static let refusedJSON = [
    RefusedJSON(#""type": "BPE""#, #""type": "Unigram""#, "model.type"),
    RefusedJSON(#""byte_fallback": false"#, #""byte_fallback": true"#, "model.byte_fallback"),
    RefusedJSON(#""dropout": null"#, #""dropout": 0.1"#, "model.dropout"),
    RefusedJSON(
      #""end_of_word_suffix": null"#, #""end_of_word_suffix": "</w>""#, "model.end_of_word_suffix"),
    RefusedJSON(
      #""continuing_subword_prefix": null"#, #""continuing_subword_prefix": "@""#,
      "model.continuing_subword_prefix"),
    RefusedJSON(
      #""normalizer": {"type": "NFC"}"#, #""normalizer": {"type": "NFKC"}"#, "normalizer"),
    RefusedJSON(#""behavior": "Isolated""#, #""behavior": "Removed""#, "pre_tokenizer"),
    RefusedJSON(#""invert": false"#, #""invert": true"#, "pre_tokenizer"),
    RefusedJSON(#"\\p{N}|"#, #"\\p{N}+|"#, "pre_tokenizer"),
    RefusedJSON(#""type": "Split""#, #""type": "Whitespace""#, "pre_tokenizer"),
    RefusedJSON(
      #""pre_tokenizer": {"type": "Sequence""#, #""pre_tokenizer": {"type": "Metaspace""#,
      "pre_tokenizer"),
    RefusedJSON(
      #""post_processor": {"type": "ByteLevel""#, #""post_processor": {"type": "BertProcessing""#,
      "post_processor"),
    RefusedJSON(
      #""decoder": {"type": "ByteLevel""#, #""decoder": {"type": "Metaspace""#, "decoder"),
    RefusedJSON(#""lstrip": false"#, #""lstrip": true"#, "added_tokens"),
    RefusedJSON(#""rstrip": false"#, #""rstrip": true"#, "added_tokens"),
    RefusedJSON(#""single_word": false"#, #""single_word": true"#, "added_tokens"),
    RefusedJSON(#""normalized": false"#, #""normalized": true"#, "added_tokens"),
    RefusedJSON(
      #""added_tokens": [{"id": 0"#, #""added_tokens": [{"id": 99999999"#, "added_tokens"),
    RefusedJSON(#""!": 1,"#, #""!": 2,"#, "model.vocab"),
    RefusedJSON(#""merges": [["#, #""merges": [["a", "b", "c"], ["#, "model.merges"),
    RefusedJSON(#""merges": [["#, #""merges": [["€", "b"], ["#, "model.merges"),
  ]

  @Test("a tokenizer.json that would give other tokens is refused", arguments: refusedJSON)
  func isRefusedJSON(_ refused: RefusedJSON) throws {
    let file = try FileBytes(mapping: "\(Golden.folder)/tokenizers/qwen2.json")
    let text = String(decoding: file.storage.bytes, as: UTF8.self)
    let changed = text.replacing(refused.from, with: refused.to, maxReplacements: 1)
    try #require(changed != text, "the fixture has no \(refused.from)")
    let error = error(of: Array(changed.utf8)) { (file) throws(ModelFileError) in
      let json = try JSON.decode(TokenizerJSON.self, file: file)
      do throws(JSON.KeyError) {
        _ = try Tokenizer(json, endOfText: [], endOfTextName: nil)
      } catch {
        throw error.inFile(file.path)
      }
    }
    #expect(error?.subject == "key '\(refused.key)'", "\(String(describing: error))")
  }

  @Test("a template names only tokens that there are")
  func template() throws {
    let file = try FileBytes(mapping: "\(Golden.folder)/tokenizers/llama3.json")
    let text = String(decoding: file.storage.bytes, as: UTF8.self)
    let changed = text.replacing(
      #""special_tokens": {"<|im_start|>""#, with: #""special_tokens": {"x""#)
    try #require(changed != text)
    let json = try withFile(Array(changed.utf8)) { try JSON.decode(TokenizerJSON.self, file: $0) }
    #expect(throws: JSON.KeyError.self) {
      try Tokenizer(json, endOfText: [], endOfTextName: nil)
    }
  }

  // MARK: Behaviour

  @Test("the byte alphabet is a bijection of 256 bytes, and a space is Ġ")
  func alphabet() {
    let scalars = (0...255).map { (byte: UInt8) in ByteAlphabet.scalar(of: byte) }
    #expect(Set(scalars).count == 256)
    for byte in 0...255 as ClosedRange<UInt8> {
      #expect(ByteAlphabet.byte(of: ByteAlphabet.scalar(of: byte)) == byte)
    }
    #expect(ByteAlphabet.scalar(of: 0x20) == "Ġ")
    #expect(ByteAlphabet.scalar(of: 0x0A) == "Ċ")
    #expect(ByteAlphabet.scalar(of: 0xAD) == "\u{143}")
    #expect(ByteAlphabet.bytes(of: "Ġa") == [0x20, 0x61])
    #expect(ByteAlphabet.bytes(of: "a b") == nil)
  }

  @Test("pieces put together are the text, for every pre-tokenizer and any characters")
  func pieces() {
    var generator = SeededGenerator(seed: 5)
    let alphabet = Array("ab'sSlLrRvV019 \t\n\r.,é٣世😀\u{301}\u{3000}\u{2028}".unicodeScalars)
    for _ in 0..<300 {
      var view = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...30, using: &generator) {
        view.append(alphabet.randomElement(using: &generator)!)
      }
      let text = ScannedText(String(view))
      for preTokenizer in [PreTokenizer.gpt2, .smollm, .llama3, .qwen2] {
        var joined: [UInt8] = []
        preTokenizer.forEachPiece(text) { piece in
          #expect(!piece.isEmpty)
          joined += piece
        }
        #expect(joined == text.bytes)
      }
    }
  }

  @Test("merging follows the rule, against a direct implementation of it")
  func merges() throws {
    // Tokens 0 to 3 are letters; merges make longer ones.
    var table = MergeTable(capacity: 40)
    var pairs: [(left: Int32, right: Int32, result: Int32)] = []
    var generator = SeededGenerator(seed: 3)
    for next in 4..<44 as Range<Int32> {
      let left = Int32.random(in: 0..<next, using: &generator)
      let right = Int32.random(in: 0..<next, using: &generator)
      if pairs.contains(where: { $0.left == left && $0.right == right }) { continue }
      pairs.append((left, right, next))
      table.append(left: Int(left), right: Int(right), result: Int(next))
    }
    func direct(_ tokens: [Int32]) -> [Int32] {
      var tokens = tokens
      while true {
        var best: (rank: Int, place: Int)?
        for place in tokens.indices.dropLast() {
          let rank = pairs.firstIndex {
            $0.left == tokens[place] && $0.right == tokens[place + 1]
          }
          if let rank, rank < best?.rank ?? .max { best = (rank, place) }
        }
        guard let best else { return tokens }
        tokens.replaceSubrange(best.place...best.place + 1, with: [pairs[best.rank].result])
      }
    }
    for length in 0..<120 {
      let tokens = (0..<length).map { _ in Int32.random(in: 0..<4, using: &generator) }
      #expect(table.merge(tokens) == direct(tokens))
    }
  }

  @Test("a word of a hundred thousand letters is merged")
  func longWord() throws {
    let json = try fixture("gpt2")
    let tokenizer = try Tokenizer(json, endOfText: [], endOfTextName: nil)
    let word = String(repeating: "theanin", count: 100_000 / 7)
    let tokens = tokenizer.encode(word)
    #expect(tokenizer.decode(tokens) == word)
  }

  @Test("incomplete characters are held back, one byte at a time, however broken they are")
  func heldBytes() throws {
    // A tokenizer whose tokens are the bytes.
    var table = TokenTable(capacity: 256)
    for byte in 0...255 as ClosedRange<UInt8> { table.append([byte], findable: true) }
    let tokenizer = Tokenizer(
      Tokenizer.Parts(
        table: table, merges: MergeTable(capacity: 0), added: AddedTokens([]), preTokenizer: .gpt2),
      endOfText: [])
    var stream = TokenStream(tokenizer)
    #expect([0xF0, 0x9F, 0x98, 0x80, 0x41].map { stream.append($0) } == ["", "", "", "😀", "A"])
    #expect(stream.append(0xE2) == "")
    #expect(stream.append(0x42) == "\u{FFFD}B")
    #expect(stream.append(0xC3) == "")
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish() == "")
    var generator = SeededGenerator(seed: 9)
    let interesting = [
      0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0x9F,
      0xA0,
    ]
    for _ in 0..<1_000 {
      let tokens = (0..<8).map { _ in interesting.randomElement(using: &generator)! }
      var stream = TokenStream(tokenizer)
      var text = tokens.map { stream.append($0) }.joined()
      text += stream.finish()
      #expect(Array(text.utf8) == Array(tokenizer.decode(tokens).utf8), "\(tokens)")
    }
  }
}
