import Tensors
import TestSupport
import Testing

/// What each format says a weight is, written from ggml's layouts (`ggml-common.h`) one element at a
/// time, in double precision, rounded once. Independent of the C code.
private func weight(_ type: ElementType, _ row: [UInt8], _ index: Int) -> Float {
  let block = index / type.blockElements * type.blockBytes
  let i = index % type.blockElements
  func byte(_ offset: Int) -> Int { Int(row[block + offset]) }
  func half(_ offset: Int) -> Double {
    Double(Float16(bitPattern: UInt16(byte(offset) | byte(offset + 1) << 8)))
  }
  func signed(_ value: Int) -> Double { Double(Int8(truncatingIfNeeded: value)) }
  /// Six-bit scale and min of a group of q4_K and q5_K, from the 12 bytes at 4.
  func group(_ g: Int) -> (scale: Double, min: Double) {
    if g < 4 { return (Double(byte(4 + g) % 64), Double(byte(8 + g) % 64)) }
    let low = byte(4 + g + 4)
    return (
      Double(low % 16 + byte(g) / 64 * 16), Double(low / 16 + byte(4 + g) / 64 * 16)
    )
  }
  switch type {
  case .float32:
    return Float(
      bitPattern: UInt32(byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24))
  case .float16: return Float(half(0))
  case .bfloat16: return Float(bitPattern: UInt32(byte(0) | byte(1) << 8) << 16)
  case .q8_0: return Float(half(0) * signed(byte(2 + i)))
  case .q4_0:
    let nibble = i < 16 ? byte(2 + i) % 16 : byte(2 + i - 16) / 16
    return Float(half(0) * Double(nibble - 8))
  case .q4_1:
    let nibble = i < 16 ? byte(4 + i) % 16 : byte(4 + i - 16) / 16
    return Float(half(0) * Double(nibble) + half(2))
  case .q4_K:
    let g = i / 32
    let stored = byte(16 + g / 2 * 32 + i % 32)
    let nibble = g % 2 == 0 ? stored % 16 : stored / 16
    return Float(half(0) * group(g).scale * Double(nibble) - half(2) * group(g).min)
  case .q5_K:
    let g = i / 32
    let stored = byte(48 + g / 2 * 32 + i % 32)
    let nibble = g % 2 == 0 ? stored % 16 : stored / 16
    let q = nibble + (byte(16 + i % 32) >> g) % 2 * 16
    return Float(half(0) * group(g).scale * Double(q) - half(2) * group(g).min)
  case .q6_K:
    let (h, g) = (i / 128, i % 128 / 32)
    let stored = byte(h * 64 + g % 2 * 32 + i % 32)
    let nibble = g < 2 ? stored % 16 : stored / 16
    let upper = (byte(128 + h * 32 + i % 32) >> (2 * g)) % 4
    let scale = signed(byte(192 + i / 16))
    return Float(half(208) * scale * Double(nibble + 16 * upper - 32))
  }
}

@Test("a stored weight is what its format says", arguments: ElementType.allCases)
func dequantize(_ type: ElementType) {
  for scales in Scales.allCases {
    var generator = SeededGenerator(seed: 11)
    let columns = 4 * max(type.blockElements, 8)
    let bytes = generator.weights(type, count: columns * 3, scales: scales)
    let matrix = Matrix(
      type: type, rows: 3, columns: columns, storage: GuardedMemory(bytes).storage)
    for r in 0..<3 {
      let row = Array(bytes[r * matrix.rowBytes..<(r + 1) * matrix.rowBytes])
      // Equal as numbers: a zero's sign is the sign of its scale, which formats do not speak of.
      #expect(matrix.row(r) == (0..<columns).map { weight(type, row, $0) }, "row \(r), \(scales)")
    }
  }
}

@Test("a part of a row expands to the same numbers as the whole", arguments: ElementType.allCases)
func dequantizePart(_ type: ElementType) {
  let columns = 2 * max(type.blockElements, 8)
  let whole = randomMatrix(type, rows: 2, columns: columns, seed: 12)
  for leading in [0, 1, 5, columns / 2 - 1, columns / 2, columns - 1] {
    let part = Matrix(
      type: type, rows: 2, columns: (columns - leading + 1) / 2, leading: leading,
      storedColumns: columns, storage: whole.storage)
    let expected = Array(whole.row(1)[leading..<leading + part.columns])
    #expect(part.row(1) == expected, "from \(leading)")
  }
}

@Test("every float16 becomes the float32 of the same value")
func everyHalf() {
  let bytes = (0...UInt16.max).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
  let row = Matrix(
    type: .float16, rows: 1, columns: 65536, storage: GuardedMemory(bytes).storage
  ).row(0)
  for bits in 0...UInt16.max {
    let expected = Float(Float16(bitPattern: bits))
    let float = row[Int(bits)]
    #expect(float.bitPattern == expected.bitPattern || (float.isNaN && expected.isNaN))
  }
}
