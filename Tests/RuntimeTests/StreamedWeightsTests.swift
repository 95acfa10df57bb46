import Foundation
import Messaging
import Models
import Runtime
import Tensors
import TestSupport
import Testing
import Transformer

/// Weights from the coordinator over a line that loses, repeats and spoils what it carries.
@Suite("Streamed weights")
struct StreamedWeightsTests {
  static let shape = ModelShape(
    name: "streamed", layers: 2, width: 1024, queryHeads: 8, keyValueHeads: 4, headSize: 128,
    feedForwardWidth: 1536, vocabulary: 3000, contextLength: 64)

  /// Answers from a server, as frames: lost, doubled, spoilt and late by chance.
  private final class Line: WeightLine {
    private let server: WeightServer
    private var generator: SeededGenerator
    private var answers: [[UInt8]] = []
    /// Chances in percent.
    let lost, doubled, spoilt: Int
    private(set) var asked = 0

    init(
      _ source: SyntheticWeights, seed: UInt64 = 1, lost: Int = 0, doubled: Int = 0,
      spoilt: Int = 0
    ) {
      server = WeightServer(source)
      generator = SeededGenerator(seed: seed)
      (self.lost, self.doubled, self.spoilt) = (lost, doubled, spoilt)
    }

    private func happens(_ percent: Int) -> Bool {
      Int.random(in: 0..<100, using: &generator) < percent
    }

    func ask(_ request: WeightRequest) throws {
      asked += 1
      // Through the wire's own form, as in life.
      let frame = ControlMessage.wantWeights(request).encoded()
      guard case .wantWeights(let read) = try ControlMessage.reading(frame).get() else { return }
      guard !happens(lost) else { return }
      var answer = try server.answer(read, of: NodeIdentity([7]))
      if case .chunk(let index, var bytes) = answer.content, happens(spoilt) {
        bytes[bytes.count / 2] ^= 1
        answer.content = .chunk(index, bytes)
      }
      let place = Int.random(in: 0...answers.count, using: &generator)
      answers.insert(ControlMessage.weights(answer).encoded(), at: place)
      if happens(doubled) { answers.append(ControlMessage.weights(answer).encoded()) }
    }

    func answer(within limit: Duration) throws -> WeightAnswer? {
      // What is lost is missed at once, so that the test need not wait.
      guard !answers.isEmpty else { return nil }
      guard case .weights(let answer) = try ControlMessage.reading(answers.removeFirst()).get()
      else { return nil }
      return answer
    }
  }

  private static func bytes(_ matrix: Matrix) -> [UInt8] {
    Array(matrix.storage.bytes[..<(matrix.rows * matrix.rowBytes)])
  }

  /// Parts as shards of a stage take them: rows, columns that cut blocks, and vectors.
  private static func compare(_ streamed: StreamedWeights, _ source: SyntheticWeights) throws {
    let width = shape.width
    let parts: [(WeightTensor, (rows: Int, columns: Int), Range<Int>, Range<Int>)] = [
      (.embedding, (3000, width), 0..<3000, 0..<width),
      (.layer(1, .gate), (1536, width), 700..<1536, 0..<width),
      (.layer(1, .down), (width, 1536), 0..<width, 17..<811),
      (.layer(0, .query), (1024, width), 0..<0, 0..<width),
    ]
    for (tensor, size, rows, columns) in parts {
      let found = try streamed.matrix(tensor, shape: size, rows: rows, columns: columns)
      let expected = try source.matrix(tensor, shape: size, rows: rows, columns: columns)
      #expect(bytes(found) == bytes(expected), "\(tensor)")
      #expect(found.rows == expected.rows && found.columns == expected.columns)
      #expect(found.leading == expected.leading && found.rowBytes == expected.rowBytes)
    }
    let norm = WeightTensor.layer(0, .attentionNorm)
    let found = try streamed.vector(norm, count: width, range: 3..<900)
    let expected = try source.vector(norm, count: width, range: 3..<900)
    #expect(found == expected)
  }

  @Test(
    "parts are the source's, byte for byte, over a line that loses, doubles, spoils and reorders",
    arguments: [ElementType.bfloat16, .q4_0, .q8_0], [UInt64(1), 2, 3])
  func faults(type: ElementType, seed: UInt64) throws {
    let source = SyntheticWeights(seed: 5, shape: Self.shape, type: type)
    let line = Line(source, seed: seed, lost: 20, doubled: 20, spoilt: 8)
    try Self.compare(StreamedWeights(line, cache: nil), source)
  }

  @Test("what a host has had is read from its cache; a spoilt file there is fetched again")
  func cache() throws {
    let folder = NSTemporaryDirectory() + "wafer-cache-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = SyntheticWeights(seed: 5, shape: Self.shape, type: .q8_0)
    let first = StreamedWeights(Line(source), cache: try WeightCache(folder: folder))
    try Self.compare(first, source)
    #expect(first.cachedBytes == 0)
    let second = StreamedWeights(Line(source), cache: try WeightCache(folder: folder))
    try Self.compare(second, source)
    #expect(second.streamedBytes == 0)
    #expect(second.cachedBytes == first.streamedBytes)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    for file in files {
      let path = "\(folder)/\(file)"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      guard !bytes.isEmpty else { continue }
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: URL(fileURLWithPath: path))
    }
    let third = StreamedWeights(Line(source), cache: try WeightCache(folder: folder))
    try Self.compare(third, source)
    #expect(third.cachedBytes == 0)
    let error = #expect(throws: NodeError.self) { try WeightCache(folder: "/proc/no/such") }
    #expect("\(error!)".contains("the cache '/proc/no/such' cannot be made"))
  }

  @Test("bytes that never match their hash are an error that names the tensor")
  func spoilt() throws {
    let source = SyntheticWeights(seed: 5, shape: Self.shape)
    let streamed = StreamedWeights(Line(source, spoilt: 100), cache: nil)
    let error = #expect(throws: NodeError.self) {
      try streamed.matrix(.embedding, shape: (3000, 1024), rows: 0..<3000, columns: 0..<1024)
    }
    #expect("\(error!)".contains("of embedding came with other bytes than its hash says"))
  }

  @Test("a chunk that there is not is an error, and does not end the coordinator")
  func beyond() throws {
    let server = WeightServer(SyntheticWeights(seed: 5, shape: Self.shape))
    let request = WeightRequest(
      part: 1, tensor: .finalNorm, slice: .vector(count: 1024, range: 0..<1024), chunk: 1)
    #expect(throws: NodeError.self) { try server.answer(request, of: NodeIdentity([1])) }
    var other = request
    other.slice = .vector(count: 77, range: 0..<1)
    #expect(throws: SyntheticWeightsError.self) {
      try server.answer(other, of: NodeIdentity([1]))
    }
  }

  @Test("BLAKE2b gives the hashes of Python's hashlib")
  func hash() {
    #expect(
      Array("abc".utf8).withUnsafeBytes { ContentHash(of: $0) }.description
        == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
    #expect(
      ContentHash(of: UnsafeRawBufferPointer(start: nil, count: 0)).description
        == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
  }
}
