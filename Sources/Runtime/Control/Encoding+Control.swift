import Messaging
import Programs
import Quantities

extension ControlMessage {
  /// The frame: mark, protocol version, kind, fields.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 256)
    writer.put(MessageHeader.magic)
    writer.put(ProtocolVersion.current)
    writer.put(kind.rawValue)
    switch self {
    case .hello(let hello): writer.put(hello)
    case .bound(let endpoints), .connect(let endpoints):
      writer.put(list: endpoints) { writer, place in
        writer.put(UInt32(place.peer.index))
        writer.put(place.endpoint)
        writer.put(place.key)
      }
    case .ready(let weightBytes): writer.put(count: weightBytes)
    case .windowDone(let report): writer.put(report)
    case .done(let report): writer.put(report)
    case .failed(let reason), .refuse(let reason), .abort(let reason),
      .astray(let reason):
      writer.put(reason)
    case .again(let reason, let run):
      writer.put(reason)
      writer.put(run)
    case .assign(let assignment): writer.put(assignment)
    case .window(let window): writer.put(window)
    case .wantWeights(let request): writer.put(request)
    case .weights(let answer): writer.put(answer)
    case .ping(let ping): writer.put(ping)
    case .pong(let pong): writer.put(pong)
    case .members(let status): writer.put(status)
    case .begin, .finish, .dismiss, .alive, .status: break
    }
    return writer.bytes
  }

  /// Reads a frame.
  ///
  /// Throws `FrameError` for anything that is not one. A `hello` is read whatever version its sender
  /// speaks, so that it can be told.
  public init(reading frame: UnsafeRawBufferPointer) throws(FrameError) {
    var reader = ByteReader(frame)
    let magic = try reader.get(UInt32.self)
    guard magic == MessageHeader.magic else { throw .magic(magic) }
    let version = try reader.get(UInt16.self)
    let kind: Kind = try reader.choice()
    guard version == ProtocolVersion.current || kind == .hello || kind == .refuse else {
      throw .version(found: version, expected: ProtocolVersion.current)
    }
    switch kind {
    case .hello:
      let hello = try reader.hello()
      self = .hello(hello)
      // Another version's may go on with what this one does not know.
      guard version == ProtocolVersion.current else { return }
    case .bound: self = .bound(try reader.endpoints())
    case .connect: self = .connect(try reader.endpoints())
    case .ready: self = .ready(weightBytes: try reader.count())
    case .windowDone: self = .windowDone(try reader.windowReport())
    case .done: self = .done(try reader.nodeReport())
    case .failed: self = .failed(try reader.text())
    case .astray: self = .astray(try reader.text())
    case .refuse: self = .refuse(try reader.text())
    case .abort: self = .abort(try reader.text())
    case .assign: self = .assign(try reader.assignment())
    case .window: self = .window(try reader.window())
    case .begin: self = .begin
    case .finish: self = .finish
    case .again: self = .again(try reader.text(), run: try reader.get())
    case .dismiss: self = .dismiss
    case .wantWeights: self = .wantWeights(try reader.weightRequest())
    case .weights: self = .weights(try reader.weightAnswer())
    case .ping: self = .ping(try reader.ping())
    case .pong: self = .pong(try reader.pong())
    case .members: self = .members(try reader.clusterStatus())
    case .alive: self = .alive
    case .status: self = .status
    }
    try reader.finish()
  }

  /// Reads a frame, for those who go on when it is none.
  public static func reading(_ frame: [UInt8]) -> Result<ControlMessage, FrameError> {
    frame.withUnsafeBytes { bytes in
      Result { () throws(FrameError) in try ControlMessage(reading: bytes) }
    }
  }

  /// What a frame is, without reading it; `nil` when it is none of ours.
  public static func kind(of frame: UnsafeRawBufferPointer) -> Kind? {
    frame.count > 6 ? Kind(rawValue: frame[6]) : nil
  }

  /// The byte behind mark and version.
  public enum Kind: UInt8, Sendable {
    case hello, bound, ready, windowDone, done, failed, refuse, assign, connect, window, begin
    case finish, abort, alive, dismiss, wantWeights, weights, ping, pong, status, members
    case again, astray

    /// Whether it is a word of a run, which both sides count: what is said once, and missed when it is lost.
    /// Weights are asked for again, a hello is said until it is answered, and the rest belongs to no run.
    public var isCounted: Bool {
      switch self {
      case .hello, .alive, .ping, .pong, .status, .members, .wantWeights, .weights: false
      case .bound, .ready, .windowDone, .done, .failed, .refuse, .assign, .connect, .window, .begin,
        .finish, .abort, .dismiss, .again, .astray:
        true
      }
    }

    /// The message's name in errors.
    var name: String {
      switch self {
      case .windowDone: "window done"
      case .wantWeights: "want weights"
      default: "\(self)"
      }
    }
  }

  /// What it is.
  public var kind: Kind {
    switch self {
    case .hello: .hello
    case .bound: .bound
    case .ready: .ready
    case .windowDone: .windowDone
    case .done: .done
    case .failed: .failed
    case .refuse: .refuse
    case .assign: .assign
    case .connect: .connect
    case .window: .window
    case .begin: .begin
    case .finish: .finish
    case .abort: .abort
    case .again: .again
    case .astray: .astray
    case .dismiss: .dismiss
    case .wantWeights: .wantWeights
    case .weights: .weights
    case .ping: .ping
    case .pong: .pong
    case .status: .status
    case .members: .members
    case .alive: .alive
    }
  }
}

extension ByteWriter {
  mutating func put(_ hello: ControlMessage.Hello) {
    put(hello.protocolVersion)
    put(hello.toolVersion)
    put(hello.host)
    put(hello.process)
    put(UInt32(hello.processors))
    put(hello.instructions)
    put(Int32(hello.requestedRank ?? -1))
    // Up to here as in version 1, so that every coordinator can tell every node what is wrong.
    guard hello.protocolVersion == ProtocolVersion.current else { return }
    put(count: hello.memory)
    put(hello.boot)
    put(hello.key)
    put(hello.run)
  }

  fileprivate mutating func put(_ ping: ControlMessage.Ping) {
    put(ping.run)
    put(ping.sent.nanoseconds)
    put(count: ping.words)
  }

  fileprivate mutating func put(_ pong: ControlMessage.Pong) {
    put(pong.ping)
    put(pong.node.nanoseconds)
    put(pong.run)
    put(count: pong.heard)
    put(count: pong.said)
  }

  fileprivate mutating func put(_ report: WindowReport) {
    put(UInt32(report.index))
    put(list: report.outputs) { writer, output in
      writer.put(UInt32(output.batch))
      writer.put(output.stamp)
      writer.put(output.measured.nanoseconds)
      writer.put(list: output.tokens) { $0.put($1) }
    }
    put(list: report.logits) { writer, logits in
      writer.put(UInt32(logits.sequence))
      writer.put(UInt32(logits.position))
      writer.put(list: logits.values) { $0.put($1) }
    }
    put(list: report.activities) { writer, activity in writer.put(activity) }
  }

  fileprivate mutating func put(_ report: NodeReport) {
    put(report.end)
    put(report.clockDigest)
    put(report.resultDigest.value)
    put(count: report.messagesSent)
    put(count: report.payloadBytesSent)
    put(report.started?.nanoseconds ?? -1)
    put(report.finished?.nanoseconds ?? -1)
    put(count: report.peakResidentBytes)
    put(count: report.weightBytes)
    put(count: report.cacheBytes)
    put(report.loading.nanoseconds)
    put(count: report.streamedBytes)
    put(count: report.cachedBytes)
    put(count: report.refusedPeers)
  }
}

/// Nanoseconds that a monotonic clock may show: 73 years after its host's start. Sums and differences of a few
/// stay within 64 bits.
private let latestInstant: Int64 = 1 << 61

extension ByteReader {
  mutating func hello() throws(FrameError) -> ControlMessage.Hello {
    var hello = ControlMessage.Hello(
      protocolVersion: try get(), toolVersion: try text(), host: try text(), process: try get(),
      processors: Int(try get(UInt32.self)), instructions: try text(),
      requestedRank: try requestedRank())
    guard hello.protocolVersion == ProtocolVersion.current else { return hello }
    hello.memory = try count()
    hello.boot = try text()
    hello.key = try text()
    hello.run = try get()
    return hello
  }

  /// Reads an instant of a monotonic clock, or a span: between 0 and `latestInstant`.
  mutating func instant() throws(FrameError) -> MeasuredTime {
    let start = offset
    let nanoseconds = try get(Int64.self)
    guard (0...latestInstant).contains(nanoseconds) else {
      throw .value(offset: start, "a clock that shows \(nanoseconds) ns")
    }
    return MeasuredTime(nanoseconds: nanoseconds)
  }

  fileprivate mutating func ping() throws(FrameError) -> ControlMessage.Ping {
    ControlMessage.Ping(run: try get(), sent: try instant(), words: try count())
  }

  fileprivate mutating func pong() throws(FrameError) -> ControlMessage.Pong {
    ControlMessage.Pong(
      ping: try ping(), node: try instant(), run: try get(), heard: try count(), said: try count())
  }

  fileprivate mutating func requestedRank() throws(FrameError) -> Int? {
    let value = try get(Int32.self)
    return value < 0 ? nil : Int(value)
  }

  fileprivate mutating func endpoints() throws(FrameError) -> [ControlMessage.PeerEndpoint] {
    try list(minimumBytes: 12) { reader throws(FrameError) in
      ControlMessage.PeerEndpoint(
        peer: try reader.nodeRank(), endpoint: try reader.text(), key: try reader.text())
    }
  }

  fileprivate mutating func windowReport() throws(FrameError) -> WindowReport {
    var report = WindowReport(index: Int(try get(UInt32.self)))
    report.outputs = try list(minimumBytes: 16) { reader throws(FrameError) in
      WindowReport.Output(
        batch: Int(try reader.get(UInt32.self)), stamp: try reader.stamp(),
        measured: try reader.instant(),
        tokens: try reader.list(minimumBytes: 4) { reader throws(FrameError) in try reader.get() })
    }
    report.logits = try list(minimumBytes: 12) { reader throws(FrameError) in
      WindowReport.Logits(
        sequence: Int(try reader.get(UInt32.self)), position: Int(try reader.get(UInt32.self)),
        values: try reader.list(minimumBytes: 4) { reader throws(FrameError) in
          try reader.float()
        })
    }
    report.activities = try list(minimumBytes: MeasuredActivity.byteCount) {
      reader throws(FrameError) in try reader.activity()
    }
    return report
  }

  fileprivate mutating func nodeReport() throws(FrameError) -> NodeReport {
    var report = NodeReport()
    report.end = try time()
    report.clockDigest = try get()
    report.resultDigest = Digest(value: try get())
    report.messagesSent = try count()
    report.payloadBytesSent = try count()
    report.started = try moment()
    report.finished = try moment()
    report.peakResidentBytes = try count()
    report.weightBytes = try count()
    report.cacheBytes = try count()
    report.loading = try instant()
    report.streamedBytes = try count()
    report.cachedBytes = try count()
    report.refusedPeers = try count()
    return report
  }

  private mutating func moment() throws(FrameError) -> MeasuredTime? {
    let start = offset
    let nanoseconds = try get(Int64.self)
    guard nanoseconds <= latestInstant else {
      throw .value(offset: start, "a clock that shows \(nanoseconds) ns")
    }
    return nanoseconds < 0 ? nil : MeasuredTime(nanoseconds: nanoseconds)
  }
}
