import Models
import Tensors
import Testing
import Transformer

@Suite("Small models compute what Hugging Face Transformers computes")
struct GoldenModelTests {
  /// Largest difference of a logit. Both sides compute in float32 and differ in the order of sums; logits
  /// reach 12, whose float32 neighbours are 1e-6 apart.
  static let tolerance: Float = 5e-5

  @Test("logits of every position, at every split", arguments: GoldenModel.names)
  func logits(name: String) throws {
    let model = try GoldenModel(name)
    for (pipeline, tensor) in model.splits {
      let cluster = try ShardCluster(
        model.shape, weights: model.weights, pipeline: pipeline, tensor: tensor)
      let rows = cluster.logits(model.batch, model.tokens)
      for (position, (row, expected)) in zip(rows, model.logits).enumerated() {
        let difference = row.largestDifference(to: expected)
        #expect(
          difference <= Self.tolerance, "position \(position) at \(pipeline) × \(tensor)")
      }
    }
  }

  @Test("greedy tokens, decoded one by one from the cache", arguments: GoldenModel.names)
  func greedy(name: String) throws {
    let model = try GoldenModel(name)
    for (pipeline, tensor) in [(1, 1), (2, 1), (1, 2), (2, model.shape.queryHeads)] {
      let cluster = try ShardCluster(
        model.shape, weights: model.weights, pipeline: pipeline, tensor: tensor)
      #expect(
        cluster.greedy(model.prompt, count: model.greedy.count) == model.greedy,
        "\(pipeline) × \(tensor)")
    }
  }

  @Test("the fixtures meet what they are for")
  func variants() throws {
    let llama = try GoldenModel("llama-f32").shape
    #expect(llama.keyValueHeads < llama.queryHeads && !llama.tiedHead)
    guard case .llama3 = llama.rotary.scaling else {
      Issue.record("llama-f32 has the scaling \(llama.rotary.scaling)")
      return
    }
    guard case .factors = try GoldenModel("llama-f16-gguf").shape.rotary.scaling else {
      Issue.record("the GGUF of the same model has no factors")
      return
    }
    for name in ["qwen2-f16", "qwen2-f32-gguf", "qwen2-q4_0-gguf"] {
      let qwen = try GoldenModel(name).shape
      #expect(qwen.attentionBias && qwen.tiedHead && qwen.rotary.pairing == .halves)
    }
    let mistral = try GoldenModel("mistral-bf16")
    #expect(try #require(mistral.shape.slidingWindow) < mistral.prompt.count)
  }

  @Test("the same model with its scaling left out, its window lifted, or its pairs swapped fails")
  func sensitivity() throws {
    var llama = try GoldenModel("llama-f32")
    #expect(try difference(llama, llama.shape) <= Self.tolerance)
    var changed = llama.shape
    changed.rotary.scaling = .none
    #expect(try difference(llama, changed) > 100 * Self.tolerance)
    changed = llama.shape
    changed.rotary.pairing = .interleaved
    #expect(try difference(llama, changed) > 100 * Self.tolerance)
    llama = try GoldenModel("mistral-bf16")
    changed = llama.shape
    changed.slidingWindow = 6
    #expect(try difference(llama, changed) > 100 * Self.tolerance)
  }

  private func difference(_ model: GoldenModel, _ shape: ModelShape) throws -> Float {
    let rows = try ShardCluster(shape, weights: model.weights).logits(model.batch, model.tokens)
    return zip(rows, model.logits).reduce(0) { max($0, $1.0.largestDifference(to: $1.1)) }
  }
}
