/// Which ranks can go on, and what each of the others waits for.
///
/// A rank that waits names one stream: one that it reads, or one that it writes and that is full. So a
/// message wakes only the rank that needs it. In which order ranks go on does not matter (Kahn 1974).
struct ReadyRanks: Sendable {
  private var ready: [Int]
  /// What each rank waits for: a slot of the channels, or `none`.
  private var awaited: [Int]
  private static let none = -1

  init(ranks: Int) {
    ready = Array((0..<ranks).reversed())
    awaited = Array(repeating: Self.none, count: ranks)
  }

  /// Takes a rank that can go on; `nil` when all are done or wait.
  mutating func next() -> Int? { ready.popLast() }

  /// A rank stops until something happens to a stream.
  mutating func wait(_ rank: Int, for slot: Int) { awaited[rank] = slot }

  /// Something happened to a stream that the rank may wait for.
  @inline(__always)
  mutating func changed(_ slot: Int, seenBy rank: Int) {
    guard awaited[rank] == slot else { return }
    awaited[rank] = Self.none
    ready.append(rank)
  }
}
