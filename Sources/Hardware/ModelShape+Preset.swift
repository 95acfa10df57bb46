import Models
import Quantities

/// Shape presets are read like devices, so that their figures too have a mark and a source.
extension ModelShape: PresetValue {
  /// The schema of `Configs/models`.
  public static let keys = [
    FigureKey("layers", .count(1...10_000), meaning: "decoder layers, num_hidden_layers"),
    FigureKey("width", sizes, meaning: "width of the residual stream, hidden_size"),
    FigureKey("query_heads", sizes, meaning: "num_attention_heads"),
    FigureKey("key_value_heads", sizes, meaning: "num_key_value_heads"),
    FigureKey("head_size", sizes, meaning: "width of one head, head_dim"),
    FigureKey("feed_forward_width", sizes, meaning: "inner width, intermediate_size"),
    FigureKey("vocabulary", .count(1...100_000_000), meaning: "number of tokens, vocab_size"),
    FigureKey(
      "context_length", .count(1...1_000_000_000), meaning: "longest context made for, in tokens"),
    FigureKey(
      "tied_head", booleans, isRequired: false,
      meaning: "whether the head is the embedding's matrix, tie_word_embeddings"),
    FigureKey("norm_epsilon", .decimal, meaning: "rms_norm_eps"),
    FigureKey("rotary_base", .decimal, meaning: "rope_theta"),
    FigureKey(
      "rotary_pairing", .choice(["halves", "interleaved"]), isRequired: false,
      meaning: "which two elements of a head turn together"),
    FigureKey(
      "rotary_scaling", .choice(["none", "linear", "llama3"]), isRequired: false,
      meaning: "how frequencies are stretched, rope_scaling"),
    FigureKey(
      "rotary_factor", .decimal, isRequired: false, meaning: "of linear and llama3 scaling"),
    FigureKey("rotary_low_frequency", .decimal, isRequired: false, meaning: "of llama3 scaling"),
    FigureKey("rotary_high_frequency", .decimal, isRequired: false, meaning: "of llama3 scaling"),
    FigureKey(
      "rotary_original_context", .count(1...1_000_000_000), isRequired: false,
      meaning: "of llama3 scaling, in tokens"),
    FigureKey(
      "attention_bias", booleans, isRequired: false, meaning: "whether Q, K and V have biases"),
    FigureKey(
      "sliding_window", .count(1...1_000_000_000), isRequired: false,
      meaning: "tokens a query looks back on, itself included"),
    FigureKey(
      "experts", sizes, isRequired: false,
      meaning: "experts that a router chooses from; the next four belong to them"),
    FigureKey(
      "active_experts", sizes, isRequired: false, meaning: "experts a token is routed to"),
    FigureKey(
      "shared_experts", .count(0...1000), isRequired: false,
      meaning: "experts that every token goes through"),
    FigureKey("expert_width", sizes, isRequired: false, meaning: "inner width of one expert"),
    FigureKey(
      "dense_layers", .count(0...10_000), isRequired: false,
      meaning: "first layers with a dense feed-forward"),
    FigureKey(
      "latent_query_rank", sizes, isRequired: false,
      meaning: "of latent attention, q_lora_rank; the next four belong to it"),
    FigureKey("latent_rank", sizes, isRequired: false, meaning: "cached vector, kv_lora_rank"),
    FigureKey(
      "latent_rotary_size", sizes, isRequired: false, meaning: "turned part, qk_rope_head_dim"),
    FigureKey(
      "latent_plain_size", sizes, isRequired: false, meaning: "other part, qk_nope_head_dim"),
    FigureKey("latent_value_size", sizes, isRequired: false, meaning: "values, v_head_dim"),
  ]

  private static let sizes = FigureKey.Kind.count(1...1_000_000)
  private static let booleans = FigureKey.Kind.choice(["false", "true"])

  /// Reads a shape from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    let queryHeads = try figures.count("query_heads")
    let keyValueHeads = try figures.count("key_value_heads")
    guard queryHeads.isMultiple(of: keyValueHeads) else {
      throw figures.contradiction(
        "key_value_heads", expected: "a divisor of the \(queryHeads) query heads")
    }
    let pairing: RotaryEmbedding.Pairing =
      try figures.choice("rotary_pairing") == "halves" ? .halves : .interleaved
    let window = try figures.number("sliding_window")
    self.init(
      name: name,
      layers: try figures.count("layers"),
      width: try figures.count("width"),
      queryHeads: queryHeads,
      keyValueHeads: keyValueHeads,
      headSize: try figures.count("head_size"),
      feedForwardWidth: try figures.count("feed_forward_width"),
      vocabulary: try figures.count("vocabulary"),
      contextLength: try figures.count("context_length"),
      tiedHead: try figures.choice("tied_head") == "true",
      normEpsilon: Float(try figures.required("norm_epsilon").approximation),
      rotary: RotaryEmbedding(
        base: Float(try figures.required("rotary_base").approximation),
        scaling: try Self.scaling(figures), pairing: pairing),
      attentionBias: try figures.choice("attention_bias") == "true",
      slidingWindow: window.map { Int($0.numerator) },
      experts: try Self.experts(figures), latentAttention: try Self.latentAttention(figures))
  }

  /// The experts; their keys stand together or not at all.
  private static func experts(_ figures: FigureReader) throws(PresetError) -> Experts? {
    let group = ["experts", "active_experts", "shared_experts", "expert_width", "dense_layers"]
    guard try together(group, optional: ["shared_experts", "dense_layers"], figures) else {
      return nil
    }
    let count = try figures.count("experts")
    let active = try figures.count("active_experts")
    guard active <= count else {
      throw figures.contradiction("active_experts", expected: "at most the \(count) experts")
    }
    return Experts(
      count: count, active: active,
      shared: try figures.number("shared_experts").map { Int($0.numerator) } ?? 0,
      width: try figures.count("expert_width"),
      denseLayers: try figures.number("dense_layers").map { Int($0.numerator) } ?? 0)
  }

  /// Latent attention; its keys stand together or not at all.
  private static func latentAttention(_ figures: FigureReader) throws(PresetError)
    -> LatentAttention?
  {
    let group = [
      "latent_query_rank", "latent_rank", "latent_rotary_size", "latent_plain_size",
      "latent_value_size",
    ]
    guard try together(group, optional: [], figures) else { return nil }
    return LatentAttention(
      queryRank: try figures.count(group[0]), keyValueRank: try figures.count(group[1]),
      rotarySize: try figures.count(group[2]), plainSize: try figures.count(group[3]),
      valueSize: try figures.count(group[4]))
  }

  /// Whether a group of keys is there. Some of it without the rest is an error.
  private static func together(
    _ group: [String], optional: [String], _ figures: FigureReader
  ) throws(PresetError) -> Bool {
    guard group.contains(where: { figures.provenance($0) != nil }) else { return false }
    for key in group where !optional.contains(key) && figures.provenance(key) == nil {
      throw figures.contradiction(
        key, expected: "given too, since it belongs to \(group.joined(separator: ", "))")
    }
    return true
  }

  private static func scaling(_ figures: FigureReader) throws(PresetError)
    -> RotaryEmbedding.Scaling
  {
    func factor(_ name: String) throws(PresetError) -> Float {
      guard let value = try figures.number(name) else {
        throw figures.contradiction(name, expected: "given with this rotary_scaling")
      }
      return Float(value.approximation)
    }
    switch try figures.choice("rotary_scaling") {
    case "linear": return .linear(factor: try factor("rotary_factor"))
    case "llama3":
      return .llama3(
        factor: try factor("rotary_factor"), lowFrequency: try factor("rotary_low_frequency"),
        highFrequency: try factor("rotary_high_frequency"),
        originalContext: Int(try factor("rotary_original_context")))
    default: return .none
    }
  }
}
