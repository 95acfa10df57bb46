import Foundation
import Hardware
import Messaging
import Programs
import Quantities
import Runtime

/// How long messages take from one node process to another of this host, through the project's own data path:
/// from the instruction that sends to the end of the one that receives, the receiver's waking included.
///
/// It is asked in the two ways in which runs send:
///
/// - **Relay**, for one busy process: two nodes take turns, each computes for some milliseconds, as a stage of
///   a pipeline does, and sends; the other has slept meanwhile. Both ends read one clock, so every message is
///   timed one way.
/// - **Exchange**, for several: all compute at once, as shards do, each sends to the next and takes what the one
///   before sent. In each round another one computes longer, and the next one waits for its message. What passes
///   from that one's begin until its message is taken, beyond its computing, is the message's: with every
///   processor busy the transport's own threads take their time from the computing ones, which no single
///   message shows.
struct MessageSurvey: Sendable {
  let transport: Transport
  /// Processes that compute at once; 1 is a relay between two.
  let busy: Int
  let launch: NodeLaunch
  let waitLimit: MeasuredTime
  /// Messages of each size, each way.
  let rounds: Int
  let interruption: @Sendable () -> String?

  /// Bytes of payloads: a token, and activations from one token of a small model to a prompt of a large one.
  static let sizes = [4, 1 << 11, 1 << 13, 1 << 15, 1 << 17, 1 << 19, 1 << 21]

  /// Messages of one size.
  struct Observation: Hashable, Sendable {
    let bytes: Int
    /// Seconds of each message, sorted.
    let hops: [Double]
    /// Seconds of each sending instruction, sorted.
    let sends: [Double]

    /// What one takes: messages differ by themselves, as threads wake up in one order or another.
    var usual: Double { HostNoise.usual(hops) }
    /// What the sending thread spends.
    var usualSend: Double { HostNoise.usual(sends) }
    /// From the lower to the upper quartile, as a part of the lower.
    var spread: Double { HostNoise.spread(hops) }
  }

  /// Runs the nodes.
  ///
  /// Throws `RunError` when they fail.
  func run() async throws -> [Observation] {
    let script = busy == 1 ? MessageScript.relay(rounds: rounds) : .exchange(busy, rounds: rounds)
    let window = script.window
    let nodes = NodeRun(
      transport: transport, launch: launch, waitLimit: waitLimit, pinning: .automatic,
      recording: Recording.Limits(windows: 0..<1), progress: { _ in }, interruption: interruption)
    let (outcome, _) = try await nodes.run(
      { EvaluatedProgram(window) }, connectionWindows: { [window] },
      payload: { _ in .plain })
    let activities = outcome.windows[0].map(\.activities)
    precondition(
      activities.map(\.count) == script.ranks.map(\.tags.count),
      "\(activities.map(\.count)) activities of \(script.ranks.map(\.tags.count)) instructions")
    let hops = busy == 1 ? relayed(activities, script) : exchanged(activities, script)
    return Self.sizes.indices.map { size in
      var sends: [Double] = []
      for (rank, activities) in activities.enumerated() {
        for (activity, tag) in zip(activities, script.ranks[rank].tags) {
          if case .send(size, let round) = tag, isKept(round) {
            sends.append((activity.end - activity.begin).seconds)
          }
        }
      }
      return Observation(bytes: Self.sizes[size], hops: hops[size].sorted(), sends: sends.sorted())
    }
  }

  /// The first message of a size makes room for it on both sides.
  private func isKept(_ round: Int) -> Bool { round > 0 || rounds == 1 }

  /// Of a relay: from the sending instruction's begin to the receiving one's end.
  private func relayed(_ activities: [[MeasuredActivity]], _ script: MessageScript) -> [[Double]] {
    var hops: [[Double]] = Self.sizes.map { _ in [] }
    for (from, to) in [(0, 1), (1, 0)] {
      let sent = zip(activities[from], script.ranks[from].tags).filter { $0.1.isSend }
      let received = zip(activities[to], script.ranks[to].tags).filter { $0.1.isReceive }
      for (send, receive) in zip(sent, received) {
        guard case .send(let size, let round) = send.1, isKept(round) else { continue }
        hops[size].append((receive.0.end - send.0.begin).seconds)
      }
    }
    return hops
  }

  /// Of an exchange: from the begin of the one that computes longer until its message is taken, less what
  /// its computing takes alone.
  private func exchanged(_ activities: [[MeasuredActivity]], _ script: MessageScript)
    -> [[Double]]
  {
    var alone: [Double] = []
    var begins: [MessageScript.Tag: MeasuredTime] = [:]
    var ends: [MessageScript.Tag: MeasuredTime] = [:]
    for (rank, activities) in activities.enumerated() {
      for (activity, tag) in zip(activities, script.ranks[rank].tags) {
        switch tag {
        case .alone: alone.append((activity.end - activity.begin).seconds)
        case .work(_, let round) where round % busy == rank: begins[tag] = activity.begin
        case .receive(_, let round) where (round + 1) % busy == rank: ends[tag] = activity.end
        case .work, .send, .receive, .other: break
        }
      }
    }
    // The long one computes one and a half times as much.
    let work = HostNoise.quiet(alone.sorted()) * 1.5
    return Self.sizes.indices.map { size in
      (0..<rounds).filter(isKept).map { round in
        let begin = begins[.work(size, round: round)]!
        let end = ends[.receive(size, round: round)]!
        // It may come out below nothing, where computing varies more than a message takes.
        return max((end - begin).seconds - work, 1e-9)
      }
    }
  }
}

/// What the nodes of a message survey do, instruction by instruction, and what each is for.
struct MessageScript {
  /// What an instruction is for. A size is an index into `MessageSurvey.sizes`.
  enum Tag: Hashable {
    case alone, other
    case work(Int, round: Int)
    case send(Int, round: Int)
    case receive(Int, round: Int)

    var isSend: Bool { if case .send = self { true } else { false } }
    var isReceive: Bool { if case .receive = self { true } else { false } }
  }

  /// One rank's instructions.
  struct Part {
    var instructions: [Instruction] = []
    var tags: [Tag] = []

    fileprivate mutating func add(_ instruction: Instruction, _ tag: Tag) {
      instructions.append(instruction)
      tags.append(tag)
    }
  }

  private(set) var ranks: [Part]
  private let workElements: Int

  /// Floats that a stage writes before it sends: 16 MiB, some milliseconds.
  private static let stageElements = 1 << 22
  /// Floats that a shard writes before it sends: 1 MiB, some 100 µs, as a block of a small model takes.
  private static let shardElements = 1 << 18
  /// How often a shard computes alone, to know what that takes.
  private static let aloneRounds = 30

  private init(ranks: Int, workElements: Int) {
    self.ranks = Array(repeating: Part(), count: ranks)
    self.workElements = workElements
  }

  /// Two ranks in turns.
  static func relay(rounds: Int) -> MessageScript {
    var script = MessageScript(ranks: 2, workElements: stageElements)
    for size in MessageSurvey.sizes.indices {
      script.fill(size, on: 0)
      for round in 0..<rounds {
        for (from, to) in [(0, 1), (1, 0)] {
          script.work(on: from, .work(size, round: round))
          script.send(size, round, from: from, to: to)
          script.receive(size, round, from: from, to: to)
        }
      }
    }
    return script
  }

  /// All ranks at once, in a ring; before it each computes alone, one after the other.
  static func exchange(_ count: Int, rounds: Int) -> MessageScript {
    var script = MessageScript(ranks: count, workElements: shardElements)
    for size in MessageSurvey.sizes.indices {
      for rank in 0..<count { script.fill(size, on: rank) }
    }
    for rank in 0..<count {
      for _ in 0..<aloneRounds { script.work(on: rank, .alone) }
      // The next one waits for it; the last one's tells all that they may begin.
      script.pass(from: rank, to: (rank + 1) % count)
    }
    for size in MessageSurvey.sizes.indices {
      for round in 0..<rounds {
        for rank in 0..<count {
          script.work(on: rank, .work(size, round: round))
          if round % count == rank { script.work(on: rank, .other, part: 1) }
          script.send(size, round, from: rank, to: (rank + 1) % count)
        }
        for rank in 0..<count {
          script.receive(size, round, from: rank, to: (rank + 1) % count)
        }
      }
    }
    return script
  }

  /// The program.
  var window: Window {
    let values =
      MessageSurvey.sizes.enumerated().map {
        ValuePlace(buffer: $0.offset, offset: 0, elements: $0.element / 4)
      } + [ValuePlace(buffer: MessageSurvey.sizes.count, offset: 0, elements: workElements)]
    let half = ValuePlace(
      buffer: MessageSurvey.sizes.count + 1, offset: 0, elements: workElements / 2)
    return Window(
      index: 0, batches: [],
      ranks: ranks.map { RankWindow(values: values + [half], instructions: $0.instructions) },
      outputs: [Window.Output(rank: Rank(0), value: 0, batch: 0)])
  }

  private mutating func fill(_ size: Int, on rank: Int) {
    let message = Values(first: size, count: 1)
    ranks[rank].add(.compute(Compute(.fill, input: .none, output: message)), .other)
  }

  /// Computes: all of the work, or the half beside it.
  private mutating func work(on rank: Int, _ tag: Tag, part: Int = 0) {
    let work = Values(first: MessageSurvey.sizes.count + part, count: 1)
    ranks[rank].add(.compute(Compute(.fill, input: .none, output: work)), tag)
  }

  private mutating func send(_ size: Int, _ round: Int, from: Int, to: Int) {
    ranks[from].add(Self.send(size, to: to), .send(size, round: round))
  }

  private mutating func receive(_ size: Int, _ round: Int, from: Int, to: Int) {
    ranks[to].add(Self.receive(size, from: from), .receive(size, round: round))
  }

  /// A message of the smallest size that is not timed.
  private mutating func pass(from: Int, to: Int) {
    ranks[from].add(Self.send(0, to: to), .other)
    ranks[to].add(Self.receive(0, from: from), .other)
  }

  private static func send(_ size: Int, to peer: Int) -> Instruction {
    let bytes = MessageSurvey.sizes[size]
    return .send(
      Send(
        to: Rank(peer), stream: .activation, port: 0, holdsPortUntilDelivery: false,
        values: Values(first: size, count: 1), elements: bytes / 4, bytes: bytes, overhead: .zero,
        serialization: .zero, latency: .zero))
  }

  private static func receive(_ size: Int, from peer: Int) -> Instruction {
    let bytes = MessageSurvey.sizes[size]
    return .receive(
      Receive(
        from: Rank(peer), stream: .activation, port: 0, values: Values(first: size, count: 1),
        elements: bytes / 4, bytes: bytes, serialization: .zero, overhead: .zero))
  }
}

/// A link as messages between processes of a host behave.
struct HostLinkFit: Hashable, Sendable {
  /// Seconds of the sending thread for the smallest message: what it spends before it goes on.
  let sendOverhead: Double
  /// Seconds from then until the smallest message has been received.
  let latency: Double
  /// Bytes a second; `nil` where larger messages took no longer.
  let bandwidth: Double?

  /// Least squares of relative errors over all sizes: a message takes overhead + latency + bytes/bandwidth.
  init(_ observations: [MessageSurvey.Observation]) {
    let samples = observations.map { (count: $0.bytes, seconds: $0.usual) }
    let line = HostFit.line(samples)
    // A message of four bytes has next to none: what it took is fixed, whatever the line says of it.
    let fixed = line.fixed > 0 ? line.fixed : observations[0].usual
    sendOverhead = min(observations[0].usualSend, fixed)
    latency = fixed - sendOverhead
    bandwidth = line.each > 0 ? 1 / line.each : nil
  }
}
