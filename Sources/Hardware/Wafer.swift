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
    sramBandwidth: Rational? = nil, price: Rational? = nil
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
    power * Rational(wafers)
      * Rational(Int128(time.picoseconds), over: Int128(EmulatedTime.picosecondsPerSecond))
  }
}

extension Wafer: PresetValue {
  /// The schema of `Configs/hardware`: nine numbers and a calibration describe a wafer;
  /// three more are for comparison only.
  public static let keys = [
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
    FigureKey(
      "peak", Accelerator.rateKind, isRequired: false,
      meaning: "dense 16-bit floating-point operations a second, for comparison"),
    FigureKey(
      "sram_bandwidth", Accelerator.bandwidthKind, isRequired: false,
      meaning: "all PEs to their SRAM, for comparison"),
    FigureKey(
      "price", Accelerator.priceKind, isRequired: false, meaning: "of one wafer, where known"),
  ]

  /// Any clock from 1 MHz to 100 GHz.
  static let clockKind = FigureKey.Kind.quantity(
    .frequency, Rational(1_000_000)...Rational(100_000_000_000))

  /// Reads a wafer from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    self.init(
      name: name,
      mesh: Rectangle(columns: try figures.count("columns"), rows: try figures.count("rows")),
      clock: try figures.required("clock"),
      sramPerPE: try figures.count("sram_per_pe"),
      cyclesPerHop: try figures.count("cycles_per_hop"),
      rampCycles: try figures.count("ramp_cycles"),
      power: try figures.required("power"),
      offWaferBandwidth: try figures.required("off_wafer_bandwidth"),
      offWaferLatency: EmulatedTime(seconds: try figures.required("off_wafer_latency")),
      calibration: try figures.name("calibration"),
      peak: try figures.number("peak"), sramBandwidth: try figures.number("sram_bandwidth"),
      price: try figures.number("price"))
  }
}
