import Defects
import Hardware
import Models
import Placement
import Programs
import Quantities

/// Prices of a program's kernels on every region of its wafers.
struct RegionPricing: Sendable {
  private let modelled: Experiment.Modelled
  /// By the speed of ranks, then by the region.
  private let pricings: [Rational: [Rectangle: WaferPricing]]

  init(_ modelled: Experiment.Modelled, _ device: WaferDevice, mappings: [Mapping]) {
    self.modelled = modelled
    let places = Set(mappings.flatMap { $0.regions.map(\.place) })
    let speeds = Set(modelled.overrides.speeds.map(\.speed) + [Rational(1)])
    pricings = Dictionary(
      uniqueKeysWithValues: speeds.map { speed in
        var wafer = device.wafer
        // Prices are cycles over the clock, exact until they are rounded.
        wafer.clock = wafer.clock * speed
        let pricings = Dictionary(grouping: places, by: \.size).mapValues { places in
          var options = modelled.pricingOptions
          if let defects = device.defects {
            options.extraHops = Self.extraHops(of: places, defects.mesh)
          }
          return WaferPricing(
            wafer: wafer, calibration: device.calibration, region: places[0].size,
            options: options)
        }
        return (speed, pricings)
      })
  }

  /// Of ranks that are as fast as their wafer's figures say.
  private var usual: [Rectangle: WaferPricing] { pricings[Rational(1)]! }

  /// The worst lines of some regions of one size, which are priced alike. Of a region beyond the mesh, as one
  /// wafer that stands for several has, those of the whole mesh.
  private static func extraHops(of places: [RegionPlace], _ mesh: RepairedMesh) -> ExtraHops {
    places.reduce(into: ExtraHops.none) { worst, place in
      let columns = place.column..<place.column + place.size.columns
      let rows = place.row..<place.row + place.size.rows
      let isOnMesh = columns.upperBound <= mesh.columns && rows.upperBound <= mesh.rows
      let hops = isOnMesh ? mesh.extraHops(columns: columns, rows: rows) : mesh.extraHops
      worst.westToEast = max(worst.westToEast, hops.westToEast)
      worst.northToSouth = max(worst.northToSouth, hops.northToSouth)
    }
  }

  /// What a batch costs on a kernel.
  func price(_ use: KernelUse, _ batch: Batch) -> Cost {
    let shape = modelled.shape
    let pricing = pricings[use.speed]![use.region]!
    return switch use.kernel {
    case .attention: pricing.attention(layer(use), BatchWork(batch))
    case .feedForward: pricing.feedForward(layer(use), BatchWork(batch))
    case .cross:
      pricing.crossing(use.crossing!, width: shape.width, tokens: batch.tokens)
    case .embed, .head, .candidates: pricing.price(ofTable: use, batch, modelled)
    // The wafers' kernels do these on the way; their time is in the calibrated ones.
    case .accept, .choose, .residual, .sum, .sumInRankOrder, .copy, .fill, .stage: .zero
    }
  }

  private func layer(_ use: KernelUse) -> LayerSlice {
    LayerSlice(shape: modelled.shape, slice: use.slice, hasExperts: use.hasExperts)
  }

  /// Which prices lie outside of what was calibrated.
  ///
  /// - Parameters:
  ///   - mappings: Of each rank of the split.
  ///   - steps: Steps of the workload; all unless given.
  func warnings(
    _ split: Split, mappings: [Mapping], steps: Range<Int>? = nil
  ) -> [PricingWarning] {
    let shape = modelled.shape
    var warnings = PricingWarnings()
    let any = usual.values.first!
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
    let pricing = usual[mappings[0].grid]!
    let batches =
      steps.map { $0.flatMap { modelled.workload.batches(ofStep: $0) } } ?? modelled.pricedBatches
    for batch in Set(batches.map(BatchWork.init)) {
      for slice in slices { warnings.add(pricing.warnings(slice, batch)) }
    }
    return warnings.list
  }
}

/// What every kind of device prices alike in form: the kernels of the embedding's and the head's tables.
protocol TablePricing {
  func embedding(width: Int, tokens: Int) -> Cost
  func head(width: Int, vocabulary: Int, outputs: Int) -> Cost
  func candidates(vocabulary: Int, outputs: Int, count: Int) -> Cost
}

/// What devices without regions price alike in form: the blocks of a layer too.
protocol BlockPricing: TablePricing {
  func attention(_ layer: LayerPart, _ work: BatchWork) -> Cost
  func feedForward(_ layer: LayerPart, _ work: BatchWork) -> Cost
}

extension WaferPricing: TablePricing {}
extension AcceleratorPricing: BlockPricing {}
extension HostPricing: BlockPricing {}

extension TablePricing {
  /// The price of an embedding, a head or the choice of candidates; nothing where the experiment leaves
  /// them out.
  ///
  /// - Precondition: the kernel is one of these.
  func price(
    ofTable use: KernelUse, _ batch: Batch, _ modelled: Experiment.Modelled
  ) -> Cost {
    guard modelled.countsEmbeddingAndHead else { return .zero }
    let vocabulary = use.slice.vocabulary.count
    return switch use.kernel {
    case .embed: embedding(width: modelled.shape.width, tokens: batch.tokens)
    case .head:
      head(width: modelled.shape.width, vocabulary: vocabulary, outputs: batch.outputs)
    case .candidates:
      candidates(vocabulary: vocabulary, outputs: batch.outputs, count: modelled.candidates)
    default: preconditionFailure("\(use.kernel) is no kernel of a table")
    }
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
