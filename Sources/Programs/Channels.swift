/// A FIFO for every stream between two ranks, found in constant time.
///
/// The table of pairs is dense, which keeps the evaluator's inner loop free of hashing; at
/// `Rank.maximumCount` ranks it takes 24 MiB. Messages under way lie in one pool whose places are used
/// again, so that a long run touches the memory of what is under way, not of what was ever sent.
struct Channels<Element: Sendable>: Sendable {
  private struct Queue {
    let slot: Int
    /// Places in the pool; meaningless when `count` is 0.
    var head: Int32 = 0
    var tail: Int32 = 0
    var count = 0
    /// Elements ever appended.
    var sequence = 0
  }

  private struct Link: Sendable {
    var element: Element
    /// The next of its queue, or of the free places.
    var next: Int32
  }

  private let ranks: Int
  /// The queue of each slot, −1 before its first message.
  private var numbers: [Int32]
  private var queues: [Queue] = []
  private var pool: [Link] = []
  /// First free place of the pool, or −1.
  private var free: Int32 = -1

  init(ranks: Int) {
    precondition(
      (1...Rank.maximumCount).contains(ranks), "\(ranks) of 1 to \(Rank.maximumCount) ranks")
    self.ranks = ranks
    numbers = Array(repeating: -1, count: ranks * ranks * Stream.count)
  }

  /// The number of a stream from one rank to another, by which the other functions name it.
  @inline(__always)
  func slot(from: Rank, to: Rank, stream: Stream) -> Int {
    (from.index * ranks + to.index) * Stream.count + Int(stream.rawValue)
  }

  /// How many elements wait.
  @inline(__always)
  func count(_ slot: Int) -> Int {
    let number = Int(numbers[slot])
    return number < 0 ? 0 : queues[number].count
  }

  /// The place in its stream, from 0, of the next element to be appended.
  func nextSequence(_ slot: Int) -> Int {
    let number = Int(numbers[slot])
    return number < 0 ? 0 : queues[number].sequence
  }

  @inline(__always)
  mutating func append(_ element: Element, to slot: Int) {
    var number = Int(numbers[slot])
    if number < 0 { number = open(slot) }
    let place = free
    if place >= 0 {
      free = pool[Int(place)].next
      pool[Int(place)].element = element
      link(place, to: number)
    } else {
      pool.append(Link(element: element, next: -1))
      link(Int32(pool.count - 1), to: number)
    }
  }

  @inline(__always)
  private mutating func link(_ place: Int32, to number: Int) {
    if queues[number].count == 0 {
      queues[number].head = place
    } else {
      pool[Int(queues[number].tail)].next = place
    }
    queues[number].tail = place
    queues[number].count += 1
    queues[number].sequence += 1
  }

  private mutating func open(_ slot: Int) -> Int {
    numbers[slot] = Int32(queues.count)
    queues.append(Queue(slot: slot))
    return queues.count - 1
  }

  /// Takes the first element; `nil` when none waits.
  @inline(__always)
  mutating func take(_ slot: Int) -> Element? {
    let number = Int(numbers[slot])
    guard number >= 0, queues[number].count > 0 else { return nil }
    let place = queues[number].head
    queues[number].head = pool[Int(place)].next
    queues[number].count -= 1
    pool[Int(place)].next = free
    free = place
    return pool[Int(place)].element
  }

  /// Streams that still hold elements, in order of source, destination and stream.
  var remaining: [(from: Rank, to: Rank, stream: Stream, elements: [Element])] {
    queues.filter { $0.count > 0 }.sorted { $0.slot < $1.slot }.map { queue in
      var elements: [Element] = []
      var place = Int(queue.head)
      for _ in 0..<queue.count {
        elements.append(pool[place].element)
        place = Int(pool[place].next)
      }
      let (pair, stream) = queue.slot.quotientAndRemainder(dividingBy: Stream.count)
      return (Rank(pair / ranks), Rank(pair % ranks), Stream.allCases[stream], elements)
    }
  }
}

extension Stream {
  /// Streams between two ranks.
  static var count: Int { 6 }
}
