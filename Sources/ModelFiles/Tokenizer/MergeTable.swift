import HeapModule

/// The merges of a byte-pair encoding, and how they turn a piece of text into tokens.
///
/// Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016: of all
/// neighbouring pairs, the one whose merge was learnt first is merged, the leftmost when there are several,
/// until none can be.
struct MergeTable: Sendable {
  /// Rank by pair of tokens, left in the upper half.
  private var ranks: [UInt64: UInt32] = [:]
  /// The token that a merge makes, by its rank.
  private var merged: [Int32] = []

  /// A table for `capacity` merges.
  init(capacity: Int) {
    ranks.reserveCapacity(capacity)
    merged.reserveCapacity(capacity)
  }

  /// Adds the merge that was learnt next. A pair that is there already keeps its earlier rank.
  mutating func append(left: Int, right: Int, result: Int) {
    let key = Self.key(Int32(left), Int32(right))
    if ranks[key] == nil { ranks[key] = UInt32(merged.count) }
    merged.append(Int32(result))
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Merges a piece's tokens, one for each byte, as far as they can be.
  ///
  /// A heap of pairs, lowest rank first, then leftmost; a doubly linked list of what is left. So a word of
  /// n bytes takes n log n steps. A pair that a merge has changed stays in the heap, and is known as stale
  /// by its rank.
  func merge(_ tokens: [Int32]) -> [Int32] {
    guard tokens.count > 1 else { return tokens }
    var symbols = Symbols(tokens)
    var heap = Heap<UInt64>()
    func consider(_ left: Int) {
      let right = symbols.next[left]
      guard right < tokens.count,
        let rank = ranks[Self.key(symbols.tokens[left], symbols.tokens[right])]
      else {
        symbols.ranks[left] = Symbols.none
        return
      }
      symbols.ranks[left] = rank
      heap.insert(UInt64(rank) << 32 | UInt64(left))
    }
    for left in 0..<tokens.count - 1 { consider(left) }
    while let lowest = heap.popMin() {
      let rank = UInt32(truncatingIfNeeded: lowest >> 32)
      let left = Int(lowest & 0xFFFF_FFFF)
      guard symbols.ranks[left] == rank else { continue }
      symbols.join(left, into: merged[Int(rank)])
      consider(left)
      if symbols.previous[left] >= 0 { consider(symbols.previous[left]) }
    }
    return symbols.remaining()
  }

  /// What a piece consists of while it is merged.
  private struct Symbols {
    /// No rank: the symbol is gone, or its pair cannot be merged.
    static let none = UInt32.max

    var tokens: [Int32]
    var next: [Int]
    var previous: [Int]
    /// Rank of the pair that a symbol starts.
    var ranks: [UInt32]

    init(_ tokens: [Int32]) {
      self.tokens = tokens
      next = Array(1...tokens.count)
      previous = Array(-1..<tokens.count - 1)
      ranks = [UInt32](repeating: Self.none, count: tokens.count)
    }

    /// Makes one symbol of `left` and the one after it.
    mutating func join(_ left: Int, into token: Int32) {
      let right = next[left]
      tokens[left] = token
      next[left] = next[right]
      if next[right] < tokens.count { previous[next[right]] = left }
      ranks[right] = Self.none
    }

    func remaining() -> [Int32] {
      var out: [Int32] = []
      var index = 0
      while index < tokens.count {
        out.append(tokens[index])
        index = next[index]
      }
      return out
    }
  }
}
