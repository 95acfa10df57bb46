import Models
import Tensors
import TestSupport
import Testing
import Transformer

/// The invariance rule on models and schedules that nobody chose.
@Suite("Random models: a token's bits depend on its sequence alone")
struct RandomInvarianceTests {
  @Test(
    "every chunk size, a random schedule of all sequences together, and every number of stages",
    arguments: UInt64(1)...12)
  func schedules(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Self.shape(&random)
    let type = SyntheticWeights.types.randomElement(using: &random)!
    let precision = Precision.allCases.randomElement(using: &random)!
    let tensor = Int.random(in: 1...shape.queryHeads, using: &random)
    let weights = SyntheticWeights(seed: seed, shape: shape, type: type)
    func cluster(stages: Int = 1, sequences: Int = 1) throws -> ShardCluster {
      try ShardCluster(
        shape, weights: weights, pipeline: stages, tensor: tensor, sequences: sequences,
        precision: precision)
    }
    let texts = (0..<3).map { _ in
      (0..<Int.random(in: 2...12, using: &random)).map { _ in
        Int32.random(in: 0..<Int32(shape.vocabulary), using: &random)
      }
    }
    let alone = try texts.map { try cluster().logits($0, chunks: [$0.count]).bits }

    for (text, expected) in zip(texts, alone) {
      for chunk in [1, 2, 3] {
        #expect(try cluster().logits(text, chunks: [chunk]).bits == expected, "chunks of \(chunk)")
      }
    }
    for stages in 1...shape.layers {
      let together = try Self.run(
        texts, in: cluster(stages: stages, sequences: texts.count), &random)
      #expect(together == alone, "\(stages) stages")
    }
  }

  /// Reads all texts, in batches of random entries of random lengths; the bits after each text.
  private static func run(
    _ texts: [[Int32]], in cluster: ShardCluster, _ random: inout SeededGenerator
  ) throws -> [[UInt32]] {
    var results = texts.map { _ in [UInt32]() }
    var read = texts.map { _ in 0 }
    while let _ = zip(read, texts).first(where: { $0 < $1.count }) {
      var batch = Batch(entries: [])
      var tokens: [Int32] = []
      for text in texts.indices.shuffled(using: &random) where read[text] < texts[text].count {
        guard batch.entries.isEmpty || Bool.random(using: &random) else { continue }
        let count = Int.random(in: 1...texts[text].count - read[text], using: &random)
        let end = read[text] + count
        batch.entries.append(
          .init(
            sequence: text, start: read[text], count: count, samples: end == texts[text].count))
        tokens += texts[text][read[text]..<end]
        read[text] = end
      }
      let rows = cluster.logits(batch, tokens)
      for (entry, row) in zip(batch.entries.filter(\.samples), rows) {
        results[entry.sequence] = row.bits
      }
    }
    return results
  }

  private static func shape(_ random: inout SeededGenerator) -> ModelShape {
    func pick<T>(_ values: [T]) -> T { values.randomElement(using: &random)! }
    let keyValueHeads = pick([1, 2, 3])
    let headSize = pick([4, 8, 16, 32])
    return ModelShape(
      name: "random", layers: pick([1, 2, 3]), width: pick([32, 64, 96]),
      // Quantised rows are whole blocks of 32.
      queryHeads: keyValueHeads * pick(headSize == 4 ? [8] : headSize == 8 ? [4] : [2, 4]),
      keyValueHeads: keyValueHeads, headSize: headSize, feedForwardWidth: pick([32, 96, 160]),
      vocabulary: pick([33, 70]), contextLength: 64, tiedHead: pick([true, false]),
      rotary: RotaryEmbedding(
        base: pick([100, 10_000]), scaling: pick([.none, .linear(factor: 2)]),
        pairing: pick([.halves, .interleaved])),
      attentionBias: pick([true, false]), slidingWindow: pick([nil, 1, 3, 7]))
  }
}
