/// What a Llama-family decoder computes: its sizes and its variants, without its weights.
///
/// Everything that plans, prices or compiles needs only this. Names follow the glossary and
/// the keys of Hugging Face's `config.json`, which are given beside each field.
public struct ModelShape: Hashable, Sendable {
  /// How the model is called in results.
  public var name: String
  /// Decoder layers (`num_hidden_layers`).
  public var layers: Int
  /// Width of the residual stream (`hidden_size`), D.
  public var width: Int
  /// Query heads (`num_attention_heads`), H.
  public var queryHeads: Int
  /// Key and value heads (`num_key_value_heads`), K; H is a multiple of K.
  public var keyValueHeads: Int
  /// Width of one head (`head_dim`, or D/H), d.
  public var headSize: Int
  /// Width of the SwiGLU feed-forward (`intermediate_size`), F; of the dense layers when others have
  /// experts.
  public var feedForwardWidth: Int
  /// Number of tokens (`vocab_size`), V.
  public var vocabulary: Int
  /// Longest context the model was made for, in tokens (`max_position_embeddings`).
  public var contextLength: Int
  /// Whether the LM head is the embedding's matrix (`tie_word_embeddings`).
  public var tiedHead: Bool
  /// RMSNorm's epsilon (`rms_norm_eps`).
  public var normEpsilon: Float
  /// How positions turn queries and keys.
  public var rotary: RotaryEmbedding
  /// Whether Q, K and V have biases (Qwen2).
  public var attentionBias: Bool
  /// Tokens a query looks back on, itself included (Mistral's `sliding_window`); `nil` is all.
  public var slidingWindow: Int?
  /// Experts in place of the feed-forward; `nil` when every layer's is dense.
  public var experts: Experts?
  /// Latent attention in place of grouped queries; `nil` for those.
  public var latentAttention: LatentAttention?

  /// Takes each field as it is.
  public init(
    name: String, layers: Int, width: Int, queryHeads: Int, keyValueHeads: Int, headSize: Int,
    feedForwardWidth: Int, vocabulary: Int, contextLength: Int, tiedHead: Bool = false,
    normEpsilon: Float = 1e-5, rotary: RotaryEmbedding = RotaryEmbedding(base: 10_000),
    attentionBias: Bool = false, slidingWindow: Int? = nil, experts: Experts? = nil,
    latentAttention: LatentAttention? = nil
  ) {
    self.name = name
    self.layers = layers
    self.width = width
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.feedForwardWidth = feedForwardWidth
    self.vocabulary = vocabulary
    self.contextLength = contextLength
    self.tiedHead = tiedHead
    self.normEpsilon = normEpsilon
    self.rotary = rotary
    self.attentionBias = attentionBias
    self.slidingWindow = slidingWindow
    self.experts = experts
    self.latentAttention = latentAttention
  }

  /// Query heads that share one key and value head.
  public var queryHeadsPerKeyValueHead: Int { queryHeads / keyValueHeads }
}

/// Rotary position embedding: base frequency, scaling, and which elements form a pair.
public struct RotaryEmbedding: Hashable, Sendable {
  /// θ: pair i of a head turns by position · base^(−2i/d) (`rope_theta`).
  public var base: Float
  /// How frequencies are stretched for contexts longer than those trained on.
  public var scaling: Scaling
  /// Which two elements of a head are turned together.
  public var pairing: Pairing

  /// Takes each field as it is.
  public init(base: Float, scaling: Scaling = .none, pairing: Pairing = .halves) {
    self.base = base
    self.scaling = scaling
    self.pairing = pairing
  }

  /// The scalings of `rope_scaling` in `config.json` that the forward pass knows.
  public enum Scaling: Hashable, Sendable {
    case none
    /// All frequencies divided by the factor.
    case linear(factor: Float)
    /// Llama 3.1: long wavelengths divided by the factor, short ones kept, a ramp between.
    case llama3(factor: Float, lowFrequency: Float, highFrequency: Float, originalContext: Int)
    /// One divisor a pair, as GGUF's `rope_freqs.weight` holds them (llama.cpp's converter writes
    /// Llama 3.1's scaling so).
    case factors([Float])
  }

  /// Element pairs of a head of size d.
  public enum Pairing: Hashable, Sendable {
    /// (i, i + d/2): Hugging Face.
    case halves
    /// (2i, 2i + 1): GGUF `llama`, whose Q and K rows are stored permuted for it.
    case interleaved
  }
}
