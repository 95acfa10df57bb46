import Models
import Placement
import Tensors
import Transformer

/// All shards of a split in one thread; all-reduce is a sum in rank order.
final class ShardCluster {
  let split: Split
  let shards: [Shard]

  init(
    _ shape: ModelShape, weights: some WeightSource, pipeline: Int = 1, tensor: Int = 1,
    layersPerStage: [Int]? = nil, sequences: Int = 1, positions: Int = 64, maximumTokens: Int = 64,
    instructions: InstructionSet = .best, precision: Precision = .float32
  ) throws {
    let split = try Split(
      shape: shape, pipeline: pipeline, tensor: tensor, layersPerStage: layersPerStage)
    self.split = split
    shards = try (0..<split.ranks).map {
      try Shard(
        shape: shape, slice: split.slice(ofRank: $0), weights: weights,
        cache: CacheBounds(sequences: sequences, positions: positions),
        maximumTokens: maximumTokens, instructions: instructions, precision: precision)
    }
  }

  /// Shards that each read a source of their own.
  init(_ split: Split, weights: [some WeightSource]) throws {
    self.split = split
    shards = try (0..<split.ranks).map {
      try Shard(
        shape: split.shape, slice: split.slice(ofRank: $0), weights: weights[$0],
        cache: CacheBounds(sequences: 1, positions: 64), maximumTokens: 64)
    }
  }

  /// Logits of every shard of the last stage for a batch of tokens, [shards][outputs · slice].
  func logitParts(_ batch: Batch, _ tokens: [Int32]) -> [[Float]] {
    precondition(tokens.count == batch.tokens)
    let size = tokens.count * split.shape.width
    var residual = sum(0) { shard, output in
      tokens.withUnsafeBufferPointer { shard.embed($0, into: output) }
    }
    func sum(
      _ stage: Int, _ verb: (Shard, UnsafeMutableBufferPointer<Float>) -> Void
    ) -> [Float] {
      var total: [Float]?
      for shard in stageShards(stage) {
        var part = [Float](repeating: .nan, count: size)
        part.withUnsafeMutableBufferPointer { verb(shard, $0) }
        if let sofar = total { total = zip(sofar, part).map { $0 + $1 } } else { total = part }
      }
      return total!
    }
    for stage in 0..<split.pipeline {
      for layer in split.stages[stage] {
        let attended = sum(stage) { shard, output in
          residual.withUnsafeBufferPointer {
            shard.attention(layer: layer, batch: batch, residual: $0, into: output)
          }
        }
        residual = zip(residual, attended).map { $0 + $1 }
        let fed = sum(stage) { shard, output in
          residual.withUnsafeBufferPointer {
            shard.feedForward(layer: layer, batch: batch, residual: $0, into: output)
          }
        }
        residual = zip(residual, fed).map { $0 + $1 }
      }
    }
    return stageShards(split.pipeline - 1).map { shard in
      var logits = [Float](repeating: .nan, count: batch.outputs * shard.slice.vocabulary.count)
      logits.withUnsafeMutableBufferPointer { output in
        residual.withUnsafeBufferPointer { shard.head(batch: batch, residual: $0, into: output) }
      }
      return logits
    }
  }

  /// Logits over the whole vocabulary, one row an output.
  func logits(_ batch: Batch, _ tokens: [Int32]) -> [[Float]] {
    let parts = logitParts(batch, tokens)
    return (0..<batch.outputs).map { output in
      zip(parts, stageShards(split.pipeline - 1)).flatMap { part, shard in
        let width = shard.slice.vocabulary.count
        return Array(part[output * width..<(output + 1) * width])
      }
    }
  }

  /// Logits after each token of a sequence, read in chunks of the given sizes (the last repeats).
  func logits(sequence: Int = 0, _ tokens: [Int32], chunks: [Int]) -> [Float] {
    var (start, index, last) = (0, 0, [Float]())
    while start < tokens.count {
      let count = min(chunks[min(index, chunks.count - 1)], tokens.count - start)
      let ends = start + count == tokens.count
      let batch = Batch(entries: [
        .init(sequence: sequence, start: start, count: count, samples: ends)
      ])
      let rows = logits(batch, Array(tokens[start..<start + count]))
      if ends { last = rows[0] }
      start += count
      index += 1
    }
    return last
  }

  /// Greedy text: `count` tokens after the prompt.
  func greedy(_ prompt: [Int32], count: Int) -> [Int32] {
    var row = logits(prompt, chunks: [prompt.count])
    var tokens: [Int32] = []
    while true {
      tokens.append(Int32(row.indices.max { row[$0] < row[$1] }!))
      if tokens.count == count { return tokens }
      let start = prompt.count + tokens.count - 1
      let batch = Batch(entries: [.init(sequence: 0, start: start, count: 1, samples: true)])
      row = logits(batch, [tokens.last!])[0]
    }
  }

  private func stageShards(_ stage: Int) -> ArraySlice<Shard> {
    shards[stage * split.tensor..<(stage + 1) * split.tensor]
  }
}

extension [Float] {
  var bits: [UInt32] { map(\.bitPattern) }

  func largestDifference(to other: [Float]) -> Float {
    zip(self, other).reduce(0) { Swift.max($0, abs($1.0 - $1.1)) }
  }
}

/// Tokens spread over a vocabulary.
func prompt(_ count: Int, vocabulary: Int, salt: Int = 1) -> [Int32] {
  (0..<count).map { Int32(($0 * 7919 + salt * 104_729) % vocabulary) }
}

extension ModelShape {
  /// A model of two layers that makes every test quick; fields are varied by `change`.
  static func small(_ change: (inout ModelShape) -> Void = { _ in }) -> ModelShape {
    var shape = ModelShape(
      name: "small", layers: 2, width: 64, queryHeads: 6, keyValueHeads: 3, headSize: 8,
      feedForwardWidth: 80, vocabulary: 101, contextLength: 128)
    change(&shape)
    return shape
  }
}
