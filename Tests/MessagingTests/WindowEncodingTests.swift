import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Testing

@Suite("Windows on the wire")
struct WindowEncodingTests {
  static func windows() throws -> [NodeWindow] {
    let shape = ModelShape(
      name: "tiny", layers: 4, width: 32, queryHeads: 4, keyValueHeads: 2, headSize: 8,
      feedForwardWidth: 48, vocabulary: 50, contextLength: 64)
    var program = ModelProgram(
      split: try Split(shape: shape, pipeline: 2, tensor: 3),
      workload: Workload(promptTokens: 3, outputTokens: 3, batch: 3, microBatches: 2),
      wires: Wires(
        link: Link(latency: EmulatedTime(picoseconds: 5), bandwidth: Rational(1_000_000)),
        ranks: 6, activationBytes: 2),
      collectives: .fixed(.direct), candidateElements: 3
    ) { use, batch in
      Cost(
        compute: EmulatedTime(picoseconds: Int64(use.kernel.rawValue)),
        fabric: EmulatedTime(picoseconds: Int64(batch.tokens)))
    }
    return (0..<program.windowCount).flatMap { index in
      let window = program.window(index)
      return (0..<6).map { NodeWindow(window, rank: Rank($0)) }
    }
  }

  static func read(_ bytes: [UInt8]) -> Result<NodeWindow, FrameError> {
    bytes.withUnsafeBytes { raw in
      Result { () throws(FrameError) in
        var reader = ByteReader(raw)
        let window = try reader.window()
        try reader.finish()
        return window
      }
    }
  }

  @Test("a window is read as it was written")
  func roundTrip() throws {
    for window in try Self.windows() {
      var writer = ByteWriter()
      writer.put(window)
      #expect(try Self.read(writer.bytes).get() == window)
    }
  }

  @Test("a window cut short at any byte is an error")
  func truncated() throws {
    var writer = ByteWriter()
    writer.put(try Self.windows()[2])
    let bytes = writer.bytes
    for count in 0..<bytes.count {
      guard case .failure = Self.read(Array(bytes[..<count])) else {
        Issue.record("\(count) of \(bytes.count) bytes were read")
        continue
      }
    }
  }

  @Test("a list that claims more than the frame holds asks for no memory")
  func hostileLength() {
    var writer = ByteWriter()
    writer.put(UInt32(0))
    writer.put(UInt32.max)
    #expect(
      Self.read(writer.bytes)
        == .failure(.truncated(offset: 4, wanted: Int(UInt32.max) * 12, remaining: 0)))
  }
}
