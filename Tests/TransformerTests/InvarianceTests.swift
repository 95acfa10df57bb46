import Models
import Tensors
import Testing
import Transformer

@Suite("A token's bits depend on its sequence alone")
struct InvarianceTests {
  static let types = SyntheticWeights.types

  @Test("prefill in chunks of 1, 2, 3, mixed sizes or whole gives the same bits", arguments: types)
  func chunks(type: ElementType) throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 3, shape: shape, type: type)
    let tokens = prompt(13, vocabulary: shape.vocabulary)
    let whole = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [13])
    for chunks in [[1], [2], [3], [12, 1], [5, 1, 4, 3]] {
      let cluster = try ShardCluster(shape, weights: weights)
      #expect(cluster.logits(tokens, chunks: chunks).bits == whole.bits, "chunks \(chunks)")
    }
  }

  @Test("reduced precision keeps the invariance", arguments: [ElementType.q8_0, .q4_1, .bfloat16])
  func reduced(type: ElementType) throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 3, shape: shape, type: type)
    let tokens = prompt(11, vocabulary: shape.vocabulary)
    let results = try [[11], [1], [4]].map {
      try ShardCluster(shape, weights: weights, precision: .reduced).logits(tokens, chunks: $0).bits
    }
    #expect(results.allSatisfy { $0 == results[0] })
    let exact = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [11])
    #expect(exact.bits != results[0])
    #expect(exact.largestDifference(to: results[0].map(Float.init(bitPattern:))) < 0.1)
  }

  @Test("sequences in one batch, in any order and length, get the bits they get alone")
  func batches() throws {
    let shape = ModelShape.small { $0.slidingWindow = 5 }
    let weights = SyntheticWeights(seed: 4, shape: shape, type: .q8_0)
    let texts = (0..<4).map { prompt(3 + 4 * $0, vocabulary: shape.vocabulary, salt: $0) }
    let alone = try texts.map {
      try ShardCluster(shape, weights: weights).logits($0, chunks: [$0.count])
    }
    for order in [[0, 1, 2, 3], [3, 1, 0, 2], [2, 0]] {
      let cluster = try ShardCluster(shape, weights: weights, sequences: 4)
      let batch = Batch(
        entries: order.map {
          .init(sequence: 3 - $0, start: 0, count: texts[$0].count, samples: true)
        })
      let together = cluster.logits(batch, order.flatMap { texts[$0] })
      for (place, text) in order.enumerated() {
        #expect(together[place].bits == alone[text].bits, "text \(text) in order \(order)")
      }
    }
  }

  @Test("decoding beside a prefill of another sequence changes nothing")
  func mixed() throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 5, shape: shape, type: .bfloat16)
    let (a, b) = (prompt(9, vocabulary: 101), prompt(6, vocabulary: 101, salt: 2))
    let alone = try ShardCluster(shape, weights: weights).logits(a, chunks: [9])
    let cluster = try ShardCluster(shape, weights: weights, sequences: 2)
    _ = cluster.logits(sequence: 1, Array(a[..<8]), chunks: [8])
    let batch = Batch(entries: [
      .init(sequence: 0, start: 0, count: 6, samples: false),
      .init(sequence: 1, start: 8, count: 1, samples: true),
    ])
    #expect(cluster.logits(batch, b + [a[8]])[0].bits == alone.bits)
  }

  @Test("every split into stages gives the same bits")
  func stages() throws {
    let shape = ModelShape.small { $0.layers = 4 }
    let weights = SyntheticWeights(seed: 6, shape: shape, type: .q4_1)
    let tokens = prompt(7, vocabulary: shape.vocabulary)
    let one = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [7])
    let cuts: [[Int]] = [[4], [1, 3], [2, 2], [3, 1], [1, 1, 2], [2, 1, 1], [1, 1, 1, 1]]
    for layers in cuts {
      let cluster = try ShardCluster(
        shape, weights: weights, pipeline: layers.count, layersPerStage: layers)
      #expect(cluster.logits(tokens, chunks: [3]).bits == one.bits, "layers \(layers)")
    }
  }

  @Test("a sequence's row of the cache can be used again from the start")
  func reuse() throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 7, shape: shape, type: .float32)
    let tokens = prompt(5, vocabulary: shape.vocabulary)
    let cluster = try ShardCluster(shape, weights: weights)
    _ = cluster.logits(prompt(20, vocabulary: 101, salt: 9), chunks: [20])
    let fresh = try ShardCluster(shape, weights: weights).logits(tokens, chunks: [5])
    #expect(cluster.logits(tokens, chunks: [5]).bits == fresh.bits)
  }

  @Test("every instruction set gives the same bits", arguments: types)
  func instructionSets(type: ElementType) throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 8, shape: shape, type: type)
    let tokens = prompt(6, vocabulary: shape.vocabulary)
    let results = try InstructionSet.available.map {
      try ShardCluster(shape, weights: weights, tensor: 2, instructions: $0)
        .logits(tokens, chunks: [6]).bits
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
