import Quantities

/// What devices draw: their full power, all the time.
public enum Energy {
  /// Watts times seconds.
  public static func joules(watts: Rational, over time: EmulatedTime) -> Rational {
    watts * Rational(Int128(time.picoseconds), over: Int128(EmulatedTime.picosecondsPerSecond))
  }
}
