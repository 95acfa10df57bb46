import Tensors

/// A tensor where it lies in a file, and how to get slices of it.
///
/// A whole tensor is a view of the map and costs nothing until it is used. A part of one is copied into
/// memory of its own, and the pages it came from are given back: columns are strided over the whole
/// tensor, and at the ends of a run of rows Linux maps whole folios of the page cache, up to 2 MiB of a
/// neighbour's rows with each (since 6.18), so that a node would hold far more than its slices.
struct StoredTensor: Sendable {
  let name: String
  /// Outermost dimension first: [rows, columns] or [count].
  let dimensions: [Int]
  /// The format's name in its file.
  let typeName: String
  /// The format where our kernels have it.
  let type: ElementType?
  let file: FileBytes
  /// The data, in bytes from the start of the file.
  let range: Range<Int>

  /// Bytes of the map that are copied before they are given back: enough that a system call costs
  /// nothing beside it, too few to be seen in the size of a process.
  static let copyStep = 1 << 20

  /// Bytes of the page cache that one fault may map: a folio is at most a huge page.
  static let largestFolio = 2 << 20

  /// A slice of a matrix of `shape`.
  ///
  /// Throws `ModelFileError` when the tensor has another shape, or a format that cannot be computed with.
  func matrix(
    shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws(ModelFileError) -> Matrix {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= shape.rows && columns.lowerBound >= 0
        && columns.upperBound <= shape.columns,
      "slice [\(rows), \(columns)] of [\(shape.rows), \(shape.columns)]")
    let type = try check(shape: [shape.rows, shape.columns])
    let block = type.blockElements
    guard shape.columns % block == 0 else {
      throw error(
        .malformed, "rows of \(shape.columns) elements are not whole blocks of \(block)")
    }
    let rowBytes = type.bytes(elements: shape.columns)
    let firstBlock = columns.lowerBound / block
    let endBlock = columns.isEmpty ? firstBlock : (columns.upperBound - 1) / block + 1
    let stored = (endBlock - firstBlock) * block
    let leading = columns.isEmpty ? 0 : columns.lowerBound - firstBlock * block
    let strip = firstBlock * type.blockBytes..<endBlock * type.blockBytes
    let isWhole = strip.count == rowBytes
    let start = range.lowerBound + rows.lowerBound * rowBytes
    let storage: Storage
    if isWhole && rows.count == shape.rows && isAligned(start, type: type) {
      storage = file.storage[start..<start + rows.count * rowBytes]
    } else {
      storage = copy(strip: strip, rows: rows.count, rowBytes: rowBytes, from: start)
    }
    return Matrix(
      type: type, rows: rows.count, columns: columns.count, leading: leading,
      storedColumns: stored, rowBytes: strip.count, storage: storage)
  }

  /// A range of a vector of `count` elements as float32.
  ///
  /// Throws `ModelFileError` when the tensor has another shape, or is quantised.
  func vector(count: Int, range: Range<Int>) throws(ModelFileError) -> [Float] {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "elements \(range) of \(count)")
    let type = try check(shape: [count])
    let bytes = file.storage.bytes
    let start = self.range.lowerBound
    defer { release(self.range) }
    switch type {
    case .float32:
      return range.map {
        let bits = bytes.loadUnaligned(fromByteOffset: start + 4 * $0, as: UInt32.self)
        return Float(bitPattern: UInt32(littleEndian: bits))
      }
    case .float16:
      return range.map {
        let bits = bytes.loadUnaligned(fromByteOffset: start + 2 * $0, as: UInt16.self)
        return Float(Float16(bitPattern: UInt16(littleEndian: bits)))
      }
    case .bfloat16:
      return range.map {
        let bits = bytes.loadUnaligned(fromByteOffset: start + 2 * $0, as: UInt16.self)
        return Float(bitPattern: UInt32(UInt16(littleEndian: bits)) << 16)
      }
    case .q8_0, .q4_0, .q4_1, .q4_K, .q5_K, .q6_K:
      throw error(.unsupported, "a vector of type \(typeName); expected F32, F16 or BF16")
    }
  }

  /// Checks shape and format, without touching the data, and gives the format.
  func check(shape: [Int]) throws(ModelFileError) -> ElementType {
    guard dimensions == shape else {
      throw error(.wrongShape, "the file has \(dimensions), the model needs \(shape)")
    }
    guard let type else {
      throw error(
        .unsupported, "type \(typeName) cannot be computed with; usable are \(GGMLType.usableNames)"
      )
    }
    return type
  }

  private func error(_ kind: ModelFileError.Kind, _ detail: String) -> ModelFileError {
    ModelFileError(
      kind, file: file.path, subject: "tensor '\(name)'", offset: range.lowerBound, detail)
  }

  /// Whether a view at this offset can be read by kernels that load whole elements.
  ///
  /// GGUF aligns tensors; safetensors promises nothing. A block starts with a float16.
  private func isAligned(_ offset: Int, type: ElementType) -> Bool {
    let need = type == .float32 ? 4 : 2
    return UInt(bitPattern: file.storage.bytes.baseAddress! + offset) % UInt(need) == 0
  }

  /// Copies the same bytes of every row, step by step, and gives back the pages they came from.
  private func copy(strip: Range<Int>, rows: Int, rowBytes: Int, from start: Int) -> Storage {
    let copy = OwnedBytes(count: rows * strip.count)
    guard !strip.isEmpty else { return copy.storage }
    let source = file.storage.bytes
    let rowsPerStep = max(1, Self.copyStep / rowBytes)
    for first in stride(from: 0, to: rows, by: rowsPerStep) {
      let end = min(rows, first + rowsPerStep)
      for row in first..<end {
        let from = start + row * rowBytes + strip.lowerBound
        copy.bytes.baseAddress!.advanced(by: row * strip.count).copyMemory(
          from: source.baseAddress! + from, byteCount: strip.count)
      }
      release(start + first * rowBytes..<start + end * rowBytes)
    }
    return copy.storage
  }

  /// Gives back the pages of a range that was read, with the folios that the reads mapped on either
  /// side. Whoever uses those pages faults them in again.
  private func release(_ range: Range<Int>) {
    let lower = max(0, range.lowerBound - Self.largestFolio)
    let upper = min(file.storage.bytes.count, range.upperBound + Self.largestFolio)
    file.release(lower..<upper)
  }
}
