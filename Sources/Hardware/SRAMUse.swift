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

  /// All of it.
  public var total: Int { weights + keyValues + activations }
}

extension WaferPricing {
  /// What a shard's layers, embedding and head need of each PE when they all lie on this region.
  public func sramUse(shape: ModelShape, slice: ShardSlice, memory: MemoryPlan) -> SRAMUse {
    let layer = LayerSlice(shape: shape, slice: slice)
    let width = layout.columns.share(layer.width)
    let query = layout.rows.share(layer.queryWidth)
    let keyValue = layout.rows.share(layout.keyValueWidth(layer))
    let inner = layout.rows.share(layer.feedForwardWidth)
    let context = layout.columns.share(min(memory.context, layer.slidingWindow ?? .max))

    let biases = shape.attentionBias ? query + 2 * keyValue : 0
    let layerWeights = width * (2 * query + 2 * keyValue + 3 * inner) + 2 * width + biases
    let table = width * layout.rows.share(slice.vocabulary.count)
    let tables =
      slice.hasEmbedding && slice.hasHead && shape.tiedHead
      ? 1 : (slice.hasEmbedding ? 1 : 0) + (slice.hasHead ? 1 : 0)
    let weights =
      slice.layers.count * layerWeights + tables * table + (slice.hasHead ? width : 0)
    let keyValues = slice.layers.count * memory.sequences * 2 * context * keyValue

    // A GEMV pass keeps a vector of each sequence; MeshGEMM spreads its tokens over the rows.
    let vectors = max(memory.sequences, layout.rows.share(memory.tokensInFlight))
    // Residual and normed input, and the wider of the two blocks between them. Scores are one row of
    // the context for each head that the PE works on.
    let heads = (query + layer.headSize - 1) / layer.headSize
    let block = max(2 * query + 2 * keyValue + heads * context, 2 * inner)
    let activations = vectors * (2 * width + block)

    return SRAMUse(
      weights: Self.bytes(weights, bits: memory.weightBits),
      keyValues: Self.bytes(keyValues, bits: memory.keyValueBits),
      activations: Self.bytes(activations, bits: memory.activationBits))
  }

  private static func bytes(_ elements: Int, bits: Int) -> Int { (elements * bits + 7) / 8 }
}
