/// Checks a program before anything runs: every send has its receive with the same element count, no
/// instruction names what is not there, and there is no deadlock.
///
/// It follows the windows as a node would, with times left out. Sends never wait (queues are bounded,
/// and the bound is checked here), so a program in which this greedy walk reaches the end cannot
/// deadlock in any other order either: ranks are deterministic and streams are FIFO (Kahn 1974).
public struct ProgramCheck {
  /// Messages that may be under way on one stream: the bound on nodes' queues. A pipeline has one a
  /// micro-batch; 1,024 leaves room for any plan that makes sense and bounds memory.
  public static let maximumUnderWay = 1024

  private let ranks: Int
  private var channels: Channels<(elements: Int, bytes: Int)>

  public init(ranks: Int) {
    self.ranks = ranks
    channels = Channels(ranks: ranks)
  }

  /// Checks the next window.
  public mutating func check(_ window: Window) throws(ProgramError) {
    precondition(window.ranks.count == ranks, "\(window.ranks.count) of \(ranks) ranks")
    for (index, rank) in window.ranks.enumerated() {
      try checkReferences(rank, of: Rank(index), in: window)
    }
    var positions = Array(repeating: 0, count: ranks)
    var runnable = Array(0..<ranks)
    var woken = Array(repeating: true, count: ranks)
    while let next = runnable.popLast() {
      woken[next] = false
      let instructions = window.ranks[next].instructions
      loop: while positions[next] < instructions.count {
        switch instructions[positions[next]] {
        case .compute, .receiveSet: break
        case .send(let send):
          channels.append(
            (send.elements, send.bytes), from: Rank(next), to: send.to, stream: send.stream)
          let count = channels.count(from: Rank(next), to: send.to, stream: send.stream)
          guard count <= Self.maximumUnderWay else {
            throw .overfull(
              window: window.index, from: Rank(next), to: send.to, stream: send.stream,
              messages: count, limit: Self.maximumUnderWay)
          }
          if !woken[send.to.index] {
            woken[send.to.index] = true
            runnable.append(send.to.index)
          }
        case .receive(let receive):
          // The members of a set may be taken one by one here: without times their order is not seen.
          guard
            let sent = channels.take(from: receive.from, to: Rank(next), stream: receive.stream)
          else { break loop }
          guard sent.elements == receive.elements, sent.bytes == receive.bytes else {
            throw .mismatch(
              window: window.index, from: receive.from, to: Rank(next), stream: receive.stream,
              sent: sent.elements, received: receive.elements, bytesSent: sent.bytes,
              bytesReceived: receive.bytes)
          }
        }
        positions[next] += 1
      }
    }
    let waiting = (0..<ranks).compactMap { index -> ProgramError.Waiting? in
      let instructions = window.ranks[index].instructions
      guard positions[index] < instructions.count,
        case .receive(let receive) = instructions[positions[index]]
      else { return nil }
      return .init(
        rank: Rank(index), peer: receive.from, stream: receive.stream, bytes: receive.bytes)
    }
    guard waiting.isEmpty else { throw .deadlock(window: window.index, waiting: waiting) }
  }

  /// Checks, after the last window, that nothing was sent that nobody received.
  public func finish() throws(ProgramError) {
    guard let left = channels.remaining.first else { return }
    throw .unreceived(
      from: left.from, to: left.to, stream: left.stream, messages: left.elements.count,
      bytes: left.elements.reduce(0) { $0 + $1.bytes })
  }

  private func checkReferences(
    _ window: RankWindow, of rank: Rank, in whole: Window
  ) throws(ProgramError) {
    let count = window.values.count
    var setMembers = 0
    for (index, instruction) in window.instructions.enumerated() {
      func malformed(_ reason: String) -> ProgramError {
        .malformed(window: whole.index, rank: rank, instruction: index, reason: reason)
      }
      func holds(_ values: Values) -> Bool {
        values.first >= 0 && values.count >= 0 && values.indices.upperBound <= count
      }
      if setMembers > 0 {
        guard case .receive = instruction else { throw malformed("a set holds receives only") }
        setMembers -= 1
      }
      switch instruction {
      case .compute(let compute):
        guard holds(compute.input), holds(compute.second), holds(compute.output) else {
          throw malformed("a value beyond the \(count) of the window")
        }
        guard compute.region >= 0, compute.region < Self.maximumResources else {
          throw malformed("region \(compute.region)")
        }
        guard whole.batches.isEmpty || whole.batches.indices.contains(Int(compute.batch)) else {
          throw malformed("batch \(compute.batch) of \(whole.batches.count)")
        }
      case .send(let send):
        guard holds(send.values) else {
          throw malformed("a value beyond the \(count) of the window")
        }
        guard send.to.index >= 0, send.to.index < ranks, send.to != rank else {
          throw malformed("sends to \(send.to)")
        }
        guard elements(send.values, in: window) == send.elements else {
          throw malformed("sends \(send.elements) elements of values that hold another number")
        }
        guard send.port >= 0, send.port < Self.maximumResources else {
          throw malformed("port \(send.port)")
        }
      case .receive(let receive):
        guard holds(receive.values) else {
          throw malformed("a value beyond the \(count) of the window")
        }
        guard receive.from.index >= 0, receive.from.index < ranks, receive.from != rank else {
          throw malformed("receives from \(receive.from)")
        }
        guard elements(receive.values, in: window) == receive.elements else {
          throw malformed("receives \(receive.elements) elements into values of another number")
        }
        guard receive.port >= 0, receive.port < Self.maximumResources else {
          throw malformed("port \(receive.port)")
        }
      case .receiveSet(let members):
        guard members > 0, index + members < window.instructions.count else {
          throw malformed("a set of \(members) receives")
        }
        setMembers = members
      }
    }
  }

  /// Regions, or ports, of one rank: a wafer of a region a layer has as many as layers.
  public static let maximumResources = Int32(Rank.maximumCount)

  private func elements(_ values: Values, in window: RankWindow) -> Int {
    values.indices.reduce(0) { $0 + window.values[$1].elements }
  }
}
