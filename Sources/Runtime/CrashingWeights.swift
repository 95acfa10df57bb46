import Tensors

/// Weights whose reader crashes before one of them.
final class CrashingWeights<Source: WeightSource>: WeightSource {
  private let source: Source
  private let point: CrashPoint
  private var left: Int

  /// - Parameter number: How many are read before.
  init(_ source: Source, at point: CrashPoint, after number: Int) {
    self.source = source
    self.point = point
    left = number
  }

  private func count() {
    if left == 0 { point.strike() }
    left -= 1
  }

  func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws -> Matrix {
    count()
    return try source.matrix(tensor, shape: shape, rows: rows, columns: columns)
  }

  func vector(_ tensor: WeightTensor, count length: Int, range: Range<Int>) throws -> [Float] {
    count()
    return try source.vector(tensor, count: length, range: range)
  }
}
