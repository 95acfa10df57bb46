import Tensors

/// The bytes of one file and its path: what parsers read from.
///
/// Usually a map of the file; tests put bytes of their own here.
struct FileBytes: Sendable {
  let path: String
  let storage: Storage
  /// The map behind the bytes, which can give pages back.
  let map: MappedFile?

  init(path: String, storage: Storage) {
    self.path = path
    self.storage = storage
    map = nil
  }

  init(mapping path: String) throws(ModelFileError) {
    let map = try MappedFile(path: path)
    self.path = path
    self.map = map
    storage = map.bytes
  }

  /// Size in bytes.
  var count: Int { storage.bytes.count }

  /// Gives back the memory of whole pages in `range`, where the bytes are a map.
  func release(_ range: Range<Int>) { map?.release(range) }
}

/// A place in a file that moves forward as it is read, and never past the file's end.
struct FileCursor {
  let file: FileBytes
  /// Bytes from the start of the file.
  var offset: Int
  /// What is being read, for the error.
  var subject: String?

  /// Bytes up to the end of the file.
  var remaining: Int { file.count - offset }

  /// The range of the next `count` bytes, which are then behind the cursor.
  mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws(ModelFileError)
    -> Range<Int>
  {
    guard count >= 0, count <= remaining else {
      throw error(
        .truncated, "\(what()) takes \(count) bytes, the file has \(remaining) more")
    }
    defer { offset += count }
    return offset..<offset + count
  }

  /// The next little-endian integer.
  mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self, _ what: @autoclosure () -> String
  ) throws(ModelFileError) -> T {
    let range = try take(MemoryLayout<T>.size, what())
    return T(
      littleEndian: file.storage.bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
  }

  /// The range of a string that has its length, of 8 bytes, before it.
  mutating func stringRange(_ what: @autoclosure () -> String) throws(ModelFileError) -> Range<Int>
  {
    let start = offset
    let length = try integer(UInt64.self, "the length of \(what())")
    guard length <= remaining else {
      offset = start
      throw error(.truncated, "\(what()) takes \(length) bytes, the file has \(remaining) more")
    }
    return try take(Int(length), what())
  }

  /// A string that has its length, of 8 bytes, before it; it must be UTF-8.
  mutating func string(limit: Int, _ what: @autoclosure () -> String) throws(ModelFileError)
    -> String
  {
    let start = offset
    let range = try stringRange(what())
    guard range.count <= limit else {
      throw error(
        .malformed, at: start, "\(what()) has \(range.count) bytes, at most \(limit) are allowed")
    }
    guard let text = String(validating: file.storage.bytes[range], as: UTF8.self) else {
      throw error(.malformed, at: start, "\(what()) is not UTF-8")
    }
    return text
  }

  /// An error at the cursor, or at another offset.
  func error(
    _ kind: ModelFileError.Kind, at offset: Int? = nil, _ detail: String
  ) -> ModelFileError {
    ModelFileError(
      kind, file: file.path, subject: subject, offset: offset ?? self.offset, detail)
  }
}
