/// Valid JSON of Hugging Face's files, and spoilt ones.
extension Draw {
  /// A `config.json` of one of the families.
  mutating func modelConfig() -> [UInt8] {
    let family = pick(["Llama", "Mistral", "Qwen2", "Mixtral", "DeepseekV3"])
    var pairs: [(key: String, value: Tree)] = [
      ("architectures", .array([.string("\(family)ForCausalLM")])),
      ("num_hidden_layers", .number(2)), ("hidden_size", .number(64)),
      ("num_attention_heads", .number(4)), ("num_key_value_heads", .number(2)),
      ("intermediate_size", .number(96)), ("vocab_size", .number(40)),
      ("max_position_embeddings", .number(128)), ("rms_norm_eps", .bare("1e-5")),
      ("hidden_act", .string("silu")), ("eos_token_id", .number(2)),
    ]
    if family == "Mixtral" || family == "DeepseekV3" {
      for key in Self.mixtureKeys { pairs.append((key, .number(key == "moe_layer_freq" ? 1 : 8))) }
    }
    if chance(30) { pairs.append(("rope_scaling", Self.rope[below(Self.rope.count)])) }
    if chance(15) { pairs.append(("rope_parameters", Self.rope[below(Self.rope.count)])) }
    return json(.object(pairs), Self.configWords)
  }

  /// A document, spoilt as a tree and then as text.
  private mutating func json(_ tree: Tree, _ words: TreeWords) -> [UInt8] {
    var tree = tree
    if chance(92) { for _ in 0..<1 + below(3) { spoil(&tree, words) } }
    var bytes = Array(tree.json.utf8)
    if chance(12) { spoil(&bytes, from: 1) }
    return bytes
  }

  private static let mixtureKeys = [
    "num_local_experts", "n_routed_experts", "num_experts_per_tok", "n_shared_experts",
    "moe_intermediate_size", "first_k_dense_replace", "moe_layer_freq", "q_lora_rank",
    "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim",
  ]

  private static let rope: [Tree] = [
    .object([("rope_type", .string("linear")), ("factor", .bare("2.0"))]),
    .object([("type", .string("default")), ("rope_theta", .number(10_000))]),
    .object([("rope_type", .string("yarn")), ("factor", .number(4))]),
    .object([
      ("rope_type", .string("llama3")), ("factor", .number(8)), ("low_freq_factor", .number(1)),
      ("high_freq_factor", .number(4)), ("original_max_position_embeddings", .number(8192)),
    ]),
    .object([
      ("rope_type", .string("llama3")), ("factor", .number(8)), ("low_freq_factor", .number(4)),
      ("high_freq_factor", .number(1)),
    ]),
  ]

  private static let configWords = TreeWords(
    keys: mixtureKeys + [
      "architectures", "model_type", "num_hidden_layers", "hidden_size", "num_attention_heads",
      "num_key_value_heads", "head_dim", "intermediate_size", "vocab_size",
      "max_position_embeddings", "tie_word_embeddings", "rms_norm_eps", "hidden_act",
      "attention_bias", "mlp_bias", "rope_theta", "rope_scaling", "rope_parameters",
      "partial_rotary_factor", "sliding_window", "use_sliding_window", "max_window_layers",
      "layer_types", "quantization_config", "eos_token_id", "rope_type", "type", "factor",
      "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
    ],
    values: [
      .bare("true"), .bare("false"), .bare("null"), .number(0), .number(-1), .number(3),
      .number(4096), .number(2_147_483_647), .number(10_000), .bare("9223372036854775807"),
      .number(1 << 20), .string("gelu"), .string("llama"), .string("qwen2"), .string("bert"),
      .array([.string("LlamaForCausalLM"), .string("Qwen2ForCausalLM")]),
      .array([.string("full_attention"), .string("full_attention")]),
      .array([.string("full_attention"), .string("sliding_attention")]),
      .array([.string("sliding_attention"), .string("sliding_attention")]),
      .array([.number(1), .number(2)]), .object([("bits", .number(4))]), .bare("0.5"),
    ] + rope)

  /// A `tokenizer.json` of a byte-level BPE.
  mutating func tokenizerJSON() -> [UInt8] {
    let byteLevel = Tree.object([
      ("type", .string("ByteLevel")), ("add_prefix_space", .bare("false")),
      ("use_regex", .bare(chance(50) ? "true" : "false")),
    ])
    let digits = Tree.object([("type", .string("Digits")), ("individual_digits", .bare("true"))])
    let vocabulary = ["H", "e", "l", "o", "Ġ", "He", "ll", "it"]
    let merges: Tree =
      chance(50)
      ? .array([.string("H e"), .string("l l")])
      : .array([.array([.string("H"), .string("e")]), .array([.string("l"), .string("l")])])
    let tree = Tree.object([
      (
        "added_tokens",
        .array([added(8, "<|im_start|>"), added(9, "<|im_end|>")])
      ),
      ("normalizer", chance(50) ? .bare("null") : .object([("type", .string("NFC"))])),
      (
        "pre_tokenizer",
        chance(50) ? byteLevel : sequence("pretokenizers", [digits, Self.split, byteLevel])
      ),
      (
        "post_processor",
        chance(50) ? .object([("type", .string("ByteLevel"))]) : Self.template
      ),
      ("decoder", .object([("type", .string("ByteLevel"))])),
      (
        "model",
        .object([
          ("type", .string("BPE")), ("unk_token", .bare("null")),
          (
            "vocab",
            .object(vocabulary.enumerated().map { (key: $0.element, value: .number($0.offset)) })
          ),
          ("merges", merges),
        ])
      ),
    ])
    return json(tree, Self.tokenizerWords)
  }

  private func added(_ id: Int, _ content: String) -> Tree {
    .object([
      ("id", .number(id)), ("content", .string(content)), ("special", .bare("true")),
      ("normalized", .bare("false")),
    ])
  }

  private func sequence(_ key: String, _ components: [Tree]) -> Tree {
    .object([("type", .string("Sequence")), (key, .array(components))])
  }

  private static let split = Tree.object([
    ("type", .string("Split")), ("pattern", .object([("Regex", .string(#"\p{N}"#))])),
    ("behavior", .string("Isolated")), ("invert", .bare("false")),
  ])

  private static let template = Tree.object([
    ("type", .string("TemplateProcessing")),
    (
      "single",
      .array([
        .object([("SpecialToken", .object([("id", .string("<s>"))]))]),
        .object([("Sequence", .object([("id", .string("A"))]))]),
      ])
    ),
    ("special_tokens", .object([("<s>", .object([("ids", .array([.number(8)]))]))])),
  ])

  private static let tokenizerWords = TreeWords(
    keys: [
      "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "type",
      "vocab", "merges", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
      "byte_fallback", "dropout", "ignore_merges", "id", "content", "special", "single_word",
      "lstrip", "rstrip", "normalized", "pretokenizers", "normalizers", "processors", "decoders",
      "behavior", "invert", "pattern", "individual_digits", "add_prefix_space", "special_tokens",
    ],
    values: [
      .bare("true"), .bare("false"), .bare("null"), .number(0), .number(3), .number(8),
      .number(16_777_215), .number(16_777_216), .bare("0.1"), .string("BPE"), .string("Unigram"),
      .string("H e"), .string("x"), .string("a b c"), .string("Removed"), .string("<s>"),
      .object([]), .array([]), .array([.array([.string("H")])]),
      .object([("type", .string("NFC"))]), .object([("type", .string("NFKC"))]),
      .object([("type", .string("ByteLevel"))]), .object([("type", .string("Metaspace"))]),
      .object([("type", .string("Digits"))]), .object([("type", .string("Sequence"))]),
      .array([.object([("SpecialToken", .object([("id", .string("none"))]))])]), split, template,
    ])
}
