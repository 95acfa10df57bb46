import Hardware
import Models
import Placement
import Programs
import Quantities

/// A split model on wafers, placed and priced by what `wafer run` places and prices it with.
public struct WaferPlacement: Sendable {
  /// What is placed: the experiment whose last step is the decode step in question.
  public let modelled: Experiment.Modelled
  /// The wafer, and what was asked of the mapping.
  public let device: WaferDevice
  /// Where the layers lie, or why they do not.
  public let outcome: Outcome

  /// What the mapper came to.
  public enum Outcome: Sendable {
    case placed(Placed)
    case refused(MappingError)
  }

  /// A model that has its place.
  public struct Placed: Sendable {
    /// Of each rank.
    public let mappings: [Mapping]
    /// The decode step of the whole batch.
    public let step: DecodeStep
    /// What of the step is priced outside of what was calibrated.
    public let warnings: [String]
  }

  /// Places an experiment on wafers.
  ///
  /// - Precondition: its device is a wafer.
  /// Throws `ProgramError` for faults of ours.
  public init(_ modelled: Experiment.Modelled) throws(ProgramError) {
    guard case .wafer(let device) = modelled.device else {
      preconditionFailure("\(modelled.device.name) is no wafer")
    }
    self.modelled = modelled
    self.device = device
    let layout: DeviceLayout
    do { layout = try modelled.layout(modelled.split) } catch {
      outcome = .refused(error)
      return
    }
    guard case .wafers(let mappings) = layout else {
      preconditionFailure("a wafer was laid out as \(layout.words)")
    }
    outcome = .placed(
      Placed(
        mappings: mappings,
        step: try DecodeStep(modelled, layout, sequences: modelled.workload.batch),
        warnings: modelled.decodeWarnings(layout).list.map(\.description)))
  }

  /// Where it lies; `nil` when it does not fit.
  public var placed: Placed? {
    if case .placed(let placed) = outcome { placed } else { nil }
  }

  /// The best of each kind of mapping. It searches anew, and takes as long as placing.
  public func trials() -> [MappingTrial] {
    let split = modelled.split
    return Mapping.trials(
      shape: modelled.shape, slices: (0..<split.ranks).map(split.slice(ofRank:)),
      wafer: device.wafer, calibration: device.calibration, memory: modelled.memory,
      kind: device.mapping, grid: device.grid, options: modelled.pricingOptions)
  }

  /// Tokens a second of the whole batch, when it alone is under way.
  public var tokensPerSecond: Rational? {
    placed.map { Self.rate(modelled.workload.batch, $0.step.latency) }
  }

  /// Tokens a second when such a batch is in each region at once, whose keys and values are not counted.
  public var tokensPerSecondFilled: Rational? {
    placed.map { Self.rate(modelled.workload.batch, $0.step.spacing) }
  }

  static func rate(_ tokens: Int, _ time: EmulatedTime) -> Rational {
    Rational(tokens) * DeviceAnswer.second / Rational(Int128(time.picoseconds))
  }
}

extension Experiment.Modelled {
  /// What of the last step, a decode step, is priced outside of what was calibrated; nothing on
  /// accelerators, whose prices have no calibration.
  func decodeWarnings(_ layout: DeviceLayout) -> PricingWarnings {
    var warnings = PricingWarnings()
    let steps = workload.steps
    let found = DevicePricing(self, layout).warnings(split, layout, steps: steps - 1..<steps)
    if case .prices(let list) = found { warnings.add(list) }
    return warnings
  }

  /// The same on so many wafers, layers shared out evenly; `nil` when the model does not allow it.
  func split(pipeline: Int, tensor: Int) -> Self? {
    guard let split = try? Split(shape: shape, pipeline: pipeline, tensor: tensor),
      split.ranks <= Rank.maximumCount
    else { return nil }
    var other = self
    other.tensor = tensor
    other.layersPerStage = split.stages.map(\.count)
    return other
  }

  /// Whether some mapping of it fits, on the wafers' real SRAM.
  var fits: Bool {
    guard case .wafer(let device) = device else { return true }
    let split = split
    return Mapping.fitting(
      shape: shape, slices: (0..<split.ranks).map(split.slice(ofRank:)), wafer: device.wafer,
      calibration: device.calibration, memory: memory, kind: device.mapping, grid: device.grid,
      options: pricingOptions) != nil
  }

  /// The fewest stages of so many shards that fit the wafers; `nil` when no number does, and on accelerators.
  public func fewestStages(tensor: Int) -> Int? {
    guard case .wafer(let device) = device else { return nil }
    return Mapping.fewestStages(
      shape: shape, tensor: tensor, wafer: device.wafer, calibration: device.calibration,
      memory: memory, kind: device.mapping, grid: device.grid, options: pricingOptions)
  }
}
