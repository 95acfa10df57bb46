/// Numbers as text, the same on every host and in every locale.
public enum NumberText {
  /// A number with so many digits after the point at most, halves away from zero, without trailing
  /// zeros.
  ///
  /// - Precondition: it is finite; there are 0 to 12 digits.
  public static func fixed(_ value: Double, digits: Int) -> String {
    precondition(value.isFinite && (0...12).contains(digits), "\(value) to \(digits) digits")
    let power = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let scaled = (value.magnitude * power).rounded()
    // Beyond 2^53 a double has no digits after the point.
    guard scaled < 9e15 else { return "\(value < 0 ? "-" : "")\(whole(value.magnitude))" }
    let units = Int64(scaled)
    guard units != 0 else { return "0" }
    let sign = value < 0 ? "-" : ""
    var text = "\(units)"
    guard digits > 0 else { return sign + text }
    text = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    var fraction = text.suffix(digits)
    while fraction.last == "0" { fraction.removeLast() }
    return sign + text.dropLast(digits) + (fraction.isEmpty ? "" : "." + fraction)
  }

  /// A number with so many significant digits, no exponent, without trailing zeros.
  public static func significant(_ value: Double, digits: Int = 4) -> String {
    guard value != 0 else { return "0" }
    return fixed(value, digits: min(12, max(0, digits - 1 - exponent(value.magnitude))))
  }

  /// A value in full: whole numbers without a point, others as short as tells them apart.
  public static func plain(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 9e15 ? "\(Int64(value))" : "\(value)"
  }

  private static func whole(_ value: Double) -> String {
    value < 9e18 ? "\(Int64(value))" : "\(value)"
  }

  /// The decimal exponent of a positive number: 10^e <= value < 10^(e+1).
  ///
  /// By multiplication, so that it does not depend on a C library's logarithm.
  static func exponent(_ value: Double) -> Int {
    precondition(value > 0 && value.isFinite, "exponent of \(value)")
    var exponent = 0
    var power = 1.0
    while value >= power * 10 {
      power *= 10
      exponent += 1
    }
    while value < power, exponent > -300 {
      exponent -= 1
      power = 1 / powerOfTen(-exponent)
    }
    return exponent
  }

  /// 10^exponent, exponent not negative.
  static func powerOfTen(_ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { power, _ in power * 10 }
  }
}
