import Models
import Placement

/// What a mapping needs at least, whatever its regions: weights and KV cache without padding.
extension Mapping {
  /// Whether every slice is within a wafer's SRAM by volume. When not, no mapping can fit, and none need be
  /// tried.
  public static func isWithinSRAM(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, memory: MemoryPlan
  ) -> Bool {
    let capacity = Double(wafer.mesh.area) * Double(wafer.sramPerPE)
    return slices.allSatisfy {
      leastBytes(of: $0.layers, in: $0, shape: shape, memory: memory) <= capacity
    }
  }

  /// Bytes of the weights and the KV cache of some layers of a slice, a little less than they really are: of
  /// experts and dense columns, which are shared out apart, the shares may differ by one.
  static func leastBytes(
    of layers: Range<Int>, in slice: ShardSlice, shape: ModelShape, memory: MemoryPlan
  ) -> Double {
    let heads = Double(slice.queryHeads.count) / Double(shape.queryHeads)
    let inner = Double(slice.feedForward.count) / Double(shape.feedForwardWidth)
    let weights = layers.reduce(0.0) {
      $0 + heads * Double(shape.attentionWeights)
        + inner * Double(shape.feedForwardWeights(layer: $1))
    }
    // Shards of latent attention hold the whole cache; others their heads.
    let share =
      shape.latentAttention == nil
      ? Double(slice.keyValueHeads.count) / Double(shape.keyValueHeads) : 1
    let tokens = min(memory.context, shape.slidingWindow ?? .max) * memory.sequences
    let keyValues = share * Double(layers.count * tokens * shape.keyValueWidth)
    let bits = weights * Double(memory.weightBits) + keyValues * Double(memory.keyValueBits)
    return 0.95 * bits / 8
  }
}
