import Messaging
import Programs
import Quantities
import TestSupport
import Testing

@Suite("Message headers")
struct MessageHeaderTests {
  static func random(using generator: inout SeededGenerator) -> MessageHeader {
    var account = Account()
    for entry in Account.Entry.allCases {
      account[entry] = EmulatedTime(
        picoseconds: Int64.random(in: -1_000...1 << 50, using: &generator))
    }
    let isPhantom = Bool.random(using: &generator)
    let elements = Int.random(in: 0...1 << 20, using: &generator)
    return MessageHeader(
      run: generator.next(), source: Rank(Int.random(in: 0..<1024, using: &generator)),
      stream: Stream.allCases.randomElement(using: &generator)!, sequence: generator.next() >> 1,
      type: isPhantom ? .phantom : .words, elements: elements,
      payloadBytes: isPhantom ? 0 : elements * 4,
      departure: EmulatedTime(picoseconds: Int64.random(in: 0...1 << 50, using: &generator)),
      arrival: Stamp(time: account.total, account: account)!)
  }

  static func bytes(_ header: MessageHeader) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: MessageHeader.byteCount)
    bytes.withUnsafeMutableBytes { header.write(into: $0) }
    return bytes
  }

  static func read(_ bytes: [UInt8]) -> Result<MessageHeader, FrameError> {
    bytes.withUnsafeBytes { raw in
      Result { () throws(FrameError) in try MessageHeader(reading: raw) }
    }
  }

  @Test("a header is read as it was written")
  func roundTrip() throws {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<500 {
      let header = Self.random(using: &generator)
      #expect(try Self.read(Self.bytes(header)).get() == header)
    }
  }

  @Test("a frame cut short at any byte is an error, and so is a longer one")
  func truncated() {
    var generator = SeededGenerator(seed: 2)
    let bytes = Self.bytes(Self.random(using: &generator))
    for count in 0..<bytes.count {
      guard case .failure(.truncated) = Self.read(Array(bytes[..<count])) else {
        Issue.record("\(count) bytes were read")
        continue
      }
    }
    #expect(Self.read(bytes + [0]) == .failure(.trailing(offset: bytes.count, bytes: 1)))
  }

  @Test("mark, version, stream, type, rank and size are each checked")
  func fields() {
    var generator = SeededGenerator(seed: 3)
    var header = Self.random(using: &generator)
    header.type = .words
    header.payloadBytes = header.elements * 4
    let bytes = Self.bytes(header)
    func changed(_ offset: Int, _ value: UInt8) -> Result<MessageHeader, FrameError> {
      var copy = bytes
      copy[offset] = value
      return Self.read(copy)
    }
    #expect(changed(0, 0) == .failure(.magic(MessageHeader.magic & 0xFFFF_FF00)))
    #expect(
      changed(4, 99)
        == .failure(.version(found: 99, expected: ProtocolVersion.current)))
    #expect(changed(6, 200) == .failure(.value(offset: 6, "200 is no Stream")))
    #expect(changed(7, 9) == .failure(.value(offset: 7, "9 is no PayloadType")))
    guard case .failure(.value(offset: 8, _)) = changed(10, 1) else {
      Issue.record("a rank of 65,536 and more was taken")
      return
    }
    // The payload's size must be that of its elements.
    guard case .failure(.value) = changed(40, bytes[40] ^ 1) else {
      Issue.record("a wrong payload size was taken")
      return
    }
  }

  @Test("an account that does not add up to the arrival is an error")
  func account() {
    var generator = SeededGenerator(seed: 4)
    let bytes = Self.bytes(Self.random(using: &generator))
    for offset in stride(from: 56, to: bytes.count, by: 8) {
      var copy = bytes
      copy[offset] ^= 1
      guard case .failure(.account) = Self.read(copy) else {
        Issue.record("a change at byte \(offset) was not found")
        continue
      }
    }
  }

  @Test("any single changed byte is an error or another header, never a crash")
  func mutated() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let bytes = Self.bytes(Self.random(using: &generator))
      for offset in bytes.indices {
        var copy = bytes
        copy[offset] ^= UInt8.random(in: 1...255, using: &generator)
        _ = Self.read(copy)
      }
    }
  }
}
