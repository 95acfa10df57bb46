import FoundationEssentials
import ModelFiles
import Models
import Tensors

/// A small model of `Tests/Golden/models` and what Hugging Face Transformers computes of it;
/// `make_models.py` there says how.
struct GoldenModel {
  let shape: ModelShape
  let weights: any WeightSource & Sendable
  let prompt: [Int32]
  /// The greedy tokens that follow the prompt.
  let greedy: [Int32]
  /// Next-token logits of every position of prompt and greedy tokens but the last. [positions][V]
  let logits: [[Float]]

  /// Every token whose logits are known: the prompt and all greedy tokens but the last.
  var tokens: [Int32] { prompt + greedy.dropLast() }

  static let names = [
    "llama-f32", "llama-bf16-sharded", "llama-f16-gguf", "llama-q8_0-gguf", "llama-q4_1-gguf",
    "llama-q4_k_m-gguf", "qwen2-f16", "qwen2-f32-gguf", "qwen2-q4_0-gguf", "mistral-bf16",
  ]

  init(_ name: String) throws {
    let folder = "\(GoldenFiles.folder)/models/\(name)"
    let path = name.hasSuffix("gguf") ? "\(folder)/model.gguf" : folder
    let file = try ModelFile.open(path)
    try file.verifyTensors()
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(GoldenFiles.bytes("models/\(name)/expected.json")))
    let floats = try GoldenFiles.floats("models/\(name)/logits.f32")
    shape = file.shape
    weights = file.weights!
    (prompt, greedy) = (expected.prompt, expected.greedy)
    let vocabulary = shape.vocabulary
    logits = stride(from: 0, to: floats.count, by: vocabulary).map {
      Array(floats[$0..<$0 + vocabulary])
    }
    precondition(logits.count == prompt.count + greedy.count - 1, "\(logits.count) rows in \(name)")
  }

  private struct Expected: Decodable {
    let prompt: [Int32]
    let greedy: [Int32]
  }

  /// Every pipeline-parallel and tensor-parallel size up to three stages and all query heads.
  var splits: [(pipeline: Int, tensor: Int)] {
    (1...min(3, shape.layers)).flatMap { pipeline in
      (1...shape.queryHeads).map { (pipeline, $0) }
    }
  }

  /// All of `tokens` in one batch, each an output of its own.
  var batch: Batch {
    Batch(
      entries: tokens.indices.map { Batch.Entry(sequence: 0, start: $0, count: 1, samples: true) })
  }
}

/// Fixtures beside the tests.
enum GoldenFiles {
  static let folder: String = {
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(tests)/Golden"
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
  }

  /// Little-endian float32.
  static func floats(_ name: String) throws -> [Float] {
    let bytes = try bytes(name)
    return bytes.withUnsafeBytes { buffer in
      (0..<bytes.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: buffer.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
  }
}
