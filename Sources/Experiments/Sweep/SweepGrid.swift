/// All points of a sweep: every value of each axis with every value of the others.
///
/// The order is that of nested loops, the first axis outermost: the last one changes fastest.
public struct SweepGrid: Sendable {
  /// What all points have in common.
  public let base: Settings
  /// The axes, outermost first.
  public let axes: [SweepAxis]
  /// Number of points.
  public let count: Int

  /// Most points of a sweep: a row takes some 500 bytes.
  static let mostPoints = 1_000_000

  /// Throws `ConfigurationError` for no axis, two axes of one key or of keys that exclude each other, and
  /// too many points.
  public init(base: Settings, axes: [SweepAxis]) throws(ConfigurationError) {
    guard !axes.isEmpty else {
      throw ConfigurationError(
        .option("--over"), "is missing",
        remedy: "Write for instance --over link-latency=1us,5us, or a section 'sweep' in the file")
    }
    var count = 1
    var layer = Settings()
    for axis in axes {
      let place =
        if case .option = axis.place { Place.option("--over \(axis.name)=…") } else { axis.place }
      try axis.set(axis.values[0], in: &layer)
      let (product, overflow) = count.multipliedReportingOverflow(by: axis.values.count)
      guard !overflow, product <= Self.mostPoints else {
        throw ConfigurationError(
          place, "makes more than \(Self.mostPoints) points", remedy: "Give fewer values")
      }
      count = product
    }
    self.base = base
    self.axes = axes
    self.count = count
  }

  /// The values of a point, one an axis.
  public func values(at point: Int) -> [String] {
    var rest = point
    var values: [String] = []
    for axis in axes.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: axis.values.count)
      values.append(axis.values[remainder])
      rest = quotient
    }
    return values.reversed()
  }

  /// The settings of a point.
  public func settings(at point: Int) throws(ConfigurationError) -> Settings {
    var layer = Settings()
    for (axis, value) in zip(axes, values(at: point)) { try axis.set(value, in: &layer) }
    var settings = base
    settings.merge(layer)
    return settings
  }
}
