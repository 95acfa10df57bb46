import Foundation
import TestSupport

/// Writes a GGUF model of 1.45 G random weights in Q6_K, 1.1 GiB: for measurements that need a file of
/// the size, and of the kernels, of a real model. Its text means nothing.
///
///     make-model FILE
@main
struct MakeModel {
  /// TinyLlama-1.1B's layers (its `config.json` on Hugging Face), 30 instead of 22 of them.
  static let layers = 30
  static let width = 2048
  static let keyValueWidth = 256
  static let feedForward = 5632
  static let vocabulary = 32000

  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      FileHandle.standardError.write(Data("usage: make-model FILE\n".utf8))
      exit(2)
    }
    var writer = GGUFWriter(metadata: [
      ("general.architecture", .string("llama")), ("general.name", .string("random-1.45b-q6_K")),
      ("llama.block_count", .uint32(UInt32(layers))),
      ("llama.embedding_length", .uint32(UInt32(width))),
      ("llama.feed_forward_length", .uint32(UInt32(feedForward))),
      ("llama.attention.head_count", .uint32(32)),
      ("llama.attention.head_count_kv", .uint32(4)),
      ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("llama.context_length", .uint32(2048)), ("llama.vocab_size", .uint32(UInt32(vocabulary))),
    ])
    var generator = SeededGenerator(seed: 1)
    // One row of random blocks, repeated: what is measured does not depend on the numbers. The blocks'
    // own scales reach 127 and their quants 32, so 1e-5 makes weights of about 0.01.
    func add(_ name: String, rows: Int, columns: Int) {
      let row = GGMLTypeCode.randomBytes(
        type: GGMLTypeCode.q6_K, elements: columns, magnitude: 1e-5, using: &generator)
      writer.add(
        name, rows: rows, columns: columns, type: GGMLTypeCode.q6_K,
        bytes: Array(repeatElement(row, count: rows).joined()))
    }
    func addNorm(_ name: String) {
      writer.add(name, float32: Array(repeating: 1, count: width))
    }
    add("token_embd.weight", rows: vocabulary, columns: width)
    for layer in 0..<layers {
      addNorm("blk.\(layer).attn_norm.weight")
      add("blk.\(layer).attn_q.weight", rows: width, columns: width)
      add("blk.\(layer).attn_k.weight", rows: keyValueWidth, columns: width)
      add("blk.\(layer).attn_v.weight", rows: keyValueWidth, columns: width)
      add("blk.\(layer).attn_output.weight", rows: width, columns: width)
      addNorm("blk.\(layer).ffn_norm.weight")
      add("blk.\(layer).ffn_gate.weight", rows: feedForward, columns: width)
      add("blk.\(layer).ffn_up.weight", rows: feedForward, columns: width)
      add("blk.\(layer).ffn_down.weight", rows: width, columns: feedForward)
    }
    addNorm("output_norm.weight")
    add("output.weight", rows: vocabulary, columns: width)
    try Data(writer.bytes()).write(to: URL(fileURLWithPath: CommandLine.arguments[1]))
  }
}
