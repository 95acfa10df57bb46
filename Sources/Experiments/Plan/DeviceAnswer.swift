import Hardware
import Models
import Quantities

/// What a device answers to a plan's question: how many of it, how fast at most, how fast as priced.
public struct DeviceAnswer: Hashable, Sendable {
  /// The preset.
  public let name: String
  /// A wafer or an accelerator.
  public let kind: PresetKind
  /// The fewest devices whose memory holds the weights.
  public let devicesForWeights: Int
  /// The fewest whose memory holds weights, KV cache and activations; `nil` when no number does.
  public let devicesForAll: Int?
  /// Devices that times are for: as asked, or the fewest that hold all as the mapping places it.
  public let devices: Int?
  /// What the step takes at least on them.
  public let bound: StepBound?
  /// What the step takes as priced.
  public let priced: StepPrice?
  /// Watts of all devices.
  public let power: Rational?
  /// US dollars of all devices, where known.
  public let price: Rational?
  /// Part of the peak operations a second that the step reaches, as priced.
  public let shareOfPeak: Rational?
  /// Why something is not said, or what a reader should know of it.
  public let notes: [String]
  /// Figures of the preset that no source gives.
  public let assumed: [String]

  /// Sequences of the step.
  let batch: Int

  /// Tokens a second of all sequences, as priced.
  public var tokensPerSecond: Rational? {
    priced.map { Rational(batch) * Self.second / Rational(Int128($0.total.picoseconds)) }
  }

  /// Energy of a token, all devices at full power throughout.
  public var joulesPerToken: Rational? {
    guard let power, let tokensPerSecond else { return nil }
    return power / tokensPerSecond
  }

  static let second = Rational(Int128(EmulatedTime.picosecondsPerSecond))
}

/// The least time that a step can take, term by term: full bandwidth, full peak, no kernel's floor.
public struct StepBound: Hashable, Sendable {
  /// Operations over the peak.
  public let compute: EmulatedTime
  /// Bytes over the memory's bandwidth.
  public let memory: EmulatedTime
  /// Floors of the collectives inside a group.
  public let collectives: EmulatedTime
  /// Ways and bytes between devices.
  public let link: EmulatedTime

  /// What a time is made of.
  public enum Term: String, CaseIterable, Hashable, Sendable {
    case compute, memory
    case collectives = "collective_floor"
    case link
  }

  /// Arithmetic and memory beside each other, then what is between devices.
  public var total: EmulatedTime { max(compute, memory) + collectives + link }

  /// Arithmetic and memory alone: "speed of light".
  public var roofline: EmulatedTime { max(compute, memory) }

  /// The largest term; the earlier of equal ones.
  public var term: Term {
    let terms: [(Term, EmulatedTime)] = [
      (.compute, compute), (.memory, memory), (.collectives, collectives), (.link, link),
    ]
    return terms.reduce(terms[0]) { $1.1 > $0.1 ? $1 : $0 }.0
  }
}

/// What a step costs as the device's prices have it.
public struct StepPrice: Hashable, Sendable {
  /// Kernels, and communication inside a device or a group.
  public let cost: Cost
  /// Between wafers.
  public let link: EmulatedTime

  /// All of it.
  public var total: EmulatedTime { cost.total + link }
}
