import Defects
import Quantities

/// A wafer-scale engine: a mesh of PEs with SRAM, and its links to others.
public struct Wafer: Hashable, Sendable {
  /// How results call it.
  public var name: String
  /// PEs that a program can use, columns × rows.
  public var mesh: Rectangle
  /// Cycles a second. No vendor publishes it for every wafer: a calibration and its clock belong
  /// together.
  public var clock: Rational
  /// Bytes of SRAM of a PE.
  public var sramPerPE: Int
  /// Cycles a wavelet takes from router to router.
  public var cyclesPerHop: Int
  /// Cycles a wavelet takes between a PE and its router.
  public var rampCycles: Int
  /// Watts of a system with one such wafer, under load.
  public var power: Rational
  /// Bytes a second off the wafer, all lanes together.
  public var offWaferBandwidth: Rational
  /// Wafer to wafer.
  public var offWaferLatency: EmulatedTime
  /// The calibration that prices its kernels.
  public var calibration: String
  /// Its dies and their spares; `nil` where they are not known.
  public var dies: DieGrid?
  /// Of the whole wafer, mm²; known where the dies are.
  public var area: Rational?
  /// Dense 16-bit floating-point operations a second, at most; prices do not use it.
  public var peak: Rational?
  /// Bytes a second between all PEs and their SRAM, at most; prices do not use it.
  public var sramBandwidth: Rational?
  /// US dollars, where any figure is known.
  public var price: Rational?

  /// A wafer with a router of one cycle a hop and a ramp of two, unless said otherwise.
  public init(
    name: String, mesh: Rectangle, clock: Rational, sramPerPE: Int, cyclesPerHop: Int = 1,
    rampCycles: Int = 2, power: Rational, offWaferBandwidth: Rational,
    offWaferLatency: EmulatedTime, calibration: String, peak: Rational? = nil,
    sramBandwidth: Rational? = nil, price: Rational? = nil, dies: DieGrid? = nil,
    area: Rational? = nil
  ) {
    self.name = name
    self.mesh = mesh
    self.clock = clock
    self.sramPerPE = sramPerPE
    self.cyclesPerHop = cyclesPerHop
    self.rampCycles = rampCycles
    self.power = power
    self.offWaferBandwidth = offWaferBandwidth
    self.offWaferLatency = offWaferLatency
    self.calibration = calibration
    self.dies = dies
    self.area = area
    self.peak = peak
    self.sramBandwidth = sramBandwidth
    self.price = price
  }

  /// Bytes of SRAM of all PEs that a program can use.
  public var sram: Int { mesh.columns * mesh.rows * sramPerPE }

  /// Links of this wafer's own latency and bandwidth.
  public var link: Link {
    Link(name: name, latency: offWaferLatency, bandwidth: offWaferBandwidth)
  }

  /// Joules that `wafers` systems draw in a time, at full power throughout.
  public func joules(wafers: Int, over time: EmulatedTime) -> Rational {
    Energy.joules(watts: power * Rational(wafers), over: time)
  }
}

extension Wafer: PresetValue {
  /// The schema of `Configs/hardware`: nine numbers and a calibration describe a wafer; six more its
  /// dies, all of them or none; three more are for comparison only.
  public static let keys =
    [
      FigureKey(
        "columns", .count(1...10_000), meaning: "PEs from west to east that a program can use"),
      FigureKey(
        "rows", .count(1...10_000), meaning: "PEs from north to south that a program can use"),
      FigureKey("clock", clockKind, meaning: "cycles a second of PEs and routers"),
      FigureKey(
        "sram_per_pe", .quantity(.bytes, Rational(1)...Rational(1 << 40)),
        meaning: "SRAM of a PE"),
      FigureKey("cycles_per_hop", .count(1...1000), meaning: "cycles from router to router"),
      FigureKey("ramp_cycles", .count(0...1000), meaning: "cycles between a PE and its router"),
      FigureKey(
        "power", .quantity(.power, Rational(0)...Rational(1_000_000_000)),
        meaning: "a system with one wafer, under load"),
      FigureKey(
        "off_wafer_bandwidth",
        .quantity(.bandwidth, Link.minimumBandwidth...Rational(Int128(1) << 60)),
        meaning: "bytes a second off the wafer, all lanes together"),
      FigureKey(
        "off_wafer_latency", .quantity(.time, Rational(0)...Rational(1)), meaning: "wafer to wafer"),
      FigureKey("calibration", .name, meaning: "the calibration that prices its kernels"),
    ] + dieKeys + comparisonKeys

  private static let comparisonKeys = [
    FigureKey(
      "peak", Accelerator.rateKind, isRequired: false,
      meaning: "dense 16-bit floating-point operations a second, for comparison"),
    FigureKey(
      "sram_bandwidth", Accelerator.bandwidthKind, isRequired: false,
      meaning: "all PEs to their SRAM, for comparison"),
    FigureKey(
      "price", Accelerator.priceKind, isRequired: false, meaning: "of one wafer, where known"),
  ]

  private static let dieKeys = [
    FigureKey(
      "area", .quantity(.area, Rational(1)...Rational(1_000_000)), isRequired: false,
      meaning: "the whole wafer, edge and scribe lines included"),
    FigureKey(
      "die_columns", .count(1...100), isRequired: false, meaning: "dies from west to east"),
    FigureKey(
      "die_rows", .count(1...DieGrid.mostDieRows), isRequired: false,
      meaning: "dies from north to south"),
    FigureKey(
      "columns_per_die", .count(1...DieGrid.mostPEsPerSide), isRequired: false,
      meaning: "PEs of a die from west to east"),
    FigureKey(
      "rows_per_die", .count(1...DieGrid.mostPEsPerSide), isRequired: false,
      meaning: "PEs of a die from north to south, spare rows included"),
    FigureKey(
      "spare_rows_per_die", .count(0...DieGrid.mostPEsPerSide - 1), isRequired: false,
      meaning: "rows of a die that replace others"),
  ]

  /// The dies, checked: they must hold the mesh. Throws `PresetError`.
  private static func dies(_ figures: FigureReader, mesh: Rectangle) throws(PresetError) -> DieGrid?
  {
    guard let written = dieKeys.first(where: { figures.provenance($0.name) != nil }) else {
      return nil
    }
    for key in dieKeys where figures.provenance(key.name) == nil {
      throw figures.contradiction(
        written.name,
        expected: "beside '\(key.name)': dies are described by all of "
          + dieKeys.map(\.name).joined(separator: ", "))
    }
    let (rows, spares) = (
      try figures.count("rows_per_die"), try figures.count("spare_rows_per_die")
    )
    guard spares < rows else {
      throw figures.contradiction("spare_rows_per_die", expected: "less than 'rows_per_die'")
    }
    let dies = DieGrid(
      dieColumns: try figures.count("die_columns"), dieRows: try figures.count("die_rows"),
      columnsPerDie: try figures.count("columns_per_die"), rowsPerDie: rows, spareRows: spares)
    guard dies.columns >= mesh.columns else {
      throw figures.contradiction(
        "columns_per_die", expected: "enough for \(mesh.columns) columns, not \(dies.columns)")
    }
    guard dies.logicalRows >= mesh.rows else {
      throw figures.contradiction(
        "rows_per_die",
        expected: "enough for \(mesh.rows) rows beside the spares, not \(dies.logicalRows)")
    }
    return dies
  }

  /// Any clock from 1 MHz to 100 GHz.
  static let clockKind = FigureKey.Kind.quantity(
    .frequency, Rational(1_000_000)...Rational(100_000_000_000))

  /// Reads a wafer from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    let mesh = Rectangle(
      columns: try figures.count("columns"), rows: try figures.count("rows"))
    self.init(
      name: name,
      mesh: mesh,
      clock: try figures.required("clock"),
      sramPerPE: try figures.count("sram_per_pe"),
      cyclesPerHop: try figures.count("cycles_per_hop"),
      rampCycles: try figures.count("ramp_cycles"),
      power: try figures.required("power"),
      offWaferBandwidth: try figures.required("off_wafer_bandwidth"),
      offWaferLatency: EmulatedTime(seconds: try figures.required("off_wafer_latency")),
      calibration: try figures.name("calibration"),
      peak: try figures.number("peak"), sramBandwidth: try figures.number("sram_bandwidth"),
      price: try figures.number("price"), dies: try Self.dies(figures, mesh: mesh),
      area: try figures.number("area"))
  }
}
