import Models
import Tensors

extension WeightTensor {
  /// What tells the tensor apart in a synthetic model. Numbers are part of what a seed means: they do not
  /// change.
  var number: (tensor: UInt64, layer: UInt64) {
    switch self {
    case .embedding: (0, 0)
    case .finalNorm: (1, 0)
    case .head: (2, 0)
    case .layer(let layer, let tensor): (tensor.number, UInt64(layer))
    }
  }

  /// Whether its values scale a normed vector.
  var isNorm: Bool {
    switch self {
    case .finalNorm, .layer(_, .attentionNorm), .layer(_, .feedForwardNorm): true
    default: false
    }
  }

  /// [outputs, inputs] or [count] in a model of this shape; `nil` when it has no such tensor.
  func dimensions(in shape: ModelShape) -> [Int]? {
    let queries = shape.queryHeads * shape.headSize
    let keys = shape.keyValueHeads * shape.headSize
    switch self {
    case .embedding: return [shape.vocabulary, shape.width]
    case .finalNorm: return [shape.width]
    case .head: return shape.tiedHead ? nil : [shape.vocabulary, shape.width]
    case .layer(let layer, let tensor):
      guard 0..<shape.layers ~= layer else { return nil }
      switch tensor {
      case .attentionNorm, .feedForwardNorm: return [shape.width]
      case .query: return [queries, shape.width]
      case .key, .value: return [keys, shape.width]
      case .attentionOutput: return [shape.width, queries]
      case .queryBias: return shape.attentionBias ? [queries] : nil
      case .keyBias, .valueBias: return shape.attentionBias ? [keys] : nil
      case .gate, .up: return [shape.feedForwardWidth, shape.width]
      case .down: return [shape.width, shape.feedForwardWidth]
      }
    }
  }
}

extension WeightTensor.LayerTensor {
  fileprivate var number: UInt64 {
    switch self {
    case .attentionNorm: 3
    case .query: 4
    case .key: 5
    case .value: 6
    case .attentionOutput: 7
    case .queryBias: 8
    case .keyBias: 9
    case .valueBias: 10
    case .feedForwardNorm: 11
    case .gate: 12
    case .up: 13
    case .down: 14
    }
  }
}
