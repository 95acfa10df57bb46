import Quantities

/// The random choices behind one input: the same seed makes the same bytes on every host.
struct Draw {
  private var numbers: SplitMix64

  init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

  /// Uniform in `0..<bound`.
  mutating func below(_ bound: Int) -> Int { numbers.index(below: bound) }

  /// True so many times in a hundred.
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  /// One of a list that is not empty.
  mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

  /// 64 bits as good as any.
  mutating func bits() -> UInt64 { numbers.next() }

  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: numbers.next()) }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }

  /// An integer where arithmetic breaks: small, about a power of two, at the ends of a type, or any.
  mutating func edge() -> UInt64 {
    switch below(6) {
    case 0: UInt64(below(20))
    case 1: (UInt64(1) << UInt64(below(64))) &+ UInt64(below(3)) &- 1
    case 2: UInt64(bitPattern: Int64(-1 - below(20)))
    case 3: pick([UInt64(Int64.max), UInt64(Int32.max), UInt64(UInt32.max), UInt64.max, 1 << 63])
    case 4: pick([100, 1000, 1024, 10_000, 1_000_000, 1 << 20, 100_000_001, (1 << 31) - 1])
    default: numbers.next()
    }
  }

  /// A short text: plain, none, not ASCII, or with what formats give a meaning.
  mutating func text() -> String {
    switch below(8) {
    case 0: ""
    case 1: pick(["é", "\u{10FFFF}", "\u{FEFF}", "a\u{301}", "日本", "\u{0}", "\u{85}", "👩‍👩‍👧"])
    case 2:
      pick(["\"", "\\", "'", "\n", "\t", ": ", "#", "&a", "*a", "!!str x", "{", "[", "---", "<<"])
    case 3: String(repeating: "x", count: below(200))
    default: String((0..<1 + below(8)).map { _ in pick(Array("abcdefgh01239_.-/ ")) })
    }
  }
}
