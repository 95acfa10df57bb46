import Models
import Placement
import Quantities

/// Where a rank's layers lie on its wafer.
public struct Mapping: Hashable, Sendable {
  /// How many regions the layers are cut into.
  public var kind: Kind
  /// The size of a region of layers.
  public var grid: Rectangle
  /// The regions: the embedding's, those of layers in the order of the model, the head's. One that holds
  /// all is `whole-mesh`; a tied head lies with the embedding.
  public var regions: [Region]
  /// Bytes of SRAM that a PE has.
  public var sramPerPE: Int
  /// PEs of the wafer.
  public var mesh: Rectangle
  /// PEs that the regions span.
  public var extent: Rectangle

  /// Bytes of SRAM that the fullest PE needs.
  public var usedPerPE: Int { regions.map(\.use.total).max() ?? 0 }
  /// Whether it needs more SRAM than there is, a PE or in all, which then is taken as enlarged.
  public var isHypothetical: Bool {
    usedPerPE > sramPerPE || (extent != grid && !mesh.holds(extent))
  }

  /// What exceeds the wafer, in words; empty when nothing does.
  public var excess: String {
    var parts: [String] = []
    if usedPerPE > sramPerPE {
      parts.append("\(usedPerPE) B of SRAM a PE are needed, \(sramPerPE) B exist")
    }
    if extent != grid && !mesh.holds(extent) {
      parts.append("its regions span \(extent) PEs, \(mesh) exist")
    }
    return parts.joined(separator: "; ")
  }

  /// How many regions a rank's layers are cut into. All regions of a run have one size.
  public enum Kind: Hashable, Sendable {
    /// One region that holds everything, embedding and head too.
    case wholeMesh
    /// So many regions of consecutive layers; embedding and head in strips of their own.
    case blocks(Int)
    /// A region for each layer; embedding and head in strips of their own.
    case regionPerLayer
    /// Whichever of these decodes fastest among those that fit.
    case fastest

    /// As options write it.
    public var written: String {
      switch self {
      case .wholeMesh: "whole-mesh"
      case .blocks(let count): "blocks-\(count)"
      case .regionPerLayer: "region-per-layer"
      case .fastest: "fastest"
      }
    }

    /// Reads what options write; `nil` when it is none of them.
    public init?(written text: String) {
      switch text {
      case "whole-mesh": self = .wholeMesh
      case "region-per-layer": self = .regionPerLayer
      case "fastest": self = .fastest
      default:
        guard text.hasPrefix("blocks-"), let count = Int(text.dropFirst(7)),
          (2...10_000).contains(count)
        else { return nil }
        self = .blocks(count)
      }
    }

    /// The layers of each region of a stage.
    func blocks(of layers: Range<Int>) -> [Range<Int>] {
      let count =
        switch self {
        case .wholeMesh: 1
        case .blocks(let count): min(count, layers.count)
        case .regionPerLayer: layers.count
        case .fastest: preconditionFailure("a kind must be chosen first")
        }
      return (0..<count).map { index in
        let share = Split.share(index, of: count, total: layers.count)
        return layers.lowerBound + share.lowerBound..<layers.lowerBound + share.upperBound
      }
    }
  }

  /// How the size of a region of layers is chosen.
  public enum Grid: Hashable, Sendable {
    /// For `whole-mesh` the square with the fastest decode step among those that fit, or when none fits
    /// the fastest oblong that does; for several regions the fastest rectangle.
    case fastest
    /// This one.
    case exactly(Rectangle)
  }

  /// What an activation goes through on the wafer, in order.
  public var steps: [RegionStep] {
    guard kind != .wholeMesh else {
      let all = regions[0]
      return [
        RegionStep(
          region: 0, size: all.size, layers: all.layers, embeds: all.hasEmbedding,
          hasHead: all.hasHead)
      ]
    }
    var steps: [RegionStep] = []
    func step(_ index: Int, layers: Range<Int>, embeds: Bool = false, hasHead: Bool = false) {
      let place = regions[index].place
      steps.append(
        RegionStep(
          region: index, size: place.size, layers: layers, embeds: embeds, hasHead: hasHead,
          crossing: steps.last.map { regions[$0.region].place.crossing(to: place) }))
    }
    if let index = regions.firstIndex(where: \.hasEmbedding) {
      step(index, layers: 0..<0, embeds: true)
    }
    for (index, region) in regions.enumerated() where !region.layers.isEmpty {
      step(index, layers: region.layers)
    }
    if let index = regions.firstIndex(where: \.hasHead) {
      step(index, layers: 0..<0, hasHead: true)
    }
    return steps
  }

  /// Maps each slice, on regions of the same size for all, and checks that they fit.
  ///
  /// The fastest size is that of the shortest decode step, at full batch and context, over all
  /// stages, each as slow as its slowest shard. When none fits and `allowsHypotheticalSRAM`, it is the
  /// one that needs the least SRAM, which is nearest to what exists.
  ///
  /// To compare with one wafer, see `standIn`.
  ///
  /// Throws `MappingError` when a grid is larger than the wafer, or the SRAM is too small and may not
  /// be taken as enlarged.
  public static func choose(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, calibration: Calibration,
    memory: MemoryPlan, kind: Kind = .wholeMesh, grid: Grid = .fastest,
    allowsHypotheticalSRAM: Bool = false, options: WaferPricing.Options = WaferPricing.Options()
  ) throws(MappingError) -> [Mapping] {
    precondition(!slices.isEmpty, "no slice to map")
    let search = MappingSearch(
      shape: shape, slices: slices, wafer: wafer, calibration: calibration, memory: memory,
      options: options)
    if case .exactly(let rectangle) = grid, !wafer.mesh.holds(rectangle) {
      throw .gridTooLarge(rectangle, wafer: wafer.name, mesh: wafer.mesh)
    }
    guard let found = search.find(kind, grid: grid) else {
      let advice = search.advice(kind, grid: grid)
      guard case .exactly(let rectangle) = grid else {
        throw .noRoom(
          kind: kind.written, wafer: wafer.name, mesh: wafer.mesh, advice: advice)
      }
      throw .regionsDoNotFit(
        count: search.mostRegions(kind), grid: rectangle, wafer: wafer.name, mesh: wafer.mesh,
        advice: advice)
    }
    let mappings = search.mappings(found)
    let fullest = zip(mappings, slices).max { $0.0.usedPerPE < $1.0.usedPerPE }!
    if fullest.0.isHypothetical && !allowsHypotheticalSRAM {
      throw .doesNotFit(
        search.shortage(
          fullest.0, of: fullest.1, isClosest: grid == .fastest,
          advice: search.advice(kind, grid: grid)))
    }
    return mappings
  }

  /// As `choose`, and `nil` where it would refuse: what is short, and what would fit, is not worked out.
  public static func fitting(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, calibration: Calibration,
    memory: MemoryPlan, kind: Kind = .wholeMesh, grid: Grid = .fastest,
    options: WaferPricing.Options = WaferPricing.Options()
  ) -> [Mapping]? {
    if case .exactly(let rectangle) = grid, !wafer.mesh.holds(rectangle) { return nil }
    let search = MappingSearch(
      shape: shape, slices: slices, wafer: wafer, calibration: calibration, memory: memory,
      options: options)
    guard search.fits(kind, grid: grid), let found = search.find(kind, grid: grid) else {
      return nil
    }
    return search.mappings(found)
  }

  /// One wafer that holds the whole model as a cluster holds it: as many regions of the same sizes, with as
  /// many layers each, so that under pipeline parallelism the compute of both is equal. Regions that do
  /// not fit its mesh lie beyond it, and the mapping is hypothetical.
  ///
  /// - Parameters:
  ///   - cluster: The mappings of the first shard of each stage, in order.
  ///   - whole: The slice that holds everything.
  public static func standIn(
    for cluster: [Mapping], shape: ModelShape, whole: ShardSlice, wafer: Wafer,
    calibration: Calibration, memory: MemoryPlan,
    options: WaferPricing.Options = WaferPricing.Options()
  ) -> Mapping {
    let search = MappingSearch(
      shape: shape, slices: [whole], wafer: wafer, calibration: calibration, memory: memory,
      options: options)
    let first = cluster[0]
    guard first.kind != .wholeMesh else {
      return search.mappings(MappingSearch.Found(kind: .wholeMesh, grid: first.grid))[0]
    }
    let layers = cluster.flatMap { $0.regions.filter { !$0.layers.isEmpty } }
    let shelves = first.shelves
    let isTied = shape.tiedHead
    let layout = RegionLayout.extended(
      layers.count, of: first.grid, in: shelves,
      embedding: first.regions.first(where: \.hasEmbedding)?.size,
      head: isTied ? nil : cluster.last!.regions.first(where: \.hasHead)?.size)
    return search.mapping(
      kind: first.kind, layout: layout, slice: whole, blocks: layers.map(\.layers))
  }

  /// How its regions of layers follow each other.
  private var shelves: RegionLayout.Shelves {
    let places = regions.filter { !$0.layers.isEmpty }.map(\.place)
    let eastward = places.count < 2 || places[1].row == places[0].row
    let first = places.prefix {
      eastward ? $0.row == places[0].row : $0.column == places[0].column
    }
    return RegionLayout.Shelves(perShelf: first.count, runEastward: eastward)
  }
}
