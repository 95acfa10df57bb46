/// exp and log of IEEE basic operations alone, so that what follows from them has the same bits on every
/// host; the C library's differ in the last place. Within 4 ulp of the true values.
public enum Elementary {
  private static let ln2High = 0x1.62e42fefap-1
  private static let ln2Low = 0x1.cf79abc9e3b39p-40

  /// e to the power of `x`: Taylor's series of what is left of x after whole powers of two, to the 14th
  /// power of at most 0.35. Zero below −700.
  public static func exp(_ x: Double) -> Double {
    precondition(x <= 700, "exp(\(x))")
    guard x > -700 else { return 0 }
    let whole = (x * 0x1.71547652b82fep0).rounded(.toNearestOrEven)
    let rest = (x - whole * ln2High) - whole * ln2Low
    var sum = 1.0
    for power in stride(from: 14.0, through: 1.0, by: -1.0) { sum = 1 + rest / power * sum }
    return Double(sign: .plus, exponent: Int(whole), significand: sum)
  }

  /// The natural logarithm of `x`: x = 2ⁿ·m with m in [√½, √2), and ln m = 2 artanh((m − 1)/(m + 1)).
  ///
  /// - Precondition: `x` is positive and finite.
  public static func log(_ x: Double) -> Double {
    precondition(x > 0 && x.isFinite, "log(\(x))")
    var exponent = Double(x.exponent)
    var mantissa = x.significand
    if mantissa > 0x1.6a09e667f3bcdp0 {
      mantissa /= 2
      exponent += 1
    }
    return exponent * ln2High + (logOnePlus(mantissa - 1) + exponent * ln2Low)
  }

  /// ln(1 + f) without losing a small f: artanh's series in (f/(2 + f))², to the 45th power of at most
  /// 0.18, where |f| is at most 0.42; `log` elsewhere.
  public static func logOnePlus(_ f: Double) -> Double {
    guard abs(f) <= 0.42 else { return log(1 + f) }
    let ratio = f / (2 + f)
    let square = ratio * ratio
    var sum = 0.0
    for power in stride(from: 45.0, through: 1.0, by: -2.0) { sum = sum * square + 1 / power }
    return 2 * ratio * sum
  }
}
