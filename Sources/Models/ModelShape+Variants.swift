extension ModelShape {
  /// A mixture of experts in place of one feed-forward (`num_local_experts`, `n_routed_experts`).
  ///
  /// A router scores all experts for each token; the token goes through the `active` best of them and
  /// through all `shared` ones, and their outputs are added.
  public struct Experts: Hashable, Sendable {
    /// Experts that the router chooses from, E.
    public var count: Int
    /// Experts that a token is routed to, k (`num_experts_per_tok`).
    public var active: Int
    /// Experts that every token goes through beside them (`n_shared_experts`).
    public var shared: Int
    /// Inner width of one expert, F_e (`moe_intermediate_size`, or `intermediate_size`).
    public var width: Int
    /// First layers that have a dense feed-forward instead (`first_k_dense_replace`).
    public var denseLayers: Int

    /// Takes each field as it is; no shared experts and no dense layers unless said otherwise.
    public init(count: Int, active: Int, shared: Int = 0, width: Int, denseLayers: Int = 0) {
      precondition(active >= 1 && active <= count, "\(active) of \(count) experts")
      self.count = count
      self.active = active
      self.shared = shared
      self.width = width
      self.denseLayers = denseLayers
    }

    /// How many distinct routed experts `tokens` tokens meet in the mean, when each chooses uniformly
    /// and independently: E(1 − (1 − k/E)^S).
    ///
    /// Repeated multiplication, not `pow`, so that every host has the same bits.
    public func expectedDistinct(tokens: Int) -> Double {
      precondition(tokens >= 0, "\(tokens) tokens")
      var missed = 1.0
      var factor = 1 - Double(active) / Double(count)
      var rest = tokens
      while rest > 0 {
        if rest & 1 == 1 { missed *= factor }
        factor *= factor
        rest >>= 1
      }
      return Double(count) * (1 - missed)
    }
  }

  /// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values are made from one
  /// short vector a token, which is what the cache keeps.
  public struct LatentAttention: Hashable, Sendable {
    /// Rank of the queries' down-projection (`q_lora_rank`).
    public var queryRank: Int
    /// Rank of the keys' and values' down-projection, the cached vector (`kv_lora_rank`).
    public var keyValueRank: Int
    /// Part of a head that is turned by its position (`qk_rope_head_dim`); one key for all heads.
    public var rotarySize: Int
    /// Part of a head that is not (`qk_nope_head_dim`).
    public var plainSize: Int
    /// Width of a head's values (`v_head_dim`).
    public var valueSize: Int

    /// Takes each field as it is.
    public init(
      queryRank: Int, keyValueRank: Int, rotarySize: Int, plainSize: Int, valueSize: Int
    ) {
      self.queryRank = queryRank
      self.keyValueRank = keyValueRank
      self.rotarySize = rotarySize
      self.plainSize = plainSize
      self.valueSize = valueSize
    }

    /// Numbers that the cache keeps of a token in a layer: the latent vector and the rotated key.
    public var cachedWidth: Int { keyValueRank + rotarySize }
  }

  /// Whether the forward pass can compute it; other shapes are planned and emulated only.
  public var isComputable: Bool { experts == nil && latentAttention == nil }

  /// Whether this layer routes its tokens to experts.
  public func hasExperts(layer: Int) -> Bool {
    experts.map { layer >= $0.denseLayers } ?? false
  }
}
