import Glibc
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

/// Slices hold the bytes of the whole, wherever they are cut.
@Suite struct SliceTests {
  /// A matrix of one type with random bytes, as a tensor in a file at an odd or even place.
  private func tensor(
    _ type: ElementType, rows: Int, columns: Int, in file: FileBytes, at offset: Int
  ) -> StoredTensor {
    let bytes = rows * type.bytes(elements: columns)
    return StoredTensor(
      name: "t", dimensions: [rows, columns], typeName: "\(type)", type: type, file: file,
      range: offset..<offset + bytes)
  }

  /// Every cut of a matrix of two blocks a row; for large blocks, cuts near their borders.
  private func cuts(_ type: ElementType, columns: Int) -> [Int] {
    let block = type.blockElements
    if block <= 32 { return Array(0...columns) }
    return (0...columns).filter { cut in
      [0, 1, 2, 15, 16, 17, 127, 128, 129, block - 2, block - 1].contains(cut % block)
    }
  }

  @Test(
    "rows and columns of every format equal those of the whole", arguments: ElementType.allCases)
  func slices(type: ElementType) throws {
    var generator = SeededGenerator(seed: UInt64(type.rawValue) + 1)
    let (rows, columns) = (3, type.blockElements == 1 ? 7 : 2 * type.blockElements)
    let rowBytes = type.bytes(elements: columns)
    let whole = (0..<rows * rowBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
    var checked = 0
    // An odd place in memory must not matter either.
    for padding in [0, 1] {
      try withFile(whole + [UInt8](repeating: 0, count: padding)) { file in
        let tensor = tensor(type, rows: rows, columns: columns, in: file, at: 0)
        let cuts = cuts(type, columns: columns)
        for first in cuts {
          for end in cuts where end >= first {
            for rowRange in [0..<rows, 1..<3, 2..<2] {
              let slice = try tensor.matrix(
                shape: (rows, columns), rows: rowRange, columns: first..<end)
              let defect = defect(
                slice, of: whole, type: type, rowBytes: rowBytes, rowRange, first..<end)
              if defect != nil { Issue.record("\(padding): \(defect!)") }
              checked += 1
            }
          }
        }
      }
    }
    #expect(checked >= 2 * 3 * 36)
  }

  /// What is wrong with a slice of `whole`; `nil` when nothing is. One string, not ten expectations:
  /// there are tens of thousands of slices.
  private func defect(
    _ slice: Matrix, of whole: [UInt8], type: ElementType, rowBytes: Int, _ rows: Range<Int>,
    _ columns: Range<Int>
  ) -> String? {
    let block = type.blockElements
    guard slice.type == type, slice.rows == rows.count, slice.columns == columns.count,
      slice.leading == (columns.isEmpty ? 0 : columns.lowerBound % block),
      slice.storedColumns % block == 0,
      (0..<block).contains(slice.storedColumns - slice.leading - slice.columns)
    else { return "\(slice) for rows \(rows), columns \(columns)" }
    guard !columns.isEmpty else { return nil }
    // The stored bytes of a row are the whole's, from the block that holds the first column.
    let firstByte = columns.lowerBound / block * type.blockBytes
    let count = type.bytes(elements: slice.storedColumns)
    for (index, row) in rows.enumerated() {
      let start = row * rowBytes + firstByte
      let isEqual = withExtendedLifetime(slice) {
        whole[start..<start + count].withUnsafeBytes { expected in
          memcmp(
            slice.storage.bytes.baseAddress! + index * slice.rowBytes, expected.baseAddress!, count)
            == 0
        }
      }
      guard isEqual else { return "bytes of row \(row), columns \(columns)" }
    }
    return nil
  }

  @Test("a whole tensor is a view of the file, a part of one is not")
  func views() throws {
    let bytes = [UInt8](repeating: 5, count: 4 * 68)
    try withFile(bytes) { file in
      let tensor = tensor(.q8_0, rows: 4, columns: 64, in: file, at: 0)
      func isView(_ matrix: Matrix) -> Bool {
        let all = file.storage.bytes
        return matrix.storage.bytes.baseAddress! >= all.baseAddress!
          && matrix.storage.bytes.baseAddress! < all.baseAddress! + all.count
      }
      let whole = try tensor.matrix(shape: (4, 64), rows: 0..<4, columns: 0..<64)
      #expect(isView(whole))
      // A cut that needs both blocks of every row is whole again.
      let wide = try tensor.matrix(shape: (4, 64), rows: 0..<4, columns: 31..<33)
      #expect(isView(wide))
      // Linux maps a folio of neighbours with the ends of a run of rows.
      let rows = try tensor.matrix(shape: (4, 64), rows: 1..<3, columns: 0..<64)
      #expect(!isView(rows))
      let columns = try tensor.matrix(shape: (4, 64), rows: 0..<4, columns: 0..<32)
      #expect(!isView(columns))
    }
  }

  @Test("numbers that are not aligned in the file are copied")
  func unaligned() throws {
    let values: [Float] = [1, 2, 3, 4, 5, 6]
    let bytes =
      [UInt8](repeating: 0, count: 1) + values.flatMap { littleEndianBytes($0.bitPattern) }
    try withFile(bytes) { file in
      let tensor = tensor(.float32, rows: 2, columns: 3, in: file, at: 1)
      for offset in 0..<4 {
        try withFile(bytes + [UInt8](repeating: 0, count: offset)) { file in
          var moved = tensor
          moved = self.tensor(.float32, rows: 2, columns: 3, in: file, at: 1)
          let matrix = try moved.matrix(shape: (2, 3), rows: 0..<2, columns: 0..<3)
          #expect(UInt(bitPattern: matrix.storage.bytes.baseAddress!) % 4 == 0)
          #expect(matrix.floats == values)
        }
      }
    }
  }

  @Test("a vector of any float format is read as float32, in any range")
  func vectors() throws {
    let values: [Float] = [0, -0.0, 1, -2.5, 65504, 0.00006103515625, 5.9604644775390625e-8, 3]
    let formats: [(ElementType, [UInt8])] = [
      (.float32, values.flatMap { littleEndianBytes($0.bitPattern) }),
      (.float16, values.flatMap { littleEndianBytes(Float16($0).bitPattern) }),
      (
        .bfloat16,
        [0, -0.0, 1, -2.5, 65536, 0.5, 2, 3].flatMap {
          littleEndianBytes(UInt16(truncatingIfNeeded: ($0 as Float).bitPattern >> 16))
        }
      ),
    ]
    for (type, bytes) in formats {
      try withFile(bytes) { file in
        let tensor = StoredTensor(
          name: "v", dimensions: [8], typeName: "", type: type, file: file, range: 0..<bytes.count)
        let whole = try tensor.vector(count: 8, range: 0..<8)
        #expect(whole == (type == .bfloat16 ? [0, -0.0, 1, -2.5, 65536, 0.5, 2, 3] : values))
        for first in 0...8 {
          for end in first...8 {
            #expect(try tensor.vector(count: 8, range: first..<end) == Array(whole[first..<end]))
          }
        }
      }
    }
    try withFile([UInt8](repeating: 0, count: 34)) { file in
      let tensor = StoredTensor(
        name: "v", dimensions: [32], typeName: "Q8_0", type: .q8_0, file: file, range: 0..<34)
      #expect(throws: ModelFileError.self) { try tensor.vector(count: 32, range: 0..<1) }
    }
  }
}
