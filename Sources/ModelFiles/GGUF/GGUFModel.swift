import Models
import Tensors

/// A model in a GGUF file: its shape and its weights.
///
/// Opening reads the header only. Slices of rows are views of the mapped file; see `MappedFile`.
public struct GGUFModel: WeightSource, Sendable {
  /// Path of the file.
  public var path: String { file.file.path }
  /// What the model computes.
  public let shape: ModelShape
  /// Size of the file in bytes.
  public var totalBytes: Int { file.file.count }
  let file: GGUFFile
  private let table: TensorTable

  /// Opens a GGUF v3 file.
  ///
  /// Throws `ModelFileError` when it is not one, is cut short, contradicts itself, or describes a model
  /// that is not computed here.
  public init(path: String) throws(ModelFileError) {
    try self.init(FileBytes(mapping: path))
  }

  init(_ bytes: FileBytes) throws(ModelFileError) {
    let file = try GGUFFile(bytes)
    // Tokens and merges were walked over; only a tokenizer needs them in memory again.
    bytes.release(0..<file.headerBytes)
    let shape = try file.shape()
    table = try TensorTable(
      path: bytes.path, shape: shape, stored: file.tensors.map { StoredTensor($0, file: bytes) },
      name: Self.name, ignored: { $0 == "rope_freqs.weight" })
    self.file = file
    self.shape = shape
  }

  /// A slice of a matrix, see `WeightSource`.
  public func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws(ModelFileError) -> Matrix {
    try table.matrix(tensor, shape: shape, rows: rows, columns: columns)
  }

  /// A range of a vector, see `WeightSource`.
  public func vector(
    _ tensor: WeightTensor, count: Int, range: Range<Int>
  ) throws(ModelFileError) -> [Float] {
    try table.vector(tensor, count: count, range: range)
  }

  /// Checks that every tensor of the model is there, in its shape and in a usable format.
  ///
  /// Throws `ModelFileError` with the first, in order of names, that is not. Reads no weights.
  public func verifyTensors() throws(ModelFileError) { try table.verify(shape) }

  /// What tensors are called in GGUF.
  @Sendable private static func name(_ tensor: WeightTensor) -> String {
    switch tensor {
    case .embedding: "token_embd.weight"
    case .finalNorm: "output_norm.weight"
    case .head: "output.weight"
    case .layer(let layer, let tensor): "blk.\(layer).\(name(tensor))"
    }
  }

  private static func name(_ tensor: WeightTensor.LayerTensor) -> String {
    switch tensor {
    case .attentionNorm: "attn_norm.weight"
    case .query: "attn_q.weight"
    case .key: "attn_k.weight"
    case .value: "attn_v.weight"
    case .attentionOutput: "attn_output.weight"
    case .queryBias: "attn_q.bias"
    case .keyBias: "attn_k.bias"
    case .valueBias: "attn_v.bias"
    case .feedForwardNorm: "ffn_norm.weight"
    case .gate: "ffn_gate.weight"
    case .up: "ffn_up.weight"
    case .down: "ffn_down.weight"
    }
  }
}

extension StoredTensor {
  /// A tensor of a GGUF file, whose dimensions are fastest first.
  init(_ tensor: GGUFFile.Tensor, file: FileBytes) {
    self.init(
      name: tensor.name, dimensions: tensor.dimensions.reversed(), typeName: tensor.type.name,
      type: tensor.type.elementType, file: file, range: tensor.range)
  }
}
