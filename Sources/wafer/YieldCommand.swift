import ArgumentParser
import Defects
import Experiments
import Hardware
import Quantities

/// `wafer yield`
struct YieldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "yield",
    abstract: "Says how many wafers and dies are good, by simulation and by closed form.",
    discussion: """
      A wafer without redundancy is good without a defect, one with redundancy when no column of a \
      die has more dead PEs than it can pass over, a conventional die without a defect. A unit at \
      the end of a list holds for all of it.

        wafer yield --density 0.0005,0.001,0.002/mm2
        wafer yield --density 0.1/cm2 --clustering 2 --wafers 1000 --format json
        wafer yield --column-budget 1 --die-area 814,510mm2
      """)

  @Option(help: "Wafer preset whose dies are known.")
  var hardware = "wse-3"
  @Option(help: "Densities of defects.")
  var density = "0.0005,0.001,0.002,0.005,0.01 /mm2"
  @Option(help: "none: independent defects; or alpha of the negative binomial, a die a cluster.")
  var clustering = "none"
  @Option(help: "Areas of conventional dies.")
  var dieArea = "814,510,100 mm2"
  @Option(help: "Most dead PEs that repair passes over in a column of a die; spares unless given.")
  var columnBudget: String?
  @Option(help: "Wafers to simulate, and conventional dies of each area.")
  var wafers = "10000"
  @Option(help: "Seed of the simulation.")
  var seed = "1"
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  /// Most wafers: at a tenth of the densest defects they take a minute.
  private static let mostWafers = 100_000
  /// Most values of a list.
  private static let mostValues = 100
  /// The densest defects: 4,600 a wafer, far beyond any process in use.
  private static let densest = Rational(1, over: 10)

  func run() throws {
    let densities = try list(
      density, .density, in: Rational(0)...Self.densest, option: "--density")
    let areas = try list(dieArea, .area, in: Rational(1)...Rational(100_000), option: "--die-area")
    let count = try OptionValue.count(wafers, in: 1...Self.mostWafers, option: "--wafers")
    let seed = try OptionValue.count(seed, in: 0...Int.max, option: "--seed")
    let wafer = try presets.library().wafer(hardware, at: .option("--hardware")).value
    guard let written = wafer.dies, let area = wafer.area else {
      throw ConfigurationError(
        .option("--hardware"), "is '\(hardware)', whose dies are not known",
        remedy: "Take a preset with the keys 'die_columns', 'die_rows' and what belongs to them, "
          + "such as wse-3")
    }
    var dies = written
    if let columnBudget {
      dies = written.with(
        columnBudget: try OptionValue.count(
          columnBudget, in: 0...written.spareRows, option: "--column-budget"))
    }
    let study = YieldStudy(
      dies: dies, waferArea: area.approximation, clustering: try alpha(),
      dieAreas: areas.map(\.approximation), wafers: count, seed: UInt64(seed))
    let report = YieldReport(
      hardware: hardware, study: study,
      points: densities.map { study.point(density: $0.approximation) })
    format.print(report.json) { report.text($0) }
  }

  /// α between what Poisson can be told from and what still leaves a good die.
  private func alpha() throws(ConfigurationError) -> Double? {
    if clustering == "none" { return nil }
    let range = Rational(1, over: 20)...Rational(1000)
    guard let alpha = Rational(decimal: clustering), range.contains(alpha) else {
      throw ConfigurationError(
        .option("--clustering"), "is '\(clustering)'",
        remedy: "It must be 'none' or a decimal number from 0.05 to 1000")
    }
    return alpha.approximation
  }

  /// Quantities with commas between; the last one's unit holds for those that have none.
  private func list(
    _ text: String, _ dimension: Dimension, in range: ClosedRange<Rational>, option: String
  ) throws(ConfigurationError) -> [Rational] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= Self.mostValues else {
      throw ConfigurationError(
        .option(option), "has \(parts.count) values", remedy: "Give at most \(Self.mostValues)")
    }
    let last = parts[parts.count - 1]
    let unit = dimension.units.map(\.name).filter(last.hasSuffix).max { $0.count < $1.count } ?? ""
    var values: [Rational] = []
    for part in parts {
      let isBare = Rational(decimal: part.filter { $0 != " " }) != nil
      values.append(
        try OptionValue.quantity(isBare ? part + unit : part, dimension, in: range, option: option))
    }
    return values
  }
}
