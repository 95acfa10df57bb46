import Models
import Placement
import Tensors

/// One shard's part of the weights of a layer. d is the size of a head, D the model's width.
struct LayerWeights {
  /// [D]
  let attentionNorm: [Float]
  /// [query heads · d, D]
  let query: Matrix
  /// [KV heads · d, D]
  let key: Matrix
  let value: Matrix
  /// [query heads · d] and [KV heads · d], of models that have them.
  let queryBias: [Float]?
  let keyBias: [Float]?
  let valueBias: [Float]?
  /// [D, query heads · d]
  let attentionOutput: Matrix
  /// [D]
  let feedForwardNorm: [Float]
  /// [feed-forward slice, D]
  let gate: Matrix
  let up: Matrix
  /// [D, feed-forward slice]
  let down: Matrix

  /// Takes a shard's slices from `source`, and throws what it throws.
  init(
    layer: Int, shape: ModelShape, slice: ShardSlice, source: some WeightSource
  ) throws {
    let width = shape.width
    let queries = shape.queryHeads * shape.headSize
    let keys = shape.keyValueHeads * shape.headSize
    let querySlice = slice.queryHeads.scaled(by: shape.headSize)
    let keySlice = slice.keyValueHeads.scaled(by: shape.headSize)

    /// Some outputs of a tensor that reads the whole residual.
    func rows(
      _ tensor: WeightTensor.LayerTensor, of count: Int, _ rows: Range<Int>
    ) throws -> Matrix {
      try source.matrix(
        .layer(layer, tensor), shape: (count, width), rows: rows, columns: 0..<width)
    }
    /// Some inputs of a tensor that adds to the whole residual.
    func columns(
      _ tensor: WeightTensor.LayerTensor, of count: Int, _ columns: Range<Int>
    ) throws -> Matrix {
      try source.matrix(
        .layer(layer, tensor), shape: (width, count), rows: 0..<width, columns: columns)
    }
    func vector(
      _ tensor: WeightTensor.LayerTensor, of count: Int, _ range: Range<Int>
    ) throws -> [Float] {
      try source.vector(.layer(layer, tensor), count: count, range: range)
    }

    attentionNorm = try vector(.attentionNorm, of: width, 0..<width)
    query = try rows(.query, of: queries, querySlice)
    key = try rows(.key, of: keys, keySlice)
    value = try rows(.value, of: keys, keySlice)
    queryBias = shape.attentionBias ? try vector(.queryBias, of: queries, querySlice) : nil
    keyBias = shape.attentionBias ? try vector(.keyBias, of: keys, keySlice) : nil
    valueBias = shape.attentionBias ? try vector(.valueBias, of: keys, keySlice) : nil
    attentionOutput = try columns(.attentionOutput, of: queries, querySlice)
    feedForwardNorm = try vector(.feedForwardNorm, of: width, 0..<width)
    gate = try rows(.gate, of: shape.feedForwardWidth, slice.feedForward)
    up = try rows(.up, of: shape.feedForwardWidth, slice.feedForward)
    down = try columns(.down, of: shape.feedForwardWidth, slice.feedForward)
  }

  var matrices: [Matrix] { [query, key, value, attentionOutput, gate, up, down] }

  var vectors: [[Float]] {
    [attentionNorm, feedForwardNorm, queryBias ?? [], keyBias ?? [], valueBias ?? []]
  }
}

extension Range<Int> {
  /// The rows of a range of heads, each of `size` rows.
  func scaled(by size: Int) -> Range<Int> { lowerBound * size..<upperBound * size }
}

extension Matrix {
  /// Bytes of the stored rows.
  var bytes: Int { rows * rowBytes }
}
