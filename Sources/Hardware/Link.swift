import Quantities

/// The path between two wafers, and how a wafer's end of it serves messages.
///
/// Latency first, bandwidth second: a decode hop of 8192 bf16 values is 16 KiB, so 5 µs of latency
/// outweighs 0.1 µs of serialisation.
public struct Link: Hashable, Sendable {
  /// How results call it.
  public var name: String
  /// From the last byte leaving the sender's port to the last byte arriving, the ways on both wafers
  /// to and from their ports included.
  public var latency: EmulatedTime
  /// Bytes a second of a wafer's whole end; `nil` is infinite.
  public var bandwidth: Rational?
  /// Time of the sender's port for each message, before its first byte.
  public var sendOverhead: EmulatedTime
  /// Time of the receiver for each message, after its last byte.
  public var receiveOverhead: EmulatedTime
  /// Whether messages to different peers share one port.
  public var ports: Ports
  /// How long a message keeps the sender's port.
  public var hold: Hold

  /// How a wafer's off-wafer bandwidth is divided.
  public enum Ports: String, CaseIterable, Hashable, Sendable {
    /// One port of the aggregate bandwidth; it carries one message at a time.
    case shared
    /// A port for each peer, each with an equal share of the bandwidth.
    case perPeer = "per-peer"
  }

  /// When the sender's port is free for the next message.
  public enum Hold: String, CaseIterable, Hashable, Sendable {
    /// As soon as the last byte has left.
    case serialization
    /// When the last byte has arrived, as ASTRA-sim's congestion-aware backend has it.
    case delivery
  }

  /// A link of one shared port without overheads, unless said otherwise.
  ///
  /// - Precondition: a finite bandwidth is positive.
  public init(
    name: String = "custom", latency: EmulatedTime, bandwidth: Rational?,
    sendOverhead: EmulatedTime = .zero, receiveOverhead: EmulatedTime = .zero,
    ports: Ports = .shared, hold: Hold = .serialization
  ) {
    precondition(
      bandwidth.map { $0 > Rational(0) } ?? true, "link '\(name)' has bandwidth \(bandwidth!)")
    self.name = name
    self.latency = latency
    self.bandwidth = bandwidth
    self.sendOverhead = sendOverhead
    self.receiveOverhead = receiveOverhead
    self.ports = ports
    self.hold = hold
  }

  /// Least bandwidth that an option or a file may ask for: 1 kB/s keeps 9 GB a message within the
  /// range of emulated time.
  public static let minimumBandwidth = Rational(1000)

  /// Longest latency or overhead that an option or a file may ask for: a second is beyond any link
  /// between wafers, and far below the range of emulated time.
  public static let maximumLatency = EmulatedTime(picoseconds: EmulatedTime.picosecondsPerSecond)

  /// Bytes over bandwidth, rounded once to the nearest picosecond, ties to even.
  ///
  /// With a port for each peer, the wafer's bandwidth is divided by its number of `peers`.
  public func serialization(bytes: Int, peers: Int = 1) -> EmulatedTime {
    precondition(bytes >= 0 && peers >= 1, "\(bytes) bytes to one of \(peers) peers")
    guard let bandwidth else { return .zero }
    let share = ports == .perPeer ? bandwidth / Rational(peers) : bandwidth
    return EmulatedTime(seconds: Rational(bytes) / share)
  }
}

extension Link: PresetValue {
  /// The schema of `Configs/links`.
  public static let keys = [
    FigureKey(
      "latency", .quantity(.time, times), meaning: "wafer to wafer, ways to the ports included"),
    FigureKey(
      "bandwidth",
      .quantityOrInfinite(.bandwidth, minimumBandwidth...Rational(Int128(1) << 60)),
      meaning: "bytes a second of a wafer's whole end"),
    FigureKey(
      "send_overhead", .quantity(.time, times), isRequired: false,
      meaning: "time of the sender's port for each message"),
    FigureKey(
      "receive_overhead", .quantity(.time, times), isRequired: false,
      meaning: "time of the receiver for each message"),
    FigureKey(
      "ports", .choice(Ports.allCases.map(\.rawValue)), isRequired: false,
      meaning: "whether messages to different peers share one port"),
    FigureKey(
      "hold", .choice(Hold.allCases.map(\.rawValue)), isRequired: false,
      meaning: "how long a message keeps the sender's port"),
  ]

  private static let times = Rational(0)...Rational(1)

  /// Reads a link from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    self.init(
      name: name,
      latency: EmulatedTime(seconds: try figures.required("latency")),
      bandwidth: try figures.number("bandwidth"),
      sendOverhead: EmulatedTime(seconds: try figures.number("send_overhead") ?? Rational(0)),
      receiveOverhead: EmulatedTime(seconds: try figures.number("receive_overhead") ?? Rational(0)),
      ports: Ports(rawValue: try figures.choice("ports"))!,
      hold: Hold(rawValue: try figures.choice("hold"))!)
  }
}
