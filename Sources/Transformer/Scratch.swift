import Models
import Placement
import Tensors

/// Intermediate values of one block, made once for the largest batch.
///
/// T is `maximumTokens`. Matrices whose columns are cut read inputs laid out over their stored width, so
/// `inner` is as wide as the widest of them.
struct Scratch: ~Copyable {
  /// Normed residual, [T, normedStride]; zeros from the model's width on.
  let normed: FloatBuffer
  /// What one row of `normed` takes: a whole number of blocks of every matrix that reads it.
  let normedStride: Int
  /// [T, query heads · d]
  let queries: FloatBuffer
  /// [T, KV heads · d]
  let keys: FloatBuffer
  /// [T, KV heads · d]
  let values: FloatBuffer
  /// Outputs of heads, or gated activations, before the matrix that sums them. [T, stored columns]
  let inner: FloatBuffer
  /// [T, feed-forward slice]
  let up: FloatBuffer
  /// Attention scores of one head. [positions]
  let scores: FloatBuffer
  /// Rounded inputs, where the precision is reduced.
  let rounded: FloatBuffer

  init(
    shape: ModelShape, slice: ShardSlice, layers: [LayerWeights], head: Matrix?, positions: Int,
    maximumTokens: Int, precision: Precision
  ) {
    var readers = layers.flatMap { [$0.query, $0.key, $0.value, $0.gate, $0.up] }
    if let head { readers.append(head) }
    let sums = layers.flatMap { [$0.attentionOutput, $0.down] }
    normedStride = readers.reduce(shape.width) { max($0, $1.storedColumns) }
    let rounding = (readers + sums).reduce(0) {
      max($0, $1.scratchCount(tokens: maximumTokens, precision: precision))
    }
    let innerStride = sums.reduce(0) { max($0, $1.storedColumns) }
    normed = FloatBuffer(count: maximumTokens * normedStride)
    queries = FloatBuffer(count: maximumTokens * slice.queryHeads.count * shape.headSize)
    keys = FloatBuffer(count: maximumTokens * slice.keyValueHeads.count * shape.headSize)
    values = FloatBuffer(count: maximumTokens * slice.keyValueHeads.count * shape.headSize)
    inner = FloatBuffer(count: maximumTokens * innerStride)
    up = FloatBuffer(count: maximumTokens * slice.feedForward.count)
    scores = FloatBuffer(count: layers.isEmpty ? 0 : positions)
    rounded = FloatBuffer(count: rounding)
  }
}
