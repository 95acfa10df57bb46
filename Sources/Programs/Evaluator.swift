import Quantities

/// Runs a program in emulated time alone: all ranks in one thread, no numbers, no sockets.
///
/// A rank runs until it needs a message that has not been sent, then another goes on. The order does
/// not matter: each stream is a FIFO, each receive names its stream, and times come from messages and
/// resources of one rank only (Kahn 1974; Chandy and Misra 1979). Windows must have passed
/// `ProgramCheck`.
public struct Evaluator: Sendable {
  /// One clock a rank.
  public private(set) var clocks: [RankClock]
  /// What crossed each ordered pair of ranks.
  public private(set) var traffic: Traffic
  /// Instructions executed so far.
  public private(set) var instructions = 0
  private var channels: Channels<Stamp>
  private let delays: [Delay]
  /// Arrivals of the set that a rank waits for, as far as they are there, in the set's order.
  private var arrivals: [[Stamp]]
  /// The set being served; kept for its memory.
  private var serving: [RankClock.SetMember] = []

  /// Makes one message of a stream arrive later, on paper: what a test does to a real message on its
  /// way.
  public struct Delay: Hashable, Sendable {
    /// Where the message comes from.
    public var from: Rank
    /// Where it goes to.
    public var to: Rank
    /// The stream it is in.
    public var stream: Stream
    /// Place of the message in its stream, from 0.
    public var sequence: Int
    /// Added to its arrival, and to the link latency of its account.
    public var by: EmulatedTime

    /// A delay of one message.
    public init(from: Rank, to: Rank, stream: Stream, sequence: Int, by: EmulatedTime) {
      self.from = from
      self.to = to
      self.stream = stream
      self.sequence = sequence
      self.by = by
    }
  }

  /// An evaluator at the start of a program.
  ///
  /// - Parameter faults: What goes wrong on which rank.
  /// - Precondition: between 1 and `Rank.maximumCount` ranks.
  public init(ranks: Int, delays: [Delay] = [], faults: FaultPlan = FaultPlan()) {
    channels = Channels(ranks: ranks)
    clocks =
      faults.isEmpty
      ? Array(repeating: RankClock(), count: ranks)
      : (0..<ranks).map { RankClock(faults: faults.share(of: Rank($0))) }
    traffic = Traffic(ranks: ranks)
    arrivals = Array(repeating: [], count: ranks)
    self.delays = delays
  }

  /// Runs the next window and returns the stamps of its outputs, in the window's order.
  ///
  /// - Precondition: the window passed `ProgramCheck`, after those before it.
  public mutating func run(_ window: Window) -> [Stamp] {
    var nobody = Unobserved()
    return run(window, seenBy: &nobody)
  }

  /// Runs the next window as `run`, under the eyes of an observer that saw those before it.
  ///
  /// - Precondition: the window passed `ProgramCheck`, after those before it.
  public mutating func run(_ window: Window, observing observation: inout Observation) -> [Stamp] {
    run(window, seenBy: &observation)
  }

  private mutating func run<Observer: EvaluationObserver>(
    _ window: Window, seenBy observer: inout Observer
  ) -> [Stamp] {
    precondition(
      window.ranks.count == clocks.count, "\(window.ranks.count) of \(clocks.count) ranks")
    observer.began(window)
    for index in clocks.indices { clocks[index].prepare(for: window.ranks[index]) }
    var positions = Array(repeating: 0, count: clocks.count)
    var ready = ReadyRanks(ranks: clocks.count)
    while let next = ready.next() {
      // The clock is moved out, not copied, so that its arrays stay its own.
      var clock = RankClock()
      swap(&clock, &clocks[next])
      window.ranks[next].instructions.withUnsafeBufferPointer { list in
        run(
          list, of: Rank(next), from: &positions[next], clock: &clock, ready: &ready,
          seenBy: &observer)
      }
      swap(&clock, &clocks[next])
    }
    for (index, position) in positions.enumerated() {
      precondition(
        position == window.ranks[index].instructions.count,
        "window \(window.index): rank \(index) stopped at \(position); unchecked program")
      instructions += position
    }
    return window.outputs.map { clocks[$0.rank.index].values[$0.value] }
  }

  /// Runs one rank until it is done or waits.
  private mutating func run<Observer: EvaluationObserver>(
    _ list: UnsafeBufferPointer<Instruction>, of rank: Rank, from start: inout Int,
    clock: inout RankClock, ready: inout ReadyRanks, seenBy observer: inout Observer
  ) {
    var position = start
    defer { start = position }
    while position < list.count {
      switch list[position] {
      case .compute(let compute):
        let before = clock.end
        let end = clock.compute(compute)
        observer.computed(compute, on: rank, until: end, before: before)
      case .arrive(let arrive):
        let before = clock.end
        clock.arrive(arrive)
        observer.arrived(arrive, on: rank, before: before)
      case .send(let send):
        let slot = channels.slot(from: rank, to: send.to, stream: send.stream)
        let before = clock.end
        let isReady = Observer.isAwake ? clock.ready(send) : .zero
        let sent = clock.send(send)
        var arrival = sent.arrival
        if !delays.isEmpty { delay(&arrival, of: send, from: rank, slot: slot) }
        observer.sent(
          send, from: rank, slot: slot, ready: isReady, departure: sent.departure,
          arrival: arrival.time, before: before, until: clock.end)
        channels.append(arrival, to: slot)
        ready.changed(slot, seenBy: send.to.index)
        traffic.count(send, from: rank)
      case .receive(let receive):
        let slot = channels.slot(from: receive.from, to: rank, stream: receive.stream)
        guard let arrival = channels.take(slot) else {
          return ready.wait(rank.index, for: slot)
        }
        observer.took(slot, at: rank)
        let before = clock.end
        let exists = clock.receive(receive, arrival: arrival)
        observer.received(receive, at: rank, place: 0, exists: exists, before: before)
        observer.finishedReceiving(at: rank)
      case .receiveSet(let count):
        let members = UnsafeBufferPointer(rebasing: list[position + 1...position + count])
        if let missing = gather(members, at: rank, seenBy: &observer) {
          return ready.wait(rank.index, for: missing)
        }
        serve(members, at: rank, clock: &clock, seenBy: &observer)
        position += count
      }
      position += 1
    }
  }

  /// Takes a set's messages as far as they are there, and returns the stream of the first that is not.
  private mutating func gather<Observer: EvaluationObserver>(
    _ members: UnsafeBufferPointer<Instruction>, at rank: Rank, seenBy observer: inout Observer
  ) -> Int? {
    for index in arrivals[rank.index].count..<members.count {
      let receive = Self.receive(members[index])
      let slot = channels.slot(from: receive.from, to: rank, stream: receive.stream)
      guard let arrival = channels.take(slot) else { return slot }
      observer.took(slot, at: rank)
      arrivals[rank.index].append(arrival)
    }
    return nil
  }

  /// Receives a set that is complete.
  private mutating func serve<Observer: EvaluationObserver>(
    _ members: UnsafeBufferPointer<Instruction>, at rank: Rank, clock: inout RankClock,
    seenBy observer: inout Observer
  ) {
    serving.removeAll(keepingCapacity: true)
    for (place, member) in members.enumerated() {
      serving.append(
        RankClock.SetMember(
          arrival: arrivals[rank.index][place].time, from: Self.receive(member).from, place: place))
    }
    serving.sort()
    for member in serving {
      let receive = Self.receive(members[member.place])
      let before = clock.end
      let exists = clock.receive(receive, arrival: arrivals[rank.index][member.place])
      observer.received(receive, at: rank, place: member.place, exists: exists, before: before)
    }
    observer.finishedReceiving(at: rank)
    arrivals[rank.index].removeAll(keepingCapacity: true)
  }

  @inline(__always)
  private static func receive(_ member: Instruction) -> Receive {
    guard case .receive(let receive) = member else {
      preconditionFailure("\(member) in a set; unchecked program")
    }
    return receive
  }

  private func delay(_ arrival: inout Stamp, of send: Send, from rank: Rank, slot: Int) {
    // The message has not been appended yet, so the stream's next number is its own.
    let sequence = channels.nextSequence(slot)
    for delay in delays
    where delay.from == rank && delay.to == send.to && delay.stream == send.stream
      && delay.sequence == sequence
    {
      arrival.time += delay.by
      arrival.account.linkLatency += delay.by
    }
  }
}
