import TestSupport

/// Valid model files, small, and spoilt ones.
extension Draw {
  private static let architecture = ["llama", "qwen2"]

  /// A GGUF file with the tensors of its shape.
  mutating func gguf() -> [UInt8] {
    let name = pick(Self.architecture)
    let heads = 2
    let size = 2
    let width = 4
    var writer = GGUFWriter(metadata: [
      ("general.architecture", .string(name)), ("general.name", .string("small")),
      ("\(name).block_count", .uint32(1)), ("\(name).context_length", .uint32(16)),
      ("\(name).embedding_length", .uint32(UInt32(width))),
      ("\(name).feed_forward_length", .uint32(6)),
      ("\(name).attention.head_count", .uint32(UInt32(heads))),
      ("\(name).attention.head_count_kv", .uint32(1)),
      ("\(name).attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("\(name).rope.freq_base", .float32(10_000)),
    ])
    func matrix(_ name: String, _ rows: Int, _ columns: Int) {
      writer.add(
        name, rows: rows, columns: columns,
        float32: [Float](repeating: 0.5, count: rows * columns))
    }
    func vector(_ name: String, _ count: Int) {
      writer.add(name, float32: [Float](repeating: 1, count: count))
    }
    matrix("token_embd.weight", 8, width)
    vector("blk.0.attn_norm.weight", width)
    matrix("blk.0.attn_q.weight", heads * size, width)
    matrix("blk.0.attn_k.weight", size, width)
    matrix("blk.0.attn_v.weight", size, width)
    if name == "qwen2" {
      vector("blk.0.attn_q.bias", heads * size)
      vector("blk.0.attn_k.bias", size)
      vector("blk.0.attn_v.bias", size)
    }
    matrix("blk.0.attn_output.weight", width, heads * size)
    vector("blk.0.ffn_norm.weight", width)
    matrix("blk.0.ffn_gate.weight", 6, width)
    matrix("blk.0.ffn_up.weight", 6, width)
    matrix("blk.0.ffn_down.weight", width, 6)
    vector("output_norm.weight", width)
    if chance(50) { matrix("output.weight", 8, width) }
    if chance(20) { vector("rope_freqs.weight", size / 2) }
    if chance(10) { addVocabulary(&writer) }
    return spoilt(&writer, Self.shapeKeys.map { "\(name).\($0)" } + Self.generalKeys)
  }

  /// A GGUF file with a tokenizer alone, or a `tokenizer.json`.
  mutating func tokenizer() -> [UInt8] {
    guard chance(40) else { return tokenizerJSON() }
    var writer = GGUFWriter(metadata: [("general.architecture", .string("llama"))])
    addVocabulary(&writer)
    return spoilt(&writer, Self.tokenizerKeys.map { "tokenizer.ggml.\($0)" })
  }

  private mutating func addVocabulary(_ writer: inout GGUFWriter) {
    let tokens = ["H", "e", "l", "o", "Ġ", "He", "ll", "<|im_start|>", "<|im_end|>", "it"]
    writer.metadata += [
      ("tokenizer.ggml.model", .string("gpt2")),
      ("tokenizer.ggml.pre", .string(pick(["gpt-2", "smollm", "llama-bpe", "qwen2"]))),
      ("tokenizer.ggml.tokens", .array(tokens.map { .string($0) })),
      ("tokenizer.ggml.token_type", .array([1, 1, 1, 1, 6, 1, 1, 3, 3, 1].map { .int32($0) })),
      ("tokenizer.ggml.merges", .array([.string("H e"), .string("l l")])),
      ("tokenizer.ggml.eos_token_id", .uint32(8)), ("tokenizer.ggml.bos_token_id", .uint32(7)),
      ("tokenizer.ggml.add_bos_token", .bool(chance(50))),
    ]
  }

  private static let generalKeys = [
    "general.architecture", "general.alignment", "general.name", "split.count",
    "tokenizer.ggml.tokens",
  ]
  private static let shapeKeys = [
    "block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size",
    "attention.head_count", "attention.head_count_kv", "attention.layer_norm_rms_epsilon",
    "attention.key_length", "attention.value_length", "attention.sliding_window",
    "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor",
    "rope.scale_linear", "expert_count", "expert_used_count", "no_such_key",
  ]
  private static let tokenizerKeys = [
    "model", "pre", "tokens", "token_type", "merges", "eos_token_id", "eot_token_id",
    "eom_token_id", "bos_token_id", "add_bos_token", "add_eos_token",
  ]
  private static let strings = [
    "llama", "qwen2", "gemma", "linear", "none", "yarn", "gpt2", "bert", "gpt-2", "H e", "x y z",
    "no such",
  ]

  private mutating func ggufValue(_ depth: Int = 0) -> GGUFWriter.Value {
    switch below(depth < 6 ? 13 : 10) {
    case 0: .uint8(byte())
    case 1: .int8(Int8(bitPattern: byte()))
    case 2: .uint32(UInt32(truncatingIfNeeded: edge()))
    case 3: .int32(Int32(truncatingIfNeeded: edge()))
    case 4: .float32(pick([0, 1, 2, -1, .nan, .infinity, 1e-5, .greatestFiniteMagnitude]))
    case 5: .float64(pick([0, -0.5, .nan, .infinity, 1e300, 1e-300, 10_000]))
    case 6: .bool(chance(50))
    case 7: .string(chance(80) ? pick(Self.strings) : text())
    case 8: .uint64(edge())
    case 9: .int64(Int64(bitPattern: edge()))
    case 10: .array((0..<below(4)).map { _ in .int32(Int32(below(9))) })
    case 11: .array((0..<below(4)).map { _ in .string(pick(Self.strings)) })
    default: .array([ggufValue(depth + 1)])
    }
  }

  /// Spoils a file's parts, and then its bytes.
  private mutating func spoilt(_ writer: inout GGUFWriter, _ keys: [String]) -> [UInt8] {
    guard !chance(8) else { return writer.bytes() }
    for _ in 0..<below(3) { spoilPart(&writer, keys) }
    var bytes = writer.bytes()
    if chance(45) { spoil(&bytes, from: 24) }
    if chance(4) { put(edge(), size: 8, at: pick([8, 16]), in: &bytes) }
    return bytes
  }

  private mutating func spoilPart(_ writer: inout GGUFWriter, _ keys: [String]) {
    if chance(50) || writer.tensors.isEmpty {
      let key = chance(95) ? pick(keys) : text()
      let index = writer.metadata.firstIndex { $0.key == key }
      switch below(5) {
      case 0: if let index { writer.metadata.remove(at: index) }
      case 1: if let index, chance(30) { writer.metadata.append(writer.metadata[index]) }
      default:
        let entry = (key: key, value: ggufValue())
        if let index { writer.metadata[index] = entry } else { writer.metadata.append(entry) }
      }
      return
    }
    let index = below(writer.tensors.count)
    switch below(8) {
    case 0: writer.tensors.remove(at: index)
    case 1: writer.tensors.append(writer.tensors[index])
    case 2: writer.tensors[index].name = chance(50) ? text() : pick(writer.tensors).name
    case 3 where !writer.tensors[index].dimensions.isEmpty:
      let place = below(writer.tensors[index].dimensions.count)
      writer.tensors[index].dimensions[place] = edge()
    case 4: writer.tensors[index].dimensions = (0..<below(7)).map { _ in UInt64(below(9)) }
    case 5: writer.tensors[index].type = UInt32(below(45))
    case 6: writer.tensors[index].offset = chance(50) ? edge() : UInt64(32 * below(20))
    default:
      // The same number of elements in another form.
      let dimensions = writer.tensors[index].dimensions
      writer.tensors[index].dimensions =
        chance(50) ? dimensions.reversed() : [dimensions.reduce(1, &*)]
    }
  }

  /// A safetensors file of `FuzzTarget.smallShape`.
  mutating func safetensors() -> [UInt8] {
    let prefix = "model.layers.0"
    let tensors: [(String, [Int])] = [
      ("model.embed_tokens.weight", [8, 4]), ("\(prefix).input_layernorm.weight", [4]),
      ("\(prefix).self_attn.q_proj.weight", [4, 4]), ("\(prefix).self_attn.k_proj.weight", [2, 4]),
      ("\(prefix).self_attn.v_proj.weight", [2, 4]), ("\(prefix).self_attn.o_proj.weight", [4, 4]),
      ("\(prefix).post_attention_layernorm.weight", [4]),
      ("\(prefix).mlp.gate_proj.weight", [6, 4]),
      ("\(prefix).mlp.up_proj.weight", [6, 4]), ("\(prefix).mlp.down_proj.weight", [4, 6]),
      ("model.norm.weight", [4]), ("lm_head.weight", [8, 4]),
    ]
    let (type, size) = pick([("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("U8", 1)])
    var end = 0
    var pairs: [(key: String, value: Tree)] = tensors.map { name, shape in
      let start = end
      end += size * shape.reduce(1, *)
      return (
        name,
        .object([
          ("dtype", .string(type)), ("shape", .array(shape.map { .number($0) })),
          ("data_offsets", .array([.number(start), .number(end)])),
        ])
      )
    }
    if chance(20) { pairs.append(("__metadata__", .object([("format", .string("pt"))]))) }
    if chance(10) { pairs.shuffleTwo(&self) }
    var header = Tree.object(pairs)
    if chance(70) { spoil(&header, Self.safetensorsWords) }
    var text = Array(header.json.utf8)
    if chance(15) { spoil(&text, from: 1) }
    var bytes = [UInt8](repeating: 0, count: 8) + text + [UInt8](repeating: 0x3C, count: end)
    put(UInt64(text.count), size: 8, at: 0, in: &bytes)
    if chance(10) { spoil(&bytes, from: 8 + text.count) }
    if chance(4) { put(edge(), size: 8, at: 0, in: &bytes) }
    return bytes
  }

  private static let safetensorsWords = TreeWords(
    keys: [
      "dtype", "shape", "data_offsets", "model.norm.weight", "lm_head.weight", "__metadata__",
    ],
    values: [
      .string("F32"), .string("BF16"), .string("F4"), .string("F6_E2M3"), .string("Q4"),
      .number(4), .number(0), .number(-1), .array([.number(4)]), .array([.number(0), .number(16)]),
      .array([.number(16), .number(0)]), .array([.bare("4294967296"), .bare("4294967296")]),
      .object([
        ("dtype", .string("F32")), ("shape", .array([])),
        ("data_offsets", .array([.number(0), .number(4)])),
      ]),
    ])
}

extension Array {
  /// Exchanges two elements.
  fileprivate mutating func shuffleTwo(_ draw: inout Draw) {
    swapAt(draw.below(count), draw.below(count))
  }
}
