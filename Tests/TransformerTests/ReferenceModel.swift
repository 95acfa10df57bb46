import Foundation
import Models
import Tensors

/// A Llama-family forward pass written for reading, in double, over whole sequences.
///
/// It shares nothing with the module but the weights' float32 values: no cache, no slices, no kernels.
struct ReferenceModel {
  let shape: ModelShape
  private let tensors: [WeightTensor: [[Double]]]

  init(_ shape: ModelShape, weights: some WeightSource) throws {
    self.shape = shape
    var tensors: [WeightTensor: [[Double]]] = [:]
    func take(_ tensor: WeightTensor, _ rows: Int, _ columns: Int) throws {
      let matrix = try weights.matrix(
        tensor, shape: (rows, columns), rows: 0..<rows, columns: 0..<columns)
      tensors[tensor] = (0..<rows).map { row in
        var floats = [Float](repeating: .nan, count: columns)
        floats.withUnsafeMutableBufferPointer { matrix.expand(row: row, into: $0) }
        return floats.map(Double.init)
      }
    }
    func take(_ tensor: WeightTensor, _ count: Int) throws {
      let floats = try weights.vector(tensor, count: count, range: 0..<count)
      tensors[tensor] = [floats.map(Double.init)]
    }
    let (d, f) = (shape.width, shape.feedForwardWidth)
    let q = shape.queryHeads * shape.headSize
    let k = shape.keyValueHeads * shape.headSize
    try take(.embedding, shape.vocabulary, d)
    try take(.finalNorm, d)
    if !shape.tiedHead { try take(.head, shape.vocabulary, d) }
    for layer in 0..<shape.layers {
      try take(.layer(layer, .attentionNorm), d)
      try take(.layer(layer, .feedForwardNorm), d)
      try take(.layer(layer, .query), q, d)
      try take(.layer(layer, .key), k, d)
      try take(.layer(layer, .value), k, d)
      try take(.layer(layer, .attentionOutput), d, q)
      try take(.layer(layer, .gate), f, d)
      try take(.layer(layer, .up), f, d)
      try take(.layer(layer, .down), d, f)
      if shape.attentionBias {
        try take(.layer(layer, .queryBias), q)
        try take(.layer(layer, .keyBias), k)
        try take(.layer(layer, .valueBias), k)
      }
    }
    self.tensors = tensors
  }

  /// Logits after the last token.
  func logits(_ tokens: [Int32]) -> [Double] {
    var x = tokens.map { tensors[.embedding]![Int($0)] }
    for layer in 0..<shape.layers {
      func weight(_ tensor: WeightTensor.LayerTensor) -> [[Double]] {
        tensors[.layer(layer, tensor)]!
      }
      func project(
        _ tensor: WeightTensor.LayerTensor, bias: WeightTensor.LayerTensor, _ x: [Double]
      ) -> [Double] {
        let y = times(weight(tensor), x)
        return shape.attentionBias ? zip(y, weight(bias)[0]).map { $0 + $1 } : y
      }
      let normed = x.map { norm($0, weight(.attentionNorm)[0]) }
      let queries = normed.enumerated().map {
        rotate(project(.query, bias: .queryBias, $1), position: $0)
      }
      let keys = normed.enumerated().map {
        rotate(project(.key, bias: .keyBias, $1), position: $0)
      }
      let values = normed.map { project(.value, bias: .valueBias, $0) }
      for position in tokens.indices {
        let attended = attend(queries[position], keys, values, position)
        let output = times(weight(.attentionOutput), attended)
        x[position] = zip(x[position], output).map { $0 + $1 }
      }
      for position in tokens.indices {
        let normed = norm(x[position], weight(.feedForwardNorm)[0])
        let gate = times(weight(.gate), normed)
        let up = times(weight(.up), normed)
        let inner = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        x[position] = zip(x[position], times(weight(.down), inner)).map { $0 + $1 }
      }
    }
    let head = tensors[shape.tiedHead ? .embedding : .head]!
    return times(head, norm(x.last!, tensors[.finalNorm]![0]))
  }

  private func times(_ matrix: [[Double]], _ x: [Double]) -> [Double] {
    matrix.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  private func norm(_ x: [Double], _ weight: [Double]) -> [Double] {
    let square = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
    let factor = 1 / (square + Double(shape.normEpsilon)).squareRoot()
    return zip(x, weight).map { $0 * factor * $1 }
  }

  private func attend(
    _ query: [Double], _ keys: [[Double]], _ values: [[Double]], _ position: Int
  ) -> [Double] {
    let d = shape.headSize
    return (0..<shape.queryHeads).flatMap { head in
      let shared = head * shape.keyValueHeads / shape.queryHeads
      let seen = (0...position).filter { position - $0 < shape.slidingWindow ?? .max }
      let scores = seen.map { past in
        (0..<d).reduce(0) { $0 + query[head * d + $1] * keys[past][shared * d + $1] }
          / Double(d).squareRoot()
      }
      let top = scores.max()!
      let weights = scores.map { exp($0 - top) }
      let sum = weights.reduce(0, +)
      return (0..<d).map { i in
        zip(seen, weights).reduce(0) { $0 + $1.1 * values[$1.0][shared * d + i] } / sum
      }
    }
  }

  private func rotate(_ heads: [Double], position: Int) -> [Double] {
    let (d, half) = (shape.headSize, shape.headSize / 2)
    var result = heads
    for start in stride(from: 0, to: heads.count, by: d) {
      for pair in 0..<half {
        let (i, j) =
          shape.rotary.pairing == .halves
          ? (start + pair, start + pair + half) : (start + 2 * pair, start + 2 * pair + 1)
        let angle = Double(position) * frequency(pair)
        result[i] = heads[i] * cos(angle) - heads[j] * sin(angle)
        result[j] = heads[i] * sin(angle) + heads[j] * cos(angle)
      }
    }
    return result
  }

  private func frequency(_ pair: Int) -> Double {
    let plain = pow(Double(shape.rotary.base), -2 * Double(pair) / Double(shape.headSize))
    switch shape.rotary.scaling {
    case .none: return plain
    case .linear(let factor): return plain / Double(factor)
    case .factors(let factors): return plain / Double(factors[pair])
    case .llama3(let factor, let low, let high, let context):
      let turns = Double(context) * plain / (2 * .pi)
      let kept = min(1, max(0, (turns - Double(low)) / Double(high - low)))
      return plain * (kept + (1 - kept) / Double(factor))
    }
  }
}
