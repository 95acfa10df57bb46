import Hardware
import Messaging
import Models
import Programs
import Quantities
import Runtime

/// Valid messages of any kind, and spoilt ones.
extension Draw {
  /// A data message: the length of its first frame in two bytes, both frames.
  mutating func frame() -> [UInt8] {
    var account = Account()
    for entry in Account.Entry.allCases {
      account[entry] = EmulatedTime(picoseconds: Int64(below(1 << 40)))
    }
    let type = pick(MessageHeader.PayloadType.allCases)
    let elements = below(20)
    let payload = type == .phantom ? 0 : 4 * elements
    let header = MessageHeader(
      run: bits(), source: Rank(below(Rank.maximumCount)), stream: pick(Stream.allCases),
      sequence: bits(), type: type, elements: elements, payloadBytes: payload,
      departure: EmulatedTime(picoseconds: Int64(below(1 << 40))),
      arrival: Stamp(time: account.total, account: account)!)
    var frame = [UInt8](repeating: 0, count: MessageHeader.byteCount)
    frame.withUnsafeMutableBytes { header.write(into: $0) }
    if chance(70) { spoil(&frame, from: 6) }
    // Two entries that change together still add up, so that their bounds are what is tried.
    if chance(15), frame.count == MessageHeader.byteCount {
      let first = MessageHeader.byteCount - 8 * Account.Entry.allCases.count
      put(edge(), size: 8, at: first, in: &frame)
      let sum = frame.withUnsafeBytes { bytes in
        stride(from: first, to: bytes.count, by: 8).reduce(UInt64(0)) {
          $0 &+ bytes.loadUnaligned(fromByteOffset: $1, as: UInt64.self)
        }
      }
      put(sum, size: 8, at: first - 8, in: &frame)
    }
    var body = bytes(payload)
    if chance(20) { spoil(&body, from: 0) }
    return [UInt8(truncatingIfNeeded: frame.count), UInt8(truncatingIfNeeded: frame.count >> 8)]
      + frame + body
  }

  /// A control message.
  mutating func control() -> [UInt8] {
    var bytes = chance(8) ? weightAnswer() : message().encoded()
    if chance(85) { spoil(&bytes, from: 7) }
    return bytes
  }

  private mutating func ping() -> ControlMessage.Ping {
    .init(run: UInt64(below(1 << 40)), sent: instant(), words: below(1 << 20))
  }

  private mutating func message() -> ControlMessage {
    switch below(22) {
    case 0: .hello(hello())
    case 1: .bound(endpoints())
    case 2: .ready(weightBytes: below(1 << 40))
    case 3: .windowDone(windowReport())
    case 4: .done(nodeReport())
    case 5: .failed(text())
    case 6: .wantWeights(weightRequest())
    case 7:
      .pong(
        ControlMessage.Pong(
          ping: ping(), node: instant(), run: UInt64(below(1 << 40)), heard: below(1 << 20),
          said: below(1 << 20)))
    case 8: .refuse(text())
    case 9, 10: .assign(assignment())
    case 11: .connect(endpoints())
    case 12, 13: .window(window())
    case 14: .abort(text())
    case 15: .again(text(), run: UInt64(below(1 << 40)))
    case 16, 17: .ping(ping())
    case 20: .astray(text())
    case 18, 19: .members(status())
    default: pick([.begin, .finish, .dismiss, .alive, .status])
    }
  }

  mutating func instant() -> MeasuredTime { MeasuredTime(nanoseconds: Int64(below(1 << 50))) }

  mutating func time() -> EmulatedTime { EmulatedTime(picoseconds: Int64(below(1 << 50))) }

  mutating func rank() -> Rank { Rank(below(Rank.maximumCount)) }

  mutating func several<Element>(_ make: (inout Draw) -> Element) -> [Element] {
    (0..<below(4)).map { _ in make(&self) }
  }

  private mutating func hello() -> ControlMessage.Hello {
    ControlMessage.Hello(
      protocolVersion: chance(80) ? ProtocolVersion.current : UInt16(below(9)), host: text(),
      process: Int32(below(99_999)), processors: below(512), instructions: text(),
      requestedRank: chance(50) ? below(1024) : nil, memory: below(1 << 44), boot: text(),
      key: text())
  }

  private mutating func endpoints() -> [ControlMessage.PeerEndpoint] {
    several {
      ControlMessage.PeerEndpoint(peer: $0.rank(), endpoint: "tcp://127.0.0.1:5", key: $0.text())
    }
  }

  private mutating func stamp() -> Stamp {
    var account = Account()
    for entry in Account.Entry.allCases { account[entry] = time() }
    return Stamp(time: account.total, account: account)!
  }

  private mutating func activity() -> MeasuredActivity {
    let kind: MeasuredActivity.Kind =
      switch below(3) {
      case 0: .kernel(pick(Kernel.allCases), argument: Int32(below(99)), batch: Int32(below(9)))
      case 1: .send(to: rank(), stream: pick(Stream.allCases), sequence: below(999))
      default: .receive(from: rank(), stream: pick(Stream.allCases), sequence: below(999))
      }
    return MeasuredActivity(kind, begin: instant(), end: instant())
  }

  private mutating func windowReport() -> WindowReport {
    var report = WindowReport(index: below(99))
    report.outputs = several { draw in
      WindowReport.Output(
        batch: draw.below(9), stamp: draw.stamp(), measured: draw.instant(),
        tokens: draw.several { Int32($0.below(32_000)) })
    }
    report.logits = several { draw in
      WindowReport.Logits(
        sequence: draw.below(9), position: draw.below(99),
        values: draw.several { Float(bitPattern: UInt32(truncatingIfNeeded: $0.bits())) })
    }
    report.activities = several { $0.activity() }
    return report
  }

  private mutating func nodeReport() -> NodeReport {
    var report = NodeReport()
    report.end = time()
    report.clockDigest = bits()
    report.messagesSent = below(999)
    report.started = chance(50) ? instant() : nil
    report.loading = instant()
    return report
  }

  private mutating func status() -> ClusterStatus {
    var status = ClusterStatus()
    status.ranks = below(9)
    status.members = several { draw in
      ClusterStatus.Member(
        rank: draw.chance(50) ? draw.below(9) : nil, hello: draw.hello(), silence: draw.instant())
    }
    return status
  }
}
