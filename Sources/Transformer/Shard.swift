import Models
import Placement
import Tensors

/// One rank's part of a Llama-family decoder: its slices of the weights, and its KV cache.
///
/// The verbs are the blocks between two exchanges (`Shard+Forward.swift`); residual additions, all-reduces
/// and hops happen outside. One thread uses a shard. All memory is taken here: the verbs allocate none.
///
/// **Invariance.** Every row of every result is computed from its own token and its own sequence's cache
/// alone, each sum in one order. So a token's bits do not depend on the batch, the micro-batch, the prefill
/// chunk, or the split into stages; a split into shards changes only how sums are grouped.
public final class Shard {
  /// The whole model.
  public let shape: ModelShape
  /// Which part of the model this is.
  public let slice: ShardSlice
  /// Most rows of a batch.
  public let maximumTokens: Int
  /// The kernels' instructions; they change speed, not bits.
  public let instructions: InstructionSet
  /// How exactly inputs enter multiplications; it changes bits.
  public let precision: Precision

  let layers: [LayerWeights]
  /// [vocabulary slice, D], on the first stage.
  let embedding: Matrix?
  /// [D] and [vocabulary slice, D], on the last stage.
  let finalNorm: [Float]?
  let head: Matrix?
  let scratch: Scratch
  var cache: KeyValueCache
  var rotary: RotaryTable

  /// Takes a shard's slices, and no others, from `weights`.
  ///
  /// - Parameters:
  ///   - cache: how many sequences and positions it may ever hold.
  ///   - maximumTokens: most rows of a batch.
  ///
  /// Throws what `weights` throws, and `ShardError` when the system refuses memory.
  public init(
    shape: ModelShape, slice: ShardSlice, weights: some WeightSource, cache: CacheBounds,
    maximumTokens: Int, instructions: InstructionSet = .best, precision: Precision = .float32
  ) throws {
    precondition(maximumTokens > 0, "batches of \(maximumTokens) tokens")
    precondition(
      slice.layers.lowerBound >= 0 && slice.layers.upperBound <= shape.layers
        && slice.queryHeads.upperBound <= shape.queryHeads
        && slice.keyValueHeads.upperBound <= shape.keyValueHeads
        && slice.feedForward.upperBound <= shape.feedForwardWidth
        && slice.vocabulary.upperBound <= shape.vocabulary,
      "slice \(slice) of \(shape)")
    self.shape = shape
    self.slice = slice
    self.maximumTokens = maximumTokens
    self.instructions = instructions
    self.precision = precision

    layers = try slice.layers.map {
      try LayerWeights(layer: $0, shape: shape, slice: slice, source: weights)
    }
    func vocabularyRows(_ tensor: WeightTensor) throws -> Matrix {
      try weights.matrix(
        tensor, shape: (shape.vocabulary, shape.width), rows: slice.vocabulary,
        columns: 0..<shape.width)
    }
    let needsEmbedding = slice.hasEmbedding || (slice.hasHead && shape.tiedHead)
    let embedding = needsEmbedding ? try vocabularyRows(.embedding) : nil
    self.embedding = slice.hasEmbedding ? embedding : nil
    let head = slice.hasHead ? (shape.tiedHead ? embedding : try vocabularyRows(.head)) : nil
    self.head = head
    finalNorm =
      slice.hasHead
      ? try weights.vector(.finalNorm, count: shape.width, range: 0..<shape.width) : nil
    self.cache = try KeyValueCache(
      layers: slice.layers, heads: slice.keyValueHeads.count, headSize: shape.headSize,
      bounds: cache)
    rotary = try RotaryTable(shape.rotary, headSize: shape.headSize, positions: cache.positions)
    scratch = Scratch(
      shape: shape, slice: slice, layers: layers, head: head, positions: cache.positions,
      maximumTokens: maximumTokens, precision: precision)
  }

  /// Bytes of weights that the shard holds or maps. A tied head counts once.
  public var weightBytes: Int {
    let outer = shape.tiedHead ? [embedding ?? head] : [embedding, head]
    let matrices = layers.flatMap(\.matrices) + outer.compactMap { $0 }
    let vectors = layers.flatMap(\.vectors) + [finalNorm ?? []]
    return matrices.reduce(0) { $0 + $1.bytes }
      + vectors.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
  }

  /// Reads a byte of every page of the weights that each step reads, so that the first step finds them in
  /// memory like all others. An embedding of its own is left out: a step reads few of its rows.
  ///
  /// - Returns: the sum of the bytes, which nobody needs, so that the reads cannot be left out.
  @inline(never)
  @discardableResult
  public func readWeights() -> Int {
    // No page is smaller.
    let page = 4096
    let matrices = layers.flatMap(\.matrices) + [head].compactMap { $0 }
    return matrices.reduce(0) { sum, matrix in
      let bytes = matrix.storage.bytes
      return stride(from: 0, to: bytes.count, by: page).reduce(sum) { $0 &+ Int(bytes[$1]) }
    }
  }

  /// Bytes of the KV cache when it is full. Less is in memory until then.
  public var cacheBytes: Int { cache.bytes }
}
