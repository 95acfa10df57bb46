import Models
import Placement

/// What one kernel multiplies and moves, whatever the device: the two sides of a roofline.
public struct RooflineKernel: Hashable, Sendable {
  /// Floating-point operations; a multiply-add is two.
  public var flops: Int128
  /// Bits that are spread over the devices of a group: weights, keys and values, inner activations.
  public var spreadBits: Int128
  /// Bits that each device of a group moves: vectors of the residual's width.
  public var commonBits: Int128

  /// Work of these counts.
  public init(flops: Int128, spreadBits: Int128, commonBits: Int128) {
    self.flops = flops
    self.spreadBits = spreadBits
    self.commonBits = commonBits
  }
}

/// Bits of the numbers that kernels read and write.
public struct BitWidths: Hashable, Sendable {
  /// Of a weight in memory.
  public var weights: Int
  /// Of a key or value in the cache.
  public var keyValues: Int
  /// Of an activation.
  public var activations: Int

  /// Everything of 16 bits unless said otherwise.
  ///
  /// - Precondition: all are at least 1.
  public init(weights: Int = 16, keyValues: Int = 16, activations: Int = 16) {
    precondition(
      min(weights, keyValues, activations) >= 1, "bits \(weights), \(keyValues), \(activations)")
    self.weights = weights
    self.keyValues = keyValues
    self.activations = activations
  }

  /// Those of a memory plan.
  public init(_ memory: MemoryPlan) {
    self.init(
      weights: memory.weightBits, keyValues: memory.keyValueBits,
      activations: memory.activationBits)
  }
}

/// The part of one layer that a group of devices holds: all of it, or a shard's slice.
public struct LayerPart: Hashable, Sendable {
  /// Sizes and variants of the model.
  let shape: ModelShape
  /// Whether the feed-forward is a mixture of experts.
  let hasExperts: Bool
  /// Query heads of the part.
  let queryHeads: Int
  /// Key and value heads of the part.
  let keyValueHeads: Int
  /// Columns of the dense feed-forward, or of each expert.
  let innerWidth: Int

  /// The layer with this index, whole.
  public init(shape: ModelShape, layer: Int) {
    self.shape = shape
    hasExperts = shape.hasExperts(layer: layer)
    queryHeads = shape.queryHeads
    keyValueHeads = shape.keyValueHeads
    innerWidth = hasExperts ? shape.experts!.width : shape.feedForwardWidth
  }

  /// What a shard holds of a layer that has experts, or of one that has not.
  public init(shape: ModelShape, slice: ShardSlice, hasExperts: Bool) {
    self.shape = shape
    self.hasExperts = hasExperts
    queryHeads = slice.queryHeads.count
    keyValueHeads = slice.keyValueHeads.count
    innerWidth = hasExperts ? slice.expertColumns.count : slice.feedForward.count
  }

  /// The kernels of the attention block.
  ///
  /// Grouped queries: norm with Q, K and V; score, softmax and value in one, which reads each
  /// sequence's cache once; the output's projection. Latent attention: both down-projections, the
  /// queries' up-projection, the core, the output's projection.
  public func attention(_ work: BatchWork, _ widths: BitWidths) -> [RooflineKernel] {
    guard !work.entries.isEmpty else { return [] }
    return shape.latentAttention.map { latentAttention($0, work, widths) }
      ?? groupedAttention(work, widths)
  }

  /// The kernels of the feed-forward block: norm with gate and up; down. Before them the router, where
  /// there are experts.
  public func feedForward(_ work: BatchWork, _ widths: BitWidths) -> [RooflineKernel] {
    guard !work.entries.isEmpty else { return [] }
    let (tokens, width) = (work.newTokens, shape.width)
    guard hasExperts, let experts = shape.experts else {
      return [
        product(
          tokens, from: width, to: 2 * innerWidth, extraWeights: width, inner: innerWidth, widths),
        product(tokens, from: innerWidth, to: width, inner: innerWidth, widths),
      ]
    }
    let passes = tokens * (experts.active + experts.shared)
    let read = Self.distinctExperts(experts, tokens: tokens) + experts.shared
    let matrix = width * innerWidth
    func mixture(matrices: Int) -> RooflineKernel {
      RooflineKernel(
        flops: 2 * Int128(passes) * Int128(matrices * matrix),
        spreadBits: Int128(read * matrices * matrix * widths.weights)
          + Int128(passes * innerWidth * widths.activations),
        commonBits: Int128(tokens * width * widths.activations))
    }
    return [
      product(
        tokens, from: width, to: experts.count, extraWeights: width, inner: experts.count, widths),
      mixture(matrices: 2), mixture(matrices: 1),
    ]
  }

  /// Routed experts whose weights a step reads: the mean of uniform, independent routing, rounded up to
  /// a whole expert, since a price must not depend on a host's floating point. A millionth of an
  /// expert is taken as rounding.
  static func distinctExperts(_ experts: ModelShape.Experts, tokens: Int) -> Int {
    let mean = experts.expectedDistinct(tokens: tokens)
    return min(experts.count, tokens * experts.active, Int((mean - 1e-6).rounded(.up)))
  }

  // MARK: Attention

  private func groupedAttention(_ work: BatchWork, _ widths: BitWidths) -> [RooflineKernel] {
    let (tokens, width) = (work.newTokens, shape.width)
    let query = queryHeads * shape.headSize
    let keyValue = 2 * keyValueHeads * shape.headSize
    let bias = shape.attentionBias ? query + keyValue : 0
    var first = product(
      tokens, from: width, to: query + keyValue, extraWeights: width + bias, inner: query, widths)
    first.spreadBits += Int128(tokens * keyValue * widths.keyValues)
    let core = RooflineKernel(
      flops: 4 * Int128(query) * pairs(work),
      spreadBits: cachedTokens(work) * Int128(keyValue * widths.keyValues)
        + Int128(2 * tokens * query * widths.activations),
      commonBits: 0)
    return [first, core, product(tokens, from: query, to: width, inner: query, widths)]
  }

  /// DeepSeek-V2 (arXiv 2405.04434): with the up-projections absorbed into queries and outputs, a head
  /// works on the latent vector itself; or keys and values are made anew of the cached vectors. Each
  /// sequence takes what has fewer operations: the first in decode, the second for a long prompt.
  private func latentAttention(
    _ latent: ModelShape.LatentAttention, _ work: BatchWork, _ widths: BitWidths
  ) -> [RooflineKernel] {
    let (tokens, width) = (work.newTokens, shape.width)
    let head = latent.plainSize + latent.rotarySize
    let up = latent.keyValueRank * queryHeads * (latent.plainSize + latent.valueSize)
    var down = product(
      tokens, from: width, to: latent.queryRank + latent.cachedWidth,
      extraWeights: width + latent.queryRank + latent.keyValueRank, inner: latent.queryRank, widths)
    down.spreadBits += Int128(tokens * latent.cachedWidth * widths.keyValues)
    let absorbedPair = 2 * queryHeads * (latent.cachedWidth + latent.keyValueRank)
    let expandedPair = 2 * queryHeads * (head + latent.valueSize)
    let flops = work.entries.reduce(Int128(0)) { sum, entry in
      let pairs = pairs(entry)
      let absorbed = 2 * Int128(up) * Int128(entry.newTokens) + Int128(absorbedPair) * pairs
      let expanded = 2 * Int128(up) * Int128(cachedTokens(entry)) + Int128(expandedPair) * pairs
      return sum + min(absorbed, expanded)
    }
    let core = RooflineKernel(
      flops: flops,
      spreadBits: Int128(up * widths.weights)
        + cachedTokens(work) * Int128(latent.cachedWidth * widths.keyValues)
        + Int128(tokens * queryHeads * (head + latent.valueSize) * widths.activations),
      commonBits: 0)
    let queries = RooflineKernel(
      flops: 2 * Int128(tokens) * Int128(latent.queryRank * queryHeads * head),
      spreadBits: Int128(latent.queryRank * queryHeads * head * widths.weights)
        + Int128(tokens * (latent.queryRank + queryHeads * head) * widths.activations),
      commonBits: 0)
    let values = queryHeads * latent.valueSize
    return [down, queries, core, product(tokens, from: values, to: width, inner: values, widths)]
  }

  /// A product of `tokens` rows whose one side is the residual's width and whose other side has `inner`
  /// numbers a row that are spread over the group.
  private func product(
    _ tokens: Int, from: Int, to: Int, extraWeights: Int = 0, inner: Int, _ widths: BitWidths
  ) -> RooflineKernel {
    RooflineKernel(
      flops: 2 * Int128(tokens) * Int128(from * to),
      spreadBits: Int128((from * to + extraWeights) * widths.weights)
        + Int128(tokens * inner * widths.activations),
      commonBits: Int128(tokens * shape.width * widths.activations))
  }

  // MARK: Context

  /// Pairs of a new token and a token that it looks back on, itself included, over all sequences.
  func pairs(_ work: BatchWork) -> Int128 {
    work.entries.reduce(0) { $0 + pairs($1) }
  }

  private func pairs(_ entry: BatchWork.Entry) -> Int128 {
    let window = shape.slidingWindow ?? .max
    let first = entry.contextAfter - entry.newTokens + 1
    // Tokens before the window is full see one more each; the others see the window.
    let growing = max(0, min(entry.contextAfter, window) - first + 1)
    let full = entry.newTokens - growing
    return Int128(growing) * Int128(2 * first + growing - 1) / 2
      + (full == 0 ? 0 : Int128(full) * Int128(window))
  }

  /// Tokens whose keys and values are read, over all sequences.
  private func cachedTokens(_ work: BatchWork) -> Int128 {
    work.entries.reduce(0) { $0 + Int128(cachedTokens($1)) }
  }

  private func cachedTokens(_ entry: BatchWork.Entry) -> Int {
    guard let window = shape.slidingWindow else { return entry.contextAfter }
    return min(entry.contextAfter, window + entry.newTokens - 1)
  }
}
