/// Appends numbers to a frame, least significant byte first on every host.
public struct ByteWriter: Sendable {
  /// Bytes of the payload.
  public private(set) var bytes: [UInt8] = []

  /// An empty frame.
  public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// Appends an integer, least significant byte first.
  @inlinable
  public mutating func put<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { append($0) }
  }

  /// Appends bytes as they are.
  public mutating func append(_ raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }

  /// Appends an `Int` as 64 bits.
  public mutating func put(count: Int) { put(Int64(count)) }

  /// Appends a truth as one byte, 0 or 1.
  public mutating func put(_ value: Bool) { put(value ? UInt8(1) : 0) }

  /// Appends the bits of a float.
  public mutating func put(_ value: Float) { put(value.bitPattern) }

  /// Appends a length and the bytes of the text in UTF-8.
  public mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends a length and the elements.
  public mutating func put<Element>(
    list: [Element], _ body: (inout ByteWriter, Element) -> Void
  ) {
    put(UInt32(list.count))
    for element in list { body(&self, element) }
  }
}

/// Reads numbers from a frame and never past its end.
public struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  /// Bytes read so far: where an error is.
  public private(set) var offset = 0

  /// Reads from `bytes`, which must outlive the reader.
  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Bytes not read yet.
  public var remaining: Int { bytes.count - offset }

  /// Reads an integer.
  public mutating func get<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self
  ) throws(FrameError) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else {
      throw .truncated(offset: offset, wanted: size, remaining: remaining)
    }
    defer { offset += size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// Reads an `Int` that is not negative.
  public mutating func count() throws(FrameError) -> Int {
    let start = offset
    let value = try get(Int64.self)
    guard value >= 0 else { throw .value(offset: start, "a count of \(value)") }
    return Int(value)
  }

  /// Reads a truth; any byte but 0 and 1 is an error.
  public mutating func truth() throws(FrameError) -> Bool {
    let start = offset
    let byte = try get(UInt8.self)
    guard byte <= 1 else { throw .value(offset: start, "a truth of \(byte)") }
    return byte == 1
  }

  /// Reads the bits of a float.
  public mutating func float() throws(FrameError) -> Float { Float(bitPattern: try get()) }

  /// Reads a text.
  public mutating func text() throws(FrameError) -> String {
    let start = offset
    let length = Int(try get(UInt32.self))
    guard length <= remaining else {
      throw .truncated(offset: start, wanted: length, remaining: remaining)
    }
    defer { offset += length }
    guard
      let text = String(validating: bytes[offset..<offset + length], as: UTF8.self)
    else { throw .value(offset: start, "text that is not UTF-8") }
    return text
  }

  /// Reads so many bytes.
  public mutating func bytes(count: Int) throws(FrameError) -> [UInt8] {
    guard count <= remaining else {
      throw .truncated(offset: offset, wanted: count, remaining: remaining)
    }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  /// Reads a length and as many bytes, of which there may be `most`.
  public mutating func bytes(atMost most: Int) throws(FrameError) -> [UInt8] {
    let start = offset
    let length = Int(try get(UInt32.self))
    guard length <= most else {
      throw .value(offset: start, "\(length) bytes, and at most \(most) are allowed")
    }
    return try bytes(count: length)
  }

  /// Reads a list whose elements take at least `minimumBytes` each, so that a length in a hostile frame
  /// cannot ask for more memory than the frame has bytes.
  public mutating func list<Element>(
    minimumBytes: Int, _ body: (inout ByteReader) throws(FrameError) -> Element
  ) throws(FrameError) -> [Element] {
    let start = offset
    let length = Int(try get(UInt32.self))
    guard length * max(minimumBytes, 1) <= remaining else {
      throw .truncated(offset: start, wanted: length * minimumBytes, remaining: remaining)
    }
    var elements: [Element] = []
    elements.reserveCapacity(length)
    for _ in 0..<length { elements.append(try body(&self)) }
    return elements
  }

  /// Reads a value of an enumeration by its raw byte.
  public mutating func choice<Choice: RawRepresentable>(
    _ type: Choice.Type = Choice.self
  ) throws(FrameError) -> Choice where Choice.RawValue == UInt8 {
    let start = offset
    let raw = try get(UInt8.self)
    guard let choice = Choice(rawValue: raw) else {
      throw .value(offset: start, "\(raw) is no \(Choice.self)")
    }
    return choice
  }

  /// Checks that the frame ends here.
  public func finish() throws(FrameError) {
    guard remaining == 0 else { throw .trailing(offset: offset, bytes: remaining) }
  }
}

/// Bytes that are not the frame they should be: what is wrong, and where.
public enum FrameError: Error, Hashable, CustomStringConvertible {
  case truncated(offset: Int, wanted: Int, remaining: Int)
  case trailing(offset: Int, bytes: Int)
  case magic(UInt32)
  case version(found: UInt16, expected: UInt16)
  case value(offset: Int, String)
  /// The account in a header does not add up to its arrival.
  case account(arrival: Int64, total: Int64)

  /// One sentence.
  public var description: String {
    switch self {
    case .truncated(let offset, let wanted, let remaining):
      "frame cut short at byte \(offset): \(wanted) bytes wanted, \(remaining) left"
    case .trailing(let offset, let bytes):
      "\(bytes) bytes too many after byte \(offset) of a frame"
    case .magic(let found):
      "frame starts with 0x\(String(found, radix: 16)), not with WaferCluster's mark"
    case .version(let found, let expected):
      "frame of protocol version \(found); this node speaks \(expected)"
    case .value(let offset, let what): "byte \(offset) of a frame: \(what)"
    case .account(let arrival, let total):
      "frame arrives at \(arrival) ps but its account adds up to \(total) ps"
    }
  }
}
