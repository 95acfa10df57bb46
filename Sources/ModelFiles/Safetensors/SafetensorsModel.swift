import Models
import Tensors

/// A model in safetensors files, one or several, with the `config.json` beside them.
///
/// Opening reads headers only. Slices of rows are views of the mapped files; see `MappedFile`.
public struct SafetensorsModel: WeightSource, Sendable {
  /// The folder, or the single file.
  public let path: String
  /// What the model computes.
  public let shape: ModelShape
  /// Size of all safetensors files in bytes.
  public var totalBytes: Int { files.reduce(0) { $0 + $1.file.count } }
  let files: [SafetensorsFile]
  private let table: TensorTable

  /// Takes the tensors of `files` for a model of `shape`.
  init(path: String, shape: ModelShape, files: [SafetensorsFile]) throws(ModelFileError) {
    self.path = path
    self.shape = shape
    self.files = files
    table = try TensorTable(
      path: path, shape: shape, stored: files.flatMap(\.tensors), name: Self.name,
      ignored: { name in
        // Transformers computes these, or ties the head to the embedding, whatever the file says.
        name.hasSuffix(".rotary_emb.inv_freq") || (shape.tiedHead && name == "lm_head.weight")
      })
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

  /// What tensors are called in Hugging Face Transformers.
  @Sendable private static func name(_ tensor: WeightTensor) -> String {
    switch tensor {
    case .embedding: "model.embed_tokens.weight"
    case .finalNorm: "model.norm.weight"
    case .head: "lm_head.weight"
    case .layer(let layer, let tensor): "model.layers.\(layer).\(name(tensor))"
    }
  }

  private static func name(_ tensor: WeightTensor.LayerTensor) -> String {
    switch tensor {
    case .attentionNorm: "input_layernorm.weight"
    case .query: "self_attn.q_proj.weight"
    case .key: "self_attn.k_proj.weight"
    case .value: "self_attn.v_proj.weight"
    case .attentionOutput: "self_attn.o_proj.weight"
    case .queryBias: "self_attn.q_proj.bias"
    case .keyBias: "self_attn.k_proj.bias"
    case .valueBias: "self_attn.v_proj.bias"
    case .feedForwardNorm: "post_attention_layernorm.weight"
    case .gate: "mlp.gate_proj.weight"
    case .up: "mlp.up_proj.weight"
    case .down: "mlp.down_proj.weight"
    }
  }
}
