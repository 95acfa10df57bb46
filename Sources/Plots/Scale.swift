import Foundation

/// Where values lie along an axis, and which of them are marked.
struct Scale: Hashable, Sendable {
  /// How the distance of two values is taken.
  enum Kind: Hashable, Sendable { case linear, logarithmic }

  let kind: Kind
  let lower: Double
  let upper: Double
  /// Marked values, ascending.
  let ticks: [Double]

  /// The place of a value: 0 at the lower end, 1 at the upper.
  func fraction(_ value: Double) -> Double {
    switch kind {
    case .linear: (value - lower) / (upper - lower)
    case .logarithmic: (log10(value) - log10(lower)) / (log10(upper) - log10(lower))
    }
  }

  /// A linear scale that holds these values, its ends marked ones: steps of 1, 2 or 5 times a power of
  /// ten.
  ///
  /// - Parameter unit: Size of the unit that ticks are written in: steps are round in it.
  static func linear(
    _ values: [Double], includesZero: Bool, most: Int, unit: Double = 1
  ) -> Scale {
    let scaled = values.map { $0 / unit }
    var low = scaled.min() ?? 0
    var high = scaled.max() ?? 1
    if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
    if low == high {
      (low, high) = low == 0 ? (0, 1) : (low - low.magnitude / 2, low + low.magnitude / 2)
    }
    let step = niceStep((high - low) / Double(max(1, most - 1)))
    let first = (low / step).rounded(.down)
    let last = max((high / step).rounded(.up), first + 1)
    let count = Int(last - first)
    return Scale(
      kind: .linear, lower: first * step * unit, upper: last * step * unit,
      ticks: (0...count).map { (first + Double($0)) * step * unit })
  }

  /// A logarithmic scale over whole decades, or over steps of 1, 2, 5 where there are few.
  ///
  /// - Precondition: all values are positive.
  static func logarithmic(_ values: [Double], most: Int) -> Scale {
    precondition(values.allSatisfy { $0 > 0 }, "a logarithm of \(values.min() ?? 0)")
    let low = values.min() ?? 1
    let high = values.max() ?? 10
    var marks: [Double] = []
    for exponent in NumberText.exponent(low)...NumberText.exponent(high) + 1 {
      for digit in [1.0, 2, 5] { marks.append(digit * power(exponent)) }
    }
    let first = marks.lastIndex { $0 <= low * (1 + 1e-12) } ?? 0
    var last = marks.firstIndex { $0 >= high * (1 - 1e-12) } ?? marks.count - 1
    if last == first { last += 1 }
    var ticks = Array(marks[first...last])
    var lower = ticks[0]
    var upper = ticks[ticks.count - 1]
    if ticks.count > most {
      let decades = Int(
        (log10(upper) - 1e-9).rounded(.up) - (log10(lower) + 1e-9).rounded(.down))
      let stride = max(1, (decades + most - 2) / max(1, most - 1))
      var exponent = NumberText.exponent(lower * (1 + 1e-12))
      ticks = [power(exponent)]
      while ticks[ticks.count - 1] < upper * (1 - 1e-12) {
        exponent += stride
        ticks.append(power(exponent))
      }
      lower = ticks[0]
      upper = ticks[ticks.count - 1]
    }
    return Scale(kind: .logarithmic, lower: lower, upper: upper, ticks: ticks)
  }

  /// The smallest of 1, 2, 5 times a power of ten that is not below a positive number.
  static func niceStep(_ least: Double) -> Double {
    let base = power(NumberText.exponent(least))
    for digit in [1.0, 2, 5, 10] where digit * base >= least * (1 - 1e-12) { return digit * base }
    return 10 * base
  }

  private static func power(_ exponent: Int) -> Double {
    exponent >= 0
      ? NumberText.powerOfTen(exponent) : 1 / NumberText.powerOfTen(-exponent)
  }
}
