#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes tensors as a safetensors file: for logits that others read, and for tests.
///
/// The header is padded to 8 bytes, so that readers which map the file find aligned numbers. Same
/// tensors in the same order, same bytes.
public struct SafetensorsWriter: Sendable {
  private var entries: [(name: String, dtype: String, shape: [Int], range: Range<Int>)] = []
  private var data: [UInt8] = []
  private var metadata: [(key: String, value: String)]

  /// An empty file with `__metadata__`, if any, in the order given.
  public init(metadata: [(key: String, value: String)] = []) {
    self.metadata = metadata
  }

  /// Adds a float32 tensor; `shape` is outermost dimension first.
  public mutating func add(_ name: String, shape: [Int], float32 values: [Float]) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * values.count)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    add(name, dtype: "F32", shape: shape, elementBytes: 4, bytes: bytes)
  }

  /// Adds a tensor in another format, as its bytes: `dtype` is `F16` or `BF16`, two bytes an element.
  public mutating func add(_ name: String, dtype: String, shape: [Int], bytes: [UInt8]) {
    precondition(dtype == "F16" || dtype == "BF16", "dtype \(dtype)")
    add(name, dtype: dtype, shape: shape, elementBytes: 2, bytes: bytes)
  }

  private mutating func add(
    _ name: String, dtype: String, shape: [Int], elementBytes: Int, bytes: [UInt8]
  ) {
    precondition(name != "__metadata__", "'__metadata__' is not the name of a tensor")
    precondition(!entries.contains { $0.name == name }, "tensor '\(name)' twice")
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(elementBytes, *) == bytes.count,
      "tensor '\(name)' of shape \(shape) does not have \(bytes.count) bytes")
    entries.append((name, dtype, shape, data.count..<data.count + bytes.count))
    data += bytes
  }

  /// The file's bytes.
  public func bytes() -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.map { "\(JSON.quoted($0.key)):\(JSON.quoted($0.value))" }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    for entry in entries {
      let shape = entry.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(JSON.quoted(entry.name)):{\"dtype\":\"\(entry.dtype)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}")
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }

  /// Writes the file, over one that may be there.
  ///
  /// Throws `ModelFileError.cannotWrite` with the system's reason when it cannot be written.
  public func write(to path: String) throws(ModelFileError) {
    func failure(_ verb: String) -> ModelFileError {
      ModelFileError(
        .cannotWrite, file: path, "cannot \(verb) it: \(String(cString: strerror(errno)))")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open") }
    let bytes = bytes()
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Self.writeSome(descriptor, UnsafeRawBufferPointer(rebasing: $0[written...]))
      }
      guard count >= 0 || errno == EINTR else {
        let error = failure("write")
        close(descriptor)
        throw error
      }
      written += max(0, count)
    }
    guard close(descriptor) == 0 else { throw failure("close") }
  }

  // Inside `write(to:)` the C function's name would mean the method.
  private static func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }
}
