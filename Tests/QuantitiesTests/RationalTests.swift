import Quantities
import TestSupport
import Testing

@Suite("Rational")
struct RationalTests {
  /// Every fraction with a numerator from -12 to 12 over a denominator from -7 to 7.
  static let small: [(numerator: Int, denominator: Int)] = (-12...12).flatMap { numerator in
    (-7...7).filter { $0 != 0 }.map { (numerator, $0) }
  }

  static func rational(_ fraction: (numerator: Int, denominator: Int)) -> Rational {
    Rational(Int128(fraction.numerator), over: Int128(fraction.denominator))
  }

  @Test("is in lowest terms with a positive denominator")
  func lowestTerms() {
    for fraction in Self.small {
      let value = Self.rational(fraction)
      #expect(value.denominator > 0)
      #expect(
        value.numerator * Int128(fraction.denominator)
          == Int128(fraction.numerator) * value.denominator)
      for divisor in Int128(2)...12 {
        #expect(
          value.numerator % divisor != 0 || value.denominator % divisor != 0,
          "\(fraction) is not reduced")
      }
    }
  }

  @Test("adds, subtracts, multiplies, divides and compares as fractions do")
  func arithmetic() {
    for a in Self.small {
      for b in Self.small {
        let (x, y) = (Self.rational(a), Self.rational(b))
        // The textbook forms, over the common denominator.
        let common = Int128(a.denominator * b.denominator)
        let left = Int128(a.numerator * b.denominator)
        let right = Int128(b.numerator * a.denominator)
        guard x + y == Rational(left + right, over: common),
          x - y == Rational(left - right, over: common),
          x * y == Rational(Int128(a.numerator * b.numerator), over: common),
          (x < y) == (common > 0 ? left < right : left > right),
          b.numerator == 0
            || x / y == Rational(left, over: Int128(a.denominator * b.numerator))
        else {
          Issue.record("\(a) and \(b)")
          continue
        }
      }
    }
  }

  @Test("rounds to the nearest whole number, ties to even")
  func rounding() {
    for fraction in Self.small {
      let value = Self.rational(fraction)
      // By definition: the whole number at the least distance; of two, the even one.
      let nearest = (Int128(-13)...13).min { a, b in
        let (toA, toB) = (
          (a * value.denominator - value.numerator).magnitude,
          (b * value.denominator - value.numerator).magnitude
        )
        return toA == toB ? a % 2 == 0 && b % 2 != 0 : toA < toB
      }
      #expect(value.rounded == nearest, "\(fraction)")
    }
  }

  @Test(
    "reads decimals exactly",
    arguments: [
      ("28.95", 2895, 100), ("0.134", 134, 1000), ("-3", -3, 1), ("+7", 7, 1), ("1.5e3", 1500, 1),
      ("2E-3", 2, 1000), (".5", 1, 2), ("5.", 5, 1), ("0", 0, 1), ("-0.0", 0, 1),
      ("999999999999999999", 999_999_999_999_999_999, 1),
    ])
  func decimals(text: String, numerator: Int, denominator: Int) {
    #expect(
      Rational(decimal: text) == Rational(Int128(numerator), over: Int128(denominator)))
  }

  @Test(
    "refuses what is not a decimal",
    arguments: [
      "", "-", ".", "e3", "1e", "1e1.5", "1.2.3", "1 2", "0x10", "½", "５", "nan", "inf", "--1",
      "1e19", "1e-19", "1234567890123456789",
    ])
  func notDecimals(text: String) {
    #expect(Rational(decimal: text) == nil)
  }

  @Test("keeps the largest and the smallest decimal it reads")
  func extremes() {
    #expect(Rational(decimal: "999999999999999999e18")!.denominator == 1)
    #expect(Rational(decimal: "0.000000000000000001e-17") == nil)
    #expect(Rational(decimal: "0.00000000000000001e-18")!.numerator == 1)
  }

  @Test("a product of random fractions divided by one of them is the other")
  func inverse() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<1000 {
      let a = Rational(
        Int128(Int.random(in: 1...1 << 40, using: &random)),
        over: Int128(Int.random(in: 1...1 << 20, using: &random)))
      let b = Rational(
        Int128(Int.random(in: 1...1 << 40, using: &random)),
        over: Int128(Int.random(in: 1...1 << 20, using: &random)))
      #expect(a * b / b == a)
      #expect(a + b - b == a)
    }
  }
}
