import HeapModule
import Models
import Programs
import Quantities

/// Continuous batching (Yu et al., Orca, OSDI 2022), as decisions in emulated time: which requests are taken
/// in, and what goes through the model next.
///
/// Sequences are in *slots*, groups that follow each other through the pipeline; each step of a slot is one
/// batch: a token of every sequence that decodes, and prompt tokens of those that do not yet. Its rules:
///
/// - The slot that has been ready the longest goes first. A slot is ready when the tokens of its last batch are
///   back; one without sequences when a request waits that has room.
/// - Requests are taken in as they came, whenever their slot goes, while the cache has room for all positions
///   that they will ever need, so that nothing is ever thrown out. Slots are filled evenly.
/// - A step takes at most `promptTokens` prompt tokens, those of earlier requests first; `chunks` says whether a
///   prompt may be cut for that (Agrawal et al., Sarathi-Serve, OSDI 2024).
///
/// It decides from what has happened by the time of the decision, and from nothing later.
public struct Scheduler: Sendable {
  /// What it may use.
  public struct Limits: Hashable, Sendable {
    /// Sequences at once: rows of the KV cache.
    public var sequences: Int
    /// Positions of the KV cache, over all sequences.
    public var positions: Int
    /// Groups of sequences that follow each other through the pipeline.
    public var slots: Int
    /// Most prompt tokens of a step.
    public var promptTokens: Int
    /// Whether prompts are cut to fill a step.
    public var chunks: Bool

    /// Limits; preconditions are the scheduler's.
    public init(sequences: Int, positions: Int, slots: Int, promptTokens: Int, chunks: Bool) {
      self.sequences = sequences
      self.positions = positions
      self.slots = slots
      self.promptTokens = promptTokens
      self.chunks = chunks
    }

    /// Sequences of one slot, at most.
    public var sequencesPerSlot: Int { (sequences + slots - 1) / slots }
    /// Tokens of one step, at most.
    public var tokensPerStep: Int { sequencesPerSlot + promptTokens }
  }

  /// A sequence in a slot.
  private struct Sequence {
    let request: Int
    let row: Int
    /// Tokens that have been given to the model.
    var position = 0
    /// Tokens that have been sampled.
    var sampled = 0
  }

  private struct Slot {
    var sequences: [Sequence] = []
    /// When its next batch can go.
    var ready = EmulatedTime.zero
    /// Requests whose tokens come back, in that order.
    var returned: [Int] = []
  }

  /// Something that happens at a time; ties go by number.
  private struct Event: Comparable {
    let time: EmulatedTime
    let number: Int

    static func < (a: Self, b: Self) -> Bool { (a.time, a.number) < (b.time, b.number) }
  }

  /// What the requests ask for.
  public let requests: [Request]
  private let limits: Limits
  private var slots: [Slot]
  /// Requests that have not come yet, by when they will.
  private var coming = Heap<Event>()
  /// Those that come after others: the next of each.
  private var following: [Int: Int] = [:]
  /// Requests that have come and wait, in order; those before `next` have been taken in.
  private var waiting: [Int] = []
  private var next = 0
  /// Requests whose answer is complete at a time; their room is free from then on.
  private var ending = Heap<Event>()
  private var rows: Heap<Int>
  private var rowOf: [Int: Int] = [:]
  private var freePositions: Int
  /// When each request came.
  public private(set) var arrived: [EmulatedTime]
  /// When each was taken in; `nil` for one that has not been.
  public private(set) var admitted: [EmulatedTime?]
  /// Slot and completed requests of the batch that is on its way to be evaluated.
  private var current: (slot: Int, completed: [Int])?

  /// A scheduler at the start.
  ///
  /// - Precondition: limits are at least 1, no more slots than sequences, and every request fits them alone:
  ///   `problem(of:)` is `nil`.
  public init(_ requests: [Request], limits: Limits) {
    precondition(Self.problem(of: requests, limits: limits) == nil, "requests beyond the limits")
    self.requests = requests
    self.limits = limits
    slots = Array(repeating: Slot(), count: limits.slots)
    rows = Heap(0..<limits.sequences)
    freePositions = limits.positions
    arrived = Array(repeating: .zero, count: requests.count)
    admitted = Array(repeating: nil, count: requests.count)
    for (index, request) in requests.enumerated() {
      switch request.coming {
      case .at(let time): coming.insert(Event(time: time, number: index))
      case .after(let earlier, _): following[earlier] = index
      }
    }
  }

  /// Why requests cannot be served within limits, in words; `nil` when they can.
  public static func problem(of requests: [Request], limits: Limits) -> String? {
    guard limits.slots >= 1, limits.sequences >= limits.slots, limits.promptTokens >= 1 else {
      return "\(limits.slots) micro-batches of \(limits.sequences) sequences"
    }
    var followed = Set<Int>()
    for (index, request) in requests.enumerated() {
      guard request.positions <= limits.positions else {
        return
          "request \(index) needs \(request.positions) positions of the KV cache, and there are "
          + "\(limits.positions)"
      }
      guard limits.chunks || request.promptTokens <= limits.promptTokens else {
        return "request \(index) has \(request.promptTokens) prompt tokens, and a step takes "
          + "\(limits.promptTokens)"
      }
      if case .after(let earlier, _) = request.coming {
        guard (0..<index).contains(earlier), followed.insert(earlier).inserted else {
          return "request \(index) comes after \(earlier), which is not before it or has another"
        }
      }
    }
    return nil
  }

  /// The next batch, or `nil` when all requests have been answered.
  ///
  /// - Parameter free: When the first region of the first stage is free.
  /// - Precondition: the batch before it has been told of in `evaluated`.
  public mutating func batch(free: EmulatedTime) -> ScheduledBatch? {
    precondition(current == nil, "two batches without an evaluation between them")
    var now = free
    while true {
      happen(until: now)
      if let slot = readySlot(at: now) { return compose(slot, at: now) }
      guard let later = nextEvent else {
        precondition(next == waiting.count, "\(waiting.count - next) requests wait for nothing")
        return nil
      }
      now = max(now, later)
    }
  }

  /// What the last batch came to.
  ///
  /// - Parameters:
  ///   - sampled: When its tokens were sampled; `nil` when it sampled none.
  ///   - back: When the tokens that go back can be on the first stage again; `nil` when none goes.
  ///   - free: When the first region of the first stage is free again.
  public mutating func evaluated(
    sampled: EmulatedTime?, back: EmulatedTime?, free: EmulatedTime
  ) {
    guard let (slot, completed) = current else { preconditionFailure("no batch is on its way") }
    current = nil
    slots[slot].ready = back ?? free
    for request in completed {
      let end = sampled!
      ending.insert(Event(time: end, number: request))
      if let follower = following.removeValue(forKey: request),
        case .after(_, let pause) = requests[follower].coming
      {
        coming.insert(Event(time: end + pause, number: follower))
      }
    }
  }

  // MARK: Time

  /// Requests that come, and room that gets free, by a time.
  private mutating func happen(until now: EmulatedTime) {
    while let event = coming.min, event.time <= now {
      coming.removeMin()
      arrived[event.number] = event.time
      waiting.append(event.number)
    }
    while let event = ending.min, event.time <= now {
      ending.removeMin()
      rows.insert(rowOf.removeValue(forKey: event.number)!)
      freePositions += requests[event.number].positions
    }
    // What was taken in is dropped now and then, so that the queue holds what waits.
    if next > 1024, next * 2 > waiting.count {
      waiting.removeFirst(next)
      next = 0
    }
  }

  private var nextEvent: EmulatedTime? {
    let busy = slots.filter { !$0.sequences.isEmpty }.map(\.ready)
    return (busy + [coming.min?.time, ending.min?.time].compactMap { $0 }).min()
  }

  /// The slot that has been ready the longest, the first of them when several have.
  private func readySlot(at now: EmulatedTime) -> Int? {
    let since = hasRoomForNext ? arrived[waiting[next]] : nil
    var best: (ready: EmulatedTime, slot: Int)?
    for (index, slot) in slots.enumerated() {
      guard let ready = slot.sequences.isEmpty ? since : slot.ready, ready <= now else { continue }
      if best.map({ ready < $0.ready }) ?? true { best = (ready, index) }
    }
    return best?.slot
  }

  private var hasRoomForNext: Bool {
    next < waiting.count && !rows.isEmpty
      && requests[waiting[next]].positions <= freePositions
  }

  // MARK: A batch

  private mutating func compose(_ index: Int, at now: EmulatedTime) -> ScheduledBatch {
    var budget = limits.promptTokens
    var entries: [Batch.Entry] = []
    var kept: [Sequence] = []
    var completed: [Int] = []
    var newest: EmulatedTime?
    var slot = slots[index]
    // Even slots: a share of what is there and what waits, and never more than there is room for.
    let running = slots.reduce(0) { $0 + $1.sequences.count }
    let share = (running + waiting.count - next + limits.slots - 1) / limits.slots
    let room = min(limits.sequencesPerSlot, max(share, 1))

    func prompt(_ sequence: inout Sequence) -> Bool {
      let left = requests[sequence.request].promptTokens - sequence.position
      let count = limits.chunks ? min(left, budget) : left
      guard count > 0, count <= budget else { return false }
      budget -= count
      let samples = count == left
      entries.append(
        Batch.Entry(
          sequence: sequence.row, request: sequence.request, start: sequence.position,
          count: count, samples: samples))
      sequence.position += count
      if samples { sequence.sampled = 1 }
      return true
    }
    for var sequence in slot.sequences {
      let request = requests[sequence.request]
      if sequence.position < request.promptTokens {
        _ = prompt(&sequence)
      } else {
        entries.append(
          Batch.Entry(
            sequence: sequence.row, request: sequence.request, start: sequence.position, count: 1,
            samples: true))
        sequence.position += 1
        sequence.sampled += 1
      }
      if sequence.sampled == request.outputTokens {
        completed.append(sequence.request)
      } else {
        kept.append(sequence)
      }
    }
    while hasRoomForNext, kept.count + completed.count < room {
      let number = waiting[next]
      let request = requests[number]
      guard budget > 0, limits.chunks || request.promptTokens <= budget else { break }
      next += 1
      var sequence = Sequence(request: number, row: rows.removeMin())
      rowOf[number] = sequence.row
      freePositions -= request.positions
      admitted[number] = now
      newest = max(newest ?? .zero, arrived[number])
      _ = prompt(&sequence)
      if sequence.sampled == request.outputTokens {
        completed.append(number)
      } else {
        kept.append(sequence)
      }
    }
    let isEnding = Set(completed)
    let order = { (entry: Batch.Entry) in
      entry.samples ? (isEnding.contains(entry.request) ? 1 : 0) : 2
    }
    let sorted = (0...2).flatMap { rank in entries.filter { order($0) == rank } }
    let places = Dictionary(
      uniqueKeysWithValues: sorted.enumerated().map { ($0.element.request, $0.offset) })
    let batch = Batch(
      entries: sorted, accepts: slot.returned.map { places[$0]! },
      returns: sorted.count { order($0) == 0 })
    slot.returned = sorted.prefix(batch.returns).map(\.request)
    slot.sequences = kept
    slots[index] = slot
    current = (index, completed)
    return ScheduledBatch(
      batch, slot: index,
      arrival: now > .zero ? newest.map { Arrival(arrived: $0, admitted: now) } : nil)
  }
}
