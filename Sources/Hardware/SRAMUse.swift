import Models
import Placement

/// What must lie in SRAM while a model runs, beside its shape and split.
public struct MemoryPlan: Hashable, Sendable {
  /// Bits of a weight.
  public var weightBits: Int
  /// Bits of a key or value element.
  public var keyValueBits: Int
  /// Bits of an activation.
  public var activationBits: Int
  /// Sequences whose keys and values are kept at once.
  public var sequences: Int
  /// Tokens that each of them may grow to.
  public var context: Int
  /// Most new tokens in one step, over all sequences: a prefill chunk, or a decode batch.
  public var tokensInFlight: Int

  /// Everything of 16 bits unless said otherwise.
  ///
  /// - Precondition: widths, sequences, context and tokens are at least 1.
  public init(
    weightBits: Int = 16, keyValueBits: Int = 16, activationBits: Int = 16, sequences: Int = 1,
    context: Int, tokensInFlight: Int = 1
  ) {
    for (name, value) in [
      ("weight bits", weightBits), ("key and value bits", keyValueBits),
      ("activation bits", activationBits), ("sequences", sequences), ("context", context),
      ("tokens in flight", tokensInFlight),
    ] {
      precondition(value >= 1, "\(name): \(value)")
    }
    self.weightBits = weightBits
    self.keyValueBits = keyValueBits
    self.activationBits = activationBits
    self.sequences = sequences
    self.context = context
    self.tokensInFlight = tokensInFlight
  }
}

/// Bytes of SRAM of the fullest PE of a region, by what they hold.
///
/// Every matrix is spread over the region as the kernels need it, so each PE holds a tile of
/// ⌈rows/P⌉ × ⌈columns/P⌉ elements, the padding of the last tiles included. The program's own code is
/// not counted: no source states its size.
public struct SRAMUse: Hashable, Sendable {
  /// Tiles of the weights.
  public var weights: Int
  /// Tiles of the KV cache, for all sequences at full context.
  public var keyValues: Int
  /// The vectors of one layer for all tokens in flight.
  public var activations: Int

  /// Takes each field as it is.
  public init(weights: Int, keyValues: Int, activations: Int) {
    self.weights = weights
    self.keyValues = keyValues
    self.activations = activations
  }

  /// All of it.
  public var total: Int { weights + keyValues + activations }
}

extension WaferPricing {
  /// What a shard's layers, embedding and head need of each PE when they all lie on this region.
  public func sramUse(shape: ModelShape, slice: ShardSlice, memory: MemoryPlan) -> SRAMUse {
    sramUse(
      shape: shape, slice: slice, layers: slice.layers, holdsEmbedding: slice.hasEmbedding,
      holdsHead: slice.hasHead, memory: memory)
  }

  /// What some of a shard's layers, and its part of the tables, need of each PE of this region.
  public func sramUse(
    shape: ModelShape, slice: ShardSlice, layers: Range<Int>, holdsEmbedding: Bool,
    holdsHead: Bool, memory: MemoryPlan
  ) -> SRAMUse {
    let width = layout.columns.share(shape.width)
    let table = width * layout.rows.share(slice.vocabulary.count)
    let tables =
      holdsEmbedding && holdsHead && shape.tiedHead
      ? 1 : (holdsEmbedding ? 1 : 0) + (holdsHead ? 1 : 0)
    var weights = tables * table + (holdsHead ? width : 0)
    var keyValues = 0
    var block = 0
    // Layers are of two kinds at most.
    let withExperts = layers.count { shape.hasExperts(layer: $0) }
    for (count, hasExperts) in [(layers.count - withExperts, false), (withExperts, true)]
    where count > 0 {
      let layer = LayerSlice(shape: shape, slice: slice, hasExperts: hasExperts)
      let biases =
        shape.attentionBias
        ? layout.rows.share(layer.queryWidth) + 2 * layout.rows.share(layout.keyValueWidth(layer))
        : 0
      weights += count * (layout.weightTile(of: layer) + biases)
      keyValues += count * memory.sequences * layout.keyValueTile(of: layer, memory.context)
      block = max(block, layout.widestBlock(of: layer, context: memory.context))
    }
    // A GEMV pass keeps a vector of each sequence; MeshGEMM spreads its tokens over the rows.
    let vectors = max(memory.sequences, layout.rows.share(memory.tokensInFlight))
    // Residual and normed input, and the wider of the two blocks between them.
    let activations = vectors * (2 * width + block)

    return SRAMUse(
      weights: Self.bytes(weights, bits: memory.weightBits),
      keyValues: Self.bytes(keyValues, bits: memory.keyValueBits),
      activations: Self.bytes(activations, bits: memory.activationBits))
  }

  private static func bytes(_ elements: Int, bits: Int) -> Int { (elements * bits + 7) / 8 }
}

extension MeshLayout {
  /// Elements of a layer's matrices and norms that the fullest PE holds, padding included.
  func weightTile(of layer: LayerSlice) -> Int {
    let width = columns.share(layer.width)
    let inner = rows.share(layer.feedForwardWidth)
    let feedForward: Int
    if let experts = layer.experts {
      feedForward =
        width * rows.share(experts.count) + (experts.count + experts.shared) * 3 * width * inner
    } else {
      feedForward = 3 * width * inner
    }
    return attentionTile(of: layer) + feedForward + 2 * width
  }

  private func attentionTile(of layer: LayerSlice) -> Int {
    let width = columns.share(layer.width)
    guard let latent = layer.latentAttention else {
      return width
        * (2 * rows.share(layer.queryWidth) + 2 * rows.share(keyValueWidth(layer)))
    }
    return width * (rows.share(latent.queryRank) + rows.share(latent.cachedWidth))
      + rows.share(latent.queryRank) * columns.share(layer.queryWidth)
      + columns.share(layer.heads * latent.plainSize) * rows.share(latent.keyValueRank)
      + rows.share(latent.keyValueRank) * columns.share(layer.heads * latent.valueSize)
      + columns.share(layer.heads * latent.valueSize) * rows.share(layer.width)
      + rows.share(latent.queryRank) + rows.share(latent.keyValueRank)
  }

  /// Elements of one sequence's keys and values in one layer, at full context.
  func keyValueTile(of layer: LayerSlice, _ context: Int) -> Int {
    let positions = columns.share(min(context, layer.slidingWindow ?? .max))
    guard let latent = layer.latentAttention else {
      return 2 * positions * rows.share(keyValueWidth(layer))
    }
    return positions * rows.share(latent.cachedWidth)
  }

  /// Elements between a block's norm and its output, of the wider block. Scores are one row of the
  /// context for each head that the PE works on.
  func widestBlock(of layer: LayerSlice, context: Int) -> Int {
    let positions = columns.share(min(context, layer.slidingWindow ?? .max))
    let query = rows.share(layer.queryWidth)
    let heads = (query + layer.headSize - 1) / layer.headSize
    let inner = rows.share(layer.feedForwardWidth)
    let touched = layer.experts.map { $0.active + $0.shared } ?? 1
    let attention: Int
    if let latent = layer.latentAttention {
      attention =
        rows.share(latent.queryRank) + rows.share(layer.heads * latent.cachedWidth)
        + rows.share(layer.heads * latent.keyValueRank) + heads * positions
    } else {
      attention = 2 * query + 2 * rows.share(keyValueWidth(layer)) + heads * positions
    }
    return max(attention, 2 * touched * inner)
  }
}
