import Models
import Tensors

/// The tensors of a model by what they do, whatever format they were stored in.
///
/// It is made once, when a model is opened, and it is strict in both directions: a tensor that the
/// forward pass would not use is an error, since leaving it out would change the numbers.
struct TensorTable: WeightSource, Sendable {
  /// The file to name when a tensor is missing.
  let path: String
  /// What a tensor is called in this format.
  let name: @Sendable (WeightTensor) -> String
  /// Tensors by their name in the file.
  let tensors: [String: StoredTensor]

  /// Checks that all of `stored` are tensors of a model of this shape.
  ///
  /// `ignored` says which others may be there without changing the numbers. Throws
  /// `ModelFileError.unsupported` for the first that may not, and `.malformed` for one stored twice.
  init(
    path: String, shape: ModelShape, stored: [StoredTensor],
    name: @escaping @Sendable (WeightTensor) -> String, ignored: (String) -> Bool
  ) throws(ModelFileError) {
    var known: Set<String> = []
    for tensor in Self.tensors(of: shape).keys { known.insert(name(tensor)) }
    var tensors: [String: StoredTensor] = [:]
    for tensor in stored where !ignored(tensor.name) {
      guard known.contains(tensor.name) else {
        throw ModelFileError(
          .unsupported, file: tensor.file.path, subject: "tensor '\(tensor.name)'",
          offset: tensor.range.lowerBound,
          "a model of this architecture and of \(shape.layers) layers has no such tensor, "
            + "and leaving it out could change the numbers")
      }
      guard tensors.updateValue(tensor, forKey: tensor.name) == nil else {
        throw ModelFileError(
          .malformed, file: tensor.file.path, subject: "tensor '\(tensor.name)'",
          "the model has it twice")
      }
    }
    self.path = path
    self.name = name
    self.tensors = tensors
  }

  /// Every tensor that a model of this shape has, with its dimensions.
  static func tensors(of shape: ModelShape) -> [WeightTensor: [Int]] {
    let queries = shape.queryHeads * shape.headSize
    let keys = shape.keyValueHeads * shape.headSize
    var all: [WeightTensor: [Int]] = [
      .embedding: [shape.vocabulary, shape.width], .finalNorm: [shape.width],
    ]
    if !shape.tiedHead { all[.head] = [shape.vocabulary, shape.width] }
    for layer in 0..<shape.layers {
      for tensor in WeightTensor.LayerTensor.allCases {
        let dimensions: [Int]? =
          switch tensor {
          case .attentionNorm, .feedForwardNorm: [shape.width]
          case .query: [queries, shape.width]
          case .key, .value: [keys, shape.width]
          case .attentionOutput: [shape.width, queries]
          case .queryBias: shape.attentionBias ? [queries] : nil
          case .keyBias, .valueBias: shape.attentionBias ? [keys] : nil
          case .gate, .up: [shape.feedForwardWidth, shape.width]
          case .down: [shape.width, shape.feedForwardWidth]
          }
        all[.layer(layer, tensor)] = dimensions
      }
    }
    return all
  }

  /// Checks that every tensor of the model is there, in its shape and in a format that can be computed
  /// with. Reads headers only.
  func verify(_ shape: ModelShape) throws(ModelFileError) {
    // In order, so that the same file always gives the same error.
    let all = Self.tensors(of: shape).map { (name($0.key), $0.key, $0.value) }
    for (_, tensor, dimensions) in all.sorted(by: { $0.0 < $1.0 }) {
      _ = try find(tensor).check(shape: dimensions)
    }
  }

  func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws(ModelFileError) -> Matrix {
    try find(tensor).matrix(shape: shape, rows: rows, columns: columns)
  }

  func vector(
    _ tensor: WeightTensor, count: Int, range: Range<Int>
  ) throws(ModelFileError) -> [Float] {
    try find(tensor).vector(count: count, range: range)
  }

  private func find(_ tensor: WeightTensor) throws(ModelFileError) -> StoredTensor {
    let name = name(tensor)
    guard let stored = tensors[name] else {
      throw ModelFileError(
        .missing, file: path, subject: "tensor '\(name)'", "the model needs it")
    }
    return stored
  }
}
