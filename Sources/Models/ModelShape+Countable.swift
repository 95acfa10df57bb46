extension ModelShape {
  /// Whether its weights, its KV cache and the bytes of either can be counted in 64 bits, with room for sums.
  ///
  /// A header states sizes one by one, each in bounds; together they may still make more than any number here
  /// holds. The count is in floating point, where nothing overflows.
  public var isCountable: Bool {
    let heads = Double(queryHeads)
    let width = Double(width)
    var attention =
      2 * width * (heads + Double(keyValueHeads)) * Double(headSize) + 3 * heads * Double(headSize)
    var cached = 2 * Double(keyValueHeads) * Double(headSize)
    if let latent = latentAttention {
      let ranks = Double(latent.queryRank) + Double(latent.keyValueRank)
      let head = Double(latent.plainSize) + Double(latent.rotarySize) + Double(latent.valueSize)
      cached = Double(latent.keyValueRank) + Double(latent.rotarySize)
      attention = (width + ranks) * (1 + heads * head) + width * (ranks + cached)
    }
    let experts = experts.map { Double($0.count) + Double($0.shared) } ?? 0
    let expertWidth = experts * Double(self.experts?.width ?? 0)
    let feedForward = width * (3 * Double(feedForwardWidth) + 3 * expertWidth + experts + 1)
    let all = Double(layers) * (attention + feedForward) + 2 * (Double(vocabulary) + 1) * width
    return all < Self.mostWeights && Double(layers) * cached < Self.mostWeights
  }

  /// A million times the largest published model: eight bytes of each fit 64 bits.
  private static let mostWeights = 0x1p59
}
