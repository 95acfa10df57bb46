import Hardware
import Quantities

/// An observer that keeps how each rank used its time, and where asked a recording of what it did.
public struct Observation: EvaluationObserver, Sendable {
  static var isAwake: Bool { true }
  /// By rank.
  public private(set) var uses: [RankUse]
  /// `nil` unless asked for.
  public private(set) var recording: Recording?
  private var window = 0
  private var isRecording = false
  private var underWay: Channels<Sent>
  /// Messages that a rank has taken and not received yet; more than one in a set.
  private var taken: [[Sent]]

  /// What a receiver must know of a message.
  private struct Sent {
    let departure: EmulatedTime
    let overhead: EmulatedTime
    let serialization: EmulatedTime
    let arrival: EmulatedTime
    /// Its number in the recording, or −1.
    let record: Int
  }

  /// An observer at the start of a program.
  public init(ranks: Int, recording limits: Recording.Limits? = nil) {
    uses = (0..<ranks).map { RankUse(rank: Rank($0)) }
    recording = limits.map(Recording.init)
    underWay = Channels(ranks: ranks)
    taken = Array(repeating: [], count: ranks)
  }

  mutating func began(_ window: Window) {
    self.window = window.index
    isRecording = recording?.limits.windows.contains(window.index) ?? false
  }

  mutating func computed(
    _ work: Compute, on rank: Rank, until end: EmulatedTime, before: EmulatedTime
  ) {
    let cost = work.cost.total
    uses[rank.index].regions.add(cost, at: work.region)
    if end > before {
      let start = max(before, end - cost)
      uses[rank.index].computing += end - start
      uses[rank.index].idle += start - before
      uses[rank.index].end = end
    }
    if isRecording, cost > .zero {
      recording!.add(
        Recording.Kernel(
          window: window, rank: rank, work: work, start: end - cost, end: end))
    }
  }

  mutating func arrived(_ work: Arrive, on rank: Rank, before: EmulatedTime) {
    let admitted = work.arrival.admitted
    guard admitted > before else { return }
    uses[rank.index].idle += admitted - before
    uses[rank.index].end = admitted
  }

  mutating func sent(
    _ message: Send, from rank: Rank, slot: Int, ready: EmulatedTime, departure: EmulatedTime,
    arrival: EmulatedTime, before: EmulatedTime, until: EmulatedTime
  ) {
    // The arrival may be later than the price says, when a test delays the message.
    let sent = departure + message.overhead + message.serialization
    let free = message.holdsPortUntilDelivery ? sent + message.latency : sent
    uses[rank.index].egress.add(free - departure, at: message.port)
    // What faults add to the port's time is in the rank's end, and not in the price.
    if until > before {
      let start = max(before, departure)
      uses[rank.index].sending += until - start
      uses[rank.index].idle += start - before
      uses[rank.index].end = until
    }
    var record: Int?
    if isRecording {
      record = recording!.add(
        Recording.Message(
          window: window, from: rank, send: message, sequence: underWay.nextSequence(slot),
          ready: ready, departure: departure, arrival: arrival))
    }
    underWay.append(
      Sent(
        departure: departure, overhead: message.overhead, serialization: message.serialization,
        arrival: arrival, record: record ?? -1), to: slot)
  }

  mutating func took(_ slot: Int, at rank: Rank) {
    guard let sent = underWay.take(slot) else { preconditionFailure("slot \(slot) is empty") }
    taken[rank.index].append(sent)
  }

  mutating func received(
    _ message: Receive, at rank: Rank, place: Int, exists: EmulatedTime, before: EmulatedTime
  ) {
    let sent = taken[rank.index][place]
    let served = exists - message.overhead
    uses[rank.index].ingress.add(message.serialization, at: message.port)
    if exists > before {
      uses[rank.index].stalled.add(
        Flight(
          departure: sent.departure, sendOverhead: sent.overhead,
          serialization: sent.serialization, arrival: sent.arrival, served: served,
          exists: exists), from: before)
      uses[rank.index].end = exists
    }
    if sent.record >= 0 {
      recording!.complete(
        sent.record,
        Recording.Receipt(
          port: message.port, serialization: message.serialization, served: served,
          exists: exists, awaitedFrom: before))
    }
  }

  mutating func finishedReceiving(at rank: Rank) {
    taken[rank.index].removeAll(keepingCapacity: true)
  }
}

extension [EmulatedTime] {
  /// Adds to the entry of a resource, which may be a new one.
  fileprivate mutating func add(_ time: EmulatedTime, at index: Int32) {
    let index = Int(index)
    if index >= count { append(contentsOf: repeatElement(.zero, count: index + 1 - count)) }
    self[index] += time
  }
}
