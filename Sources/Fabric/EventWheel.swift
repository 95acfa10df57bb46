/// Which lanes have something to do in which cycle.
///
/// A wheel of buckets, one a cycle, each with a list for every kind of lane, so that the kinds are served
/// in the order that the model states whatever the order in which events were made. A lane has at most
/// one event, for the first of its wavelets: lists are links from lane to lane, and nothing is allocated.
/// What lies further ahead than the wheel is looked at once a turn.
struct EventWheel: ~Copyable {
  /// By bucket and kind, the first lane.
  private let first: Table<Int32>
  /// Events in all buckets.
  private(set) var count = 0

  /// Cycles of a turn; a power of two, above every hop and ramp.
  private static let turn = 256

  init() {
    first = Table(
      repeating: CompiledFabric.none, count: Self.turn * CompiledFabric.lanesPerRouter)
  }

  /// Sets a lane's event; one that is too far ahead for a cycle before.
  @inline(__always)
  mutating func schedule(
    _ lane: Int32, at time: Int, now: Int, in lanes: borrowing Table<LaneState>
  ) {
    let time = min(time, now + Self.turn - 1)
    let bucket = Self.bucket(time, Int(lane) & (CompiledFabric.lanesPerRouter - 1))
    lanes[Int(lane)].next = first[bucket]
    first[bucket] = lane
    count += 1
  }

  /// Takes the list of a kind of lanes in a cycle.
  @inline(__always)
  mutating func takeList(_ kind: Int, now: Int) -> Int32 {
    let bucket = Self.bucket(now, kind)
    defer { first[bucket] = CompiledFabric.none }
    return first[bucket]
  }

  /// The lane after one in its list; to be asked before that one is scheduled again.
  @inline(__always)
  mutating func takeNext(_ lane: Int32, in lanes: borrowing Table<LaneState>) -> Int32 {
    count -= 1
    return lanes[Int(lane)].next
  }

  @inline(__always)
  private static func bucket(_ time: Int, _ kind: Int) -> Int {
    (time & (turn - 1)) * CompiledFabric.lanesPerRouter + kind
  }
}
