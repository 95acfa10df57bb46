/// An exact fraction, in lowest terms, with a positive denominator.
///
/// Costs are computed as rationals and rounded once to a picosecond, so that no result depends on the
/// order of floating-point operations. 128 bits hold every product the cost models form; arithmetic
/// traps on overflow rather than lose a digit.
public struct Rational: Hashable, Comparable, Sendable {
  /// Carries the sign.
  public let numerator: Int128
  /// Always positive.
  public let denominator: Int128

  /// - Precondition: `denominator` is not zero.
  public init(_ numerator: Int128, over denominator: Int128 = 1) {
    precondition(denominator != 0, "rational \(numerator)/0")
    let divisor = Self.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
    let sign: Int128 = denominator < 0 ? -1 : 1
    self.numerator = sign * numerator / Int128(divisor)
    self.denominator = sign * denominator / Int128(divisor)
  }

  /// A whole number.
  public init(_ value: Int) { self.init(Int128(value)) }

  /// Reads a decimal such as `28.95`, `-3` or `1.5e3` exactly; `nil` when it is not one, or has more
  /// than 18 digits or an exponent beyond ±18.
  public init?(decimal text: some StringProtocol) {
    var numerator: Int128 = 0
    var scale = 0
    var digits = 0
    var sawPoint = false
    var rest = Substring(text)
    let negative = rest.first == "-"
    if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
    while let character = rest.first {
      if let digit = character.wholeNumberValue, character.isASCII {
        digits += 1
        guard digits <= 18 else { return nil }
        numerator = numerator * 10 + Int128(digit)
        if sawPoint { scale -= 1 }
      } else if character == ".", !sawPoint {
        sawPoint = true
      } else {
        break
      }
      rest.removeFirst()
    }
    guard digits > 0 else { return nil }
    if let marker = rest.first {
      guard marker == "e" || marker == "E", let exponent = Int(rest.dropFirst()),
        (-18...18).contains(exponent)
      else { return nil }
      scale += exponent
    }
    let magnitude = Self.powerOfTen(abs(scale))
    let signed = negative ? -numerator : numerator
    self = scale < 0 ? Self(signed, over: magnitude) : Self(signed * magnitude)
  }

  /// The nearest integer, ties to even. This is the one place where a cost is rounded.
  public var rounded: Int128 {
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
    let twice = remainder.magnitude * 2
    let isTie = twice == denominator.magnitude
    let away = isTie ? quotient % 2 != 0 : twice > denominator.magnitude
    return away ? quotient + (numerator < 0 ? -1 : 1) : quotient
  }

  /// For display only.
  public var approximation: Double { Double(numerator) / Double(denominator) }

  /// The exact sum.
  public static func + (a: Self, b: Self) -> Self {
    if a.denominator == b.denominator {
      return Self(a.numerator + b.numerator, over: a.denominator)
    }
    return Self(
      a.numerator * b.denominator + b.numerator * a.denominator,
      over: a.denominator * b.denominator)
  }

  /// The exact difference.
  public static func - (a: Self, b: Self) -> Self {
    a + Self(-b.numerator, over: b.denominator)
  }

  /// The exact product.
  public static func * (a: Self, b: Self) -> Self {
    // Crosswise reduction first keeps the products small.
    let left = Self(a.numerator, over: b.denominator)
    let right = Self(b.numerator, over: a.denominator)
    return Self(left.numerator * right.numerator, over: left.denominator * right.denominator)
  }

  /// The exact quotient.
  ///
  /// - Precondition: `b` is not zero.
  public static func / (a: Self, b: Self) -> Self {
    a * Self(b.denominator, over: b.numerator)
  }

  /// Exact comparison, of any two: a difference could leave 128 bits.
  public static func < (a: Self, b: Self) -> Bool {
    let left = a.numerator.multipliedFullWidth(by: b.denominator)
    let right = b.numerator.multipliedFullWidth(by: a.denominator)
    return (left.high, left.low) < (right.high, right.low)
  }

  private static func greatestCommonDivisor(_ a: UInt128, _ b: UInt128) -> UInt128 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  private static func powerOfTen(_ exponent: Int) -> Int128 {
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }
}

extension EmulatedTime {
  /// Rounds a number of seconds to the nearest picosecond, ties to even.
  public init(seconds: Rational) {
    let exact = seconds * Rational(Int128(Self.picosecondsPerSecond))
    self.init(picoseconds: Int64(exact.rounded))
  }
}
