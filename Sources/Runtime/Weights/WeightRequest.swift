import Messaging
import Tensors

/// What a node asks of the coordinator: a part of a tensor, and of that one chunk, or what it is.
public struct WeightRequest: Hashable, Sendable {
  /// Comes back with the answer, so that a late answer to an earlier question is known for one.
  public var part: UInt32
  /// The whole tensor's name.
  public var tensor: WeightTensor
  /// Which elements of it.
  public var slice: Slice
  /// The chunk; `nil` asks for the description.
  public var chunk: Int?

  /// Elements of a tensor, in its own shape.
  public enum Slice: Hashable, Sendable {
    case matrix(rowCount: Int, columnCount: Int, rows: Range<Int>, columns: Range<Int>)
    case vector(count: Int, range: Range<Int>)
  }

  /// Takes each field as it is.
  public init(part: UInt32, tensor: WeightTensor, slice: Slice, chunk: Int? = nil) {
    self.part = part
    self.tensor = tensor
    self.slice = slice
    self.chunk = chunk
  }
}

/// The coordinator's answer.
public struct WeightAnswer: Hashable, Sendable {
  /// The request's.
  public var part: UInt32
  /// What was asked for.
  public var content: Content

  /// Either of what can be asked for.
  public enum Content: Hashable, Sendable {
    case description(WeightPart)
    case chunk(Int, [UInt8])
  }

  /// Takes each field as it is.
  public init(part: UInt32, content: Content) {
    self.part = part
    self.content = content
  }
}

/// How a part of a tensor is stored, and the hashes that its bytes must have.
public struct WeightPart: Hashable, Sendable {
  /// Largest chunk: a hundredth of a second on a network of 100 MB/s, so that heartbeats pass between.
  public static let chunkBytes = 1 << 20
  /// Bytes of the largest part: what 2^16 hashes of 32 bytes describe.
  public static let mostBytes = chunkBytes << 16

  /// How elements are stored.
  public var type: ElementType
  /// Rows of a matrix; a vector is one row of float32.
  public var rows: Int
  /// Columns that are asked for, behind `leading` that only make a block whole.
  public var columns: Int
  /// Columns before them.
  public var leading: Int
  /// Columns of a stored row.
  public var storedColumns: Int
  /// One a chunk, in order. All chunks but the last are full.
  public var hashes: [ContentHash]

  /// Bytes of a stored row.
  public var rowBytes: Int { type.bytes(elements: storedColumns) }
  /// Bytes in all.
  public var byteCount: Int { rows * rowBytes }

  /// Where a chunk's bytes are.
  public func range(ofChunk index: Int) -> Range<Int> {
    index * Self.chunkBytes..<min(byteCount, (index + 1) * Self.chunkBytes)
  }

  /// Chunks that so many bytes have.
  static func chunks(of byteCount: Int) -> Int { (byteCount + chunkBytes - 1) / chunkBytes }

  /// What the whole part is known by: the hash of its description with all its hashes.
  public var name: ContentHash {
    var writer = ByteWriter(capacity: 64 + hashes.count * ContentHash.byteCount)
    writer.put(self)
    return writer.bytes.withUnsafeBytes { ContentHash(of: $0) }
  }

  /// Whether it can be what `slice` asks for.
  func fits(_ slice: WeightRequest.Slice) -> Bool {
    switch slice {
    case .matrix(_, _, let rows, let columns):
      self.rows == rows.count && self.columns == columns.count
    case .vector(_, let range):
      rows == 1 && columns == range.count && leading == 0 && type == .float32
    }
  }
}

extension ByteWriter {
  mutating func put(_ request: WeightRequest) {
    put(request.part)
    put(request.tensor)
    switch request.slice {
    case .matrix(let rowCount, let columnCount, let rows, let columns):
      put(UInt8(0))
      put(count: rowCount)
      put(count: columnCount)
      put(rows)
      put(columns)
    case .vector(let count, let range):
      put(UInt8(1))
      put(count: count)
      put(range)
    }
    put(Int32(request.chunk ?? -1))
  }

  mutating func put(_ answer: WeightAnswer) {
    put(answer.part)
    switch answer.content {
    case .description(let part):
      put(UInt8(0))
      put(part)
    case .chunk(let index, let bytes):
      put(UInt8(1))
      put(UInt32(index))
      put(UInt32(bytes.count))
      bytes.withUnsafeBytes { append($0) }
    }
  }

  mutating func put(_ part: WeightPart) {
    put(UInt8(part.type.rawValue))
    for count in [part.rows, part.columns, part.leading, part.storedColumns] { put(count: count) }
    put(list: part.hashes) { writer, hash in
      hash.bytes.withUnsafeBytes { writer.append($0) }
    }
  }

  private mutating func put(_ tensor: WeightTensor) {
    switch tensor {
    case .embedding: put(UInt8(0))
    case .finalNorm: put(UInt8(1))
    case .head: put(UInt8(2))
    case .layer(let layer, let tensor):
      put(UInt8(3))
      put(UInt32(layer))
      put(UInt8(WeightTensor.LayerTensor.allCases.firstIndex(of: tensor)!))
    }
  }

  private mutating func put(_ range: Range<Int>) {
    put(count: range.lowerBound)
    put(count: range.upperBound)
  }
}

extension ByteReader {
  mutating func weightRequest() throws(FrameError) -> WeightRequest {
    let part = try get(UInt32.self)
    let tensor = try weightTensor()
    let start = offset
    let slice: WeightRequest.Slice
    switch try get(UInt8.self) {
    case 0:
      let rowCount = try count()
      let columnCount = try count()
      slice = .matrix(
        rowCount: rowCount, columnCount: columnCount, rows: try range(within: rowCount),
        columns: try range(within: columnCount))
    case 1:
      let count = try count()
      slice = .vector(count: count, range: try range(within: count))
    case let kind: throw .value(offset: start, "\(kind) is no slice of weights")
    }
    let chunk = try get(Int32.self)
    return WeightRequest(
      part: part, tensor: tensor, slice: slice, chunk: chunk < 0 ? nil : Int(chunk))
  }

  mutating func weightAnswer() throws(FrameError) -> WeightAnswer {
    let part = try get(UInt32.self)
    let start = offset
    switch try get(UInt8.self) {
    case 0: return WeightAnswer(part: part, content: .description(try weightPart()))
    case 1:
      let index = Int(try get(UInt32.self))
      let bytes = try bytes(atMost: WeightPart.chunkBytes)
      return WeightAnswer(part: part, content: .chunk(index, bytes))
    case let kind: throw .value(offset: start, "\(kind) is no answer about weights")
    }
  }

  private mutating func weightPart() throws(FrameError) -> WeightPart {
    let start = offset
    let raw = try get(UInt8.self)
    guard let type = ElementType(rawValue: Int32(raw)) else {
      throw .value(offset: start, "\(raw) is no element type")
    }
    let rows = try count()
    let columns = try count()
    let leading = try count()
    let stored = try count()
    let hashes = try list(minimumBytes: ContentHash.byteCount) { reader throws(FrameError) in
      ContentHash(bytes: try reader.bytes(count: ContentHash.byteCount))
    }
    // Bounds first, so that no product overflows.
    guard rows <= 1 << 31, stored <= 1 << 31, columns <= stored, leading <= stored - columns,
      stored % type.blockElements == 0
    else { throw .value(offset: start, "a part of [\(rows), \(columns)] in \(stored) columns") }
    let part = WeightPart(
      type: type, rows: rows, columns: columns, leading: leading, storedColumns: stored,
      hashes: hashes)
    let (bytes, overflow) = rows.multipliedReportingOverflow(by: part.rowBytes)
    guard !overflow, bytes <= WeightPart.mostBytes,
      hashes.count == WeightPart.chunks(of: part.byteCount)
    else {
      throw .value(
        offset: start, "\(hashes.count) hashes for a part of \(rows) rows of \(part.rowBytes) bytes"
      )
    }
    return part
  }

  private mutating func weightTensor() throws(FrameError) -> WeightTensor {
    let start = offset
    switch try get(UInt8.self) {
    case 0: return .embedding
    case 1: return .finalNorm
    case 2: return .head
    case 3:
      let layer = Int(try get(UInt32.self))
      let index = Int(try get(UInt8.self))
      let all = WeightTensor.LayerTensor.allCases
      guard all.indices.contains(index) else {
        throw .value(offset: start, "\(index) is no tensor of a layer")
      }
      return .layer(layer, all[index])
    case let kind: throw .value(offset: start, "\(kind) is no tensor")
    }
  }

  private mutating func range(within count: Int) throws(FrameError) -> Range<Int> {
    let start = offset
    let lower = try self.count()
    let upper = try self.count()
    guard lower <= upper, upper <= count else {
      throw .value(offset: start, "elements \(lower) to \(upper) of \(count)")
    }
    return lower..<upper
  }
}
