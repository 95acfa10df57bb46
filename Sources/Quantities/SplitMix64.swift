/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), and a few draws, of integer and IEEE basic operations
/// alone: the same seed gives the same numbers on every host.
public struct SplitMix64: Hashable, Sendable {
  private var state: UInt64

  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The numbers of a seed, any of which is as good as another, from the one at `first` on.
  public init(seed: UInt64, first: Int = 0) {
    state = seed &+ UInt64(first) &* Self.increment
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= Self.increment
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1), a multiple of 2⁻⁵³.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in `0..<bound`, without bias: Lemire's multiplication, rejecting the short first interval
  /// (ACM TOMACS 29, 2019).
  ///
  /// - Precondition: `bound` is positive.
  public mutating func index(below bound: Int) -> Int {
    precondition(bound > 0, "an index below \(bound)")
    let bound = UInt64(bound)
    let short = (0 &- bound) % bound
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= short { return Int(product.high) }
    }
  }
}
