import Hardware
import Models
import Placement
import Programs

extension Experiment.Modelled {
  /// What each kernel of a program costs on regions of `grid` PEs.
  func price(on grid: Rectangle) -> KernelPrice {
    let pricing = WaferPricing(
      wafer: wafer, calibration: calibration, region: grid, options: pricingOptions)
    let shape = shape
    let candidates = candidates
    let countsAll = countsEmbeddingAndHead
    return { kernel, slice, batch in
      switch kernel {
      case .attention:
        pricing.attention(LayerSlice(shape: shape, slice: slice), BatchWork(batch))
      case .feedForward:
        pricing.feedForward(LayerSlice(shape: shape, slice: slice), BatchWork(batch))
      case .embed:
        countsAll ? pricing.embedding(width: shape.width, tokens: batch.tokens) : .zero
      case .head:
        countsAll
          ? pricing.head(
            width: shape.width, vocabulary: slice.vocabulary.count, outputs: batch.outputs)
          : .zero
      case .candidates:
        countsAll
          ? pricing.candidates(
            vocabulary: slice.vocabulary.count, outputs: batch.outputs, count: candidates)
          : .zero
      // The wafers' kernels do these on the way; their time is in the calibrated ones.
      case .accept, .choose, .residual, .sum, .sumInRankOrder, .copy, .fill, .stage: .zero
      }
    }
  }

  /// Which prices lie outside of what was calibrated, over all steps of the workload.
  func warnings(on grid: Rectangle, split: Split) -> [PricingWarning] {
    let pricing = WaferPricing(
      wafer: wafer, calibration: calibration, region: grid, options: pricingOptions)
    var warnings = PricingWarnings()
    if countsEmbeddingAndHead {
      warnings.add(pricing.warnings(of: [.embedding, .head, .candidates]))
    }
    let slices = Set(
      (0..<split.tensor).map { LayerSlice(shape: shape, slice: split.slice(ofRank: $0)) })
    for step in 0..<workload.steps {
      for batch in Set(workload.batches(ofStep: step).map(BatchWork.init)) {
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
