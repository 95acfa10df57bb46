import Hardware
import Placement

/// Regions of random sizes for each stage of a split: one that holds all, or several with tables apart.
public func randomRegions(
  of split: Split, using generator: inout SeededGenerator
) -> [[RegionStep]] {
  (0..<split.pipeline).map { stage in
    let layers = split.stages[stage]
    let hasEmbedding = stage == 0
    let hasHead = stage == split.pipeline - 1
    guard Bool.random(using: &generator) else {
      return [
        RegionStep(
          region: 0, size: Rectangle(square: 4), layers: layers, embeds: hasEmbedding,
          hasHead: hasHead)
      ]
    }
    var steps: [RegionStep] = []
    func add(_ layers: Range<Int>, embeds: Bool = false, hasHead: Bool = false) {
      let size = Rectangle(
        columns: Int.random(in: 1...9, using: &generator),
        rows: Int.random(in: 1...9, using: &generator))
      let crossing = RegionCrossing(
        hops: Int.random(in: 0...9, using: &generator),
        lines: Int.random(in: 1...9, using: &generator))
      steps.append(
        RegionStep(
          region: steps.count, size: size, layers: layers, embeds: embeds, hasHead: hasHead,
          crossing: steps.isEmpty ? nil : crossing))
    }
    if hasEmbedding { add(0..<0, embeds: true) }
    var next = layers.lowerBound
    while next < layers.upperBound {
      let end = Int.random(in: next + 1...layers.upperBound, using: &generator)
      add(next..<end)
      next = end
    }
    if hasHead { add(0..<0, hasHead: true) }
    return steps
  }
}
