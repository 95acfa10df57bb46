/// Makes the bytes of a GGUF v3 file, so that tests need no model files.
///
/// Written from the format's description (ggml's `docs/gguf.md`) and not from our reader, so that the
/// two can be held against each other. It checks nothing: a test may write nonsense on purpose.
public struct GGUFWriter: Sendable {
  /// A metadata value with its type.
  public enum Value: Sendable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    /// Elements of one type; the first gives the array's type (an empty one is of uint32).
    case array([Value])
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)

    /// The type's code in the file.
    public var code: UInt32 {
      switch self {
      case .uint8: 0
      case .int8: 1
      case .uint16: 2
      case .int16: 3
      case .uint32: 4
      case .int32: 5
      case .float32: 6
      case .bool: 7
      case .string: 8
      case .array: 9
      case .uint64: 10
      case .int64: 11
      case .float64: 12
      }
    }
  }

  /// A tensor: its name, dimensions, ggml type code and data.
  public struct Tensor: Sendable {
    /// The name, e.g. `blk.0.attn_q.weight`.
    public var name: String
    /// Fastest dimension first, as GGUF has it: [columns, rows], or [count].
    public var dimensions: [UInt64]
    /// ggml's type code, see `GGMLTypeCode`.
    public var type: UInt32
    /// The data, as it lies in the file.
    public var bytes: [UInt8]
    /// The offset to write instead of the true one, in bytes from the start of the data.
    public var offset: UInt64?

    /// A tensor at its natural place, or at `offset`.
    public init(
      name: String, dimensions: [UInt64], type: UInt32, bytes: [UInt8], offset: UInt64? = nil
    ) {
      self.name = name
      self.dimensions = dimensions
      self.type = type
      self.bytes = bytes
      self.offset = offset
    }
  }

  /// The first four bytes.
  public var magic: [UInt8] = Array("GGUF".utf8)
  /// The format's version.
  public var version: UInt32 = 3
  /// Written to the file by the caller, as `general.alignment`, when it is not 32.
  public var alignment = 32
  /// Key and value pairs in file order.
  public var metadata: [(key: String, value: Value)]
  /// Tensors in file order.
  public var tensors: [Tensor]

  /// A file of these parts; more can be added.
  public init(metadata: [(key: String, value: Value)] = [], tensors: [Tensor] = []) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// Adds a float32 tensor of [rows, columns].
  public mutating func add(_ name: String, rows: Int, columns: Int, float32 values: [Float]) {
    tensors.append(
      Tensor(
        name: name, dimensions: [UInt64(columns), UInt64(rows)], type: GGMLTypeCode.float32,
        bytes: values.flatMap { littleEndianBytes($0.bitPattern) }))
  }

  /// Adds a float32 vector.
  public mutating func add(_ name: String, float32 values: [Float]) {
    tensors.append(
      Tensor(
        name: name, dimensions: [UInt64(values.count)], type: GGMLTypeCode.float32,
        bytes: values.flatMap { littleEndianBytes($0.bitPattern) }))
  }

  /// Adds a tensor of [rows, columns] in any format, as bytes.
  public mutating func add(_ name: String, rows: Int, columns: Int, type: UInt32, bytes: [UInt8]) {
    tensors.append(
      Tensor(
        name: name, dimensions: [UInt64(columns), UInt64(rows)], type: type, bytes: bytes))
  }

  /// The file: header, metadata, tensor infos, then the data of each tensor at the alignment.
  public func bytes() -> [UInt8] {
    var out = magic
    out += littleEndianBytes(version)
    out += littleEndianBytes(UInt64(tensors.count))
    out += littleEndianBytes(UInt64(metadata.count))
    for (key, value) in metadata {
      append(key, to: &out)
      out += littleEndianBytes(value.code)
      append(value, to: &out)
    }
    var offset = 0
    for tensor in tensors {
      append(tensor.name, to: &out)
      out += littleEndianBytes(UInt32(tensor.dimensions.count))
      for dimension in tensor.dimensions { out += littleEndianBytes(dimension) }
      out += littleEndianBytes(tensor.type)
      out += littleEndianBytes(tensor.offset ?? UInt64(offset))
      offset = aligned(offset + tensor.bytes.count)
    }
    for tensor in tensors {
      out += [UInt8](repeating: 0, count: aligned(out.count) - out.count)
      out += tensor.bytes
    }
    return out
  }

  private func aligned(_ offset: Int) -> Int {
    (offset + alignment - 1) / alignment * alignment
  }

  private func append(_ text: String, to out: inout [UInt8]) {
    out += littleEndianBytes(UInt64(text.utf8.count))
    out += Array(text.utf8)
  }

  private func append(_ value: Value, to out: inout [UInt8]) {
    switch value {
    case .uint8(let value): out += littleEndianBytes(value)
    case .int8(let value): out += littleEndianBytes(value)
    case .uint16(let value): out += littleEndianBytes(value)
    case .int16(let value): out += littleEndianBytes(value)
    case .uint32(let value): out += littleEndianBytes(value)
    case .int32(let value): out += littleEndianBytes(value)
    case .float32(let value): out += littleEndianBytes(value.bitPattern)
    case .bool(let value): out.append(value ? 1 : 0)
    case .string(let value): append(value, to: &out)
    case .uint64(let value): out += littleEndianBytes(value)
    case .int64(let value): out += littleEndianBytes(value)
    case .float64(let value): out += littleEndianBytes(value.bitPattern)
    case .array(let values):
      out += littleEndianBytes(values.first?.code ?? 4)
      out += littleEndianBytes(UInt64(values.count))
      for value in values { append(value, to: &out) }
    }
  }
}

/// ggml's codes of the tensor formats that this project reads.
public enum GGMLTypeCode {
  /// IEEE single.
  public static let float32: UInt32 = 0
  /// IEEE half.
  public static let float16: UInt32 = 1
  /// 32 elements: scale, 4-bit quants.
  public static let q4_0: UInt32 = 2
  /// 32 elements: scale, minimum, 4-bit quants.
  public static let q4_1: UInt32 = 3
  /// 32 elements: scale, 8-bit quants.
  public static let q8_0: UInt32 = 8
  /// 256 elements: 8 sub-blocks with 6-bit scales and minima, 4-bit quants.
  public static let q4_K: UInt32 = 12
  /// As `q4_K`, with a fifth bit.
  public static let q5_K: UInt32 = 13
  /// 256 elements: 16 sub-blocks with 8-bit scales, 6-bit quants.
  public static let q6_K: UInt32 = 14
  /// The upper half of an IEEE single.
  public static let bfloat16: UInt32 = 30

  /// All of them.
  public static let all = [float32, float16, q4_0, q4_1, q8_0, q4_K, q5_K, q6_K, bfloat16]

  /// Elements and bytes of a block of a format, and where in it its float16 scales lie.
  static func layout(_ type: UInt32) -> (elements: Int, bytes: Int, scales: [Int]) {
    switch type {
    case float32: (1, 4, [])
    case float16: (1, 2, [])
    case bfloat16: (1, 2, [])
    case q4_0: (32, 18, [0])
    case q4_1: (32, 20, [0, 2])
    case q8_0: (32, 34, [0])
    case q4_K: (256, 144, [0, 2])
    case q5_K: (256, 176, [0, 2])
    case q6_K: (256, 210, [208])
    default: preconditionFailure("no layout for ggml type \(type)")
    }
  }

  /// Random data of `elements` elements in whole blocks: small finite scales, any quants.
  ///
  /// Floats and scales lie in ±`magnitude`, so that a model made of them keeps finite numbers.
  public static func randomBytes(
    type: UInt32, elements: Int, magnitude: Float = 0.05,
    using generator: inout some RandomNumberGenerator
  ) -> [UInt8] {
    let layout = layout(type)
    precondition(elements % layout.elements == 0, "\(elements) elements are not whole blocks")
    var out: [UInt8] = []
    for _ in 0..<elements / layout.elements {
      switch type {
      case float32:
        out += littleEndianBytes(
          Float.random(in: -magnitude...magnitude, using: &generator).bitPattern)
      case float16:
        out += littleEndianBytes(
          Float16(Float.random(in: -magnitude...magnitude, using: &generator)).bitPattern)
      case bfloat16:
        let value = Float.random(in: -magnitude...magnitude, using: &generator)
        out += littleEndianBytes(UInt16(value.bitPattern >> 16))
      default:
        var block = (0..<layout.bytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for scale in layout.scales {
          let value = Float16(Float.random(in: -magnitude...magnitude, using: &generator))
          block.replaceSubrange(scale..<scale + 2, with: littleEndianBytes(value.bitPattern))
        }
        out += block
      }
    }
    return out
  }
}

/// An integer's bytes, least significant first.
public func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
