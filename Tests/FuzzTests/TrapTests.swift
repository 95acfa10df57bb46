import FuzzTargets
import Messaging
import Models
import Programs
import Quantities
import Runtime
import Tensors
import Testing
import Transformer

/// Bytes that once ended the process, where a file of the corpus would go stale with the next protocol version.
@Suite struct TrapTests {
  /// The error with which a control message is refused; `nil` when it is taken.
  private func refusal(_ message: ControlMessage) -> FrameError? {
    switch ControlMessage.reading(message.encoded()) {
    case .success: nil
    case .failure(let error): error
    }
  }

  private func isValueError(_ error: FrameError?) -> Bool {
    if case .value? = error { true } else { false }
  }

  @Test(
    "entries of an account that leave the range of time, or go back, are refused",
    arguments: [(.max, 1), (.max, .max), (-1, 1), (.min, .min)] as [(Int64, Int64)])
  func accounts(first: Int64, second: Int64) throws {
    let header = MessageHeader(
      run: 1, source: Rank(0), stream: .activation, sequence: 0, type: .phantom, elements: 0,
      payloadBytes: 0, departure: .zero, arrival: .zero)
    var frame = [UInt8](repeating: 0, count: MessageHeader.byteCount)
    frame.withUnsafeMutableBytes { bytes in
      header.write(into: bytes)
      // The entries stand last, behind the arrival that they must add up to.
      let entries = bytes.count - 8 * Account.Entry.allCases.count
      bytes.storeBytes(of: first, toByteOffset: entries, as: Int64.self)
      bytes.storeBytes(of: second, toByteOffset: entries + 8, as: Int64.self)
      bytes.storeBytes(of: first &+ second, toByteOffset: entries - 8, as: Int64.self)
    }
    #expect(throws: FrameError.self) {
      try frame.withUnsafeBytes { try MessageHeader(reading: $0) }
    }
    var account = Account()
    account.compute = EmulatedTime(picoseconds: first)
    account.fabric = EmulatedTime(picoseconds: second)
    #expect(Stamp(time: EmulatedTime(picoseconds: first &+ second), account: account) == nil)
  }

  @Test(
    "a clock that shows a time before its start, or after centuries, is refused",
    arguments: [Int64.min, -1, Int64.max])
  func clocks(nanoseconds: Int64) {
    let time = MeasuredTime(nanoseconds: nanoseconds)
    let ping = ControlMessage.Ping(run: 1, sent: time, words: 0)
    #expect(isValueError(refusal(.ping(ping))))
    let pong = ControlMessage.Pong(ping: ping, node: time, run: 1, heard: 0, said: 0)
    #expect(isValueError(refusal(.pong(pong))))
    var report = WindowReport(index: 0)
    report.activities = [
      MeasuredActivity(.kernel(.head, argument: 0, batch: 0), begin: time, end: time)
    ]
    #expect(isValueError(refusal(.windowDone(report))))
  }

  @Test(
    "a shape without KV heads, or of more weights than can be counted, is refused",
    arguments: [(0, 64), (4, (1 << 31) - 1), (4, .max)] as [(Int, Int)])
  func shapes(keyValueHeads: Int, width: Int) {
    var shape = ModelShape.syntheticTiny
    shape.keyValueHeads = keyValueHeads
    shape.width = width
    shape.feedForwardWidth = width
    let model = ModelAssignment(
      shape: shape, layersPerStage: [4], tensor: 1, weights: .synthetic(seed: 1, type: .float32),
      precision: .float32, sequences: 1, positions: 1, maximumTokens: 1, sampling: .greedy, seed: 1,
      prompts: [], reportsLogits: false)
    let assignment = Assignment(
      run: 1, rank: Rank(0), sources: [], transport: .tcp, waitLimitMilliseconds: 1, queueLimit: 1,
      largestPayload: 1, payload: .model(model))
    #expect(isValueError(refusal(.assign(assignment))))
  }

  @Test("a part of weights whose size leaves 64 bits is refused")
  func weights() {
    let frame = WeightDescription.frame(.float32, rows: 1 << 31, columns: 1 << 31, hashes: 0)
    guard case .failure(.value) = ControlMessage.reading(frame) else {
      Issue.record("2^64 bytes of weights were taken")
      return
    }
  }

  @Test("decimals with any exponent are read or refused, and any two compare")
  func decimals() {
    #expect(Rational(decimal: "1e-9223372036854775808") == nil)
    #expect(Rational(decimal: "1e9223372036854775807") == nil)
    let small = Rational(decimal: ".000000000000000001e-18")!
    let large = Rational(decimal: "999999999999999999e18")!
    #expect(small < large && !(large < small) && !(small < small))
    #expect(Rational(-1) < small && Rational(Int128.min + 1) < Rational(Int128.max))
  }
}
