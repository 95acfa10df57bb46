import Hardware
import Models
import Placement
import Programs
import Quantities

/// Batch against interactivity: the ways to serve a model that no other beats both for a user and for the
/// operator.
public struct ParetoPlan: Sendable {
  /// The model, its widths and its context; the batch is an axis here.
  public let question: PlanQuestion
  /// What was tried.
  public let axes: Axes
  /// Every way that fits, in the order of the axes.
  public let points: [ParetoPoint]
  /// Ways that were tried and do not fit.
  public let refused: Int
  /// What the frontiers' prices assume, or lie outside of.
  public private(set) var warnings: [String]

  /// What to try.
  public struct Axes: Hashable, Sendable {
    /// Sequences at once. Micro-batches of each are 1, 2, 4, … equal groups of them.
    public var batches: [Int]
    /// Pipeline-parallel sizes of wafers; the fewest that hold one sequence, twice and four times as many
    /// when `nil`.
    public var pipelines: [Int]?
    /// Tensor-parallel sizes of wafers.
    public var tensors: [Int]
    /// Mappings on wafers.
    public var mappings: [Mapping.Kind]
    /// Accelerators of a group; the fewest that hold one sequence, twice and four times as many when `nil`.
    public var accelerators: [Int]?

    /// Powers of two, the kinds of mapping that differ much, and as many devices as are needed or somewhat
    /// more.
    public init(
      batches: [Int]? = nil, pipelines: [Int]? = nil, tensors: [Int]? = nil,
      mappings: [Mapping.Kind]? = nil, accelerators: [Int]? = nil
    ) {
      self.batches = batches ?? (0...8).map { 1 << $0 }
      self.pipelines = pipelines
      self.tensors = tensors ?? [1, 2]
      self.mappings =
        mappings ?? [.wholeMesh, .blocks(4), .blocks(8), .regionPerLayer]
      self.accelerators = accelerators
    }
  }

  /// Ways that were tried.
  public var evaluated: Int { points.count + refused }

  /// Names of the devices of which some way fits, in the order in which they were asked.
  public var devices: [String] {
    points.reduce(into: []) { names, point in
      if names.last != point.device { names.append(point.device) }
    }
  }

  /// A device's ways that no other of it beats.
  public func frontier(of device: String, by measure: ParetoPoint.Measure) -> [ParetoPoint] {
    ParetoPoint.frontier(points.filter { $0.device == device }, by: measure)
  }

  /// A device's ways that are on either frontier, the fastest for a user first.
  public func frontier(of device: String) -> [ParetoPoint] {
    let both = Set(ParetoPoint.Measure.allCases.flatMap { frontier(of: device, by: $0) })
    return points.filter(both.contains).sorted { $0.period < $1.period }
  }

  /// Tries all ways on the presets of these names.
  ///
  /// Throws `ConfigurationError` when there is no preset of a name, and `ProgramError` for faults of ours.
  public init(
    _ question: PlanQuestion, axes: Axes, names: [String], presets: PresetLibrary
  ) throws {
    let place = Place.option("--hardware")
    var devices: [PlanDevice] = []
    for name in names {
      if try presets.kind(of: name, among: [.wafer, .accelerator], at: place) == .accelerator {
        devices.append(.accelerator(try presets.accelerator(name, at: place).value))
      } else {
        let wafer = try presets.wafer(name, at: place).value
        devices.append(
          .wafer(wafer, try presets.calibration(wafer.calibration, at: place).value))
      }
    }
    try self.init(question, axes: axes, devices: devices)
  }

  /// A device that a plan tries.
  enum PlanDevice {
    case wafer(Wafer, Calibration)
    case accelerator(Accelerator)
  }

  init(_ question: PlanQuestion, axes: Axes, devices: [PlanDevice]) throws(ProgramError) {
    self.question = question
    self.axes = axes
    var search = ParetoSearch(question: question, axes: axes)
    for device in devices {
      switch device {
      case .wafer(let wafer, let calibration): try search.add(wafer, calibration: calibration)
      case .accelerator(let accelerator): try search.add(accelerator)
      }
    }
    points = search.points
    refused = search.refused
    warnings = []
    var found = PricingWarnings()
    for point in self.devices.flatMap({ frontier(of: $0) }) {
      found.add(search.warnings[point] ?? [])
    }
    warnings = search.assumptions + found.list.map(\.description)
  }
}

/// Goes through the axes.
private struct ParetoSearch {
  let question: PlanQuestion
  let axes: ParetoPlan.Axes
  var points: [ParetoPoint] = []
  var refused = 0
  /// Of each way on wafers.
  var warnings: [ParetoPoint: [PricingWarning]] = [:]
  /// Of each accelerator.
  var assumptions: [String] = []

  /// All that a decode step of one split depends on.
  private struct StepKey: Hashable {
    let steps: [[RegionStep]]
    let sequences: Int
  }

  mutating func add(_ wafer: Wafer, calibration: Calibration) throws(ProgramError) {
    for tensor in axes.tensors {
      for kind in axes.mappings {
        let device = WaferDevice(
          wafer: wafer, calibration: calibration, mapping: kind, grid: .fastest,
          allowsHypotheticalSRAM: false, defects: nil)
        for pipeline in pipelines(device, tensor: tensor) {
          guard
            let split = modelled(device, batch: 1).split(pipeline: pipeline, tensor: tensor)
          else { continue }
          try add(split, device)
        }
      }
    }
  }

  private func modelled(_ device: WaferDevice, batch: Int) -> Experiment.Modelled {
    question.with(batch: batch).modelled(on: .wafer(device), link: device.wafer.link)
  }

  /// Stages that were asked for, or the fewest that hold the smallest batch and a few more.
  private func pipelines(_ device: WaferDevice, tensor: Int) -> [Int] {
    if let asked = axes.pipelines { return asked }
    let one = modelled(device, batch: axes.batches.min()!)
    guard let fewest = one.fewestStages(tensor: tensor) else { return [] }
    return [1, 2, 4].map { $0 * fewest }.filter { $0 <= question.shape.layers }
  }

  /// All batches on one split. Once one does not fit, no larger one does.
  private mutating func add(
    _ split: Experiment.Modelled, _ device: WaferDevice
  ) throws(ProgramError) {
    let batches = axes.batches.sorted()
    // Larger batches often lie on the same regions, and their groups are as large as smaller batches.
    var steps: [StepKey: DecodeStep] = [:]
    for (index, batch) in batches.enumerated() {
      var modelled = split
      modelled.workload.batch = batch
      let plan = modelled.split
      guard
        let mappings = Mapping.fitting(
          shape: modelled.shape, slices: (0..<plan.ranks).map(plan.slice(ofRank:)),
          wafer: device.wafer, calibration: device.calibration, memory: modelled.memory,
          kind: device.mapping, options: modelled.pricingOptions)
      else {
        refused += batches.count - index
        return
      }
      let layout = DeviceLayout.wafers(mappings)
      let regions = mappings.reduce(0) { $0 + $1.regions.count } / modelled.tensor
      for groups in Self.groups(of: batch, most: regions) {
        let key = StepKey(steps: mappings.map(\.steps), sequences: batch / groups)
        let step: DecodeStep
        if let known = steps[key] {
          step = known
        } else {
          step = try DecodeStep(modelled, layout, sequences: batch / groups)
          steps[key] = step
        }
        let point = ParetoPoint(
          device: device.wafer.name, kind: .wafer, devices: modelled.ranks,
          pipeline: modelled.pipeline, tensor: modelled.tensor,
          mapping: .init(kind: mappings[0].kind, grid: mappings[0].grid), batch: batch,
          microBatches: groups, latency: step.latency, period: step.period(batches: groups),
          power: device.wafer.power * Rational(modelled.ranks))
        points.append(point)
        var group = modelled
        group.workload.microBatches = groups
        warnings[point] = group.decodeWarnings(layout).list
      }
    }
  }

  /// 1, 2, 4, … equal groups; more than there are regions would only wait.
  private static func groups(of batch: Int, most: Int) -> [Int] {
    (0..<Int.bitWidth - 1).map { 1 << $0 }.prefix { $0 <= min(batch, max(most, 1)) }
      .filter { batch % $0 == 0 }
  }

  mutating func add(_ accelerator: Accelerator) throws(ProgramError) {
    let one = question.with(batch: axes.batches.min()!)
    guard let fewest = one.need.devices(bytes: accelerator.memory) else {
      refused += 1
      return
    }
    for devices in axes.accelerators ?? [1, 2, 4].map({ $0 * fewest }) {
      for batch in axes.batches {
        let group = AcceleratorGroup(
          accelerator: accelerator, devices: devices, isAutomatic: false,
          allowsHypotheticalMemory: false)
        let modelled = question.with(batch: batch).modelled(
          on: .accelerators(group), link: group.link)
        let split = modelled.split
        guard modelled.holds(group, split) else {
          refused += 1
          continue
        }
        let layout = DeviceLayout.accelerators(group, isHypothetical: false)
        let step = try DecodeStep(modelled, layout, sequences: batch)
        points.append(
          ParetoPoint(
            device: accelerator.name, kind: .accelerator, devices: devices, pipeline: 1,
            tensor: 1, mapping: nil, batch: batch, microBatches: 1, latency: step.latency,
            period: step.latency, power: accelerator.power * Rational(devices)))
        if case .texts(let texts) = DevicePricing(modelled, layout).warnings(split, layout) {
          for text in texts where !assumptions.contains(text) { assumptions.append(text) }
        }
      }
    }
  }
}

extension PlanQuestion {
  /// The same with another batch.
  func with(batch: Int) -> PlanQuestion {
    PlanQuestion(
      shape: shape, weights: widths.weights, keyValues: widths.keyValues, context: context,
      batch: batch)
  }
}
