import Models
import Placement

/// Whether anything fits, without looking for what is fastest: it needs no price.
extension MappingSearch {
  /// Whether some size of this kind fits, of those that `find` tries.
  func fits(_ kind: Mapping.Kind, grid: Mapping.Grid) -> Bool {
    guard
      Mapping.isWithinSRAM(shape: shape, slices: kinds, wafer: wafer, memory: memory)
    else { return false }
    return switch (kind, grid) {
    case (.fastest, _): kindsToTry.contains { fits($0, grid: grid) }
    case (.wholeMesh, .exactly(let rectangle)):
      use(pricing(on: rectangle)) <= wafer.sramPerPE
    // Tiles only shrink as sides grow, and the whole mesh is tried.
    case (.wholeMesh, .fastest): use(pricing(on: wafer.mesh)) <= wafer.sramPerPE
    case (_, .exactly(let rectangle)): fits([rectangle], kind)
    case (_, .fastest): fits(rectangles(), kind)
    }
  }

  private func fits(_ sizes: [Rectangle], _ kind: Mapping.Kind) -> Bool {
    mayFit(sizes, kind).contains { size in
      layersFit(on: size, kind)
        && [true, false].contains { eastward in
          laidOut(Found(kind: kind, grid: size, eastward: eastward))
            .map { mappings in !mappings.contains { $0.isHypothetical } } ?? false
        }
    }
  }

  /// The same search over another split or another memory.
  func with(slices: [ShardSlice]? = nil, memory: MemoryPlan? = nil) -> MappingSearch {
    MappingSearch(
      shape: shape, slices: slices ?? self.slices, wafer: wafer, calibration: calibration,
      memory: memory ?? self.memory, options: options)
  }
}
