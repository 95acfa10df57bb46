import Hardware
import Models
import Placement
import Programs

/// Prices of a program's kernels on every region of its wafers.
struct RegionPricing: Sendable {
  private let modelled: Experiment.Modelled
  private let pricings: [Rectangle: WaferPricing]

  init(_ modelled: Experiment.Modelled, mappings: [Mapping]) {
    self.modelled = modelled
    let sizes = Set(mappings.flatMap { $0.regions.map(\.size) })
    pricings = Dictionary(
      uniqueKeysWithValues: sizes.map { size in
        (
          size,
          WaferPricing(
            wafer: modelled.wafer, calibration: modelled.calibration, region: size,
            options: modelled.pricingOptions)
        )
      })
  }

  /// What a batch costs on a kernel.
  func price(_ use: KernelUse, _ batch: Batch) -> Cost {
    let shape = modelled.shape
    let pricing = pricings[use.region]!
    let countsAll = modelled.countsEmbeddingAndHead
    return switch use.kernel {
    case .attention: pricing.attention(layer(use), BatchWork(batch))
    case .feedForward: pricing.feedForward(layer(use), BatchWork(batch))
    case .cross:
      pricing.crossing(use.crossing!, width: shape.width, tokens: batch.tokens)
    case .embed:
      countsAll ? pricing.embedding(width: shape.width, tokens: batch.tokens) : .zero
    case .head:
      countsAll
        ? pricing.head(
          width: shape.width, vocabulary: use.slice.vocabulary.count, outputs: batch.outputs)
        : .zero
    case .candidates:
      countsAll
        ? pricing.candidates(
          vocabulary: use.slice.vocabulary.count, outputs: batch.outputs,
          count: modelled.candidates)
        : .zero
    // The wafers' kernels do these on the way; their time is in the calibrated ones.
    case .accept, .choose, .residual, .sum, .sumInRankOrder, .copy, .fill, .stage: .zero
    }
  }

  private func layer(_ use: KernelUse) -> LayerSlice {
    LayerSlice(shape: modelled.shape, slice: use.slice, hasExperts: use.hasExperts)
  }

  /// Which prices lie outside of what was calibrated, over all steps of the workload.
  ///
  /// - Parameter mappings: Of each rank of the split.
  func warnings(_ split: Split, mappings: [Mapping]) -> [PricingWarning] {
    let shape = modelled.shape
    var warnings = PricingWarnings()
    let any = pricings.values.first!
    if modelled.countsEmbeddingAndHead {
      warnings.add(any.warnings(of: [.embedding, .head, .candidates]))
    }
    if mappings.contains(where: { $0.steps.contains { $0.crossing != nil } }) {
      warnings.add(any.warnings(of: [.crossing]))
    }
    let kinds = Set((0..<shape.layers).map { shape.hasExperts(layer: $0) })
    let slices = Set(
      (0..<split.tensor).flatMap { shard in
        kinds.map {
          LayerSlice(shape: shape, slice: split.slice(ofRank: shard), hasExperts: $0)
        }
      })
    let pricing = pricings[mappings[0].grid]!
    for step in 0..<modelled.workload.steps {
      for batch in Set(modelled.workload.batches(ofStep: step).map(BatchWork.init)) {
        for slice in slices { warnings.add(pricing.warnings(slice, batch)) }
      }
    }
    return warnings.list
  }
}

extension BatchWork {
  init(_ batch: Batch) {
    self.init(
      entries: batch.entries.map {
        Entry(newTokens: $0.count, contextAfter: $0.start + $0.count)
      }, outputs: batch.outputs)
  }
}
