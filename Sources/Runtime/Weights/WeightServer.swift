import Synchronization
import Tensors

/// The coordinator's side of streamed weights: makes the part that a node asks for, and hands it out in chunks.
///
/// A node loads one tensor after the other, so that one part a node is kept, until the node asks for the
/// next. A part that is whole rows of a file is a view of it, and costs no memory; a strip of columns is a copy.
public final class WeightServer: Sendable {
  private let weights: any WeightSource & Sendable
  private let parts = Mutex<[NodeIdentity: Part]>([:])

  private struct Part {
    var request: WeightRequest
    var description: WeightPart
    var storage: Storage
  }

  /// Serves parts of `weights`.
  public init(_ weights: any WeightSource & Sendable) { self.weights = weights }

  /// Answers a request.
  ///
  /// Throws what reading the weights throws, and `NodeError.load` for a chunk that there is not.
  public func answer(
    _ request: WeightRequest, of node: NodeIdentity
  ) throws -> WeightAnswer {
    let part = try part(request, of: node)
    guard let index = request.chunk else {
      return WeightAnswer(part: request.part, content: .description(part.description))
    }
    guard part.description.hashes.indices.contains(index) else {
      throw NodeError.load(
        "a node asked for chunk \(index) of \(part.description.hashes.count) of \(request.tensor)")
    }
    let bytes = Array(part.storage.bytes[part.description.range(ofChunk: index)])
    return WeightAnswer(part: request.part, content: .chunk(index, bytes))
  }

  private func part(_ request: WeightRequest, of node: NodeIdentity) throws -> Part {
    var question = request
    question.chunk = nil
    return try parts.withLock { parts in
      if let known = parts[node], known.request == question { return known }
      let part = try make(question)
      parts[node] = part
      return part
    }
  }

  private func make(_ request: WeightRequest) throws -> Part {
    switch request.slice {
    case .matrix(let rowCount, let columnCount, let rows, let columns):
      let matrix = try weights.matrix(
        request.tensor, shape: (rowCount, columnCount), rows: rows, columns: columns)
      var description = WeightPart(
        type: matrix.type, rows: matrix.rows, columns: matrix.columns, leading: matrix.leading,
        storedColumns: matrix.storedColumns, hashes: [])
      precondition(matrix.rowBytes == description.rowBytes, "rows with gaps")
      description.hash(matrix.storage.bytes)
      return Part(request: request, description: description, storage: matrix.storage)
    case .vector(let count, let range):
      let floats = try weights.vector(request.tensor, count: count, range: range)
      var description = WeightPart(
        type: .float32, rows: 1, columns: floats.count, leading: 0, storedColumns: floats.count,
        hashes: [])
      let memory = OwnedBytes(count: description.byteCount)
      floats.withUnsafeBytes { memory.bytes.copyMemory(from: $0) }
      description.hash(memory.storage.bytes)
      return Part(request: request, description: description, storage: memory.storage)
    }
  }
}

extension WeightPart {
  /// Makes the hashes of all chunks.
  fileprivate mutating func hash(_ bytes: UnsafeRawBufferPointer) {
    hashes = (0..<Self.chunks(of: byteCount)).map {
      ContentHash(of: UnsafeRawBufferPointer(rebasing: bytes[range(ofChunk: $0)]))
    }
  }
}
