import Hardware
import Models
import Placement
import Programs
import Quantities

/// One way to serve a model: devices, split, mapping, and how many sequences decode at once.
public struct ParetoPoint: Hashable, Sendable {
  /// The device.
  public let device: String
  /// A wafer or an accelerator.
  public let kind: PresetKind
  /// Devices in all.
  public let devices: Int
  /// Pipeline-parallel size.
  public let pipeline: Int
  /// Tensor-parallel size; accelerators act as one group.
  public let tensor: Int
  /// The mapping and the size of its regions; `nil` on accelerators.
  public let mapping: Placed?
  /// Sequences that decode at once; the caches of all are in memory.
  public let batch: Int
  /// Groups of them that follow each other through the pipeline.
  public let microBatches: Int
  /// From a token of a sequence to its next when its group is alone.
  public let latency: EmulatedTime
  /// From a token of a sequence to its next when all groups take turns.
  public let period: EmulatedTime
  /// Watts of all devices.
  public let power: Rational

  /// How layers lie on wafers.
  public struct Placed: Hashable, Sendable {
    /// Into how many regions.
    public let kind: Mapping.Kind
    /// The size of a region of layers.
    public let grid: Rectangle
  }

  /// Tokens a second that one sequence sees.
  public var perUser: Rational { WaferPlacement.rate(1, period) }
  /// Tokens a second of all sequences.
  public var total: Rational { WaferPlacement.rate(batch, period) }
  /// Tokens a second of all sequences, over the devices.
  public var perDevice: Rational { total / Rational(devices) }
  /// Tokens a second of all sequences, over the power in kW.
  public var perKilowatt: Rational { total * Rational(1000) / power }

  /// What is given beside the rate of a user.
  public enum Measure: String, CaseIterable, Hashable, Sendable {
    case perDevice = "per_device"
    case perKilowatt = "per_kw"

    /// As people read it.
    public var words: String {
      switch self {
      case .perDevice: "tokens/s per device"
      case .perKilowatt: "tokens/s per kW"
      }
    }
  }

  /// A measure's value.
  public func value(_ measure: Measure) -> Rational {
    switch measure {
    case .perDevice: perDevice
    case .perKilowatt: perKilowatt
    }
  }

  /// The points that no other beats in both rates, the fastest for a user first; of equal ones the first.
  public static func frontier(_ points: [ParetoPoint], by measure: Measure) -> [ParetoPoint] {
    let order = points.enumerated().sorted { a, b in
      if a.element.period != b.element.period { return a.element.period < b.element.period }
      let values = (a.element.value(measure), b.element.value(measure))
      return values.0 == values.1 ? a.offset < b.offset : values.0 > values.1
    }
    var frontier: [ParetoPoint] = []
    for (_, point) in order
    where frontier.last.map({ point.value(measure) > $0.value(measure) }) ?? true {
      frontier.append(point)
    }
    return frontier
  }
}
