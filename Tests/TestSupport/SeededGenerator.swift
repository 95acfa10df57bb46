import Quantities

/// A small seeded generator, so that a failing test names the seed that repeats it.
public struct SeededGenerator: RandomNumberGenerator {
  private var numbers: SplitMix64

  /// Any seed is as good as another.
  public init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 { numbers.next() }
}
