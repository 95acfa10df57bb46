import Tensors
import TestSupport

/// Which scales random blocks have.
enum Scales: CaseIterable {
  /// Magnitudes as trained models have them, of both signs.
  case usual
  /// Zero, subnormal and the largest finite.
  case edge
}

extension SeededGenerator {
  /// A float between -1 and 1.
  mutating func float() -> Float { Float.random(in: -1...1, using: &self) }

  /// `count` floats between -1 and 1.
  mutating func floats(_ count: Int) -> [Float] {
    var floats: [Float] = []
    for _ in 0..<count { floats.append(float()) }
    return floats
  }

  /// Bits of a finite float16.
  mutating func scale(_ scales: Scales) -> UInt16 {
    switch scales {
    case .usual: Float16(float() / 16).bitPattern
    case .edge:
      [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x3c00].randomElement(using: &self)!
    }
  }

  /// The bytes of `count` random elements of a type, whole blocks.
  mutating func weights(_ type: ElementType, count: Int, scales: Scales = .usual) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<count / type.blockElements {
      var block: [UInt8] = []
      for _ in 0..<type.blockBytes { block.append(UInt8.random(in: 0...255, using: &self)) }
      switch type {
      case .float32: withUnsafeBytes(of: float()) { block = Array($0) }
      case .float16: put(scale(scales), at: 0, in: &block)
      case .bfloat16: put(UInt16(float().bitPattern >> 16), at: 0, in: &block)
      case .q8_0, .q4_0: put(scale(scales), at: 0, in: &block)
      case .q4_1, .q4_K, .q5_K:
        put(scale(scales), at: 0, in: &block)
        put(scale(scales), at: 2, in: &block)
      case .q6_K: put(scale(scales), at: 208, in: &block)
      }
      bytes += block
    }
    return bytes
  }

  private func put(_ value: UInt16, at offset: Int, in block: inout [UInt8]) {
    block[offset] = UInt8(value & 255)
    block[offset + 1] = UInt8(value >> 8)
  }
}

/// A random matrix whose bytes end at a guarded page.
func randomMatrix(
  _ type: ElementType, rows: Int, columns: Int, seed: UInt64, scales: Scales = .usual
) -> Matrix {
  var generator = SeededGenerator(seed: seed)
  let bytes = generator.weights(type, count: rows * columns, scales: scales)
  return Matrix(type: type, rows: rows, columns: columns, storage: GuardedMemory(bytes).storage)
}

extension Matrix {
  /// One expanded row.
  func row(_ row: Int) -> [Float] {
    let output = GuardedFloats(count: columns)
    expand(row: row, into: output.floats)
    return output.values
  }

  /// The products with `tokens` inputs of `storedColumns` floats, [tokens, rows].
  func products(
    _ inputs: [Float], tokens: Int, instructions: InstructionSet, precision: Precision = .float32
  ) -> GuardedFloats {
    let output = GuardedFloats(count: tokens * rows)
    let guarded = GuardedFloats(inputs)
    let scratch = FloatBuffer(count: scratchCount(tokens: tokens, precision: precision))
    withExtendedLifetime(guarded) {
      multiply(
        guarded.readOnly, inputStride: storedColumns, tokens: tokens, into: output.floats,
        outputStride: rows, instructions: instructions, precision: precision,
        scratch: scratch.floats)
    }
    return output
  }
}
