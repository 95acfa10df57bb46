import Models

/// Hugging Face's `config.json`, as far as it says what a model computes.
///
/// Keys that only matter to training, storage or generation are not read. Keys that change the numbers
/// are either in the shape, or an error: nothing is quietly left out. Meaning and defaults are those of
/// the configuration classes of Transformers 4.57 and 5.
struct ModelConfiguration: Decodable {
  /// Class names whose shape is known, with the `model_type` of each.
  static let architectures = [
    "LlamaForCausalLM": Family.llama, "MistralForCausalLM": .mistral, "Qwen2ForCausalLM": .qwen2,
    "MixtralForCausalLM": .mixtral, "DeepseekV3ForCausalLM": .deepSeekV3,
  ]

  enum Family: String, CaseIterable {
    case llama, mistral, qwen2
    case mixtral
    case deepSeekV3 = "deepseek_v3"

    /// Whether the forward pass computes it; the shapes of others are planned and emulated only.
    var isComputed: Bool { self != .mixtral && self != .deepSeekV3 }
  }

  let architectures: [String]?
  let modelType: String?
  let layers: Int
  let width: Int
  let queryHeads: Int
  let keyValueHeads: Int?
  let headSize: Int?
  let feedForwardWidth: Int
  let vocabulary: Int
  let contextLength: Int
  let tiedHead: Bool?
  let normEpsilon: Float?
  let activation: String?
  let attentionBias: Bool?
  let feedForwardBias: Bool?
  let ropeBase: Double?
  let ropeScaling: RopeParameters?
  let ropeParameters: RopeParameters?
  let partialRotary: Double?
  let slidingWindow: Int?
  /// Whether the file has the key at all: Mistral's default is not `null`.
  let hasSlidingWindow: Bool
  let usesSlidingWindow: Bool?
  let fullAttentionLayers: Int?
  let layerTypes: [String]?
  let isQuantized: Bool
  let endOfText: TokenList?
  /// Of a model that is not computed; `nil` for others.
  let mixture: MixtureKeys?

  enum CodingKeys: String, CodingKey {
    case architectures
    case modelType = "model_type"
    case layers = "num_hidden_layers"
    case width = "hidden_size"
    case queryHeads = "num_attention_heads"
    case keyValueHeads = "num_key_value_heads"
    case headSize = "head_dim"
    case feedForwardWidth = "intermediate_size"
    case vocabulary = "vocab_size"
    case contextLength = "max_position_embeddings"
    case tiedHead = "tie_word_embeddings"
    case normEpsilon = "rms_norm_eps"
    case activation = "hidden_act"
    case attentionBias = "attention_bias"
    case feedForwardBias = "mlp_bias"
    case ropeBase = "rope_theta"
    case ropeScaling = "rope_scaling"
    case ropeParameters = "rope_parameters"
    case partialRotary = "partial_rotary_factor"
    case slidingWindow = "sliding_window"
    case usesSlidingWindow = "use_sliding_window"
    case fullAttentionLayers = "max_window_layers"
    case layerTypes = "layer_types"
    case quantization = "quantization_config"
    case endOfText = "eos_token_id"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func optional<T: Decodable>(_ key: CodingKeys) throws -> T? {
      try container.decodeIfPresent(T.self, forKey: key)
    }
    architectures = try optional(.architectures)
    modelType = try optional(.modelType)
    // Before the sizes: a model of another kind should be told so, not that it lacks a key.
    let family = try Self.family(architectures: architectures, modelType: modelType)
    mixture = family.isComputed ? nil : try MixtureKeys(from: decoder)
    layers = try container.decode(Int.self, forKey: .layers)
    width = try container.decode(Int.self, forKey: .width)
    queryHeads = try container.decode(Int.self, forKey: .queryHeads)
    keyValueHeads = try optional(.keyValueHeads)
    headSize = try optional(.headSize)
    feedForwardWidth = try container.decode(Int.self, forKey: .feedForwardWidth)
    vocabulary = try container.decode(Int.self, forKey: .vocabulary)
    contextLength = try container.decode(Int.self, forKey: .contextLength)
    tiedHead = try optional(.tiedHead)
    normEpsilon = try optional(.normEpsilon)
    activation = try optional(.activation)
    attentionBias = try optional(.attentionBias)
    feedForwardBias = try optional(.feedForwardBias)
    ropeBase = try optional(.ropeBase)
    ropeScaling = try optional(.ropeScaling)
    ropeParameters = try optional(.ropeParameters)
    partialRotary = try optional(.partialRotary)
    slidingWindow = try optional(.slidingWindow)
    hasSlidingWindow = container.contains(.slidingWindow)
    usesSlidingWindow = try optional(.usesSlidingWindow)
    fullAttentionLayers = try optional(.fullAttentionLayers)
    layerTypes = try optional(.layerTypes)
    isQuantized =
      container.contains(.quantization) ? try !container.decodeNil(forKey: .quantization) : false
    endOfText = try optional(.endOfText)
  }

  private static func family(
    architectures: [String]?, modelType: String?
  ) throws(JSON.KeyError) -> Family {
    let known = Self.architectures.keys.sorted().joined(separator: ", ")
    if let architectures, !architectures.isEmpty {
      guard architectures.count == 1, let family = Self.architectures[architectures[0]] else {
        throw JSON.KeyError(
          key: "architectures", "\(architectures.joined(separator: ", ")); known are \(known)")
      }
      return family
    }
    guard let modelType else {
      throw JSON.KeyError(.notAModel, key: "architectures", "not there; known are \(known)")
    }
    guard let family = Family(rawValue: modelType) else {
      let types = Family.allCases.map(\.rawValue).joined(separator: ", ")
      throw JSON.KeyError(key: "model_type", "\(modelType); known are \(types)")
    }
    return family
  }

  /// The shape; `name` is how the model is called in results.
  ///
  /// Throws `JSON.KeyError` for everything that changes the numbers in a way that is not computed here.
  func shape(name: String) throws(JSON.KeyError) -> ModelShape {
    let family = try Self.family(architectures: architectures, modelType: modelType)
    try checkVariants(family)
    let keyValueHeads = try resolvedKeyValueHeads(family)
    let latent = family == .deepSeekV3 ? try mixture!.latentAttention() : nil
    let headSize =
      if let latent { latent.plainSize + latent.rotarySize } else { try resolvedHeadSize() }
    return ModelShape(
      name: name, layers: layers, width: width, queryHeads: queryHeads,
      keyValueHeads: keyValueHeads, headSize: headSize, feedForwardWidth: feedForwardWidth,
      vocabulary: vocabulary, contextLength: contextLength, tiedHead: tiedHead ?? false,
      normEpsilon: normEpsilon ?? 1e-6, rotary: try rotary(family),
      attentionBias: family == .qwen2, slidingWindow: try window(family),
      experts: try experts(family), latentAttention: latent)
  }

  private func experts(_ family: Family) throws(JSON.KeyError) -> ModelShape.Experts? {
    switch family {
    case .llama, .mistral, .qwen2: nil
    case .mixtral: try mixture!.mixtral(width: feedForwardWidth)
    case .deepSeekV3: try mixture!.deepSeek()
    }
  }

  private func checkVariants(_ family: Family) throws(JSON.KeyError) {
    let sizes = [
      (CodingKeys.layers, layers, ShapeBounds.mostLayers), (.width, width, ShapeBounds.largestSize),
      (.queryHeads, queryHeads, ShapeBounds.largestSize),
      (.feedForwardWidth, feedForwardWidth, ShapeBounds.largestSize),
      (.vocabulary, vocabulary, ShapeBounds.largestSize),
      (.contextLength, contextLength, ShapeBounds.largestSize),
    ]
    for (key, value, most) in sizes where !(1...most).contains(value) {
      throw JSON.KeyError(.malformed, key: key.rawValue, "\(value) is not between 1 and \(most)")
    }
    if let activation, activation != "silu" {
      throw JSON.KeyError(key: "hidden_act", "\(activation); only silu is computed")
    }
    if feedForwardBias == true {
      throw JSON.KeyError(key: "mlp_bias", "true; feed-forward biases are not computed")
    }
    if attentionBias == true, family != .qwen2 {
      throw JSON.KeyError(
        key: "attention_bias",
        "true; a bias of the attention's output is not computed, nor others with it")
    }
    if let partialRotary, partialRotary != 1 {
      throw JSON.KeyError(key: "partial_rotary_factor", "\(partialRotary); only 1 is computed")
    }
    if isQuantized, family.isComputed {
      throw JSON.KeyError(
        key: "quantization_config",
        "weights in this format are not read; use F32, F16 or BF16 safetensors, or a GGUF file")
    }
    if let normEpsilon, !(normEpsilon >= 0 && normEpsilon.isFinite) {
      throw JSON.KeyError(.malformed, key: "rms_norm_eps", "\(normEpsilon) is negative")
    }
  }

  private func resolvedKeyValueHeads(_ family: Family) throws(JSON.KeyError) -> Int {
    guard let heads = keyValueHeads else {
      guard family == .llama else {
        // Transformers has a fixed default here, made for one size of model.
        throw JSON.KeyError(
          .missing, key: "num_key_value_heads", "a \(family.rawValue) model needs it")
      }
      return queryHeads
    }
    guard heads > 0, queryHeads % heads == 0 else {
      throw JSON.KeyError(
        .malformed, key: "num_key_value_heads",
        "\(queryHeads) query heads are not a multiple of \(heads) KV heads")
    }
    return heads
  }

  private func resolvedHeadSize() throws(JSON.KeyError) -> Int {
    guard let size = headSize else {
      guard width % queryHeads == 0 else {
        throw JSON.KeyError(
          .malformed, key: "num_attention_heads",
          "width \(width) is not a multiple of \(queryHeads) heads, and there is no head_dim")
      }
      let size = width / queryHeads
      guard size % 2 == 0 else {
        throw JSON.KeyError(.malformed, key: "num_attention_heads", "head size \(size) is odd")
      }
      return size
    }
    guard size > 0, size <= ShapeBounds.largestSize, size % 2 == 0 else {
      throw JSON.KeyError(.malformed, key: "head_dim", "\(size) is not a positive even number")
    }
    return size
  }

  // MARK: Positions

  private func rotary(_ family: Family) throws(JSON.KeyError) -> RotaryEmbedding {
    // How positions turn changes no size, and DeepSeek's scaling ('yarn') is not computed.
    guard family.isComputed else { return RotaryEmbedding(base: Float(ropeBase ?? 10_000)) }
    let old = try ropeScaling.map { (it) throws(JSON.KeyError) in
      try it.scaling(key: "rope_scaling")
    }
    let new = try ropeParameters.map { (it) throws(JSON.KeyError) in
      try it.scaling(key: "rope_parameters")
    }
    if let old, let new, old != new {
      throw JSON.KeyError(.malformed, key: "rope_parameters", "it contradicts rope_scaling")
    }
    let bases = [ropeParameters?.base, ropeScaling?.base, ropeBase].compactMap(\.self)
    let base = bases.first ?? 10_000
    guard bases.allSatisfy({ $0 == base }) else {
      throw JSON.KeyError(.malformed, key: "rope_theta", "the file states it twice: \(bases)")
    }
    guard base > 0, Float(base).isFinite else {
      throw JSON.KeyError(.malformed, key: "rope_theta", "\(base) is not positive")
    }
    return RotaryEmbedding(base: Float(base), scaling: new ?? old ?? .none, pairing: .halves)
  }

  // MARK: Window

  private func window(_ family: Family) throws(JSON.KeyError) -> Int? {
    var window: Int?
    switch family {
    case .llama:
      guard slidingWindow == nil else {
        throw JSON.KeyError(key: "sliding_window", "LlamaForCausalLM has none")
      }
    case .mistral:
      // MistralConfig's default; files without a window say null.
      window = hasSlidingWindow ? slidingWindow : 4096
    case .qwen2:
      window = try qwenWindow()
    case .mixtral:
      window = slidingWindow
    case .deepSeekV3:
      window = nil
    }
    if let window, !(1...ShapeBounds.largestSize).contains(window) {
      throw JSON.KeyError(.malformed, key: "sliding_window", "\(window) is not positive")
    }
    return window
  }

  /// Qwen2 may give a window to some layers; all or none are computed.
  private func qwenWindow() throws(JSON.KeyError) -> Int? {
    // Qwen2Config's defaults where the keys are absent.
    let window = hasSlidingWindow ? slidingWindow : 4096
    let isOn = usesSlidingWindow == true && window != nil
    let windowed: Bool
    if let layerTypes {
      guard let first = layerTypes.first, layerTypes.allSatisfy({ $0 == first }),
        ["full_attention", "sliding_attention"].contains(first)
      else {
        throw JSON.KeyError(
          key: "layer_types",
          "layers of different kinds; all full_attention or all sliding_attention are computed")
      }
      windowed = first == "sliding_attention"
      guard isOn || !windowed else {
        throw JSON.KeyError(.malformed, key: "layer_types", "sliding_attention without a window")
      }
    } else {
      let full = fullAttentionLayers ?? 28
      guard !isOn || full <= 0 || full >= layers else {
        throw JSON.KeyError(
          key: "max_window_layers",
          "\(full) of \(layers) layers without a window; all or none are computed")
      }
      windowed = isOn && full <= 0
    }
    return windowed ? window : nil
  }
}
