/// What numbers of a chart measure, and how they are written for a reader.
public struct ValueUnit: Hashable, Sendable {
  /// Name of the base unit, in which values are given; ends the names of columns in a CSV file.
  public var base: String
  /// Larger units first; `size` is in the base unit.
  public var steps: [Step]
  /// Whether its steps are prefixes of a count, such as 12k, which stand beside the number.
  public var isCount: Bool

  /// A unit to write values in.
  public struct Step: Hashable, Sendable {
    /// As it stands behind a number.
    public var name: String
    /// In the base unit.
    public var size: Double

    /// A unit of a size.
    public init(_ name: String, _ size: Double) {
      self.name = name
      self.size = size
    }
  }

  /// A unit of these steps.
  public init(base: String, steps: [Step], isCount: Bool = false) {
    self.base = base
    self.steps = steps
    self.isCount = isCount
  }

  /// Emulated time.
  public static let picoseconds = ValueUnit(
    base: "ps",
    steps: [
      Step("s", 1e12), Step("ms", 1e9), Step("µs", 1e6), Step("ns", 1e3), Step("ps", 1),
    ])
  /// Measured time.
  public static let nanoseconds = ValueUnit(
    base: "ns", steps: [Step("s", 1e9), Step("ms", 1e6), Step("µs", 1e3), Step("ns", 1)])
  /// Sizes; decimal multiples.
  public static let bytes = ValueUnit(
    base: "bytes",
    steps: [Step("TB", 1e12), Step("GB", 1e9), Step("MB", 1e6), Step("kB", 1e3), Step("B", 1)])
  /// Rates of bytes.
  public static let bytesPerSecond = ValueUnit(
    base: "bytes_per_second",
    steps: [
      Step("TB/s", 1e12), Step("GB/s", 1e9), Step("MB/s", 1e6), Step("kB/s", 1e3), Step("B/s", 1),
    ])
  /// Parts of a whole, given as 0...1.
  public static let share = ValueUnit(base: "share", steps: [Step("%", 0.01)])
  /// Plain numbers, with `name` behind the axis' label only.
  public static func count(_ name: String = "") -> ValueUnit {
    ValueUnit(
      base: name,
      steps: [Step("G", 1e9), Step("M", 1e6), Step("k", 1e3), Step("", 1)], isCount: true)
  }

  /// The step that suits values of at most this size.
  func step(for largest: Double) -> Step {
    steps.first { largest >= $0.size } ?? steps[steps.count - 1]
  }

  /// A value with the unit that suits it.
  public func text(_ value: Double, digits: Int = 4) -> String {
    guard value != 0 else { return "0" }
    let step = step(for: value.magnitude)
    return Self.join(NumberText.significant(value / step.size, digits: digits), step.name, isCount)
  }

  /// A number and what stands behind it.
  static func join(_ number: String, _ name: String, _ isCount: Bool) -> String {
    name.isEmpty ? number : isCount ? number + name : "\(number) \(name)"
  }
}
