import Tensors
import Testing

/// Weight formats against gguf-py; see `Tests/Golden/make_models.py`.
@Suite("Weight formats mean what gguf-py says")
struct GoldenDequantisationTests {
  struct Rows: Decodable {
    /// ggml's name.
    let type: String
    let rows: Int
    let columns: Int
    let bytes: Base64Bytes
    let floats: Base64Floats
  }

  static let types: [String: ElementType] = [
    "F32": .float32, "F16": .float16, "BF16": .bfloat16, "Q8_0": .q8_0, "Q4_0": .q4_0,
    "Q4_1": .q4_1, "Q4_K": .q4_K, "Q5_K": .q5_K, "Q6_K": .q6_K,
  ]

  /// Bit for bit, though the two compute in another order: a product of a float16 scale, a small scale
  /// and a quant has at most 24 bits, so that it is exact in float32, and one addition is rounded.
  /// Scales are any finite float16, with zeros, subnormals and the largest.
  @Test("any bits, in every type, to the bit")
  func expand() throws {
    let golden: [Rows] = try Golden.decode("models/dequantisation.json")
    #expect(Set(golden.map(\.type)) == Set(Self.types.keys))
    #expect(Self.types.count == ElementType.allCases.count)
    for rows in golden {
      let type = try #require(Self.types[rows.type])
      #expect(rows.bytes.bytes.count == rows.rows * type.bytes(elements: rows.columns))
      let storage = AlignedCopy(rows.bytes.bytes).storage
      let matrix = Matrix(type: type, rows: rows.rows, columns: rows.columns, storage: storage)
      for row in 0..<rows.rows {
        let expected = Array(rows.floats.values[row * rows.columns..<(row + 1) * rows.columns])
        #expect(matrix.expanded(row: row).bits == expected.bits, "\(rows.type), row \(row)")
        // A slice of columns that cuts a block at both ends.
        let (cut, block) = (5, type.blockElements)
        let first = cut / block
        let part = Matrix(
          type: type, rows: rows.rows, columns: rows.columns - 2 * cut,
          leading: cut - first * block, storedColumns: rows.columns - first * block,
          rowBytes: matrix.rowBytes,
          storage: storage[first * type.blockBytes..<storage.bytes.count])
        let middle = Array(expected.dropFirst(cut).dropLast(cut))
        #expect(part.expanded(row: row).bits == middle.bits, "\(rows.type), row \(row), cut")
      }
    }
  }
}

extension Matrix {
  fileprivate func expanded(row: Int) -> [Float] {
    var values = [Float](repeating: .nan, count: columns)
    values.withUnsafeMutableBufferPointer { expand(row: row, into: $0) }
    return values
  }
}

/// Bytes at a cache line's start, as weights lie in a file.
private final class AlignedCopy {
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ source: [UInt8]) {
    bytes = .allocate(byteCount: source.count, alignment: 64)
    bytes.copyBytes(from: source)
  }

  var storage: Storage { Storage(bytes: UnsafeRawBufferPointer(bytes), owner: self) }

  deinit { bytes.deallocate() }
}
