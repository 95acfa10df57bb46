import FoundationEssentials
import ModelFiles
import Models
import Tensors
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The real file of the demo, where the environment variable `WAFER_SMOLLM2` has its path, against
/// what Hugging Face Transformers computes of it in float32 (`Tests/Golden/make_smollm2.py` says where
/// the file comes from).
@Suite(
  "SmolLM2-135M computes what Hugging Face Transformers computes",
  .enabled(if: SmolLM2.path != nil, "set WAFER_SMOLLM2 to the path of the GGUF file"), .serialized)
struct SmolLM2Tests {
  /// Largest difference of a logit. Both sides compute in float32 and differ in the order of sums; 4e-5 is
  /// what was seen, of logits that reach 35.
  static let tolerance: Float = 2e-4

  static let splits: [(Int, Int)] = [
    (1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (1, 5), (1, 9), (2, 2), (5, 3), (30, 1),
  ]

  @Test(
    "the largest logits of every position and the greedy tokens, at every split", arguments: splits)
  func logits(pipeline: Int, tensor: Int) throws {
    let (model, prompts) = try SmolLM2.load()
    for prompt in prompts {
      let cluster = try ShardCluster(
        model.shape, weights: model.weights!, pipeline: pipeline, tensor: tensor)
      let last = prompt.prompt.count - 1
      let row = cluster.logits(prompt.prompt, chunks: [prompt.prompt.count])
      #expect(prompt.positions[0].difference(to: row) <= Self.tolerance, "after \(prompt.text)")
      let batch = Batch(
        entries: prompt.greedy.dropLast().indices.map {
          Batch.Entry(sequence: 0, start: last + 1 + $0, count: 1, samples: true)
        })
      // Every token sees the reference's, so that all positions are compared whatever comes out.
      let rows = cluster.logits(batch, prompt.greedy.dropLast())
      for (index, (row, expected)) in zip(rows, prompt.positions.dropFirst()).enumerated() {
        #expect(expected.difference(to: row) <= Self.tolerance, "token \(index) of \(prompt.text)")
      }
      let greedy = ([row] + rows).map { $0.indexOfLargest }
      #expect(greedy == prompt.greedy.map(Int.init))
    }
  }

  @Test("the tokenizer turns the greedy tokens into the reference's text")
  func decoded() throws {
    let (model, prompts) = try SmolLM2.load()
    let tokenizer = try #require(try model.tokenizer())
    for prompt in prompts {
      #expect(tokenizer.encode(prompt.text).map(Int32.init) == prompt.prompt)
      #expect(tokenizer.decode(prompt.greedy.map(Int.init)) == prompt.continuation)
    }
  }

  @Test("stages, chunks and a neighbour in the batch do not change a bit of the logits")
  func invariance() throws {
    let (model, prompts) = try SmolLM2.load()
    func cluster(_ pipeline: Int) throws -> ShardCluster {
      try ShardCluster(model.shape, weights: model.weights!, pipeline: pipeline, sequences: 2)
    }
    let (a, b) = (prompts[0].prompt, prompts[1].prompt)
    let whole = try cluster(1).logits(a, chunks: [a.count]).bits
    for pipeline in [2, 3, 30] {
      #expect(try cluster(pipeline).logits(a, chunks: [a.count]).bits == whole)
    }
    for chunk in 1...3 { #expect(try cluster(1).logits(a, chunks: [chunk]).bits == whole) }
    let both = Batch(entries: [
      .init(sequence: 1, start: 0, count: b.count, samples: true),
      .init(sequence: 0, start: 0, count: a.count, samples: true),
    ])
    #expect(try cluster(2).logits(both, b + a)[1].bits == whole)
  }

  @Test("reduced precision keeps the likeliest token, near the reference's logits")
  func reduced() throws {
    let (model, prompts) = try SmolLM2.load()
    for prompt in prompts {
      let cluster = try ShardCluster(model.shape, weights: model.weights!, precision: .reduced)
      let row = cluster.logits(prompt.prompt, chunks: [prompt.prompt.count])
      #expect(row.indexOfLargest == prompt.positions[0].ids[0])
      #expect(prompt.positions[0].difference(to: row) < 1)
    }
  }
}

/// The file and its fixture.
enum SmolLM2 {
  static let path = getenv("WAFER_SMOLLM2").map { String(cString: $0) }

  struct Prompt: Decodable {
    let text: String
    let prompt: [Int32]
    let greedy: [Int32]
    let continuation: String
    /// One a greedy token: the position it was chosen at.
    let positions: [Position]
  }

  /// The largest logits of a position.
  struct Position: Decodable {
    let ids: [Int]
    let logits: [Float]

    /// Largest difference over these logits.
    func difference(to row: [Float]) -> Float {
      zip(ids, logits).reduce(0) { max($0, abs(row[$1.0] - $1.1)) }
    }
  }

  static func load() throws -> (ModelFile, [Prompt]) {
    let prompts = try JSONDecoder().decode(
      [Prompt].self, from: Data(GoldenFiles.bytes("smollm2/expected.json")))
    return (try ModelFile.open(path!), prompts)
  }
}

extension [Float] {
  /// Of equal ones the first.
  var indexOfLargest: Int { indices.max { self[$0] < self[$1] }! }
}
