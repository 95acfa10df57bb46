import Models
import Tensors
import Testing
import Transformer

@Suite("The forward pass agrees with one written for reading, in double")
struct ReferenceTests {
  /// One field or two away from the small model, so that a failure names the variant.
  static let variants: [(String, ModelShape)] = [
    ("plain", .small()),
    ("tied head", .small { $0.tiedHead = true }),
    ("one KV head", .small { $0.keyValueHeads = 1 }),
    ("as many KV heads as query heads", .small { $0.keyValueHeads = 6 }),
    ("heads wider than the model", .small { $0.headSize = 16 }),
    ("biases", .small { $0.attentionBias = true }),
    ("window of 1", .small { $0.slidingWindow = 1 }),
    ("window of 4", .small { $0.slidingWindow = 4 }),
    ("window wider than the text", .small { $0.slidingWindow = 40 }),
    ("large epsilon", .small { $0.normEpsilon = 0.5 }),
    ("interleaved pairs", .small { $0.rotary.pairing = .interleaved }),
    ("small base", .small { $0.rotary.base = 50 }),
    ("linear scaling", .small { $0.rotary.scaling = .linear(factor: 3) }),
    ("factors", .small { $0.rotary.scaling = .factors([1, 2, 0.5, 7]) }),
    (
      "Llama 3 scaling",
      .small {
        $0.headSize = 16
        $0.rotary.base = 100
        $0.rotary.scaling = .llama3(
          factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 64)
      }
    ),
  ]

  @Test("each variant of the model", arguments: variants)
  func variant(name: String, shape: ModelShape) throws {
    let weights = SyntheticWeights(seed: 21, shape: shape, type: .float32)
    let tokens = prompt(14, vocabulary: shape.vocabulary)
    let expected = try ReferenceModel(shape, weights: weights).logits(tokens).map { Float($0) }
    for tensor in [1, 4] {
      let logits = try ShardCluster(shape, weights: weights, tensor: tensor)
        .logits(tokens, chunks: [6, 1])
      #expect(logits.largestDifference(to: expected) < 2e-5, "\(name), \(tensor) shards")
    }
  }

  @Test("variants differ from the plain model, so that the claim above is not empty")
  func variantsMatter() throws {
    let tokens = prompt(7, vocabulary: 101)
    let shapes = Self.variants.filter { $0.0 != "window wider than the text" }
    let results = try shapes.map { _, shape in
      let weights = SyntheticWeights(seed: 21, shape: shape, type: .float32)
      return try ReferenceModel(shape, weights: weights).logits(tokens)
    }
    for i in results.indices {
      for j in 0..<i {
        let difference = zip(results[i], results[j]).map { abs($0 - $1) }.max()!
        #expect(difference > 1e-3, "\(shapes[i].0) and \(shapes[j].0)")
      }
    }
  }

  @Test("each storage type", arguments: SyntheticWeights.types)
  func storage(type: ElementType) throws {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 22, shape: shape, type: type)
    let tokens = prompt(8, vocabulary: shape.vocabulary)
    let expected = try ReferenceModel(shape, weights: weights).logits(tokens).map { Float($0) }
    for tensor in [1, 3, 5] {
      let logits = try ShardCluster(shape, weights: weights, tensor: tensor)
        .logits(tokens, chunks: [8])
      #expect(logits.largestDifference(to: expected) < 2e-5, "\(type), \(tensor) shards")
    }
  }
}
