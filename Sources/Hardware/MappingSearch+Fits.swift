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
    // Blocks of as many layers, and as many with experts, need the same: one of each is looked at.
    let distinct = kinds.map { slice in
      let blocks = kind.blocks(of: slice.layers)
      let keys = blocks.map { [$0.count, $0.count { shape.hasExperts(layer: $0) }] }
      return Set(keys).map { key in blocks[keys.firstIndex(of: key)!] }
    }
    return mayFit(sizes, kind).contains { size in
      let pricing = pricing(on: size)
      let layersFit = zip(kinds, distinct).allSatisfy { slice, blocks in
        blocks.allSatisfy {
          pricing.sramUse(
            shape: shape, slice: slice, layers: $0, holdsEmbedding: false, holdsHead: false,
            memory: memory
          ).total <= wafer.sramPerPE
        }
      }
      return layersFit
        && [true, false].contains { eastward in
          isFitting(Found(kind: kind, grid: size, eastward: eastward))
        }
    }
  }

  /// Whether the regions of all slices can be laid out and none needs more SRAM than there is.
  private func isFitting(_ found: Found) -> Bool {
    kinds.allSatisfy { slice in
      let blocks = found.kind.blocks(of: slice.layers)
      guard let layout = layout(found, slice, regions: blocks.count) else { return false }
      return !mapping(kind: found.kind, layout: layout, slice: slice, blocks: blocks)
        .isHypothetical
    }
  }

  /// The same search over another split or another memory.
  func with(slices: [ShardSlice]? = nil, memory: MemoryPlan? = nil) -> MappingSearch {
    MappingSearch(
      shape: shape, slices: slices ?? self.slices, wafer: wafer, calibration: calibration,
      memory: memory ?? self.memory, options: options)
  }
}
