import Messaging
import Models
import Programs
import Quantities
import Tensors

/// Executes a rank's part of a program: real messages, real numbers, and the emulated time of both.
///
/// It decides nothing. Instructions run in order; a receive waits for the message of its stream; and
/// the clock applies to what really arrived the same rules that the evaluator applies on paper.
public struct NodeExecutor: ~Copyable {
  private let rank: Rank
  private let run: UInt64
  private let transport: any Transport
  /// Computes nothing and sends no payload: emulated time only.
  private let isPhantom: Bool
  private let model: ModelKernels?
  private let abortFlag: AbortFlag
  private var clock: RankClock
  private var memory = NodeMemory()
  private var sent = StreamCounts()
  private var received = StreamCounts()
  private var totals = NodeReport()
  private var log: ActivityLog
  private let crash: CrashPoint?
  /// Instructions left before the process ends itself.
  private var untilCrash: Int

  /// - Parameters:
  ///   - model: The shard; `nil` for phantom payloads and for programs without a model.
  ///   - abortFlag: Looked at before every kernel.
  ///   - recording: Windows whose activities are reported, and how many at most.
  ///   - faults: What goes wrong on the rank, in emulated time.
  ///   - crash: Where the process ends itself, in tests.
  public init(
    rank: Rank, run: UInt64, transport: any Transport, isPhantom: Bool,
    model: ModelKernels? = nil, abortFlag: AbortFlag = AbortFlag(),
    recording: Recording.Limits? = nil, faults: RankFaults = RankFaults(),
    crash: CrashPoint? = nil
  ) {
    log = ActivityLog(recording)
    clock = RankClock(faults: faults)
    self.crash = crash
    untilCrash = crash?.instruction(of: rank) ?? .max
    self.rank = rank
    self.run = run
    self.transport = transport
    self.isPhantom = isPhantom
    self.model = model
    self.abortFlag = abortFlag
  }

  /// Runs the next window.
  ///
  /// Throws `NodeError` when a message does not come, is not the one that the program names, or the run
  /// is aborted.
  public mutating func run(_ window: NodeWindow) throws(NodeError) -> WindowReport {
    if totals.started == nil { totals.started = MonotonicClock.now }
    log.begin(window: window.index)
    clock.prepare(for: window.work)
    if !isPhantom { memory.prepare(window.work.values) }
    var report = WindowReport(index: window.index)
    var chosen = Array(repeating: MeasuredTime?.none, count: window.batches.count)
    let instructions = window.work.instructions
    var position = 0
    while position < instructions.count {
      if position >= untilCrash { crash?.strike() }
      switch instructions[position] {
      case .compute(let work):
        guard !abortFlag.isRaised else { throw .aborted }
        let begin = log.moment
        if !isPhantom { try compute(work, window: window, logits: &report.logits) }
        clock.compute(work)
        log.add(.kernel(work.kernel, argument: work.argument, batch: work.batch), since: begin)
        if work.kernel == .choose { chosen[Int(work.batch)] = MonotonicClock.now }
      case .arrive(let work): clock.arrive(work)
      case .send(let message): try send(message)
      case .receive(let message):
        clock.receive(message, arrival: try receive(message))
      case .receiveSet(let count):
        try receiveSet(instructions[position + 1...position + count])
        position += count
      }
      position += 1
    }
    untilCrash -= instructions.count
    let finished = MonotonicClock.now
    totals.finished = finished
    report.activities = log.take()
    report.outputs = window.outputs.map { output in
      WindowReport.Output(
        batch: output.batch, stamp: clock.values[output.value],
        measured: window.batches.isEmpty ? finished : chosen[output.batch] ?? finished,
        tokens: isPhantom || window.batches.isEmpty
          ? [] : memory.tokens(from: output.value, count: window.batches[output.batch].outputs))
    }
    if !isPhantom, window.batches.isEmpty {
      for output in window.outputs {
        totals.resultDigest.add(
          UnsafeRawBufferPointer(memory.bytes(Values(first: output.value, count: 1))))
      }
    }
    return report
  }

  /// What the rank has to tell when its program is done.
  public func report() -> NodeReport {
    var report = totals
    report.end = clock.end
    report.clockDigest = clock.digest
    report.peakResidentBytes = ProcessMemory.peakResidentBytes
    report.weightBytes = model?.weightBytes ?? 0
    report.cacheBytes = model?.cacheBytes ?? 0
    return report
  }

  // MARK: Messages

  private mutating func send(_ message: Send) throws(NodeError) {
    let (departure, arrival) = clock.send(message)
    let sequence = sent.next(message.to, message.stream)
    let payload =
      isPhantom
      ? UnsafeRawBufferPointer(start: nil, count: 0)
      : UnsafeRawBufferPointer(memory.bytes(message.values))
    let header = MessageHeader(
      run: run, source: rank, stream: message.stream, sequence: UInt64(sequence),
      type: isPhantom ? .phantom : .words, elements: message.elements,
      payloadBytes: payload.count, departure: departure, arrival: arrival)
    let begin = log.moment
    do {
      try transport.send(header, payload: payload, to: message.to)
    } catch {
      throw wrap(
        error,
        NodeError.MessagePlace(
          rank: rank, peer: message.to, stream: message.stream, sequence: sequence,
          bytes: message.bytes, isReceive: false))
    }
    log.add(.send(to: message.to, stream: message.stream, sequence: sequence), since: begin)
    totals.messagesSent += 1
    totals.payloadBytesSent += payload.count
  }

  /// Takes a message and returns the arrival that it carried.
  private mutating func receive(_ message: Receive) throws(NodeError) -> Stamp {
    let sequence = received.next(message.from, message.stream)
    let place = NodeError.MessagePlace(
      rank: rank, peer: message.from, stream: message.stream, sequence: sequence,
      bytes: message.bytes, isReceive: true)
    let payload =
      isPhantom
      ? UnsafeMutableRawBufferPointer(start: nil, count: 0) : memory.bytes(message.values)
    let header: MessageHeader
    let begin = log.moment
    do {
      header = try transport.receive(from: message.from, stream: message.stream, into: payload)
    } catch {
      throw wrap(error, place)
    }
    log.add(.receive(from: message.from, stream: message.stream, sequence: sequence), since: begin)
    func check<Value: Equatable>(
      _ field: String, _ found: Value, _ expected: Value
    ) throws(NodeError) {
      guard found == expected else {
        throw .unexpected(place, field: field, found: "\(found)", expected: "\(expected)")
      }
    }
    try check("run", header.run, run)
    try check("source", header.source, message.from)
    try check("stream", header.stream, message.stream)
    try check("sequence", header.sequence, UInt64(sequence))
    try check("payload type", header.type, isPhantom ? .phantom : .words)
    try check("element count", header.elements, message.elements)
    return header.arrival
  }

  private mutating func receiveSet(_ members: ArraySlice<Instruction>) throws(NodeError) {
    var set: [(message: Receive, arrival: Stamp)] = []
    for member in members {
      guard case .receive(let message) = member else { preconditionFailure("\(member) in a set") }
      set.append((message, try receive(message)))
    }
    for index in RankClock.serviceOrder(set.map { ($0.message.from, $0.arrival) }) {
      clock.receive(set[index].message, arrival: set[index].arrival)
    }
  }

  private func wrap(_ error: TransportError, _ place: NodeError.MessagePlace) -> NodeError {
    error == .aborted ? .aborted : .message(place, error)
  }

  // MARK: Kernels

  private func compute(
    _ work: Compute, window: NodeWindow, logits: inout [WindowReport.Logits]
  ) throws(NodeError) {
    switch work.kernel {
    case .sum:
      let output = memory.floats(work.output)
      if work.output != work.input { _ = output.update(fromContentsOf: memory.floats(work.input)) }
      InstructionSet.best.add(UnsafeBufferPointer(memory.floats(work.second)), to: output)
    case .sumInRankOrder: sumInRankOrder(work)
    case .copy: _ = memory.floats(work.output).update(fromContentsOf: memory.floats(work.input))
    case .residual:
      InstructionSet.best.add(
        UnsafeBufferPointer(memory.floats(work.second)), to: memory.floats(work.output))
    case .fill:
      FillPattern.fill(memory.floats(work.output), rank: rank)
    case .cross, .stage: break
    case .accept, .embed, .attention, .feedForward, .head, .candidates, .choose:
      guard let model else {
        throw .window(index: window.index, reason: "\(work.kernel) on a node without a model")
      }
      try model.execute(
        work, batch: window.batches[Int(work.batch)], memory: memory, logits: &logits)
    }
  }

  /// Inputs in rank order, with the rank's own (`second`) in its place; the first is copied, the others
  /// are added to it one by one.
  private func sumInRankOrder(_ work: Compute) {
    let output = memory.floats(work.output)
    let own = Array(memory.floats(work.second))
    for place in 0...Int(work.input.count) {
      let term: UnsafeMutableBufferPointer<Float>? =
        place == Int(work.argument)
        ? nil : memory.floats(work.input[place < Int(work.argument) ? place : place - 1])
      own.withUnsafeBufferPointer { own in
        let term = term.map { UnsafeBufferPointer($0) } ?? own
        if place == 0 {
          _ = output.update(fromContentsOf: term)
        } else {
          InstructionSet.best.add(term, to: output)
        }
      }
    }
  }
}

/// The numbers that `wafer collective` sends: small whole numbers, so that any order of sums is exact
/// and a result can be checked by arithmetic.
public enum FillPattern {
  /// The number at `index` of the buffer of `rank`.
  public static func value(rank: Rank, index: Int) -> Float {
    Float((rank.index * 7 + index * 3) % period)
  }

  private static let period = 64

  /// Fills a rank's buffer: one period, then copies of what is there, twice as much each time.
  static func fill(_ floats: UnsafeMutableBufferPointer<Float>, rank: Rank) {
    for index in 0..<min(period, floats.count) {
      floats[index] = value(rank: rank, index: index)
    }
    var done = period
    while done < floats.count {
      let count = min(done, floats.count - done)
      floats.baseAddress!.advanced(by: done).update(from: floats.baseAddress!, count: count)
      done += count
    }
  }
}

/// How many messages went over each stream to or from each peer.
struct StreamCounts {
  private var counts: [Int: Int] = [:]

  /// The number of the next message.
  mutating func next(_ peer: Rank, _ stream: Stream) -> Int {
    let key = peer.index * Stream.allCases.count + Int(stream.rawValue)
    let number = counts[key, default: 0]
    counts[key] = number + 1
    return number
  }
}
