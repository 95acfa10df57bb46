import Models
import Placement
import Tensors
import Testing
import Transformer

@Suite("A split into shards changes only the order of sums")
struct TensorParallelTests {
  @Test(
    "logits are close, greedy tokens equal: uneven shards, cut blocks, shared KV heads",
    arguments: [ElementType.float32, .bfloat16, .q8_0, .q4_0, .q4_1])
  func shards(type: ElementType) throws {
    // 8-wide heads and 80 inner columns: no cut falls on a block of 32, and 5 shards of 3 KV heads
    // cross groups.
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 11, shape: shape, type: type)
    let tokens = prompt(9, vocabulary: shape.vocabulary)
    let one = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [9])
    let text = try ShardCluster(shape, weights: weights).greedy(tokens, count: 12)
    for tensor in 1...6 {
      let cluster = try ShardCluster(shape, weights: weights, tensor: tensor)
      let logits = cluster.logits(tokens, chunks: [4])
      #expect(logits.largestDifference(to: one) < 2e-5, "\(tensor) shards")
      let again = try ShardCluster(shape, weights: weights, tensor: tensor)
      #expect(again.greedy(tokens, count: 12) == text, "\(tensor) shards")
    }
  }

  @Test("PP × TP together")
  func both() throws {
    let shape = ModelShape.syntheticTiny
    let weights = SyntheticWeights(seed: 1, shape: shape)
    let tokens = prompt(5, vocabulary: shape.vocabulary)
    let text = try ShardCluster(shape, weights: weights).greedy(tokens, count: 16)
    for (pipeline, tensor) in [(2, 2), (3, 5), (4, 8)] {
      let cluster = try ShardCluster(shape, weights: weights, pipeline: pipeline, tensor: tensor)
      #expect(cluster.greedy(tokens, count: 16) == text, "\(pipeline) × \(tensor)")
    }
  }

  @Test("reduced precision under shards stays near the exact result")
  func reduced() throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 11, shape: shape, type: .q8_0)
    let tokens = prompt(9, vocabulary: shape.vocabulary)
    let exact = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [9])
    for tensor in [2, 5] {
      let cluster = try ShardCluster(shape, weights: weights, tensor: tensor, precision: .reduced)
      #expect(cluster.logits(tokens, chunks: [9]).largestDifference(to: exact) < 0.1)
    }
  }

  @Test("greedy text of the synthetic models is not one token repeated", arguments: [false, true])
  func variety(tied: Bool) throws {
    var shape = ModelShape.syntheticTiny
    shape.tiedHead = tied
    let weights = SyntheticWeights(seed: 1, shape: shape)
    let cluster = try ShardCluster(shape, weights: weights)
    let text = cluster.greedy(prompt(5, vocabulary: shape.vocabulary), count: 32)
    #expect(Set(text).count > 8, "\(text)")
  }

  @Test("shards hold their slices and no more")
  func bytes() throws {
    let shape = ModelShape.syntheticTiny
    let weights = SyntheticWeights(seed: 1, shape: shape, type: .bfloat16)
    func cluster(_ pipeline: Int, _ tensor: Int) throws -> ShardCluster {
      try ShardCluster(shape, weights: weights, pipeline: pipeline, tensor: tensor)
    }
    let whole = try cluster(1, 1).shards[0]
    let (d, f, v) = (128, 384, 1024)
    let matrices = 4 * (2 * d * d + 2 * 64 * d + 3 * d * f) + 2 * v * d
    let vectors = (4 * 2 + 1) * d
    #expect(whole.weightBytes == 2 * matrices + 4 * vectors)
    #expect(whole.cacheBytes == 2 * 4 * 64 * 64 * 4)
    // Norms are held by every shard of a stage, everything else by one.
    let four = try cluster(1, 4).shards
    #expect(
      four.reduce(0) { $0 + $1.weightBytes } == whole.weightBytes + 3 * 4 * vectors)
    let stages = try cluster(4, 1).shards
    #expect(stages.reduce(0) { $0 + $1.weightBytes } == whole.weightBytes)
    #expect(stages.reduce(0) { $0 + $1.cacheBytes } == whole.cacheBytes)
  }
}
