import Models
import Placement
import Quantities

/// Finds the square on which a split model decodes fastest.
struct MappingSearch {
  let shape: ModelShape
  let slices: [ShardSlice]
  let wafer: Wafer
  let calibration: Calibration
  let memory: MemoryPlan
  let options: WaferPricing.Options

  func pricing(on region: Rectangle) -> WaferPricing {
    WaferPricing(wafer: wafer, calibration: calibration, region: region, options: options)
  }

  /// The fastest square that fits, the smaller of two equally fast; when none fits, the one that needs
  /// the least SRAM, the faster of two that need the same.
  func fastestSquare() -> Rectangle {
    let kinds = distinctSlices()
    var fitting: (time: EmulatedTime, side: Int)?
    var smallest: (bytes: Int, time: EmulatedTime, side: Int)?
    for side in 1...min(wafer.mesh.columns, wafer.mesh.rows) {
      let pricing = pricing(on: Rectangle(square: side))
      let bytes = kinds.map {
        pricing.sramUse(shape: shape, slice: $0, memory: memory).total
      }.max()!
      let fits = bytes <= wafer.sramPerPE
      // The price is needed only of candidates that could win.
      if !fits && (fitting != nil || smallest.map { bytes > $0.bytes } ?? false) { continue }
      let time = decodeStep(pricing)
      if fits, fitting.map({ time < $0.time }) ?? true { fitting = (time, side) }
      if smallest.map({ (bytes, time) < ($0.bytes, $0.time) }) ?? true {
        smallest = (bytes, time, side)
      }
    }
    return Rectangle(square: fitting?.side ?? smallest!.side)
  }

  /// The decode step of a full batch at full context: the sum over stages of their slowest shard.
  private func decodeStep(_ pricing: WaferPricing) -> EmulatedTime {
    let work = BatchWork.decode(
      contexts: Array(repeating: memory.context, count: memory.sequences))
    var layers: [LayerSlice: EmulatedTime] = [:]
    var slowest: [Int: EmulatedTime] = [:]
    for slice in slices {
      let layer = LayerSlice(shape: shape, slice: slice)
      let perLayer =
        layers[layer]
        ?? (pricing.attention(layer, work) + pricing.feedForward(layer, work)).total
      layers[layer] = perLayer
      var time = EmulatedTime(picoseconds: perLayer.picoseconds * Int64(slice.layers.count))
      if slice.hasEmbedding {
        time += pricing.embedding(width: shape.width, tokens: memory.sequences).total
      }
      if slice.hasHead {
        time +=
          pricing.head(
            width: shape.width, vocabulary: slice.vocabulary.count, outputs: memory.sequences
          ).total
      }
      slowest[slice.stage] = max(slowest[slice.stage] ?? .zero, time)
    }
    return slowest.values.reduce(.zero, +)
  }

  /// Slices that differ in what they need of a PE; a large cluster has few kinds.
  private func distinctSlices() -> [ShardSlice] {
    var seen = Set<[Int]>()
    return slices.filter { slice in
      seen.insert([
        slice.layers.count, slice.queryHeads.count, slice.keyValueHeads.count,
        slice.feedForward.count, slice.hasEmbedding || slice.hasHead ? slice.vocabulary.count : 0,
        slice.hasEmbedding ? 1 : 0, slice.hasHead ? 1 : 0,
      ]).inserted
    }
  }
}
