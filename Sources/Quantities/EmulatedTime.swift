/// An instant or a span of emulated time: what the modelled hardware would have taken.
///
/// An integer number of picoseconds, so that the same experiment gives the same bytes on every
/// host. It is a type of its own so that the compiler refuses to add it to measured time. The range
/// is ±106 days; arithmetic traps on overflow.
public struct EmulatedTime: Hashable, Comparable, Sendable {
  /// Picoseconds, 10⁻¹² s.
  public var picoseconds: Int64

  /// A time of so many picoseconds.
  @inlinable
  public init(picoseconds: Int64) { self.picoseconds = picoseconds }

  /// The start of an experiment, and the empty span.
  public static let zero = EmulatedTime(picoseconds: 0)

  /// Picoseconds in a second.
  public static let picosecondsPerSecond: Int64 = 1_000_000_000_000

  /// Earlier, or shorter.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.picoseconds < b.picoseconds }
  /// The sum; traps beyond ±106 days.
  @inlinable
  public static func + (a: Self, b: Self) -> Self {
    Self(picoseconds: a.picoseconds + b.picoseconds)
  }
  /// The difference; traps beyond ±106 days.
  @inlinable
  public static func - (a: Self, b: Self) -> Self {
    Self(picoseconds: a.picoseconds - b.picoseconds)
  }
  /// Adds in place.
  @inlinable
  public static func += (a: inout Self, b: Self) { a = a + b }
  /// Subtracts in place.
  @inlinable
  public static func -= (a: inout Self, b: Self) { a = a - b }

  /// Seconds, for display only: a `Double` cannot hold every picosecond.
  public var seconds: Double { Double(picoseconds) / Double(Self.picosecondsPerSecond) }
}

/// A span of measured time: what this host really took, in nanoseconds of a monotonic clock.
public struct MeasuredTime: Hashable, Comparable, Codable, Sendable {
  /// Nanoseconds, 10⁻⁹ s.
  public var nanoseconds: Int64

  /// A span of so many nanoseconds.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Shorter.
  public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The difference.
  public static func - (a: Self, b: Self) -> Self {
    Self(nanoseconds: a.nanoseconds - b.nanoseconds)
  }

  /// The sum.
  public static func + (a: Self, b: Self) -> Self {
    Self(nanoseconds: a.nanoseconds + b.nanoseconds)
  }

  /// Seconds, for display and rates.
  public var seconds: Double { Double(nanoseconds) / 1e9 }
}
