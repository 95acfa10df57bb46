import Tensors

/// The header of a GGUF file: its metadata, and where its tensors lie.
///
/// Format: ggml's `docs/gguf.md`, version 3, little-endian. Everything is checked here, once, against
/// the size of the file: after `init` no offset, count or length can lead outside it. Tensor data and
/// metadata arrays are not read.
struct GGUFFile: Sendable {
  /// Longest metadata key, in bytes; the format's own limit.
  static let longestKey = 65_535
  /// Longest tensor name, in bytes. The format says 64; builds of ggml for larger names exist.
  static let longestName = 256
  /// Longest string value that is kept in memory, in bytes. Chat templates are the longest in use, some
  /// tens of KiB.
  static let longestString = 16 << 20
  /// Arrays in arrays; no file in use has even one level.
  static let deepestArray = 4

  /// A tensor of the file.
  struct Tensor: Sendable {
    let name: String
    /// Dimensions, fastest first: [columns, rows].
    let dimensions: [Int]
    let type: GGMLType
    /// Where its data lies, in bytes from the start of the file.
    let range: Range<Int>
  }

  let file: FileBytes
  let metadata: [String: GGUFValue]
  /// Tensors in file order.
  let tensors: [Tensor]
  /// Alignment of tensor data, in bytes.
  let alignment: Int
  /// Bytes before the tensor data: header, metadata and tensor infos.
  let headerBytes: Int

  /// Reads and checks a header.
  ///
  /// Throws `ModelFileError` with the key or tensor and the offset for everything that does not fit the
  /// format or the file.
  init(_ file: FileBytes) throws(ModelFileError) {
    var cursor = FileCursor(file: file, offset: 0)
    let (tensorCount, keyCount) = try Self.readCounts(&cursor)
    var metadata: [String: GGUFValue] = [:]
    for index in 0..<keyCount {
      let (key, value) = try Self.readEntry(&cursor, index: index)
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw cursor.error(.malformed, "the key appears twice")
      }
    }
    cursor.subject = nil
    var infos: [TensorInfo] = []
    for index in 0..<tensorCount { infos.append(try Self.readInfo(&cursor, index: index)) }
    cursor.subject = nil
    let headerEnd = cursor.offset
    alignment = try Self.alignment(metadata, file: file)
    self.file = file
    self.metadata = metadata
    headerBytes = headerEnd
    tensors = try Self.place(infos, headerEnd: headerEnd, alignment: alignment, file: file)
  }

  // MARK: Header

  private static func readCounts(
    _ cursor: inout FileCursor
  ) throws(ModelFileError) -> (tensors: Int, keys: Int) {
    let magic = try cursor.take(4, "the magic 'GGUF'")
    let found = Array(cursor.file.storage.bytes[magic])
    guard found == Array("GGUF".utf8) else {
      throw ModelFileError(
        .notAModel, file: cursor.file.path, offset: 0,
        "a GGUF file starts with the bytes 'GGUF', this one with \(found)")
    }
    let version = try cursor.integer(UInt32.self, "the version")
    guard version == 3 else {
      let hint =
        version.byteSwapped == 3
        ? "it is big-endian; only little-endian files are read"
        : "version \(version); only version 3 is read: convert the model again with a current tool"
      throw cursor.error(.unsupported, at: 4, hint)
    }
    let tensors = try cursor.integer(UInt64.self, "the number of tensors")
    let keys = try cursor.integer(UInt64.self, "the number of metadata keys")
    // Name length 8, dimension count 4, one dimension 8, type 4, offset 8.
    guard tensors <= cursor.remaining / 32 else {
      throw cursor.error(
        .truncated, at: 8, "\(tensors) tensors cannot be in a file of \(cursor.file.count) bytes")
    }
    // Key length 8, type 4, value at least 1.
    guard keys <= cursor.remaining / 13 else {
      throw cursor.error(
        .truncated, at: 16,
        "\(keys) metadata keys cannot be in a file of \(cursor.file.count) bytes")
    }
    return (Int(tensors), Int(keys))
  }

  // MARK: Metadata

  private static func readEntry(
    _ cursor: inout FileCursor, index: Int
  ) throws(ModelFileError) -> (String, GGUFValue) {
    cursor.subject = "metadata key number \(index)"
    let key = try cursor.string(limit: longestKey, "the key")
    cursor.subject = "key '\(key)'"
    let type = try readType(&cursor)
    return (key, try readValue(&cursor, type: type))
  }

  private static func readType(_ cursor: inout FileCursor) throws(ModelFileError) -> GGUFValueType {
    let start = cursor.offset
    let code = try cursor.integer(UInt32.self, "the type")
    guard let type = GGUFValueType(rawValue: code) else {
      throw cursor.error(.malformed, at: start, "value type \(code) is not one of 0 to 12")
    }
    return type
  }

  private static func readValue(
    _ cursor: inout FileCursor, type: GGUFValueType
  ) throws(ModelFileError) -> GGUFValue {
    switch type {
    case .uint8: return .unsigned(UInt64(try cursor.integer(UInt8.self, "the value")))
    case .uint16: return .unsigned(UInt64(try cursor.integer(UInt16.self, "the value")))
    case .uint32: return .unsigned(UInt64(try cursor.integer(UInt32.self, "the value")))
    case .uint64: return .unsigned(try cursor.integer(UInt64.self, "the value"))
    case .int8: return .signed(Int64(try cursor.integer(Int8.self, "the value")))
    case .int16: return .signed(Int64(try cursor.integer(Int16.self, "the value")))
    case .int32: return .signed(Int64(try cursor.integer(Int32.self, "the value")))
    case .int64: return .signed(try cursor.integer(Int64.self, "the value"))
    case .float32:
      return .float(Double(Float(bitPattern: try cursor.integer(UInt32.self, "the value"))))
    case .float64:
      return .float(Double(bitPattern: try cursor.integer(UInt64.self, "the value")))
    case .bool:
      let value = try cursor.integer(UInt8.self, "the value")
      guard value <= 1 else {
        throw cursor.error(
          .malformed, at: cursor.offset - 1, "a bool is 0 or 1, this one is \(value)")
      }
      return .bool(value == 1)
    case .string: return .string(try cursor.string(limit: longestString, "the value"))
    case .array: return .array(try readArray(&cursor, depth: 1))
    }
  }

  /// Walks over an array, so that it is known to be inside the file.
  private static func readArray(
    _ cursor: inout FileCursor, depth: Int
  ) throws(ModelFileError) -> GGUFArray {
    let start = cursor.offset
    guard depth <= deepestArray else {
      throw cursor.error(.unsupported, "arrays are nested deeper than \(deepestArray) levels")
    }
    let type = try readType(&cursor)
    let count = try cursor.integer(UInt64.self, "the array's length")
    guard count <= cursor.remaining / type.smallestSize else {
      throw cursor.error(
        .truncated, at: start,
        "an array of \(count) elements takes at least \(type.smallestSize) bytes each, "
          + "the file has \(cursor.remaining) more")
    }
    let first = cursor.offset
    if let size = type.fixedSize {
      _ = try cursor.take(Int(count) * size, "the array")
    } else {
      for _ in 0..<Int(count) {
        if type == .string {
          _ = try cursor.stringRange("a string of the array")
        } else {
          _ = try readArray(&cursor, depth: depth + 1)
        }
      }
    }
    return GGUFArray(elementType: type, count: Int(count), range: first..<cursor.offset)
  }

  private static func alignment(
    _ metadata: [String: GGUFValue], file: FileBytes
  ) throws(ModelFileError) -> Int {
    guard let value = metadata["general.alignment"] else { return 32 }
    guard let alignment = value.integer, alignment > 0, alignment <= 1 << 20,
      alignment & (alignment - 1) == 0
    else {
      throw ModelFileError(
        .malformed, file: file.path, subject: "key 'general.alignment'",
        "the alignment is \(value.kindName), expected a power of two up to 1048576")
    }
    return alignment
  }

  // MARK: Tensors

  private struct TensorInfo {
    let name: String
    let dimensions: [Int]
    let type: GGMLType
    /// Bytes of the data.
    let bytes: Int
    /// Relative to the start of the tensor data.
    let offset: UInt64
    /// Where in the header the offset stands.
    let place: Int
  }

  private static func readInfo(
    _ cursor: inout FileCursor, index: Int
  ) throws(ModelFileError) -> TensorInfo {
    cursor.subject = "tensor number \(index)"
    let name = try cursor.string(limit: longestName, "the name")
    cursor.subject = "tensor '\(name)'"
    let countPlace = cursor.offset
    let count = try cursor.integer(UInt32.self, "the number of dimensions")
    guard (1...4).contains(count) else {
      throw cursor.error(.malformed, at: countPlace, "\(count) dimensions, expected 1 to 4")
    }
    let shapePlace = cursor.offset
    var dimensions: [Int] = []
    var elements = 1
    for _ in 0..<count {
      let dimension = try cursor.integer(UInt64.self, "a dimension")
      guard let size = Int(exactly: dimension), size > 0,
        case let (product, overflow) = elements.multipliedReportingOverflow(by: size), !overflow
      else {
        throw cursor.error(
          .malformed, at: shapePlace,
          "dimensions \(dimensions.map(String.init) + ["\(dimension)"]) are zero or too large")
      }
      elements = product
      dimensions.append(size)
    }
    let typePlace = cursor.offset
    let code = try cursor.integer(UInt32.self, "the type")
    guard let type = GGMLType(code: code) else {
      throw cursor.error(
        .unsupported, at: typePlace,
        "tensor type \(code) is not known; usable are \(GGMLType.usableNames)")
    }
    guard dimensions[0] % type.blockElements == 0 else {
      throw cursor.error(
        .malformed, at: shapePlace,
        "rows of \(dimensions[0]) elements are not whole blocks of \(type.blockElements) (\(type.name))"
      )
    }
    let (bytes, overflow) = (elements / type.blockElements).multipliedReportingOverflow(
      by: type.blockBytes)
    guard !overflow, bytes <= cursor.file.count else {
      throw cursor.error(
        .truncated, at: shapePlace,
        "dimensions \(dimensions) of \(type.name) take more than the file's "
          + "\(cursor.file.count) bytes")
    }
    let place = cursor.offset
    let offset = try cursor.integer(UInt64.self, "the offset")
    return TensorInfo(
      name: name, dimensions: dimensions, type: type, bytes: bytes, offset: offset, place: place)
  }

  /// Turns offsets into ranges of the file: aligned, inside it, and apart from each other.
  private static func place(
    _ infos: [TensorInfo], headerEnd: Int, alignment: Int, file: FileBytes
  ) throws(ModelFileError) -> [Tensor] {
    let start = (headerEnd + alignment - 1) / alignment * alignment
    var tensors: [Tensor] = []
    var names: Set<String> = []
    for info in infos {
      func error(_ kind: ModelFileError.Kind, _ detail: String) -> ModelFileError {
        ModelFileError(
          kind, file: file.path, subject: "tensor '\(info.name)'", offset: info.place, detail)
      }
      guard names.insert(info.name).inserted else {
        throw error(.malformed, "the name appears twice")
      }
      guard info.offset % UInt64(alignment) == 0 else {
        throw error(.malformed, "offset \(info.offset) is not a multiple of \(alignment)")
      }
      // bytes and start are at most the file's size plus an alignment, so these cannot overflow.
      guard info.offset <= UInt64(file.count),
        start + Int(info.offset) + info.bytes <= file.count
      else {
        throw error(
          .truncated,
          "its \(info.bytes) bytes at offset \(info.offset) of the data, which starts at byte "
            + "\(start), end behind the file's \(file.count) bytes")
      }
      let first = start + Int(info.offset)
      tensors.append(
        Tensor(
          name: info.name, dimensions: info.dimensions, type: info.type,
          range: first..<first + info.bytes))
    }
    let order = tensors.indices.sorted {
      tensors[$0].range.lowerBound < tensors[$1].range.lowerBound
    }
    for (before, after) in zip(order, order.dropFirst())
    where tensors[before].range.upperBound > tensors[after].range.lowerBound {
      throw ModelFileError(
        .malformed, file: file.path, subject: "tensor '\(tensors[after].name)'",
        offset: infos[after].place,
        "its data at byte \(tensors[after].range.lowerBound) overlaps tensor "
          + "'\(tensors[before].name)', which ends at byte \(tensors[before].range.upperBound)")
    }
    return tensors
  }
}
