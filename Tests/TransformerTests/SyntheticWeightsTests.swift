import Models
import Tensors
import Testing
import Transformer

@Suite("Synthetic weights")
struct SyntheticWeightsTests {
  static let shape = ModelShape.small { $0.attentionBias = true }

  func floats(_ matrix: Matrix) -> [[Float]] {
    (0..<matrix.rows).map { row in
      var floats = [Float](repeating: .nan, count: matrix.columns)
      floats.withUnsafeMutableBufferPointer { matrix.expand(row: row, into: $0) }
      return floats
    }
  }

  @Test("any slice equals the same part of the whole", arguments: SyntheticWeights.types)
  func slices(type: ElementType) throws {
    let weights = SyntheticWeights(seed: 5, shape: Self.shape, type: type)
    let tensor = WeightTensor.layer(1, .down)
    let whole = floats(
      try weights.matrix(tensor, shape: (64, 80), rows: 0..<64, columns: 0..<80))
    for first in 0..<80 {
      for end in [first, first + 1, first + 7, 80] where end <= 80 {
        let slice = try weights.matrix(
          tensor, shape: (64, 80), rows: 9..<11, columns: first..<end)
        #expect(slice.leading < type.blockElements)
        #expect(floats(slice) == whole[9..<11].map { Array($0[first..<end]) }, "\(first)..<\(end)")
      }
    }
    let vector = try weights.vector(.layer(0, .queryBias), count: 48, range: 0..<48)
    let part = try weights.vector(.layer(0, .queryBias), count: 48, range: 13..<30)
    #expect(part == Array(vector[13..<30]))
  }

  @Test("numbers are pinned: a seed means the same model in every version")
  func pinned() throws {
    let weights = SyntheticWeights(seed: 1, shape: .syntheticTiny, type: .float32)
    let first = try weights.matrix(
      .embedding, shape: (1024, 128), rows: 2..<3, columns: 0..<128)
    #expect(Array(floats(first)[0][..<4]) == Self.pinnedValues)
  }
  static let pinnedValues: [Float] = [-0.013481146, -0.048208352, 0.020176167, 0.11819538]

  @Test("every type rounds the same numbers", arguments: SyntheticWeights.types)
  func types(type: ElementType) throws {
    let shape = ModelShape.syntheticTiny
    func rows(_ type: ElementType) throws -> [[Float]] {
      let weights = SyntheticWeights(seed: 9, shape: shape, type: type)
      return floats(
        try weights.matrix(
          .layer(2, .gate), shape: (384, 128), rows: 0..<384, columns: 0..<128))
    }
    let exact = try rows(.float32)
    let bound = (3 / Float(128)).squareRoot()
    // Half of the widest step of each type, and the rounding of its scale to float16, relative to the
    // largest weight.
    let tolerance: Float =
      switch type {
      case .float32: 0
      case .float16: 0x1p-11
      case .bfloat16: 0x1p-8
      case .q8_0: 0.57 / 127
      case .q4_0: 1.01 / 8
      case .q4_1: 0.51 * 2 / 15
      default: .nan
      }
    for (row, rounded) in zip(exact, try rows(type)) {
      #expect(row.largestDifference(to: rounded) <= tolerance * bound)
    }
  }

  @Test("mean 0, variance 1 / inputs, tensors and seeds unlike each other")
  func statistics() throws {
    func values(_ seed: UInt64, _ tensor: WeightTensor.LayerTensor, _ layer: Int) throws -> [Float]
    {
      let weights = SyntheticWeights(seed: seed, shape: .syntheticTiny, type: .float32)
      return floats(
        try weights.matrix(
          .layer(layer, tensor), shape: (384, 128), rows: 0..<384, columns: 0..<128)
      ).flatMap { $0 }
    }
    let all = try [
      values(1, .gate, 0), values(1, .up, 0), values(1, .gate, 1), values(2, .gate, 0),
    ]
    func correlation(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } / Double(a.count) * 128
    }
    for (i, a) in all.enumerated() {
      let mean = a.reduce(0) { $0 + Double($1) } / Double(a.count)
      // Standard errors: 1 / √49152 = 0.0045 of the deviation.
      #expect(abs(mean) * 128.0.squareRoot() < 0.02)
      #expect(abs(correlation(a, a) - 1) < 0.02)
      for b in all[..<i] { #expect(abs(correlation(a, b)) < 0.02) }
    }
  }

  @Test("norms are about 1, biases about 0")
  func vectors() throws {
    let weights = SyntheticWeights(seed: 5, shape: Self.shape)
    let norm = try weights.vector(.finalNorm, count: 64, range: 0..<64)
    #expect(norm.allSatisfy { 0.9...1.1 ~= $0 } && Set(norm).count > 60)
    let bias = try weights.vector(.layer(1, .keyBias), count: 24, range: 0..<24)
    #expect(bias.allSatisfy { -0.1...0.1 ~= $0 } && Set(bias).count > 20)
  }

  @Test("a tensor that the model does not have is an error that names it")
  func missing() throws {
    let weights = SyntheticWeights(seed: 5, shape: .syntheticTiny)
    #expect(throws: SyntheticWeightsError.self) {
      try weights.vector(.layer(0, .keyBias), count: 64, range: 0..<64)
    }
    #expect(throws: SyntheticWeightsError.self) {
      try weights.vector(.layer(4, .attentionNorm), count: 128, range: 0..<1)
    }
    let error = #expect(throws: SyntheticWeightsError.self) {
      try weights.matrix(.embedding, shape: (1024, 64), rows: 0..<1, columns: 0..<64)
    }
    #expect(
      error?.description
        == "tensor embedding of synthetic-tiny has the shape [1024, 128], not [1024, 64]")
  }

  @Test("shapes are found by name, and are ones that can be split")
  func shapes() {
    for shape in ModelShape.syntheticShapes {
      #expect(ModelShape.synthetic(named: shape.name) == shape)
      #expect(shape.queryHeads % shape.keyValueHeads == 0)
      #expect(shape.width % 32 == 0 && shape.feedForwardWidth % 32 == 0)
    }
    #expect(ModelShape.synthetic(named: "synthetic-huge") == nil)
  }
}
