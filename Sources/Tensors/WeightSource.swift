/// Where a shard's weights come from: a GGUF file, safetensors files, or a seeded generator.
///
/// A shard asks only for its own slices, so that a source can leave everything else untouched.
/// Shapes are [outputs, inputs].
public protocol WeightSource {
  /// The rows and columns of a matrix.
  ///
  /// Throws when the model has no such tensor, or its shape is not `shape`.
  func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws -> Matrix

  /// A range of a vector (norm weights, biases), as float32.
  ///
  /// Throws when the model has no such tensor, or its length is not `count`.
  func vector(_ tensor: WeightTensor, count: Int, range: Range<Int>) throws -> [Float]
}

/// A weight tensor of a Llama-family model, named by what it does.
public enum WeightTensor: Hashable, Sendable {
  /// [V, D]
  case embedding
  /// [D]
  case finalNorm
  /// [V, D]; a tied model has none and uses `embedding`.
  case head
  case layer(Int, LayerTensor)

  /// The tensors of one layer.
  public enum LayerTensor: Hashable, Sendable, CaseIterable {
    /// [D]
    case attentionNorm
    /// [H·d, D]
    case query
    /// [K·d, D]
    case key, value
    /// [D, H·d]
    case attentionOutput
    /// [H·d]
    case queryBias
    /// [K·d]
    case keyBias, valueBias
    /// [D]
    case feedForwardNorm
    /// [F, D]
    case gate, up
    /// [D, F]
    case down
  }
}
