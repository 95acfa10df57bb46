import Models
import Placement
import Quantities

/// The sizes of regions that are tried.
extension MappingSearch {
  /// For one region that holds all: the fastest square that fits, the smaller of two equally fast. When no
  /// square fits, the fastest oblong that does; when none does either, the square that needs the least
  /// SRAM, the faster of two that need the same.
  func fastestGrid() -> Rectangle {
    let squares = (1...min(wafer.mesh.columns, wafer.mesh.rows)).map(Rectangle.init(square:))
    if let square = fastest(of: squares) { return square }
    if let oblong = fastest(of: oblongs()) { return oblong }
    var smallest: (bytes: Int, time: EmulatedTime, grid: Rectangle)?
    for square in squares {
      let bytes = use(pricing(on: square))
      if let smallest, bytes > smallest.bytes { continue }
      let time = wholeMeshStep(square)
      if smallest.map({ (bytes, time) < ($0.bytes, $0.time) }) ?? true {
        smallest = (bytes, time, square)
      }
    }
    return smallest!.grid
  }

  private func fastest(of candidates: [Rectangle]) -> Rectangle? {
    var best: (time: EmulatedTime, grid: Rectangle)?
    for grid in candidates {
      guard use(pricing(on: grid)) <= wafer.sramPerPE else { continue }
      let time = wholeMeshStep(grid)
      if best.map({ time < $0.time }) ?? true { best = (time, grid) }
    }
    return best?.grid
  }

  private func wholeMeshStep(_ grid: Rectangle) -> EmulatedTime {
    decodeStep(
      kinds.map { slice in
        [
          RegionStep(
            region: 0, size: grid, layers: slice.layers, embeds: slice.hasEmbedding,
            hasHead: slice.hasHead)
        ]
      })
  }

  /// Bytes that the fullest PE of the fullest rank needs, when one region holds all.
  func use(_ pricing: WaferPricing) -> Int {
    kinds.map { pricing.sramUse(shape: shape, slice: $0, memory: memory).total }.max()!
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

  // MARK: Several regions

  /// For several regions: sides of whole dozens, and the sides of which up to 24 fill the mesh. Sides without
  /// a divisor near their root make long chains, and are seldom fastest.
  func rectangles() -> [Rectangle] {
    func sides(_ limit: Int) -> [Int] {
      let dozens = Array(stride(from: 12, through: limit, by: 12))
      let fractions = (1...24).map { limit / $0 }.filter { $0 >= 1 }
      return Set(dozens + fractions).sorted()
    }
    let columns = sides(wafer.mesh.columns)
    let rows = sides(wafer.mesh.rows)
    return columns.flatMap { column in rows.map { Rectangle(columns: column, rows: $0) } }
  }

  /// The fastest of `rectangles` that fits, exactly; when none does, one that needs little SRAM.
  ///
  /// A step takes at least what its layers take, and that needs no layout. So sizes are tried in the order of
  /// their layers' time, until no later one can be faster.
  func bestRectangle(_ kind: Mapping.Kind) -> Candidate? {
    let sizes = rectangles()
    var table = PricingTable(self)
    let bounds = mayFit(sizes, kind).filter { layersFit(on: $0, kind) }
      .map { size in (least: layersStep(on: size, &table), size: size) }
      .sorted {
        ($0.least, $0.size.columns, $0.size.rows) < ($1.least, $1.size.columns, $1.size.rows)
      }
    var best: Candidate?
    for (least, size) in bounds {
      if let best, least >= best.step { break }
      for eastward in [true, false] {
        guard
          let mappings = laidOut(Found(kind: kind, grid: size, eastward: eastward)),
          !mappings.contains(where: { $0.isHypothetical })
        else { continue }
        let candidate = candidate(
          Found(kind: kind, grid: size, eastward: eastward), mappings, &table)
        if best.map({ candidate.step < $0.step }) ?? true { best = candidate }
      }
    }
    return best ?? self.best(of: sizes, kind)
  }

  /// The mapping of each kind of slice; `nil` when the regions of one cannot be laid out.
  func laidOut(_ found: Found) -> [Mapping]? {
    var mappings: [Mapping] = []
    for slice in kinds {
      let blocks = found.kind.blocks(of: slice.layers)
      guard let layout = layout(found, slice, regions: blocks.count) else { return nil }
      mappings.append(mapping(kind: found.kind, layout: layout, slice: slice, blocks: blocks))
    }
    return mappings
  }

  /// What the layers of all stages take in a decode step, whatever the regions' number and places.
  private func layersStep(on size: Rectangle, _ table: inout PricingTable) -> EmulatedTime {
    decodeStep(
      kinds.map {
        [RegionStep(region: 0, size: size, layers: $0.layers, embeds: false, hasHead: false)]
      }, &table)
  }

  /// Whether the layers of every region fit its PEs, tables aside.
  func layersFit(on size: Rectangle, _ kind: Mapping.Kind) -> Bool {
    let pricing = pricing(on: size)
    return kinds.allSatisfy { slice in
      // Blocks of as many layers, and as many with experts, need the same: one of each is looked at.
      var seen: Set<[Int]> = []
      return kind.blocks(of: slice.layers).allSatisfy { layers in
        guard seen.insert([layers.count, layers.count { shape.hasExperts(layer: $0) }]).inserted
        else { return true }
        return pricing.sramUse(
          shape: shape, slice: slice, layers: layers, holdsEmbedding: false, holdsHead: false,
          memory: memory
        ).total <= wafer.sramPerPE
      }
    }
  }

  /// The fastest of these sizes that fits, the first of two equally fast; when none fits, the one that needs
  /// the least SRAM, the faster of two that need the same, of those that are neither too small for their
  /// layers' bytes nor too many for the mesh, or else of all. `nil` when none can be laid out.
  func best(of sizes: [Rectangle], _ kind: Mapping.Kind) -> Candidate? {
    bestLaidOut(of: mayFit(sizes, kind), kind) ?? bestLaidOut(of: sizes, kind)
  }

  /// Sizes that neither the layers' bytes nor the mesh's area rule out.
  func mayFit(_ sizes: [Rectangle], _ kind: Mapping.Kind) -> [Rectangle] {
    let regions = mostRegions(kind)
    // Padding only adds to it.
    let leastPEs = leastBytesOfRegion(kind) / wafer.sramPerPE
    return sizes.filter { $0.area >= leastPEs && $0.area * regions <= wafer.mesh.area }
  }

  private func bestLaidOut(of sizes: [Rectangle], _ kind: Mapping.Kind) -> Candidate? {
    var fastest: Candidate?
    var smallest: Candidate?
    for size in sizes {
      for eastward in [true, false] {
        let found = Found(kind: kind, grid: size, eastward: eastward)
        guard let mappings = laidOut(found) else { continue }
        let fits = !mappings.contains { $0.isHypothetical }
        // Most sizes fail here; a price takes longer.
        if !fits {
          let used = mappings.map(\.usedPerPE).max()!
          if fastest != nil || smallest.map({ used > $0.usedPerPE }) ?? false { continue }
        }
        let candidate = candidate(found, mappings)
        if fits {
          if fastest.map({ candidate.step < $0.step }) ?? true { fastest = candidate }
        } else if smallest.map({
          (candidate.usedPerPE, candidate.step) < ($0.usedPerPE, $0.step)
        }) ?? true {
          smallest = candidate
        }
      }
    }
    return fastest ?? smallest
  }

  /// Bytes of the weights and the KV cache of the largest region of layers, without padding.
  private func leastBytesOfRegion(_ kind: Mapping.Kind) -> Int {
    Int(
      kinds.map { slice in
        kind.blocks(of: slice.layers).map {
          Mapping.leastBytes(of: $0, in: slice, shape: shape, memory: memory)
        }.max()!
      }.max()!)
  }
}
