import CKernels
import Models
import Tensors

/// Seeded weights of any shape, that need no file: the embedded default.
///
/// A weight is a function of (seed, tensor, row, column), so a shard makes its own slices and nothing
/// else, and slices are the same however the model is cut. `wafer_synthetic.h` says which function.
///
/// Matrices are uniform with mean 0 and variance 1 / inputs, which keeps activations near 1 from layer
/// to layer. A tied embedding has a sixteenth of that variance: it would else be so much of the last
/// residual that the likeliest token after any is the same again. Norm weights are 0.9 … 1.1, biases
/// −0.1 … 0.1.
public struct SyntheticWeights: WeightSource, Sendable {
  /// What the numbers are made from.
  public let seed: UInt64
  /// The model whose tensors there are.
  public let shape: ModelShape
  /// How matrices are stored.
  public let type: ElementType

  /// The types that weights can be made in. The K-quants have no simple quantiser.
  public static let types: [ElementType] = [.float32, .float16, .bfloat16, .q8_0, .q4_0, .q4_1]

  /// Weights of a model. None is made before it is asked for.
  ///
  /// - Parameter type: one of `types`.
  public init(seed: UInt64, shape: ModelShape, type: ElementType = .bfloat16) {
    precondition(Self.types.contains(type), "synthetic weights of type \(type)")
    self.seed = seed
    self.shape = shape
    self.type = type
  }

  /// Makes the rows, with whole blocks around the columns.
  ///
  /// Throws when the model has no such tensor, or its shape is not `shape`.
  public func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws(SyntheticWeightsError) -> Matrix {
    try check(tensor, [shape.rows, shape.columns])
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= shape.rows && columns.lowerBound >= 0
        && columns.upperBound <= shape.columns, "rows \(rows), columns \(columns) of \(shape)")
    let block = type.blockElements
    let first = columns.lowerBound / block * block
    let end = (columns.upperBound + block - 1) / block * block
    let rowBytes = type.bytes(elements: end - first)
    let memory = OwnedBytes(count: rows.count * rowBytes)
    // Uniform on ±s has variance s²/3.
    let isTied = tensor == .embedding && self.shape.tiedHead
    let scale = (3 / Float(shape.columns)).squareRoot() * (isTied ? 0.25 : 1)
    for (index, row) in rows.enumerated() {
      fill(
        tensor, type, row: row, columns: first..<end, scale: scale,
        into: memory.bytes.baseAddress! + index * rowBytes)
    }
    return Matrix(
      type: type, rows: rows.count, columns: columns.count, leading: columns.lowerBound - first,
      storedColumns: end - first, rowBytes: rowBytes, storage: memory.storage)
  }

  /// Makes a range of a vector.
  ///
  /// Throws when the model has no such tensor, or its length is not `count`.
  public func vector(
    _ tensor: WeightTensor, count: Int, range: Range<Int>
  ) throws(SyntheticWeightsError) -> [Float] {
    try check(tensor, [count])
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
    let center: Float = tensor.isNorm ? 1 : 0
    return [Float](unsafeUninitializedCapacity: range.count) { floats, initialized in
      if let start = floats.baseAddress {
        fill(tensor, .float32, row: 0, columns: range, scale: 0.1, into: start)
      }
      for index in 0..<range.count { floats[index] += center }
      initialized = range.count
    }
  }

  private func fill(
    _ tensor: WeightTensor, _ type: ElementType, row: Int, columns: Range<Int>, scale: Float,
    into memory: UnsafeMutableRawPointer
  ) {
    let made = wk_synthetic(
      type.kernels, key(tensor), row, columns.lowerBound, columns.count, scale, memory)
    precondition(made == 1, "synthetic weights of type \(type)")
  }

  /// What keys the tensor's numbers: mix(mix(mix(seed) ^ number) ^ layer).
  private func key(_ tensor: WeightTensor) -> UInt64 {
    let (number, layer) = tensor.number
    return Mixing.mix(seed, number, layer)
  }

  private func check(_ tensor: WeightTensor, _ asked: [Int]) throws(SyntheticWeightsError) {
    guard let dimensions = tensor.dimensions(in: shape) else {
      throw SyntheticWeightsError(tensor: tensor, model: shape.name, dimensions: nil, asked: asked)
    }
    guard dimensions == asked else {
      throw SyntheticWeightsError(
        tensor: tensor, model: shape.name, dimensions: dimensions, asked: asked)
    }
  }
}

/// A tensor that the synthetic model does not have, or not in this shape.
public struct SyntheticWeightsError: Error, Hashable, CustomStringConvertible {
  /// The tensor that was asked for.
  public var tensor: WeightTensor
  /// The model's name.
  public var model: String
  /// What it has; `nil` when it has no such tensor.
  public var dimensions: [Int]?
  /// What was asked for.
  public var asked: [Int]

  /// What is wrong, and what would be right.
  public var description: String {
    if let dimensions {
      "tensor \(tensor) of \(model) has the shape \(dimensions), not \(asked)"
    } else {
      "\(model) has no tensor \(tensor)"
    }
  }
}
