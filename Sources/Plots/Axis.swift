/// One axis of a chart: what it shows, in which unit, on which scale.
public struct Axis: Hashable, Sendable {
  /// What it shows; the unit is added.
  public var label: String
  /// What its values measure.
  public var unit: ValueUnit
  /// How values lie on it.
  public var scale: Kind

  /// How values lie on an axis.
  public enum Kind: Hashable, Sendable {
    /// In proportion; from zero unless said otherwise.
    case linear(includesZero: Bool = true)
    /// By ratio. Values that are not positive are left out of the picture, not of the table.
    case logarithmic
    /// At equal distances, in this order: values are indices of these names.
    case categories([String])
  }

  /// An axis; linear from zero unless said otherwise.
  public init(_ label: String, _ unit: ValueUnit, _ scale: Kind = .linear()) {
    self.label = label
    self.unit = unit
    self.scale = scale
  }

  /// Whether a value has a place on it.
  func shows(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    if case .logarithmic = scale { return value > 0 }
    return true
  }

  /// The axis laid out for some values.
  func placed(_ values: [Double], most: Int) -> PlacedAxis {
    let shown = values.filter(shows)
    let largest = shown.map(\.magnitude).max() ?? 0
    let step = unit.step(for: largest)
    switch scale {
    case .linear(let includesZero):
      let placed = Scale.linear(shown, includesZero: includesZero, most: most, unit: step.size)
      return PlacedAxis(
        title: unit.isCount ? titled(unit.base) : titled(step.name), scale: placed,
        ticks: placed.ticks.map { tick in
          let number = NumberText.significant(tick / step.size, digits: 6)
          return (tick, unit.isCount && tick != 0 ? number + step.name : number)
        })
    case .logarithmic:
      let placed = Scale.logarithmic(shown, most: most)
      return PlacedAxis(
        title: unit.isCount ? titled(unit.base) : label, scale: placed,
        ticks: placed.ticks.map { ($0, unit.text($0)) })
    case .categories(let names):
      let scale = Scale(
        kind: .linear, lower: -0.5, upper: Double(max(1, names.count)) - 0.5,
        ticks: names.indices.map(Double.init))
      return PlacedAxis(
        title: label, scale: scale,
        ticks: names.enumerated().map { (Double($0.offset), $0.element) })
    }
  }

  private func titled(_ unit: String) -> String { unit.isEmpty ? label : "\(label) (\(unit))" }

  /// The name of its column in a CSV file.
  var column: String { unit.base.isEmpty ? label : "\(label) [\(unit.base)]" }

  /// A value as a CSV file has it.
  func field(_ value: Double) -> String {
    if case .categories(let names) = scale, names.indices.contains(Int(value)) {
      return names[Int(value)]
    }
    return NumberText.plain(value)
  }
}

/// An axis with its ends and marks.
struct PlacedAxis {
  let title: String
  let scale: Scale
  let ticks: [(value: Double, text: String)]
}
