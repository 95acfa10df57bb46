import Foundation
import Messaging
import Programs
import Quantities
import Runtime
import TestSupport
import Testing
import ZeroMQ
import ZeroMQTransport

@Suite("Data messages over sockets")
struct SocketTransportTests {
  private static let source = Rank(1)

  /// A header of a message from `source` whose payload has `elements` words.
  private static func header(
    _ stream: Programs.Stream = .activation, sequence: UInt64 = 0, elements: Int = 4,
    run: UInt64 = 7
  ) -> MessageHeader {
    MessageHeader(
      run: run, source: source, stream: stream, sequence: sequence, type: .words,
      elements: elements, payloadBytes: elements * 4, departure: .zero, arrival: .zero)
  }

  private static func bytes(_ header: MessageHeader) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: MessageHeader.byteCount)
    bytes.withUnsafeMutableBytes { header.write(into: $0) }
    return bytes
  }

  private static func transport(
    _ context: Context, wait: Duration = .seconds(20), queue: Int = 16, largestPayload: Int = 64,
    abortFlag: AbortFlag = AbortFlag()
  ) -> SocketTransport {
    SocketTransport(
      context: context,
      limits: .init(wait: wait, queue: queue, largestPayload: largestPayload),
      abortFlag: abortFlag)
  }

  /// Receives one message of `elements` words, and gives its header and payload.
  private static func receive(
    _ transport: SocketTransport, _ stream: Programs.Stream = .activation, elements: Int = 4
  ) throws -> (header: MessageHeader, payload: [UInt8]) {
    var payload = [UInt8](repeating: 0xEE, count: elements * 4)
    let result = payload.withUnsafeMutableBytes { bytes in
      Result { () throws(TransportError) in
        try transport.receive(from: source, stream: stream, into: bytes)
      }
    }
    return (try result.get(), payload)
  }

  /// What receiving the frames of `messages`, sent by a raw socket, throws.
  private static func error(
    of messages: [[[UInt8]]], wait: Duration = .seconds(20), elements: Int = 4
  ) throws -> TransportError? {
    let context = try Context()
    let transport = transport(context, wait: wait)
    let endpoint = try transport.bind("tcp://127.0.0.1:*", for: source)
    var raw = try Socket<Push>(in: context)
    try raw.connect(endpoint)
    for frames in messages { try raw.send(parts: frames) }
    do {
      for _ in messages { _ = try receive(transport, elements: elements) }
      return nil
    } catch {
      return error as? TransportError
    }
  }

  @Test("each receive gets the stream it names, whatever the order of arrival", arguments: 0..<20)
  func streams(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let context = try Context()
    let receiver = Self.transport(context, queue: 24)
    let sender = Self.transport(context, queue: 24)
    let endpoint = try receiver.bind("tcp://127.0.0.1:*", for: Self.source)
    try sender.connect(endpoint, to: Rank(0))
    // Four of each stream, sent in one order and asked for in another; within a stream in order.
    let sent = Programs.Stream.allCases.flatMap { Array(repeating: $0, count: 4) }
      .shuffled(using: &generator)
    let wanted = sent.shuffled(using: &generator)
    var counts: [Programs.Stream: UInt64] = [:]
    for stream in sent {
      let sequence = counts[stream, default: 0]
      counts[stream] = sequence + 1
      let payload = [UInt8](repeating: stream.rawValue * 16 + UInt8(sequence), count: 16)
      try payload.withUnsafeBytes {
        try sender.send(Self.header(stream, sequence: sequence), payload: $0, to: Rank(0))
      }
    }
    counts = [:]
    for stream in wanted {
      let (header, payload) = try Self.receive(receiver, stream)
      let sequence = counts[stream, default: 0]
      counts[stream] = sequence + 1
      #expect(header == Self.header(stream, sequence: sequence))
      #expect(payload.allSatisfy { $0 == stream.rawValue * 16 + UInt8(sequence) })
    }
  }

  @Test("a header cut short at any byte is an error")
  func truncated() throws {
    let whole = Self.bytes(Self.header())
    for count in 0..<whole.count {
      let found = try Self.error(of: [[Array(whole[..<count]), [UInt8](repeating: 0, count: 16)]])
      guard case .frame(.truncated) = found else {
        Issue.record("\(count) of \(whole.count) bytes: \(String(describing: found))")
        continue
      }
    }
  }

  @Test("bytes that are no header are an error")
  func garbage() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<50 {
      let count = Int.random(in: 0...MessageHeader.byteCount, using: &generator)
      let frame = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let found = try Self.error(of: [[frame, [UInt8](repeating: 0, count: 16)]])
      #expect(found != nil, "\(frame)")
    }
    var other = Self.bytes(Self.header())
    other[4] += 1
    guard case .frame(.version) = try Self.error(of: [[other, [UInt8](repeating: 0, count: 16)]])
    else {
      Issue.record("a header of another version was taken")
      return
    }
  }

  @Test("a message has one header and one payload, of the size it says")
  func shapes() throws {
    let header = Self.bytes(Self.header())
    let payload = [UInt8](repeating: 1, count: 16)
    #expect(try Self.error(of: [[header, payload]]) == nil)
    #expect(try Self.error(of: [[header]]) == .frames(1))
    #expect(try Self.error(of: [[header, payload, payload]]) == .frames(3))
    #expect(
      try Self.error(of: [[header, Array(payload[..<12])]]) == .payload(bytes: 12, expected: 16))
    // What the header says is not what the receiver has room for.
    #expect(
      try Self.error(of: [[header, payload]], elements: 3) == .payload(bytes: 16, expected: 12))
    // A payload larger than its header says cannot overrun its place.
    let larger = try Self.error(of: [[header, payload + payload]])
    #expect("\(try #require(larger))".contains("32"), "\(String(describing: larger))")
    var phantom = Self.header(elements: 0)
    phantom.type = .phantom
    #expect(try Self.error(of: [[Self.bytes(phantom), payload]], elements: 0) == .frames(2))
  }

  @Test("a frame larger than the program's largest closes its connection, and the wait ends")
  func oversized() throws {
    let header = Self.bytes(Self.header())
    let found = try Self.error(
      of: [[header, [UInt8](repeating: 0, count: 4096)]], wait: .milliseconds(200))
    #expect(found == .timeout(milliseconds: 200))
  }

  @Test("messages that nobody reads are kept up to the queue's limit, and then are an error")
  func overfull() throws {
    let context = try Context()
    let receiver = Self.transport(context, queue: 4)
    let endpoint = try receiver.bind("tcp://127.0.0.1:*", for: Self.source)
    var raw = try Socket<Push>(in: context)
    try raw.connect(endpoint)
    let payload = [UInt8](repeating: 0, count: 16)
    for sequence in UInt64(0)..<5 {
      try raw.send(parts: [Self.bytes(Self.header(.token, sequence: sequence)), payload])
    }
    #expect(throws: TransportError.overfull(messages: 4)) {
      _ = try Self.receive(receiver, .activation)
    }
  }

  @Test("a wait ends at its limit, not before")
  func timeout() throws {
    let context = try Context()
    let receiver = Self.transport(context, wait: .milliseconds(150))
    _ = try receiver.bind("tcp://127.0.0.1:*", for: Self.source)
    let start = ContinuousClock.now
    #expect(throws: TransportError.timeout(milliseconds: 150)) { _ = try Self.receive(receiver) }
    #expect(ContinuousClock.now - start >= .milliseconds(150))
    #expect(throws: TransportError.self) {
      try receiver.send(
        Self.header(), payload: UnsafeRawBufferPointer(start: nil, count: 0), to: Rank(9))
    }
  }

  @Test("raising the abort flag ends a wait that has an hour left")
  func abort() throws {
    let abortFlag = AbortFlag()
    let waiting = Worker {
      let context = try Context()
      let receiver = Self.transport(context, wait: .seconds(3600), abortFlag: abortFlag)
      _ = try receiver.bind("tcp://127.0.0.1:*", for: Self.source)
      _ = try Self.receive(receiver)
    }
    abortFlag.raise()
    #expect(throws: TransportError.aborted) { try waiting.join() }
  }

  @Test("a full queue makes the sender wait: nothing is lost, and without a reader it is an error")
  func backPressure() throws {
    let folder = "/tmp/wafer-test-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let endpoint = Endpoint.ipc(path: "\(folder)/queue")
    let elements = 16_384
    let messages = 200
    let context = try Context()
    let receiver = Self.transport(context, queue: 2, largestPayload: elements * 4)
    _ = try receiver.bind(endpoint, for: Self.source)

    let payload = [UInt8](repeating: 5, count: elements * 4)
    @Sendable func send(_ sequence: Int, over sender: SocketTransport) throws {
      try payload.withUnsafeBytes { bytes in
        try sender.send(
          Self.header(sequence: UInt64(sequence), elements: elements), payload: bytes, to: Rank(0))
      }
    }

    // Nobody reads: two queues of 2 fill up, and what the kernel's buffers hold of 64 KiB messages.
    let alone = Self.transport(context, wait: .milliseconds(100), queue: 2)
    try alone.connect(endpoint, to: Rank(0))
    var taken = 0
    #expect(throws: TransportError.timeout(milliseconds: 100)) {
      while taken < messages {
        try send(taken, over: alone)
        taken += 1
      }
    }
    #expect(taken < 50, "\(taken) messages of 64 KiB were taken with nobody reading")
    for sequence in 0..<taken {
      #expect(try Self.receive(receiver, elements: elements).header.sequence == UInt64(sequence))
    }
    // Somebody reads: the same sender waits as often as it must, and loses nothing.
    let sending = Worker {
      let sender = Self.transport(context, queue: 2)
      try sender.connect(endpoint, to: Rank(0))
      for sequence in 1000..<1000 + messages { try send(sequence, over: sender) }
      return messages
    }
    for sequence in 1000..<1000 + messages {
      #expect(try Self.receive(receiver, elements: elements).header.sequence == UInt64(sequence))
    }
    #expect(try sending.join() == messages)
  }
}
