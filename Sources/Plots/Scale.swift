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

  /// A logarithmic scale that ends at steps of 1, 2, 5, with these as marks where they are few, else with
  /// decades.
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
    let lower = marks[first]
    let upper = marks[last]
    var ticks = Array(marks[first...last])
    if ticks.count > most {
      // Whole decades alone, every one or every so many; the ends where there are fewer than two.
      let decades = (NumberText.exponent(lower * (1 + 1e-12))...NumberText.exponent(upper) + 1)
        .map(power).filter { $0 >= lower * (1 - 1e-12) && $0 <= upper * (1 + 1e-12) }
      let stride = max(1, (decades.count + most - 1) / most)
      ticks = decades.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
      if ticks.count < 2 { ticks = [lower, upper] }
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
