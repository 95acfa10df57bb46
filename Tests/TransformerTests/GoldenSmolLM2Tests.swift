import FoundationEssentials
import ModelFiles
import Models
import Testing
import Transformer

private let modelPath = ProcessInfo.processInfo.environment["WAFER_SMOLLM2"]

/// A trained model against Hugging Face Transformers; see `Tests/Golden/make_smollm2.py`, which also says
/// how to get the file. It is too large to commit: the variable `WAFER_SMOLLM2` names it.
@Suite(
  "SmolLM2-135M agrees with Transformers",
  .enabled(if: modelPath != nil, "WAFER_SMOLLM2 does not name SmolLM2-135M-Instruct.Q4_1.gguf"),
  .serialized)
struct GoldenSmolLM2Tests {
  struct Reference: Decodable {
    let text: String
    let prompt: [Int32]
    /// The tokens after the prompt.
    let greedy: [Int32]
    /// The 20 largest logits after each token of `inputs`: [id, logit], largest first.
    let best: [[[Double]]]

    /// Prompt and greedy tokens but the last.
    var inputs: [Int32] { prompt + greedy.dropLast() }
  }

  /// The bound that the project promises. Logits reach 30; the largest difference seen is 4.0e-5 from
  /// Transformers, and 4.5e-5 from 1 × 1.
  static let tolerance: Float = 2e-3

  /// 1 × 1, one sequence at a time, in chunks of 5: what all others are held against, made once.
  static let whole = Result {
    let references: [Reference] = try Golden.decode("smollm2.json")
    let path = try #require(modelPath)
    let file = try ModelFile.open(path)
    let weights = try #require(file.weights)
    let rows = try references.map { reference in
      try ShardCluster(file.shape, weights: weights, sequences: 5)
        .logitsAfterEach(reference.inputs, chunk: 5)
    }
    return (references: references, file: file, rows: rows)
  }

  /// The tokens of both prompts go in one batch, one by one. Each is the reference's: as long as every
  /// likeliest token is the next input, this is greedy decoding.
  @Test(
    "20 largest logits after every token, greedy tokens, and the bits of 1 × 1 under PP alone",
    arguments: [
      (1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (1, 5), (1, 9), (2, 2), (5, 3), (30, 1),
    ])
  func agree(pipeline: Int, tensor: Int) throws {
    let (references, file, whole) = try Self.whole.get()
    let weights = try #require(file.weights)
    let cluster = try ShardCluster(
      file.shape, weights: weights, pipeline: pipeline, tensor: tensor,
      sequences: references.count)
    for position in 0..<references.map(\.inputs.count).max()! {
      let present = references.indices.filter { position < references[$0].inputs.count }
      let rows = cluster.logits(
        Batch(
          entries: present.map {
            Batch.Entry(sequence: $0, start: position, count: 1, samples: true)
          }),
        present.map { references[$0].inputs[position] })
      for (row, index) in zip(rows, present) {
        compare(row, references[index], position: position)
        let difference = worstDifference(row, whole[index][position])
        if tensor == 1 {
          #expect(sameBits(row, whole[index][position]), "position \(position)")
        } else {
          #expect(difference < Self.tolerance, "position \(position)")
        }
      }
    }
  }

  @Test("the reference run itself, in chunks of 5")
  func chunks() throws {
    let (references, _, whole) = try Self.whole.get()
    for (reference, rows) in zip(references, whole) {
      for (position, row) in rows.enumerated() { compare(row, reference, position: position) }
    }
  }

  private func compare(_ row: [Float], _ reference: Reference, position: Int) {
    let place: Comment = "\(reference.text), position \(position)"
    #expect(row.count == 49152)
    let best = reference.best[position]
    let worst = worstDifference(best.map { row[Int($0[0])] }, best.map { Float($0[1]) })
    #expect(worst < Self.tolerance, place)
    let next = position + 1 - reference.prompt.count
    if next >= 0 {
      #expect(row.firstIndex(of: row.max()!) == Int(reference.greedy[next]), place)
    }
  }

  @Test("the tokenizer in the file makes the reference's tokens")
  func tokens() throws {
    let (references, file, _) = try Self.whole.get()
    let tokenizer = try #require(try file.tokenizer())
    for reference in references {
      let ids = tokenizer.encode(reference.text).map(Int32.init)
      #expect(ids == reference.prompt)
    }
  }
}
