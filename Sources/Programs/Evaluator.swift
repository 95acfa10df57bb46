import Quantities

/// Runs a program in emulated time alone: all ranks in one thread, no numbers, no sockets.
///
/// A rank runs until it needs a message that has not been sent, then another goes on. The order does
/// not matter: each stream is a FIFO, each receive names its stream, and times come from messages and
/// resources of one rank only (Kahn 1974; Chandy and Misra 1979). Windows must have passed
/// `ProgramCheck`.
public struct Evaluator {
  /// One clock a rank.
  public private(set) var clocks: [RankClock]
  /// What crossed each ordered pair of ranks.
  public private(set) var traffic: Traffic
  /// Instructions executed so far.
  public private(set) var instructions = 0
  private var channels: Channels<Stamp>
  private let delays: [Delay]

  /// Makes one message of a stream arrive later, on paper: what a test does to a real message on its way.
  public struct Delay: Hashable, Sendable {
    public var from: Rank
    public var to: Rank
    public var stream: Stream
    /// Place of the message in its stream, from 0.
    public var sequence: Int
    public var by: EmulatedTime

    public init(from: Rank, to: Rank, stream: Stream, sequence: Int, by: EmulatedTime) {
      self.from = from
      self.to = to
      self.stream = stream
      self.sequence = sequence
      self.by = by
    }
  }

  public init(ranks: Int, delays: [Delay] = []) {
    clocks = Array(repeating: RankClock(), count: ranks)
    traffic = Traffic(ranks: ranks)
    channels = Channels(ranks: ranks)
    self.delays = delays
  }

  /// Runs the next window and returns the stamps of its outputs, in the window's order.
  public mutating func run(_ window: Window) -> [Stamp] {
    precondition(window.ranks.count == clocks.count, "\(window.ranks.count) ranks")
    for index in clocks.indices { clocks[index].prepare(for: window.ranks[index]) }
    var positions = Array(repeating: 0, count: clocks.count)
    var runnable = Array(clocks.indices.reversed())
    var woken = Array(repeating: true, count: clocks.count)
    while let next = runnable.popLast() {
      woken[next] = false
      run(
        Rank(next), window.ranks[next].instructions, from: &positions[next]
      ) { peer in
        if !woken[peer.index] {
          woken[peer.index] = true
          runnable.append(peer.index)
        }
      }
    }
    for (index, position) in positions.enumerated() {
      precondition(
        position == window.ranks[index].instructions.count,
        "window \(window.index): rank \(index) stopped at instruction \(position); unchecked program")
    }
    return window.outputs.map { clocks[$0.rank.index].values[$0.value] }
  }

  /// Runs one rank until it is done or waits.
  private mutating func run(
    _ rank: Rank, _ list: [Instruction], from position: inout Int, wake: (Rank) -> Void
  ) {
    while position < list.count {
      switch list[position] {
      case .compute(let compute):
        clocks[rank.index].compute(compute)
        position += 1
        instructions += 1
      case .send(let send):
        var (_, arrival) = clocks[rank.index].send(send)
        if !delays.isEmpty { delay(&arrival, of: send, from: rank) }
        channels.append(arrival, from: rank, to: send.to, stream: send.stream)
        traffic.count(send, from: rank)
        wake(send.to)
        position += 1
        instructions += 1
      case .receive(let receive):
        guard let arrival = channels.take(from: receive.from, to: rank, stream: receive.stream)
        else { return }
        clocks[rank.index].receive(receive, arrival: arrival)
        position += 1
        instructions += 1
      case .receiveSet(let count):
        let members = list[position + 1...position + count].map { member -> Receive in
          guard case .receive(let receive) = member else { preconditionFailure("\(member)") }
          return receive
        }
        guard let arrivals = takeAll(members, at: rank) else { return }
        for index in RankClock.serviceOrder(
          zip(members, arrivals).map { ($0.from, $1) })
        {
          clocks[rank.index].receive(members[index], arrival: arrivals[index])
        }
        position += count + 1
        instructions += count + 1
      }
    }
  }

  /// The messages of a set, once all are there. Members may share a stream.
  private mutating func takeAll(_ members: [Receive], at rank: Rank) -> [Stamp]? {
    for (index, member) in members.enumerated() {
      let earlier = members[..<index].count { $0.from == member.from && $0.stream == member.stream }
      let present = channels.count(from: member.from, to: rank, stream: member.stream)
      guard present > earlier else { return nil }
    }
    return members.map { channels.take(from: $0.from, to: rank, stream: $0.stream)! }
  }

  private func delay(_ arrival: inout Stamp, of send: Send, from rank: Rank) {
    // The message has not been appended yet, so the stream's next number is its own.
    let sequence = channels.nextSequence(from: rank, to: send.to, stream: send.stream)
    for delay in delays
    where delay.from == rank && delay.to == send.to && delay.stream == send.stream
      && delay.sequence == sequence
    {
      arrival.time += delay.by
      arrival.account.linkLatency += delay.by
    }
  }
}

/// Messages, bytes and busy time of every ordered pair of ranks.
public struct Traffic: Hashable, Sendable {
  private let ranks: Int
  private var totals: [Total]

  /// What crossed one link in one direction.
  public struct Total: Hashable, Sendable {
    public var messages = 0
    /// On the modelled wire.
    public var bytes = 0
    /// Overhead and serialization: how long the sender's port worked for it.
    public var busy = EmulatedTime.zero
  }

  /// A link that was used.
  public struct Link: Hashable, Sendable {
    public let from: Rank
    public let to: Rank
    public let total: Total
  }

  public init(ranks: Int) {
    self.ranks = ranks
    totals = Array(repeating: Total(), count: ranks * ranks)
  }

  /// Counts a message.
  @inline(__always)
  public mutating func count(_ send: Send, from rank: Rank) {
    let index = rank.index * ranks + send.to.index
    totals[index].messages += 1
    totals[index].bytes += send.bytes
    totals[index].busy += send.overhead + send.serialization
  }

  /// The links that carried something, by source and destination.
  public var links: [Link] {
    totals.indices.compactMap { index in
      guard totals[index].messages > 0 else { return nil }
      return Link(
        from: Rank(index / ranks), to: Rank(index % ranks), total: totals[index])
    }
  }
}
