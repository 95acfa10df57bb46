import Models
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct GGUFModelTests {
  private func open(_ writer: GGUFWriter) throws -> ModelShape {
    try withFile(writer.bytes(), path: "/models/tiny.gguf") { try GGUFModel($0).shape }
  }

  private func refusal(_ writer: GGUFWriter) -> ModelFileError? {
    error(of: writer.bytes()) { (file) throws(ModelFileError) in try GGUFModel(file) }
  }

  @Test("llama's metadata becomes its shape, with interleaved pairs")
  func llama() throws {
    var expected = SmallModels.shape
    expected.rotary.pairing = .interleaved
    #expect(try open(SmallModels.standard) == expected)
  }

  @Test("qwen2 has biases and pairs by halves")
  func qwen2() throws {
    var expected = SmallModels.shape
    expected.attentionBias = true
    #expect(try open(SmallModels.gguf(architecture: "qwen2")) == expected)
  }

  @Test("what the tensors say: a tied head, biases, and Llama 3.1's frequencies")
  func tensors() throws {
    var writer = SmallModels.standard
    writer.tensors.removeAll { $0.name == "output.weight" }
    let factors: [Float] = [1, 1, 1, 1.5, 2, 4, 8, 8]
    writer.add("rope_freqs.weight", float32: factors)
    for layer in 0..<2 {
      writer.add("blk.\(layer).attn_q.bias", float32: [Float](repeating: 1, count: 64))
      writer.add("blk.\(layer).attn_k.bias", float32: [Float](repeating: 1, count: 32))
      writer.add("blk.\(layer).attn_v.bias", float32: [Float](repeating: 1, count: 32))
    }
    let shape = try open(writer)
    #expect(shape.tiedHead)
    #expect(shape.attentionBias)
    #expect(shape.rotary.scaling == .factors(factors))
    #expect(shape.rotary.pairing == .interleaved)
  }

  @Test("optional keys: base, linear scaling, window, head size, heads by layer, name")
  func optionalKeys() throws {
    func shape(_ entries: [(String, GGUFWriter.Value)], without: [String] = []) throws -> ModelShape
    {
      var writer = SmallModels.standard
      writer.metadata.removeAll { entry in
        without.contains(entry.key) || entries.contains { $0.0 == entry.key }
      }
      for (key, value) in entries { writer.metadata.append((key: key, value: value)) }
      return try open(writer)
    }
    #expect(try shape([("llama.rope.freq_base", .float32(500_000))]).rotary.base == 500_000)
    #expect(try shape([], without: ["llama.rope.freq_base"]).rotary.base == 10_000)
    let linear: [(String, GGUFWriter.Value)] = [
      ("llama.rope.scaling.type", .string("linear")), ("llama.rope.scaling.factor", .float32(4)),
    ]
    #expect(try shape(linear).rotary.scaling == .linear(factor: 4))
    #expect(
      try shape([("llama.rope.scale_linear", .float32(2))]).rotary.scaling == .linear(factor: 2))
    #expect(
      try shape([("llama.rope.scaling.type", .string("none"))]).rotary.scaling == .none)
    #expect(try shape([("llama.attention.sliding_window", .uint32(9))]).slidingWindow == 9)
    #expect(try shape([("llama.attention.sliding_window", .uint32(0))]).slidingWindow == nil)
    #expect(try shape([("llama.attention.key_length", .uint32(16))]).headSize == 16)
    #expect(try shape([("llama.expert_count", .uint32(0))]).layers == 2)
    let heads = GGUFWriter.Value.array([.uint32(2), .uint32(2)])
    #expect(try shape([("llama.attention.head_count_kv", heads)]).keyValueHeads == 2)
    #expect(try shape([], without: ["general.name"]).name == "tiny")
    #expect(try shape([("llama.vocab_size", .uint32(40))]).vocabulary == 40)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let key: String
    let value: GGUFWriter.Value?
    let kind: ModelFileError.Kind
    var testDescription: String { "\(key) = \(String(describing: value))" }
  }

  static let refused: [Refused] = [
    Refused(key: "general.architecture", value: nil, kind: .missing),
    Refused(key: "general.architecture", value: .string("gemma"), kind: .unsupported),
    Refused(key: "general.architecture", value: .uint8(1), kind: .malformed),
    Refused(key: "split.count", value: .uint16(3), kind: .unsupported),
    Refused(key: "llama.block_count", value: nil, kind: .missing),
    Refused(key: "llama.block_count", value: .uint32(0), kind: .malformed),
    Refused(key: "llama.block_count", value: .uint32(4_000_000_000), kind: .malformed),
    Refused(key: "llama.block_count", value: .string("2"), kind: .malformed),
    Refused(key: "llama.embedding_length", value: .int32(-64), kind: .malformed),
    Refused(key: "llama.embedding_length", value: .uint32(66), kind: .malformed),
    Refused(key: "llama.attention.head_count", value: nil, kind: .missing),
    Refused(
      key: "llama.attention.head_count", value: .array([.uint32(4), .uint32(2)]), kind: .unsupported
    ),
    Refused(key: "llama.attention.head_count_kv", value: .uint32(3), kind: .malformed),
    Refused(key: "llama.attention.layer_norm_rms_epsilon", value: nil, kind: .missing),
    Refused(key: "llama.attention.key_length", value: .uint32(15), kind: .malformed),
    Refused(key: "llama.attention.value_length", value: .uint32(8), kind: .unsupported),
    Refused(key: "llama.rope.dimension_count", value: .uint32(8), kind: .unsupported),
    Refused(key: "llama.rope.freq_base", value: .float32(0), kind: .malformed),
    Refused(key: "llama.rope.freq_base", value: .float32(.nan), kind: .malformed),
    Refused(key: "llama.rope.scaling.type", value: .string("yarn"), kind: .unsupported),
    Refused(key: "llama.rope.scaling.type", value: .string("linear"), kind: .missing),
    Refused(key: "llama.rope.scaling.factor", value: .float32(-1), kind: .malformed),
    Refused(key: "llama.expert_count", value: .uint32(8), kind: .unsupported),
    Refused(key: "llama.attention.temperature_scale", value: .float32(1), kind: .unsupported),
    Refused(key: "llama.vocab_size", value: .uint32(41), kind: .malformed),
  ]

  @Test("metadata that changes the numbers, and is not computed, is an error", arguments: refused)
  func refusedKeys(_ refused: Refused) {
    var writer = SmallModels.standard
    writer.metadata.removeAll { $0.key == refused.key }
    if let value = refused.value { writer.metadata.append((refused.key, value)) }
    let error = refusal(writer)
    #expect(error?.kind == refused.kind, "\(String(describing: error))")
  }

  @Test(
    "a tensor that would be left out is an error",
    arguments: [
      "blk.0.attn_output.bias", "blk.1.attn_q_norm.weight", "blk.2.attn_q.weight", "other",
    ])
  func extraTensor(name: String) {
    var writer = SmallModels.standard
    writer.add(name, float32: [1, 2])
    let error = refusal(writer)
    #expect(error?.kind == .unsupported)
    #expect(error?.subject == "tensor '\(name)'")
  }

  @Test("rope factors of a wrong length or sign, or beside linear scaling, are errors")
  func ropeFactors() {
    var writer = SmallModels.standard
    writer.add("rope_freqs.weight", float32: [1, 1])
    #expect(refusal(writer)?.kind == .wrongShape)
    writer.tensors.removeLast()
    writer.add("rope_freqs.weight", float32: [1, 1, 1, 1, 1, 1, 1, -1])
    #expect(refusal(writer)?.kind == .malformed)
    writer.tensors.removeLast()
    writer.add("rope_freqs.weight", float32: [Float](repeating: 2, count: 8))
    writer.metadata.append(("llama.rope.scaling.factor", .float32(2)))
    #expect(refusal(writer)?.kind == .unsupported)
  }

  @Test("a type that cannot be computed with is an error of its tensor alone, when it is asked for")
  func unusableType() throws {
    var writer = SmallModels.standard
    let index = writer.tensors.firstIndex { $0.name == "blk.1.ffn_up.weight" }!
    // Q5_0: 22 bytes for 32 elements.
    writer.tensors[index].type = 6
    writer.tensors[index].bytes = [UInt8](repeating: 0, count: 96 * 64 / 32 * 22)
    try withFile(writer.bytes()) { file in
      let model = try GGUFModel(file)
      _ = try model.matrix(
        .layer(1, .gate), shape: (96, 64), rows: 0..<96, columns: 0..<64)
      let error = #expect(throws: ModelFileError.self) {
        try model.matrix(.layer(1, .up), shape: (96, 64), rows: 0..<96, columns: 0..<64)
      }
      #expect(error?.kind == .unsupported)
      #expect(error?.subject == "tensor 'blk.1.ffn_up.weight'")
      #expect(error?.detail.contains("Q5_0") == true)
      #expect(throws: ModelFileError.self) { try model.verifyTensors() }
    }
  }

  @Test("a missing tensor and a wrong shape are errors with what was found and expected")
  func missingAndWrong() throws {
    var writer = SmallModels.standard
    writer.tensors.removeAll { $0.name == "blk.0.ffn_down.weight" }
    try withFile(writer.bytes(), path: "x.gguf") { file in
      let model = try GGUFModel(file)
      let missing = #expect(throws: ModelFileError.self) {
        try model.matrix(.layer(0, .down), shape: (64, 96), rows: 0..<1, columns: 0..<96)
      }
      #expect(missing?.kind == .missing)
      #expect(missing?.description.contains("x.gguf: tensor 'blk.0.ffn_down.weight'") == true)
      let wrong = #expect(throws: ModelFileError.self) {
        try model.matrix(.layer(1, .down), shape: (64, 128), rows: 0..<1, columns: 0..<96)
      }
      #expect(wrong?.kind == .wrongShape)
      #expect(wrong?.detail == "the file has [64, 96], the model needs [64, 128]")
      #expect(throws: ModelFileError.self) {
        try model.vector(.finalNorm, count: 65, range: 0..<1)
      }
      #expect(throws: ModelFileError.self) { try model.verifyTensors() }
    }
    try withFile(SmallModels.standard.bytes()) { try GGUFModel($0).verifyTensors() }
  }
}
