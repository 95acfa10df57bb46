import Models
import Placement
import Quantities

/// Finds the grid on which a split model decodes fastest.
struct MappingSearch {
  let shape: ModelShape
  let slices: [ShardSlice]
  let wafer: Wafer
  let calibration: Calibration
  let memory: MemoryPlan
  let options: WaferPricing.Options
  private let kinds: [ShardSlice]

  init(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, calibration: Calibration,
    memory: MemoryPlan, options: WaferPricing.Options
  ) {
    self.shape = shape
    self.slices = slices
    self.wafer = wafer
    self.calibration = calibration
    self.memory = memory
    self.options = options
    kinds = Self.distinct(slices)
  }

  func pricing(on region: Rectangle) -> WaferPricing {
    WaferPricing(wafer: wafer, calibration: calibration, region: region, options: options)
  }

  /// The fastest square that fits, the smaller of two equally fast. When no square fits, the fastest
  /// oblong that does; when none does either, the square that needs the least SRAM, the faster of two
  /// that need the same.
  func fastestGrid() -> Rectangle {
    let squares = (1...min(wafer.mesh.columns, wafer.mesh.rows)).map(Rectangle.init(square:))
    if let square = fastest(of: squares) { return square }
    if let oblong = fastest(of: oblongs()) { return oblong }
    var smallest: (bytes: Int, time: EmulatedTime, grid: Rectangle)?
    for square in squares {
      let pricing = pricing(on: square)
      let bytes = use(pricing)
      if let smallest, bytes > smallest.bytes { continue }
      let time = decodeStep(pricing)
      if smallest.map({ (bytes, time) < ($0.bytes, $0.time) }) ?? true {
        smallest = (bytes, time, square)
      }
    }
    return smallest!.grid
  }

  private func fastest(of candidates: [Rectangle]) -> Rectangle? {
    var best: (time: EmulatedTime, grid: Rectangle)?
    for grid in candidates {
      let pricing = pricing(on: grid)
      guard use(pricing) <= wafer.sramPerPE else { continue }
      let time = decodeStep(pricing)
      if best.map({ time < $0.time }) ?? true { best = (time, grid) }
    }
    return best?.grid
  }

  /// Rectangles that are not square: sides of whole dozens, which have a divisor near their root and
  /// so short chains, and the mesh's own sides. On WSE-3 these are 6,272.
  private func oblongs() -> [Rectangle] {
    func sides(_ limit: Int) -> [Int] {
      let dozens = Array(stride(from: 12, through: limit, by: 12))
      return dozens.last == limit ? dozens : dozens + [limit]
    }
    return sides(wafer.mesh.columns).flatMap { columns in
      sides(wafer.mesh.rows).filter { $0 != columns }.map { rows in
        Rectangle(columns: columns, rows: rows)
      }
    }
  }

  /// Bytes that the fullest PE of the fullest rank needs.
  private func use(_ pricing: WaferPricing) -> Int {
    kinds.map { pricing.sramUse(shape: shape, slice: $0, memory: memory).total }.max()!
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
  private static func distinct(_ slices: [ShardSlice]) -> [ShardSlice] {
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
