import Models

/// The keys of `config.json` that Mixtral and DeepSeek-V3 have beside those of Llama.
///
/// Such models are planned and emulated; the forward pass does not compute them. Keys that say how
/// numbers are stored, or how positions turn, are therefore not read for them.
struct MixtureKeys: Decodable {
  let mixtralExperts: Int?
  let routedExperts: Int?
  let activeExperts: Int?
  let sharedExperts: Int?
  let expertWidth: Int?
  let denseLayers: Int?
  let layerFrequency: Int?
  let queryRank: Int?
  let keyValueRank: Int?
  let rotarySize: Int?
  let plainSize: Int?
  let valueSize: Int?

  enum CodingKeys: String, CodingKey {
    case mixtralExperts = "num_local_experts"
    case routedExperts = "n_routed_experts"
    case activeExperts = "num_experts_per_tok"
    case sharedExperts = "n_shared_experts"
    case expertWidth = "moe_intermediate_size"
    case denseLayers = "first_k_dense_replace"
    case layerFrequency = "moe_layer_freq"
    case queryRank = "q_lora_rank"
    case keyValueRank = "kv_lora_rank"
    case rotarySize = "qk_rope_head_dim"
    case plainSize = "qk_nope_head_dim"
    case valueSize = "v_head_dim"
  }

  /// Mixtral: every layer's feed-forward is a mixture of experts as wide as `intermediate_size`.
  ///
  /// Throws `JSON.KeyError` when a key is missing or out of range.
  func mixtral(width: Int) throws(JSON.KeyError) -> ModelShape.Experts {
    let count = try size(.mixtralExperts, mixtralExperts)
    return ModelShape.Experts(count: count, active: try active(of: count), width: width)
  }

  /// DeepSeek-V3: dense layers first, then routed experts and shared ones.
  ///
  /// Throws `JSON.KeyError` as `mixtral`, and when only some of the later layers have experts.
  func deepSeek() throws(JSON.KeyError) -> ModelShape.Experts {
    if let layerFrequency, layerFrequency != 1 {
      throw JSON.KeyError(
        key: CodingKeys.layerFrequency.rawValue, "\(layerFrequency); only 1 is planned")
    }
    let count = try size(.routedExperts, routedExperts)
    return ModelShape.Experts(
      count: count, active: try active(of: count),
      shared: try size(.sharedExperts, sharedExperts ?? 0, least: 0),
      width: try size(.expertWidth, expertWidth),
      denseLayers: try size(.denseLayers, denseLayers ?? 0, least: 0))
  }

  /// Multi-head latent attention.
  ///
  /// Throws `JSON.KeyError` when a key is missing or out of range.
  func latentAttention() throws(JSON.KeyError) -> ModelShape.LatentAttention {
    ModelShape.LatentAttention(
      queryRank: try size(.queryRank, queryRank),
      keyValueRank: try size(.keyValueRank, keyValueRank),
      rotarySize: try size(.rotarySize, rotarySize),
      plainSize: try size(.plainSize, plainSize),
      valueSize: try size(.valueSize, valueSize))
  }

  private func active(of count: Int) throws(JSON.KeyError) -> Int {
    let active = try size(.activeExperts, activeExperts)
    guard active <= count else {
      throw JSON.KeyError(
        .malformed, key: CodingKeys.activeExperts.rawValue,
        "\(active) is more than the \(count) experts")
    }
    return active
  }

  /// Largest of these sizes: the product of three stays inside 64 bits.
  private static let largestSize = 1 << 20

  private func size(_ key: CodingKeys, _ value: Int?, least: Int = 1) throws(JSON.KeyError) -> Int {
    guard let value else {
      throw JSON.KeyError(.missing, key: key.rawValue, "a model with experts needs it")
    }
    guard (least...Self.largestSize).contains(value) else {
      throw JSON.KeyError(
        .malformed, key: key.rawValue, "\(value) is not between \(least) and \(Self.largestSize)")
    }
    return value
  }
}
