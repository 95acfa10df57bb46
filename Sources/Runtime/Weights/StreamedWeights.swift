import Tensors

/// The way to the coordinator, as a node that loads weights needs it.
public protocol WeightLine: AnyObject {
  /// Asks for something.
  func ask(_ request: WeightRequest) throws
  /// The next answer; `nil` when none comes within the time. Throws when the run is over.
  func answer(within limit: Duration) throws -> WeightAnswer?
}

/// A model's weights where the node has no file: each part comes from the coordinator in chunks, or from the
/// host's cache.
///
/// Some chunks are under way at once. Each is checked against its hash; one that is lost, with its connection,
/// or spoilt is asked for again. How long all may take is the coordinator's to say.
public final class StreamedWeights: WeightSource {
  /// Chunks under way: 8 MiB keep a network of 10 Gbit/s busy over a round trip of 6 ms.
  static let chunksUnderWay = 8
  /// Silence after which what was asked for is asked for again.
  static let patience = Duration.seconds(2)
  /// Times that one chunk may come spoilt, before something is wrong that asking again will not mend.
  static let mostSpoilt = 5

  private let line: any WeightLine
  private let cache: WeightCache?
  private var parts: UInt32 = 0
  /// Bytes that came from the coordinator.
  public private(set) var streamedBytes = 0
  /// Bytes that the host's cache had.
  public private(set) var cachedBytes = 0

  /// Weights that come over `line`, and are kept in `cache`.
  public init(_ line: any WeightLine, cache: WeightCache?) {
    self.line = line
    self.cache = cache
  }

  /// Fetches a part of a matrix.
  ///
  /// Throws `NodeError.load`, and what the line throws.
  public func matrix(
    _ tensor: WeightTensor, shape: (rows: Int, columns: Int), rows: Range<Int>, columns: Range<Int>
  ) throws -> Matrix {
    let (part, storage) = try fetch(
      tensor,
      .matrix(
        rowCount: shape.rows, columnCount: shape.columns, rows: rows, columns: columns))
    return Matrix(
      type: part.type, rows: part.rows, columns: part.columns, leading: part.leading,
      storedColumns: part.storedColumns, rowBytes: part.rowBytes, storage: storage)
  }

  /// Fetches a range of a vector.
  ///
  /// Throws as `matrix`.
  public func vector(
    _ tensor: WeightTensor, count: Int, range: Range<Int>
  ) throws -> [Float] {
    let (part, storage) = try fetch(tensor, .vector(count: count, range: range))
    return [Float](unsafeUninitializedCapacity: part.columns) { floats, initialized in
      UnsafeMutableRawBufferPointer(floats).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: storage.bytes[..<part.byteCount]))
      initialized = part.columns
    }
  }

  private func fetch(
    _ tensor: WeightTensor, _ slice: WeightRequest.Slice
  ) throws -> (WeightPart, Storage) {
    parts += 1
    let request = WeightRequest(part: parts, tensor: tensor, slice: slice)
    let part = try description(request)
    let memory = OwnedBytes(count: part.byteCount)
    if let cache, cache.read(part, into: memory) {
      cachedBytes += part.byteCount
      return (part, memory.storage)
    }
    try stream(part, request, into: memory)
    streamedBytes += part.byteCount
    cache?.write(
      part, UnsafeRawBufferPointer(rebasing: memory.storage.bytes[..<part.byteCount]))
    return (part, memory.storage)
  }

  private func description(_ request: WeightRequest) throws -> WeightPart {
    try line.ask(request)
    while true {
      guard let answer = try line.answer(within: Self.patience) else {
        try line.ask(request)
        continue
      }
      guard answer.part == request.part, case .description(let part) = answer.content else {
        continue
      }
      guard part.fits(request.slice) else {
        throw NodeError.load("the coordinator sent another part than was asked for")
      }
      return part
    }
  }

  private func stream(
    _ part: WeightPart, _ request: WeightRequest, into memory: OwnedBytes
  ) throws {
    var waiting = Set<Int>()
    var next = 0
    var spoilt = 0
    func ask(_ chunk: Int) throws {
      var request = request
      request.chunk = chunk
      try line.ask(request)
    }
    while next < part.hashes.count || !waiting.isEmpty {
      while next < part.hashes.count, waiting.count < Self.chunksUnderWay {
        try ask(next)
        waiting.insert(next)
        next += 1
      }
      guard let answer = try line.answer(within: Self.patience) else {
        for chunk in waiting.sorted() { try ask(chunk) }
        continue
      }
      guard answer.part == request.part, case .chunk(let index, let bytes) = answer.content,
        waiting.contains(index)
      else { continue }
      guard part.hashes[index] == bytes.withUnsafeBytes({ ContentHash(of: $0) }) else {
        spoilt += 1
        guard spoilt < Self.mostSpoilt else {
          throw NodeError.load(
            "chunk \(index) of \(request.tensor) came with other bytes than its hash says, "
              + "\(spoilt) times; was the model's file changed while it was read?")
        }
        try ask(index)
        continue
      }
      bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[part.range(ofChunk: index)])
          .copyMemory(from: $0)
      }
      waiting.remove(index)
    }
  }
}
