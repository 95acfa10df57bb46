import Hardware
import Models
import Placement
import Programs

/// How an experiment's ranks lie on their devices, and the program that they run: the same for a run, for its
/// evaluation, and for a plan.
extension Experiment.Modelled {
  /// How the ranks of a split lie on their devices.
  ///
  /// Throws `MappingError` when the model does not fit the wafers.
  func layout(_ split: Split) throws(MappingError) -> DeviceLayout {
    switch device {
    case .wafer(let device):
      return .wafers(
        try Mapping.choose(
          shape: shape, slices: (0..<split.ranks).map(split.slice(ofRank:)),
          wafer: device.wafer, calibration: device.calibration, memory: memory,
          kind: device.mapping, grid: device.grid,
          allowsHypotheticalSRAM: device.allowsHypotheticalSRAM, options: pricingOptions))
    case .accelerators(let group):
      return .accelerators(group, isHypothetical: !holds(group, split))
    case .host(let process): return .host(process)
    }
  }

  /// Whether a group's memory holds what a rank of the split needs.
  func holds(_ group: AcceleratorGroup, _ split: Split) -> Bool {
    let fewest = group.accelerator.fewestDevices(
      shape: shape, memory: memory, layers: split.stages.map(\.count).max()!,
      tensor: split.tensor)
    return fewest.map { $0 <= group.devices } ?? false
  }

  /// The program of a split whose ranks lie on their devices so.
  ///
  /// - Parameters:
  ///   - workload: What it is asked to do; the experiment's own unless given.
  ///   - context: Takes every batch as a decode of so many tokens a sequence; as it is when `nil`.
  func program(
    _ split: Split, _ layout: DeviceLayout, workload: Workload? = nil, context: Int? = nil
  ) -> ModelProgram {
    let pricing = DevicePricing(self, layout)
    return ModelProgram(
      split: split, workload: workload ?? self.workload, wires: wires(ranks: split.ranks),
      collectives: collectives, candidateElements: 2 * candidates + 1,
      steps: layout.steps(of: split), speeds: speeds(ranks: split.ranks)
    ) { use, batch in
      pricing.price(use, context.map(batch.decoding(at:)) ?? batch)
    }
  }
}

extension Batch {
  /// The same sequences, each with one new token that makes its context so long.
  fileprivate func decoding(at context: Int) -> Batch {
    Batch(
      entries: entries.map {
        Entry(sequence: $0.sequence, start: context - 1, count: 1, samples: $0.samples)
      })
  }
}
