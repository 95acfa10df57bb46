/// Checks a program before anything runs: every send has its receive with the same element count, no
/// instruction names what is not there or reads what nothing wrote, and there is no deadlock.
///
/// It follows the windows as nodes would, with times left out. A rank stops at a receive whose message
/// is not there, and at a send whose stream is full. Ranks are deterministic and streams are FIFO, so
/// a walk that reaches the end shows that no other order can end in a deadlock, on any transport that
/// holds `maximumUnderWay` messages a stream and makes the sender wait beyond (Kahn 1974; Parks 1995
/// for the bound).
///
/// After an error the check is of no further use.
public struct ProgramCheck: Sendable {
  /// Messages that may be under way on one stream: the bound on nodes' queues. A pipeline has one a
  /// micro-batch; 1,024 leaves room for any plan that makes sense and bounds memory.
  public static let maximumUnderWay = 1024

  /// Regions, or ports, of one rank: a wafer of a region a layer has as many as layers.
  public static let maximumResources = Int32(Rank.maximumCount)

  private let ranks: Int
  private var channels: Channels<(elements: Int, bytes: Int)>
  private var references: [ReferenceCheck]

  /// A check at the start of a program.
  ///
  /// - Precondition: between 1 and `Rank.maximumCount` ranks.
  public init(ranks: Int) {
    self.ranks = ranks
    channels = Channels(ranks: ranks)
    references = (0..<ranks).map { ReferenceCheck(rank: Rank($0), ranks: ranks) }
  }

  /// Checks the next window.
  ///
  /// Throws `ProgramError` for what it finds first: what is wrong within a rank, by rank and
  /// instruction; then what is wrong between ranks.
  public mutating func check(_ window: Window) throws(ProgramError) {
    precondition(window.ranks.count == ranks, "\(window.ranks.count) of \(ranks) ranks")
    for index in references.indices { try references[index].check(window) }
    for (index, output) in window.outputs.enumerated() {
      guard (0..<ranks).contains(output.rank.index),
        references[output.rank.index].exists(output.value)
      else {
        throw .output(
          window: window.index, output: index,
          reason: "\(output.rank) has no value \(output.value) that anything wrote")
      }
    }
    var positions = Array(repeating: 0, count: ranks)
    let (waiting, full) = try walk(window, from: &positions, limit: Self.maximumUnderWay)
    if full.isEmpty {
      guard waiting.isEmpty else { throw .deadlock(window: window.index, waiting: waiting) }
      return
    }
    // Would it have gone on with longer queues? Then they are what is wrong.
    let (stillWaiting, _) = try walk(window, from: &positions, limit: .max)
    guard stillWaiting.isEmpty else {
      throw .deadlock(window: window.index, waiting: stillWaiting)
    }
    throw .overfull(
      window: window.index, from: full[0].rank, to: full[0].peer, stream: full[0].stream,
      messages: Self.maximumUnderWay + 1, limit: Self.maximumUnderWay)
  }

  /// Checks, after the last window, that nothing was sent that nobody received.
  public func finish() throws(ProgramError) {
    guard let left = channels.remaining.first else { return }
    throw .unreceived(
      from: left.from, to: left.to, stream: left.stream, messages: left.elements.count,
      bytes: left.elements.reduce(0) { $0 + $1.bytes })
  }

  /// Lets all ranks go on as far as they can.
  ///
  /// - Returns: the ranks that stopped at a receive, and those that stopped at a send.
  private mutating func walk(
    _ window: Window, from positions: inout [Int], limit: Int
  ) throws(ProgramError) -> (waiting: [ProgramError.Waiting], full: [ProgramError.Waiting]) {
    var ready = ReadyRanks(ranks: ranks)
    while let next = ready.next() {
      try walk(
        Rank(next), window.ranks[next].instructions, from: &positions[next], limit: limit,
        window: window.index, ready: &ready)
    }
    var waiting: [ProgramError.Waiting] = []
    var full: [ProgramError.Waiting] = []
    for index in 0..<ranks where positions[index] < window.ranks[index].instructions.count {
      switch window.ranks[index].instructions[positions[index]] {
      case .receive(let receive):
        waiting.append(
          .init(
            rank: Rank(index), peer: receive.from, stream: receive.stream, bytes: receive.bytes))
      case .send(let send):
        full.append(
          .init(rank: Rank(index), peer: send.to, stream: send.stream, bytes: send.bytes))
      case .compute, .receiveSet, .arrive:
        preconditionFailure("rank \(index) stopped at an instruction that never waits")
      }
    }
    return (waiting, full)
  }

  /// Lets one rank go on until it is done or waits.
  private mutating func walk(
    _ rank: Rank, _ list: [Instruction], from start: inout Int, limit: Int, window: Int,
    ready: inout ReadyRanks
  ) throws(ProgramError) {
    var position = start
    defer { start = position }
    while position < list.count {
      switch list[position] {
      case .compute, .receiveSet, .arrive: break
      case .send(let send):
        let slot = channels.slot(from: rank, to: send.to, stream: send.stream)
        guard channels.count(slot) < limit else { return ready.wait(rank.index, for: slot) }
        channels.append((send.elements, send.bytes), to: slot)
        ready.changed(slot, seenBy: send.to.index)
      case .receive(let receive):
        // The members of a set may be taken one by one here: without times their order is not seen.
        let slot = channels.slot(from: receive.from, to: rank, stream: receive.stream)
        guard let sent = channels.take(slot) else { return ready.wait(rank.index, for: slot) }
        guard sent.elements == receive.elements, sent.bytes == receive.bytes else {
          throw .mismatch(
            window: window, from: receive.from, to: rank, stream: receive.stream,
            sent: sent.elements, received: receive.elements, bytesSent: sent.bytes,
            bytesReceived: receive.bytes)
        }
        ready.changed(slot, seenBy: receive.from.index)
      }
      position += 1
    }
  }
}
