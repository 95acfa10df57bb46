/// How many weights a model has, where, and how many of them a token touches.
///
/// Norms and biases are counted; they are below a thousandth of a layer.
extension ModelShape {
  /// Weights of one layer's attention, its norm included.
  ///
  /// Grouped queries: D(H + 2K)d + HdD. Latent attention: the queries' and the keys' and values' two
  /// projections each, and the output's (DeepSeek-V3, arXiv 2412.19437, and its `modeling_deepseek`).
  public var attentionWeights: Int {
    if let latent = latentAttention {
      let head = latent.plainSize + latent.rotarySize
      let queries = width * latent.queryRank + latent.queryRank * (1 + queryHeads * head)
      let keyValues =
        width * latent.cachedWidth
        + latent.keyValueRank * (1 + queryHeads * (latent.plainSize + latent.valueSize))
      return width + queries + keyValues + queryHeads * latent.valueSize * width
    }
    let heads = (queryHeads + 2 * keyValueHeads) * headSize
    return width * (heads + queryHeads * headSize) + width + (attentionBias ? heads : 0)
  }

  /// Weights of one layer's feed-forward, its norm included: 3DF, or all experts and their router.
  public func feedForwardWeights(layer: Int) -> Int {
    guard let experts, hasExperts(layer: layer) else { return 3 * width * feedForwardWidth + width }
    return width + experts.count * width + (experts.count + experts.shared) * expertWeights
  }

  /// Weights of a layer's feed-forward that `tokens` tokens touch in the mean; routing is uniform and
  /// independent.
  public func activeFeedForwardWeights(layer: Int, tokens: Int) -> Double {
    guard let experts, hasExperts(layer: layer) else {
      return Double(feedForwardWeights(layer: layer))
    }
    let touched = experts.expectedDistinct(tokens: tokens) + Double(experts.shared)
    return Double(width + experts.count * width) + touched * Double(expertWeights)
  }

  /// Weights of one expert: 3·D·F_e; 0 without experts.
  public var expertWeights: Int { 3 * width * (experts?.width ?? 0) }

  /// Weights of the embedding, and of an untied head as many again.
  public var embeddingWeights: Int { vocabulary * width }

  /// All weights: layers, embedding, head where it is not tied, final norm.
  public var weights: Int {
    (0..<layers).reduce(0) { $0 + attentionWeights + feedForwardWeights(layer: $1) }
      + (tiedHead ? 1 : 2) * embeddingWeights + width
  }

  /// Weights that a decode step of `sequences` sequences reads: all layers and the head; of the
  /// embedding it reads single rows, which are not counted.
  public func activeWeights(sequences: Int) -> Double {
    (0..<layers).reduce(0.0) {
      $0 + Double(attentionWeights) + activeFeedForwardWeights(layer: $1, tokens: sequences)
    } + Double(embeddingWeights + width)
  }

  /// Numbers that the cache keeps of a token in one layer: 2·K·d, or the latent vector.
  public var keyValueWidth: Int { latentAttention?.cachedWidth ?? 2 * keyValueHeads * headSize }

  /// Numbers that the cache keeps of a token in all layers.
  public var keyValuesPerToken: Int { layers * keyValueWidth }
}
