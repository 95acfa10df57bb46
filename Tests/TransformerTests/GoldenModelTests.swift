import ModelFiles
import Models
import Testing
import Transformer

/// Whole models against Hugging Face Transformers; see `Tests/Golden/make_models.py`.
@Suite("Small models of every kind agree with Transformers")
struct GoldenModelTests {
  static let models = [
    // Grouped queries, a head of its own, Llama 3's RoPE scaling.
    GoldenModel("llama"), GoldenModel("llama", "model.gguf"),
    // The same in bfloat16, in three files with an index, with Transformers 4's configuration.
    GoldenModel("llama-bf16"),
    GoldenModel("llama-q8_0", "model.gguf"), GoldenModel("llama-q4_0", "model.gguf"),
    GoldenModel("llama-q4_1", "model.gguf"), GoldenModel("llama-k-quants", "model.gguf"),
    // Biases and a tied head; the GGUF in float16.
    GoldenModel("qwen2"), GoldenModel("qwen2", "model.gguf"),
    // A window of 7 tokens, the prompt has 21.
    GoldenModel("mistral"),
  ]
  /// All models have 2 KV heads: with 3 and 4 shards some hold the same ones.
  static let splits = [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 4)]

  /// Of the largest logit. float32 keeps 6e-8 of a number; a logit is behind some thousand roundings,
  /// in another order than torch's, of which most cancel: the largest difference seen is 8.5e-7.
  /// The generator makes sure that mistakes (an epsilon, a frequency, a bias) move a logit by 1e-3 and more.
  static let tolerance: Float = 1e-5

  @Test(
    "logits after every token, however the prompt is cut, and greedy tokens",
    arguments: models, splits)
  func agree(model: GoldenModel, split: (pipeline: Int, tensor: Int)) throws {
    let file = try model.open()
    let weights = try #require(file.weights)
    let reference = try model.reference()
    let count = reference.prompt.count
    let vocabulary = file.shape.vocabulary
    #expect(reference.logits.values.count == count * vocabulary)
    let scale = reference.logits.values.reduce(0) { max($0, abs($1)) }

    let cluster = try ShardCluster(
      file.shape, weights: weights, pipeline: split.pipeline, tensor: split.tensor, sequences: 3)
    let rows = cluster.logitsAfterEach(reference.prompt, chunk: 3)
    for (position, row) in rows.enumerated() {
      let expected = reference.logits.values[position * vocabulary..<(position + 1) * vocabulary]
      let difference = worstDifference(row, expected)
      #expect(row.count == vocabulary && difference < Self.tolerance * scale, "token \(position)")
    }
    for (row, same) in zip(cluster.logitsAfterEach(reference.prompt, chunk: 1), rows) {
      #expect(sameBits(row, same), "token by token")
    }
    let last = cluster.logits(reference.prompt, chunks: [count])
    #expect(sameBits(last, rows[count - 1]), "in one chunk")
    #expect(cluster.greedy(reference.prompt, count: reference.greedy.count) == reference.greedy)
  }
}

extension ShardCluster {
  /// Logits after each token of a prompt that is read in chunks.
  ///
  /// Only the end of a chunk is sampled, so the prompt is read by `chunk` sequences, whose first chunks
  /// have 1, 2, … tokens.
  func logitsAfterEach(_ tokens: [Int32], chunk: Int) -> [[Float]] {
    var rows = [[Float]](repeating: [], count: tokens.count)
    for sequence in 0..<chunk {
      var (start, count) = (0, sequence + 1)
      while start + count <= tokens.count {
        let entry = Batch.Entry(sequence: sequence, start: start, count: count, samples: true)
        let end = start + count
        rows[end - 1] = logits(Batch(entries: [entry]), Array(tokens[start..<end]))[0]
        (start, count) = (end, chunk)
      }
    }
    return rows
  }
}
