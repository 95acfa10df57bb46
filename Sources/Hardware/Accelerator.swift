import Models
import Quantities

/// A device that is compared with wafers: an accelerator with HBM, or a chip with SRAM alone.
///
/// Ten numbers describe it. Its kernels are priced by a roofline of stated efficiency, a floor a kernel
/// and a floor a collective: enough to say what a decode step costs, and why, but not how each kernel
/// is written.
public struct Accelerator: Hashable, Sendable {
  /// How results call it.
  public var name: String
  /// Bytes of memory of one device.
  public var memory: Int
  /// Bytes a second between a device and its memory, at most.
  public var memoryBandwidth: Rational
  /// Part of that bandwidth which kernels reach.
  public var memoryEfficiency: Rational
  /// Dense 16-bit floating-point operations a second of one device, at most. Narrower weights are taken
  /// as widened before the product, so they do not compute faster.
  public var peak: Rational
  /// Part of that peak which kernels reach.
  public var computeEfficiency: Rational
  /// Time of a kernel beside its work.
  public var kernelFloor: EmulatedTime
  /// Devices that are joined by fast links.
  public var nodeDevices: Int
  /// Time of an all-reduce of next to nothing within a node.
  public var collectiveFloor: EmulatedTime
  /// Bytes a second that a device sends to its neighbour on a ring within a node, as collectives reach
  /// it.
  public var linkBandwidth: Rational
  /// Time of an all-reduce of next to nothing over more than one node.
  public var clusterFloor: EmulatedTime
  /// Watts of one device, under load.
  public var power: Rational
  /// US dollars of one device, where any figure is known.
  public var price: Rational?

  /// Takes each field as it is; floors over nodes are those within one unless said otherwise.
  public init(
    name: String, memory: Int, memoryBandwidth: Rational, memoryEfficiency: Rational,
    peak: Rational, computeEfficiency: Rational, kernelFloor: EmulatedTime, nodeDevices: Int,
    collectiveFloor: EmulatedTime, linkBandwidth: Rational, clusterFloor: EmulatedTime? = nil,
    power: Rational, price: Rational? = nil
  ) {
    self.name = name
    self.memory = memory
    self.memoryBandwidth = memoryBandwidth
    self.memoryEfficiency = memoryEfficiency
    self.peak = peak
    self.computeEfficiency = computeEfficiency
    self.kernelFloor = kernelFloor
    self.nodeDevices = nodeDevices
    self.collectiveFloor = collectiveFloor
    self.linkBandwidth = linkBandwidth
    self.clusterFloor = clusterFloor ?? collectiveFloor
    self.power = power
    self.price = price
  }

  /// Time of an all-reduce of next to nothing over so many devices: none over one.
  public func floor(devices: Int) -> EmulatedTime {
    devices == 1 ? .zero : devices <= nodeDevices ? collectiveFloor : clusterFloor
  }
}

extension Accelerator: PresetValue {
  /// The schema of `preset: accelerator`.
  public static let keys = [
    FigureKey(
      "memory", .quantity(.bytes, Rational(1)...Rational(1 << 50)), meaning: "of one device"),
    FigureKey("memory_bandwidth", bandwidthKind, meaning: "of one device to its memory"),
    FigureKey("memory_efficiency", .decimal, meaning: "part of it that kernels reach, at most 1"),
    FigureKey("peak", rateKind, meaning: "dense 16-bit operations a second of one device"),
    FigureKey("compute_efficiency", .decimal, meaning: "part of it that kernels reach, at most 1"),
    FigureKey("kernel_floor", times, meaning: "time of a kernel beside its work"),
    FigureKey("node_devices", .count(1...100_000), meaning: "devices joined by fast links"),
    FigureKey("collective_floor", times, meaning: "a tiny all-reduce within a node"),
    FigureKey(
      "link_bandwidth", bandwidthKind,
      meaning: "a device to its neighbour on a ring, as collectives reach it"),
    FigureKey(
      "cluster_floor", times, isRequired: false,
      meaning: "a tiny all-reduce over several nodes; as within one when absent"),
    FigureKey(
      "power", .quantity(.power, Rational(0)...Rational(1_000_000_000)),
      meaning: "of one device, under load"),
    FigureKey("price", priceKind, isRequired: false, meaning: "of one device, where known"),
  ]

  private static let times = FigureKey.Kind.quantity(.time, Rational(0)...Rational(1))
  static let bandwidthKind = FigureKey.Kind.quantity(
    .bandwidth, Link.minimumBandwidth...Rational(Int128(1) << 60))
  static let rateKind = FigureKey.Kind.quantity(
    .rate, Rational(1_000_000)...Rational(Int128(1) << 60))
  static let priceKind = FigureKey.Kind.quantity(
    .price, Rational(0)...Rational(1_000_000_000_000))

  /// Reads an accelerator from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    func part(_ key: String) throws(PresetError) -> Rational {
      let value = try figures.required(key)
      guard value > Rational(0), value <= Rational(1) else {
        throw figures.contradiction(key, expected: "a decimal number above 0 and at most 1")
      }
      return value
    }
    self.init(
      name: name,
      memory: try figures.count("memory"),
      memoryBandwidth: try figures.required("memory_bandwidth"),
      memoryEfficiency: try part("memory_efficiency"),
      peak: try figures.required("peak"),
      computeEfficiency: try part("compute_efficiency"),
      kernelFloor: EmulatedTime(seconds: try figures.required("kernel_floor")),
      nodeDevices: try figures.count("node_devices"),
      collectiveFloor: EmulatedTime(seconds: try figures.required("collective_floor")),
      linkBandwidth: try figures.required("link_bandwidth"),
      clusterFloor: try figures.number("cluster_floor").map { EmulatedTime(seconds: $0) },
      power: try figures.required("power"),
      price: try figures.number("price"))
  }
}
