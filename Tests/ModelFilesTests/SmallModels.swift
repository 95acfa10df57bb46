import Models
import TestSupport

/// Small models in files, with random weights.
enum SmallModels {
  static let shape = ModelShape(
    name: "small", layers: 2, width: 64, queryHeads: 4, keyValueHeads: 2, headSize: 16,
    feedForwardWidth: 96, vocabulary: 40, contextLength: 128)

  /// A llama file of `shape` with Q8_0 matrices.
  static let standard = gguf()

  /// A GGUF file of `shape`, whose matrices have one ggml type.
  static func gguf(
    architecture: String = "llama", type: UInt32 = GGMLTypeCode.q8_0, seed: UInt64 = 1,
    shape: ModelShape = shape
  ) -> GGUFWriter {
    var generator = SeededGenerator(seed: seed)
    var writer = GGUFWriter(metadata: [
      ("general.architecture", .string(architecture)),
      ("general.name", .string(shape.name)),
      ("\(architecture).block_count", .uint32(UInt32(shape.layers))),
      ("\(architecture).context_length", .uint32(UInt32(shape.contextLength))),
      ("\(architecture).embedding_length", .uint32(UInt32(shape.width))),
      ("\(architecture).feed_forward_length", .uint32(UInt32(shape.feedForwardWidth))),
      ("\(architecture).attention.head_count", .uint32(UInt32(shape.queryHeads))),
      ("\(architecture).attention.head_count_kv", .uint32(UInt32(shape.keyValueHeads))),
      ("\(architecture).attention.layer_norm_rms_epsilon", .float32(shape.normEpsilon)),
      ("\(architecture).rope.freq_base", .float32(10_000)),
    ])
    func matrix(_ name: String, _ rows: Int, _ columns: Int) {
      writer.add(
        name, rows: rows, columns: columns, type: type,
        bytes: GGMLTypeCode.randomBytes(type: type, elements: rows * columns, using: &generator))
    }
    func vector(_ name: String, _ count: Int) {
      writer.add(
        name, float32: (0..<count).map { _ in Float.random(in: 0.5...1.5, using: &generator) })
    }
    let queries = shape.queryHeads * shape.headSize
    let keys = shape.keyValueHeads * shape.headSize
    matrix("token_embd.weight", shape.vocabulary, shape.width)
    for layer in 0..<shape.layers {
      vector("blk.\(layer).attn_norm.weight", shape.width)
      matrix("blk.\(layer).attn_q.weight", queries, shape.width)
      matrix("blk.\(layer).attn_k.weight", keys, shape.width)
      matrix("blk.\(layer).attn_v.weight", keys, shape.width)
      if architecture == "qwen2" {
        vector("blk.\(layer).attn_q.bias", queries)
        vector("blk.\(layer).attn_k.bias", keys)
        vector("blk.\(layer).attn_v.bias", keys)
      }
      matrix("blk.\(layer).attn_output.weight", shape.width, queries)
      vector("blk.\(layer).ffn_norm.weight", shape.width)
      matrix("blk.\(layer).ffn_gate.weight", shape.feedForwardWidth, shape.width)
      matrix("blk.\(layer).ffn_up.weight", shape.feedForwardWidth, shape.width)
      matrix("blk.\(layer).ffn_down.weight", shape.width, shape.feedForwardWidth)
    }
    vector("output_norm.weight", shape.width)
    matrix("output.weight", shape.vocabulary, shape.width)
    return writer
  }

  /// `config.json` of `shape`, with keys added or replaced; `nil` leaves one out.
  static func configuration(
    architecture: String = "LlamaForCausalLM", _ changes: [String: String?] = [:]
  ) -> String {
    var fields: [String: String] = [
      "architectures": "[\"\(architecture)\"]",
      "num_hidden_layers": "\(shape.layers)",
      "hidden_size": "\(shape.width)",
      "num_attention_heads": "\(shape.queryHeads)",
      "num_key_value_heads": "\(shape.keyValueHeads)",
      "intermediate_size": "\(shape.feedForwardWidth)",
      "vocab_size": "\(shape.vocabulary)",
      "max_position_embeddings": "\(shape.contextLength)",
      "rms_norm_eps": "1e-5",
      "hidden_act": "\"silu\"",
    ]
    for (key, value) in changes { fields[key] = value }
    let lines = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
    return "{\(lines.joined(separator: ",\n"))}"
  }

  /// Names and shapes of the tensors of `shape`, as Transformers has them.
  static func tensors(biases: Bool = false) -> [(name: String, shape: [Int])] {
    let queries = shape.queryHeads * shape.headSize
    let keys = shape.keyValueHeads * shape.headSize
    var all: [(String, [Int])] = [("model.embed_tokens.weight", [shape.vocabulary, shape.width])]
    for layer in 0..<shape.layers {
      let prefix = "model.layers.\(layer)"
      all += [
        ("\(prefix).input_layernorm.weight", [shape.width]),
        ("\(prefix).self_attn.q_proj.weight", [queries, shape.width]),
        ("\(prefix).self_attn.k_proj.weight", [keys, shape.width]),
        ("\(prefix).self_attn.v_proj.weight", [keys, shape.width]),
        ("\(prefix).self_attn.o_proj.weight", [shape.width, queries]),
        ("\(prefix).post_attention_layernorm.weight", [shape.width]),
        ("\(prefix).mlp.gate_proj.weight", [shape.feedForwardWidth, shape.width]),
        ("\(prefix).mlp.up_proj.weight", [shape.feedForwardWidth, shape.width]),
        ("\(prefix).mlp.down_proj.weight", [shape.width, shape.feedForwardWidth]),
      ]
      if biases {
        all += [
          ("\(prefix).self_attn.q_proj.bias", [queries]),
          ("\(prefix).self_attn.k_proj.bias", [keys]),
          ("\(prefix).self_attn.v_proj.bias", [keys]),
        ]
      }
    }
    all += [
      ("model.norm.weight", [shape.width]), ("lm_head.weight", [shape.vocabulary, shape.width]),
    ]
    return all
  }
}
