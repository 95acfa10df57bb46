import Models
import Placement
import TestSupport
import Testing
import Transformer

@testable import ModelFiles

@Suite("A rank reads its slices of a file and nothing else")
struct OwnSlicesTests {
  @Test(
    "every byte outside a rank's slices is overwritten in its copy of the file, and no bit changes",
    arguments: ["llama-q4_1-gguf", "llama-q4_k_m-gguf", "llama-f16-gguf", "qwen2-f32-gguf"],
    [(2, 2), (1, 3), (1, 4), (2, 1)])
  func overwritten(name: String, parallel: (pipeline: Int, tensor: Int)) throws {
    let path = "\(GoldenFiles.folder)/models/\(name)/model.gguf"
    let file = try GGUFFile(FileBytes(mapping: path))
    let shape = try file.shape()
    let split = try Split(
      shape: shape, pipeline: parallel.pipeline, tensor: parallel.tensor)
    let tokens = prompt(9, vocabulary: shape.vocabulary)
    let untouched = try ShardCluster(
      shape, weights: GGUFModel(path: path), pipeline: split.pipeline, tensor: split.tensor
    ).logits(tokens, chunks: [4])

    let folder = TemporaryFolder()
    let bytes = try GoldenFiles.bytes("models/\(name)/model.gguf")
    let copies = try (0..<split.ranks).map { rank in
      // All ones: not a number in every format, as a weight or as a block's scale.
      var copy = [UInt8](repeating: 0xFF, count: bytes.count)
      copy.replaceSubrange(..<file.headerBytes, with: bytes[..<file.headerBytes])
      for range in Self.owned(split.slice(ofRank: rank), of: file, shape) {
        copy.replaceSubrange(range, with: bytes[range])
      }
      #expect(copy != bytes, "rank \(rank) owns everything")
      return try GGUFModel(path: folder.write(copy, to: "rank\(rank).gguf"))
    }
    let separate = try ShardCluster(split, weights: copies).logits(tokens, chunks: [4])
    #expect(separate.bits == untouched.bits)
    // The claim can fail: another rank's copy does not do.
    let swapped = try ShardCluster(split, weights: copies.reversed()).logits(tokens, chunks: [4])
    #expect(swapped.contains { !$0.isFinite } || swapped.bits != untouched.bits)
  }

  /// Byte ranges of the file that a slice may read.
  private static func owned(
    _ slice: ShardSlice, of file: GGUFFile, _ shape: ModelShape
  ) -> [Range<Int>] {
    file.tensors.flatMap { tensor -> [Range<Int>] in
      let width = tensor.dimensions[0]
      let rows = tensor.dimensions.count > 1 ? tensor.dimensions[1] : 1
      guard let part = part(tensor.name, slice, shape, rows: rows, columns: width) else {
        return []
      }
      let block = tensor.type.blockElements
      let rowBytes = width / block * tensor.type.blockBytes
      let first = part.columns.lowerBound / block * tensor.type.blockBytes
      let last = (part.columns.upperBound + block - 1) / block * tensor.type.blockBytes
      return part.rows.map { row in
        let start = tensor.range.lowerBound + row * rowBytes
        return start + first..<start + last
      }
    }
  }

  /// The rows and columns of a tensor that belong to a slice; `nil` for none.
  private static func part(
    _ name: String, _ slice: ShardSlice, _ shape: ModelShape, rows: Int, columns: Int
  ) -> (rows: Range<Int>, columns: Range<Int>)? {
    let (all, whole) = (0..<rows, 0..<columns)
    func heads(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound * shape.headSize..<range.upperBound * shape.headSize
    }
    switch name {
    case "rope_freqs.weight": return (all, whole)
    case "output_norm.weight": return slice.hasHead ? (all, whole) : nil
    case "output.weight": return slice.hasHead ? (slice.vocabulary, whole) : nil
    case "token_embd.weight":
      let reads = slice.hasEmbedding || slice.hasHead && shape.tiedHead
      return reads ? (slice.vocabulary, whole) : nil
    default: break
    }
    let parts = name.split(separator: ".")
    guard slice.layers.contains(Int(parts[1])!) else { return nil }
    switch parts[2...].joined(separator: ".") {
    case "attn_norm.weight", "ffn_norm.weight": return (all, whole)
    case "attn_q.weight": return (heads(slice.queryHeads), whole)
    case "attn_k.weight", "attn_v.weight": return (heads(slice.keyValueHeads), whole)
    case "attn_q.bias": return (all, heads(slice.queryHeads))
    case "attn_k.bias", "attn_v.bias": return (all, heads(slice.keyValueHeads))
    case "attn_output.weight": return (all, heads(slice.queryHeads))
    case "ffn_gate.weight", "ffn_up.weight": return (slice.feedForward, whole)
    case "ffn_down.weight": return (all, slice.feedForward)
    case let other: preconditionFailure("tensor \(other) in \(name)")
    }
  }
}
