import Models
import Placement
import Tensors

/// The forward pass, between exchanges (Vaswani et al. 2017, Touvron et al. 2023; split as in
/// Megatron-LM, Shoeybi et al. 2019).
///
/// T is the tokens of the batch, D the model's width, d the size of a head. A batch's rows are its
/// entries' tokens, one entry after the other.
extension Shard {
  /// Rows of the embedding. A token of another shard's vocabulary gives zeros, so that the shards' sum is
  /// the embedding.
  ///
  /// - Parameters:
  ///   - tokens: [T]
  ///   - residual: [T, D]
  public func embed(
    _ tokens: UnsafeBufferPointer<Int32>, into residual: UnsafeMutableBufferPointer<Float>
  ) {
    guard let embedding else { preconditionFailure("stage \(slice.stage) has no embedding") }
    checkRows(tokens.count, residual.count)
    for row in 0..<tokens.count {
      let token = Int(tokens[row])
      precondition(
        0..<shape.vocabulary ~= token, "token \(token) of a vocabulary of \(shape.vocabulary)")
      let output = residual.part(row * shape.width, shape.width)
      if slice.vocabulary.contains(token) {
        embedding.expand(row: token - slice.vocabulary.lowerBound, into: output)
      } else {
        output.update(repeating: 0)
      }
    }
  }

  /// The shard's partial sum of the attention block, for its query heads. It appends to the KV cache.
  ///
  /// - Parameters:
  ///   - layer: index in the model.
  ///   - residual: [T, D]
  ///   - partial: [T, D]
  public func attention(
    layer: Int, batch: Batch, residual: UnsafeBufferPointer<Float>,
    into partial: UnsafeMutableBufferPointer<Float>
  ) {
    let weights = self.weights(ofLayer: layer)
    let tokens = batch.tokens
    checkRows(tokens, residual.count)
    checkRows(tokens, partial.count)

    norm(residual, rows: tokens, weights.attentionNorm)
    project(weights.query, weights.queryBias, tokens: tokens, into: scratch.queries.floats)
    project(weights.key, weights.keyBias, tokens: tokens, into: scratch.keys.floats)
    project(weights.value, weights.valueBias, tokens: tokens, into: scratch.values.floats)

    let inner = Inner(scratch.inner.floats, of: weights.attentionOutput)
    inner.clearMargins(tokens: tokens)
    var row = 0
    for entry in batch.entries {
      remember(layer: layer, entry: entry, firstRow: row)
      for index in 0..<entry.count {
        attend(
          layer: layer, entry: entry, position: entry.start + index, row: row + index,
          into: inner.row(row + index))
      }
      row += entry.count
    }
    multiply(
      weights.attentionOutput, inner.inputs, stride: inner.stride, tokens: tokens, into: partial,
      stride: shape.width)
  }

  /// The shard's partial sum of the feed-forward block, for its part of the inner width: SwiGLU
  /// (Shazeer 2020).
  ///
  /// - Parameters:
  ///   - layer: index in the model.
  ///   - residual: [T, D]
  ///   - partial: [T, D]
  public func feedForward(
    layer: Int, batch: Batch, residual: UnsafeBufferPointer<Float>,
    into partial: UnsafeMutableBufferPointer<Float>
  ) {
    let weights = self.weights(ofLayer: layer)
    let tokens = batch.tokens
    checkRows(tokens, residual.count)
    checkRows(tokens, partial.count)
    let width = slice.feedForward.count

    norm(residual, rows: tokens, weights.feedForwardNorm)
    let inner = Inner(scratch.inner.floats, of: weights.down)
    inner.clearMargins(tokens: tokens)
    multiply(
      weights.gate, UnsafeBufferPointer(scratch.normed.floats), stride: scratch.normedStride,
      tokens: tokens, into: inner.columns, stride: inner.stride)
    multiply(
      weights.up, UnsafeBufferPointer(scratch.normed.floats), stride: scratch.normedStride,
      tokens: tokens, into: scratch.up.floats, stride: width)
    for row in 0..<tokens {
      let up = UnsafeBufferPointer(scratch.up.floats.part(row * width, width))
      instructions.swiGLU(gate: inner.row(row), up: up)
    }
    multiply(
      weights.down, inner.inputs, stride: inner.stride, tokens: tokens, into: partial,
      stride: shape.width)
  }

  /// The logits of the shard's vocabulary, for the last token of each entry that is sampled.
  ///
  /// - Parameters:
  ///   - residual: [T, D]
  ///   - logits: [outputs of the batch, vocabulary slice]
  public func head(
    batch: Batch, residual: UnsafeBufferPointer<Float>,
    into logits: UnsafeMutableBufferPointer<Float>
  ) {
    guard let head, let finalNorm else {
      preconditionFailure("stage \(slice.stage) has no head")
    }
    checkRows(batch.tokens, residual.count)
    precondition(
      logits.count >= batch.outputs * head.rows,
      "\(logits.count) logits for \(batch.outputs) outputs of \(head.rows)")
    var (end, output) = (0, 0)
    for entry in batch.entries {
      end += entry.count
      guard entry.samples else { continue }
      normRow(residual.part((end - 1) * shape.width, shape.width), finalNorm, row: output)
      output += 1
    }
    multiply(
      head, UnsafeBufferPointer(scratch.normed.floats), stride: scratch.normedStride,
      tokens: output, into: logits, stride: head.rows)
  }

  // MARK: Parts

  /// Normed rows into scratch. [tokens, D]
  private func norm(_ residual: UnsafeBufferPointer<Float>, rows: Int, _ weight: [Float]) {
    for row in 0..<rows {
      normRow(residual.part(row * shape.width, shape.width), weight, row: row)
    }
  }

  private func normRow(_ residual: UnsafeBufferPointer<Float>, _ weight: [Float], row: Int) {
    let output = scratch.normed.floats.part(row * scratch.normedStride, shape.width)
    weight.withUnsafeBufferPointer {
      instructions.rmsNorm(residual, weight: $0, epsilon: shape.normEpsilon, into: output)
    }
  }

  /// Normed rows times a matrix, plus its bias. [tokens, rows]
  private func project(
    _ matrix: Matrix, _ bias: [Float]?, tokens: Int, into output: UnsafeMutableBufferPointer<Float>
  ) {
    multiply(
      matrix, UnsafeBufferPointer(scratch.normed.floats), stride: scratch.normedStride,
      tokens: tokens, into: output, stride: matrix.rows)
    guard let bias else { return }
    bias.withUnsafeBufferPointer {
      for row in 0..<tokens { instructions.add($0, to: output.part(row * bias.count, bias.count)) }
    }
  }

  /// Turns an entry's queries and keys, and puts its keys and values into the cache.
  private func remember(layer: Int, entry: Batch.Entry, firstRow: Int) {
    cache.extend(layer: layer, by: entry)
    rotary.extend(to: entry.start + entry.count)
    let size = shape.headSize
    let (queries, heads) = (slice.queryHeads.count, slice.keyValueHeads.count)
    for index in 0..<entry.count {
      let (row, position) = (firstRow + index, entry.start + index)
      let key = scratch.keys.floats.baseAddress! + row * heads * size
      let value = scratch.values.floats.baseAddress! + row * heads * size
      let query = scratch.queries.floats.baseAddress! + row * queries * size
      rotary.turn(query, heads: queries, position: position)
      rotary.turn(key, heads: heads, position: position)
      for head in 0..<heads {
        let cached = cache.head(layer: layer, sequence: entry.sequence, head: head)
        (cached.keys + position * size).update(from: key + head * size, count: size)
        (cached.values + position * size).update(from: value + head * size, count: size)
      }
    }
  }

  /// All query heads of one token over the positions it sees. [query heads, d]
  private func attend(
    layer: Int, entry: Batch.Entry, position: Int, row: Int,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    let size = shape.headSize
    let first = shape.slidingWindow.map { max(0, position + 1 - $0) } ?? 0
    let count = position + 1 - first
    let scale = 1 / Float(size).squareRoot()
    for head in 0..<slice.queryHeads.count {
      let shared = (slice.queryHeads.lowerBound + head) / shape.queryHeadsPerKeyValueHead
      let cached = cache.head(
        layer: layer, sequence: entry.sequence, head: shared - slice.keyValueHeads.lowerBound)
      let query = scratch.queries.floats.part((row * slice.queryHeads.count + head) * size, size)
      instructions.attend(
        query: UnsafeBufferPointer(query),
        keys: UnsafeBufferPointer(start: cached.keys + first * size, count: count * size),
        values: UnsafeBufferPointer(start: cached.values + first * size, count: count * size),
        positions: count, scale: scale, scores: scratch.scores.floats,
        into: output.part(head * size, size))
    }
  }

  private func multiply(
    _ matrix: Matrix, _ inputs: UnsafeBufferPointer<Float>, stride inputStride: Int, tokens: Int,
    into outputs: UnsafeMutableBufferPointer<Float>, stride outputStride: Int
  ) {
    matrix.multiply(
      inputs, inputStride: inputStride, tokens: tokens, into: outputs, outputStride: outputStride,
      instructions: instructions, precision: precision, scratch: scratch.rounded.floats)
  }

  private func weights(ofLayer layer: Int) -> LayerWeights {
    precondition(slice.layers.contains(layer), "layer \(layer) of layers \(slice.layers)")
    return layers[layer - slice.layers.lowerBound]
  }

  private func checkRows(_ tokens: Int, _ floats: Int) {
    precondition(tokens <= maximumTokens, "\(tokens) tokens where \(maximumTokens) are the most")
    precondition(
      floats >= tokens * shape.width, "\(floats) floats for \(tokens) rows of \(shape.width)")
  }
}

/// Inputs of a matrix whose columns may be cut, laid out over its stored width.
private struct Inner {
  /// [tokens, stored columns]
  let floats: UnsafeMutableBufferPointer<Float>
  let matrix: Matrix

  init(_ floats: UnsafeMutableBufferPointer<Float>, of matrix: Matrix) {
    self.floats = floats
    self.matrix = matrix
  }

  var stride: Int { matrix.storedColumns }
  var inputs: UnsafeBufferPointer<Float> { UnsafeBufferPointer(floats) }

  /// The matrix's own columns of one token.
  func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    floats.part(index * stride + matrix.leading, matrix.columns)
  }

  /// The matrix's own columns, `stride` from token to token.
  var columns: UnsafeMutableBufferPointer<Float> {
    floats.part(matrix.leading, floats.count - matrix.leading)
  }

  /// Zeros beside the columns, where a cut block holds a neighbour's weights.
  func clearMargins(tokens: Int) {
    guard stride > matrix.columns else { return }
    let end = matrix.leading + matrix.columns
    for token in 0..<tokens {
      floats.part(token * stride, matrix.leading).update(repeating: 0)
      floats.part(token * stride + end, stride - end).update(repeating: 0)
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// `count` floats from `start` on.
  func part(_ start: Int, _ count: Int) -> Self { Self(rebasing: self[start..<start + count]) }
}

extension UnsafeBufferPointer<Float> {
  /// `count` floats from `start` on.
  func part(_ start: Int, _ count: Int) -> Self { Self(rebasing: self[start..<start + count]) }
}
