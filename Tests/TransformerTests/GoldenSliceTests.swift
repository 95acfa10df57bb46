import ModelFiles
import Models
import Placement
import TestSupport
import Testing
import Transformer

/// What lies in a file outside a rank's slices has no say in what the rank computes.
///
/// Each rank gets a copy of the model in which only the header and its own slices are left, and every
/// other byte is 0xFF: not a number in every format. Where slices lie is worked out here from
/// `layout.json`, which the formats' own libraries wrote, not from our loader.
@Suite("A rank computes from its own slices alone")
struct GoldenSliceTests {
  static let models = [
    // Two and three shards cut blocks of 32 and of 256.
    GoldenModel("llama-q4_1", "model.gguf"), GoldenModel("llama-k-quants", "model.gguf"),
    // Biases and a tied head; three files.
    GoldenModel("qwen2"), GoldenModel("llama-bf16"),
  ]

  @Test(
    "with garbage in every other byte, every rank's results keep their bits",
    arguments: models, [(2, 2), (1, 3)])
  func garbage(model: GoldenModel, split: (pipeline: Int, tensor: Int)) throws {
    let shape = try model.open().shape
    let split = try Split(shape: shape, pipeline: split.pipeline, tensor: split.tensor)
    let files = try MaskedFiles(model)
    for rank in 0..<split.ranks {
      let slice = split.slice(ofRank: rank)
      let kept = files.ranges(of: slice, shape: shape)
      let expected = try results(slice, model.path)
      #expect(expected.allSatisfy { $0.isFinite }, "rank \(rank)")
      let copy = TemporaryFolder()
      let overwritten = files.write(to: copy, keeping: kept)
      #expect(overwritten > files.totalBytes / 3, "rank \(rank): \(overwritten) bytes")
      let found = try results(slice, model.file.map { "\(copy.path)/\($0)" } ?? copy.path)
      #expect(sameBits(found, expected), "rank \(rank)")
    }
  }

  /// So that the test above can fail: the ranges that are kept are not too wide.
  @Test("every tensor of a rank's slices matters", arguments: models)
  func needed(model: GoldenModel) throws {
    let shape = try model.open().shape
    let split = try Split(shape: shape, pipeline: 2, tensor: 2)
    let files = try MaskedFiles(model)
    for rank in [1, 2] {
      let slice = split.slice(ofRank: rank)
      let kept = files.ranges(of: slice, shape: shape)
      let expected = try results(slice, model.path)
      for tensor in kept.keys.sorted() where tensor != "rope_freqs.weight" {
        var fewer = kept
        fewer[tensor]!.removeFirst()
        let copy = TemporaryFolder()
        files.write(to: copy, keeping: fewer)
        let found = try results(slice, model.file.map { "\(copy.path)/\($0)" } ?? copy.path)
        #expect(!sameBits(found, expected), "rank \(rank), \(tensor)")
      }
    }
  }

  /// Everything that a rank computes of a batch, from seeded residuals.
  private func results(_ slice: ShardSlice, _ path: String) throws -> [Float] {
    let file = try ModelFile.open(path)
    let shape = file.shape
    // The first and the last row of the slice, and some that are not in it.
    let tokens = [0, slice.vocabulary.lowerBound, slice.vocabulary.upperBound - 1, 7, 50]
      .map(Int32.init)
    let weights = try #require(file.weights)
    let shard = try Shard(
      shape: shape, slice: slice, weights: weights,
      cache: CacheBounds(sequences: 1, positions: tokens.count), maximumTokens: tokens.count)
    let batch = Batch(entries: [
      .init(sequence: 0, start: 0, count: tokens.count, samples: true)
    ])
    var generator = SeededGenerator(seed: 5)
    let size = tokens.count * shape.width
    let residual = (0..<size).map { _ in Float.random(in: -1...1, using: &generator) }
    var all: [Float] = []
    func add(
      _ count: Int,
      _ verb: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
      var output = [Float](repeating: .nan, count: count)
      output.withUnsafeMutableBufferPointer { output in
        residual.withUnsafeBufferPointer { verb($0, output) }
      }
      all += output
    }
    if slice.hasEmbedding {
      add(size) { _, output in
        tokens.withUnsafeBufferPointer { shard.embed($0, into: output) }
      }
    }
    for layer in slice.layers {
      add(size) { shard.attention(layer: layer, batch: batch, residual: $0, into: $1) }
      add(size) { shard.feedForward(layer: layer, batch: batch, residual: $0, into: $1) }
    }
    if slice.hasHead {
      add(slice.vocabulary.count) { shard.head(batch: batch, residual: $0, into: $1) }
    }
    return all
  }
}

/// The files of a model, and copies of them with holes.
private struct MaskedFiles {
  let tensors: [GoldenModel.PlacedTensor]
  /// Files with weights, by name.
  let weights: [String: [UInt8]]
  /// Files without, by name.
  let others: [String: [UInt8]]
  var totalBytes: Int { weights.values.reduce(0) { $0 + $1.count } }

  init(_ model: GoldenModel) throws {
    tensors = try model.layout()
    let names = Set(tensors.map(\.file))
    func read(_ names: some Sequence<String>) throws -> [String: [UInt8]] {
      try Dictionary(
        uniqueKeysWithValues: names.map { ($0, try Golden.bytes("\(model.folder)/\($0)")) })
    }
    weights = try read(names)
    if model.file != nil {
      others = [:]
    } else {
      others = try read(
        names.count == 1 ? ["config.json"] : ["config.json", "model.safetensors.index.json"])
    }
  }

  /// The bytes that a rank needs, by tensor, in the tensor's file.
  func ranges(of slice: ShardSlice, shape: ModelShape) -> [String: [Range<Int>]] {
    var ranges: [String: [Range<Int>]] = [:]
    for tensor in tensors {
      guard let need = slice.need(tensor, shape: shape) else { continue }
      let columns = tensor.shape.count == 2 ? tensor.shape[1] : 1
      let rowBytes = columns / tensor.blockElements * tensor.blockBytes
      let first = need.columns.lowerBound / tensor.blockElements * tensor.blockBytes
      let last = (need.columns.upperBound - 1) / tensor.blockElements + 1
      ranges[tensor.name] = need.rows.map { row in
        let start = tensor.offset + row * rowBytes
        return start + first..<start + last * tensor.blockBytes
      }
    }
    return ranges
  }

  /// Writes the files, with 0xFF in place of all but headers and the given ranges.
  ///
  /// Gives how many bytes that are.
  @discardableResult
  func write(to folder: borrowing TemporaryFolder, keeping kept: [String: [Range<Int>]]) -> Int {
    var overwritten = 0
    for (name, bytes) in weights {
      let here = tensors.filter { $0.file == name }
      let header = here.map(\.offset).min()!
      var copy = [UInt8](repeating: 0xFF, count: bytes.count)
      var left = header
      copy.withUnsafeMutableBytes { copy in
        bytes.withUnsafeBytes { bytes in
          func keep(_ range: Range<Int>) {
            UnsafeMutableRawBufferPointer(rebasing: copy[range]).copyMemory(
              from: UnsafeRawBufferPointer(rebasing: bytes[range]))
          }
          keep(0..<header)
          for range in here.flatMap({ kept[$0.name] ?? [] }) {
            keep(range)
            left += range.count
          }
        }
      }
      overwritten += bytes.count - left
      folder.write(copy, to: name)
    }
    for (name, bytes) in others { folder.write(bytes, to: name) }
    return overwritten
  }
}

extension ShardSlice {
  /// The rows and columns of a tensor that the rank needs, by DESIGN section 5; `nil` for none.
  ///
  /// Elements of a vector are its rows. Names are those of both formats.
  fileprivate func need(
    _ tensor: GoldenModel.PlacedTensor, shape: ModelShape
  ) -> (rows: Range<Int>, columns: Range<Int>)? {
    let allRows = 0..<tensor.shape[0]
    let allColumns = 0..<(tensor.shape.count == 2 ? tensor.shape[1] : 1)
    let words = tensor.name.split(separator: ".").map(String.init)
    switch words.dropLast().last {
    case "rope_freqs": return (allRows, allColumns)
    case "token_embd", "embed_tokens":
      return hasEmbedding || hasHead && shape.tiedHead ? (vocabulary, allColumns) : nil
    case "output", "lm_head": return hasHead ? (vocabulary, allColumns) : nil
    case "output_norm", "norm": return hasHead ? (allRows, allColumns) : nil
    default: break
    }
    guard let layer = words.lazy.compactMap({ Int($0) }).first, layers.contains(layer) else {
      return nil
    }
    func heads(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound * shape.headSize..<range.upperBound * shape.headSize
    }
    switch words[words.count - 2] {
    case "attn_q", "q_proj": return (heads(queryHeads), allColumns)
    case "attn_k", "k_proj", "attn_v", "v_proj": return (heads(keyValueHeads), allColumns)
    case "attn_output", "o_proj": return (allRows, heads(queryHeads))
    case "ffn_gate", "gate_proj", "ffn_up", "up_proj": return (feedForward, allColumns)
    case "ffn_down", "down_proj": return (allRows, feedForward)
    case "attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm":
      return (allRows, allColumns)
    default: preconditionFailure("no rule for tensor \(tensor.name)")
    }
  }
}
