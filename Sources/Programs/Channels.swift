/// A FIFO for every stream between two ranks, found in constant time.
///
/// The table of pairs is dense, which keeps the evaluator's inner loop free of hashing.
struct Channels<Element> {
  private let ranks: Int
  private var numbers: [Int32]
  private var queues: [Queue] = []

  /// Elements are taken from `head`; the array is compacted when it runs empty, which in these programs
  /// is after nearly every message.
  private struct Queue {
    var elements: [Element] = []
    var head = 0
    let from: Rank
    let to: Rank
    let stream: Stream
    var sequence = 0
  }

  init(ranks: Int) {
    precondition(ranks <= Rank.maximumCount, "\(ranks) ranks")
    self.ranks = ranks
    numbers = Array(repeating: -1, count: ranks * ranks * Stream.allCases.count)
  }

  @inline(__always)
  private func slot(_ from: Rank, _ to: Rank, _ stream: Stream) -> Int {
    (from.index * ranks + to.index) * Stream.allCases.count + Int(stream.rawValue)
  }

  /// Appends an element and says which place in the stream, from 0, it has.
  @inline(__always)
  @discardableResult
  mutating func append(_ element: Element, from: Rank, to: Rank, stream: Stream) -> Int {
    let slot = slot(from, to, stream)
    var number = Int(numbers[slot])
    if number < 0 {
      number = queues.count
      numbers[slot] = Int32(number)
      queues.append(Queue(from: from, to: to, stream: stream))
    }
    let sequence = queues[number].sequence
    queues[number].sequence += 1
    queues[number].elements.append(element)
    return sequence
  }

  /// How many elements wait.
  @inline(__always)
  func count(from: Rank, to: Rank, stream: Stream) -> Int {
    let number = Int(numbers[slot(from, to, stream)])
    return number < 0 ? 0 : queues[number].elements.count - queues[number].head
  }

  /// The number of the next element to be appended.
  func nextSequence(from: Rank, to: Rank, stream: Stream) -> Int {
    let number = Int(numbers[slot(from, to, stream)])
    return number < 0 ? 0 : queues[number].sequence
  }

  /// The element at `offset` from the head, if it is there.
  @inline(__always)
  func peek(from: Rank, to: Rank, stream: Stream, offset: Int = 0) -> Element? {
    let number = Int(numbers[slot(from, to, stream)])
    guard number >= 0 else { return nil }
    let index = queues[number].head + offset
    return index < queues[number].elements.count ? queues[number].elements[index] : nil
  }

  /// Takes the first element; `nil` when none waits.
  @inline(__always)
  mutating func take(from: Rank, to: Rank, stream: Stream) -> Element? {
    let number = Int(numbers[slot(from, to, stream)])
    guard number >= 0, queues[number].head < queues[number].elements.count else { return nil }
    let element = queues[number].elements[queues[number].head]
    queues[number].head += 1
    if queues[number].head == queues[number].elements.count {
      queues[number].elements.removeAll(keepingCapacity: true)
      queues[number].head = 0
    }
    return element
  }

  /// Streams that still hold elements, in order of source, destination and stream.
  var remaining: [(from: Rank, to: Rank, stream: Stream, elements: ArraySlice<Element>)] {
    queues.filter { $0.head < $0.elements.count }
      .sorted {
        ($0.from, $0.to, $0.stream.rawValue) < ($1.from, $1.to, $1.stream.rawValue)
      }
      .map { ($0.from, $0.to, $0.stream, $0.elements[$0.head...]) }
  }
}
