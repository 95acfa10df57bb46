import Hardware
import Models
import Placement
import Programs
import Quantities

/// How a half's ranks lie on their devices.
public enum DeviceLayout: Hashable, Sendable {
  /// Where each rank's layers lie on its wafer.
  case wafers([Mapping])
  /// Every rank is a group of accelerators. `isHypothetical` when their memory is too small.
  case accelerators(AcceleratorGroup, isHypothetical: Bool)
  /// Every rank is a process of the host.
  case host(HostProcess)

  /// Whether memory was taken as enlarged.
  public var isHypothetical: Bool {
    switch self {
    case .wafers(let mappings): mappings.contains { $0.isHypothetical }
    case .accelerators(_, let isHypothetical): isHypothetical
    // What is too large for a host is refused before real nodes load it.
    case .host: false
    }
  }

  /// What a rank's layers are spread over, in words.
  public var words: String {
    switch self {
    case .wafers(let mappings):
      mappings[0].kind == .wholeMesh
        ? "\(mappings[0].grid) PEs a wafer"
        : "\(mappings[0].kind.written), \(mappings[0].grid) PEs a region"
    case .accelerators(let group, _):
      "\(group.devices) \(group.accelerator.name) a node"
    case .host(let process):
      "processes of a host, measured with \(process.busyProcesses) busy"
    }
  }

  /// What is taken as enlarged, in words; empty when nothing is.
  public var excess: String {
    switch self {
    case .wafers(let mappings): mappings.map(\.excess).first { !$0.isEmpty } ?? ""
    case .accelerators(let group, let isHypothetical):
      isHypothetical ? "\(group.devices) devices do not hold the model" : ""
    case .host: ""
    }
  }

  /// What an activation goes through on a device of each stage.
  func steps(of split: Split) -> [[RegionStep]]? {
    guard case .wafers(let mappings) = self else { return nil }
    return (0..<split.pipeline).map { mappings[$0 * split.tensor].steps }
  }
}

/// Prices of a program's kernels on the devices of a half.
enum DevicePricing: Sendable {
  case regions(RegionPricing)
  /// By the speed of ranks.
  case accelerators([Rational: AcceleratorPricing], Experiment.Modelled)
  case host(HostPricing, Experiment.Modelled)

  init(_ modelled: Experiment.Modelled, _ layout: DeviceLayout) {
    switch (layout, modelled.device) {
    case (.wafers(let mappings), .wafer(let device)):
      self = .regions(RegionPricing(modelled, device, mappings: mappings))
    case (.accelerators(let group, _), _):
      let widths = modelled.widths
      let speeds = Set(modelled.overrides.speeds.map(\.speed) + [Rational(1)])
      self = .accelerators(
        Dictionary(
          uniqueKeysWithValues: speeds.map { speed in
            (
              speed,
              AcceleratorPricing(
                accelerator: group.accelerator.at(speed: speed), devices: group.devices,
                widths: BitWidths(
                  weights: widths.weights.bits, keyValues: widths.keyValues.bits,
                  activations: widths.activations.bits))
            )
          }), modelled)
    case (.host(let process), _): self = .host(HostPricing(process), modelled)
    case (.wafers, _): preconditionFailure("\(modelled.device.name) has no mapping")
    }
  }

  /// What a batch costs on a kernel.
  func price(_ use: KernelUse, _ batch: Batch) -> Cost {
    switch self {
    case .regions(let pricing): pricing.price(use, batch)
    case .accelerators(let pricings, let modelled):
      Self.price(use, batch, pricings[use.speed]!, modelled)
    case .host(let pricing, let modelled):
      Self.price(use, batch, pricing, modelled)
        + (Self.hasTurn(use, batch) && modelled.countsEmbeddingAndHead ? pricing.step : .zero)
    }
  }

  /// Whether a step begins with what passes between two steps on a host: where one rank has the whole
  /// pipeline. Of several stages the first does it while the others compute.
  private static func hasTurn(_ use: KernelUse, _ batch: Batch) -> Bool {
    use.kernel == .embed && use.slice.hasHead && batch.entries.allSatisfy { $0.start > 0 }
  }

  private static func price(
    _ use: KernelUse, _ batch: Batch, _ pricing: some BlockPricing,
    _ modelled: Experiment.Modelled
  ) -> Cost {
    let shape = modelled.shape
    var part: LayerPart {
      LayerPart(shape: shape, slice: use.slice, hasExperts: use.hasExperts)
    }
    return switch use.kernel {
    case .attention: pricing.attention(part, BatchWork(batch))
    case .feedForward: pricing.feedForward(part, BatchWork(batch))
    case .embed, .head, .candidates: pricing.price(ofTable: use, batch, modelled)
    case .cross: preconditionFailure("\(modelled.device.name) has one region")
    // Kernels of a block do these on the way.
    case .accept, .choose, .residual, .sum, .sumInRankOrder, .copy, .fill, .stage: .zero
    }
  }

  /// What a reader should know of the prices.
  enum Warnings {
    /// Prices outside of what was calibrated; those of several halves are joined.
    case prices([PricingWarning])
    case texts([String])
  }

  /// What lies outside of what was calibrated, or is assumed, over some steps of the workload; over all
  /// unless given.
  func warnings(
    _ split: Split, _ layout: DeviceLayout, steps: Range<Int>? = nil
  ) -> Warnings {
    switch (self, layout) {
    case (.regions(let pricing), .wafers(let mappings)):
      .prices(pricing.warnings(split, mappings: mappings, steps: steps))
    case (_, .accelerators(let group, _)):
      .texts([
        "\(group.accelerator.name): priced by a roofline at "
          + "\(group.accelerator.memoryEfficiency.approximation) of its memory bandwidth and "
          + "\(group.accelerator.computeEfficiency.approximation) of its peak; the preset says how sure they are"
      ])
    case (.host(let pricing, let modelled), _):
      .texts(pricing.process.warnings(modelled) + pricing.process.energyWarnings)
    case (.accelerators, _), (.regions, _):
      preconditionFailure("prices of other devices than \(layout.words)")
    }
  }
}

extension Accelerator {
  /// The same device with all that its time follows from so many times as fast.
  fileprivate func at(speed: Rational) -> Accelerator {
    guard speed != Rational(1) else { return self }
    func slowed(_ floor: EmulatedTime) -> EmulatedTime {
      EmulatedTime(picoseconds: Int64((Rational(Int128(floor.picoseconds)) / speed).rounded))
    }
    var other = self
    other.peak = peak * speed
    other.memoryBandwidth = memoryBandwidth * speed
    other.linkBandwidth = linkBandwidth * speed
    other.kernelFloor = slowed(kernelFloor)
    other.collectiveFloor = slowed(collectiveFloor)
    other.clusterFloor = slowed(clusterFloor)
    return other
  }
}
