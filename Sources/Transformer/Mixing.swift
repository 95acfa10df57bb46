/// Numbers that are a function of their place alone: counter-based randomness.
///
/// The step is SplitMix64's output function (Steele, Lea, Flood, OOPSLA 2014), a bijection of 64 bits with
/// good avalanche. A chain `mix(mix(a) ^ b)` keys one number by several.
enum Mixing {
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number of (a, b, c), in this order.
  @inline(__always)
  static func mix(_ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 { mix(mix(mix(a) ^ b) ^ c) }

  /// A double in (0, 1), never an end: the upper 52 bits, and a half of the last.
  @inline(__always)
  static func unit(_ bits: UInt64) -> Double { (Double(bits >> 12) + 0.5) * 0x1p-52 }
}
