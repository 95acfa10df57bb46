import Models
import Placement
import Quantities

/// A rectangle of a wafer's PEs that holds consecutive layers, or the embedding, or the head.
public struct Region: Hashable, Sendable {
  /// Layers it holds, by their index in the model; empty when it holds none.
  public var layers: Range<Int>
  /// Whether it holds the embedding.
  public var hasEmbedding: Bool
  /// Whether it holds the LM head.
  public var hasHead: Bool
  /// First column of PEs.
  public var column: Int
  /// First row of PEs.
  public var row: Int
  /// Its size.
  public var size: Rectangle
  /// What its fullest PE holds.
  public var use: SRAMUse
}

/// Where a rank's layers lie on its wafer.
public struct Mapping: Hashable, Sendable {
  /// The size of a region of layers.
  public var grid: Rectangle
  /// The regions, in the order of the model; one that holds all is `whole-mesh`.
  public var regions: [Region]
  /// Bytes of SRAM that a PE has.
  public var sramPerPE: Int
  /// Bytes of SRAM that the fullest PE needs.
  public var usedPerPE: Int { regions.map(\.use.total).max() ?? 0 }
  /// Whether it needs more SRAM than there is, which then is taken as enlarged.
  public var isHypothetical: Bool { usedPerPE > sramPerPE }

  /// How the region of layers is chosen.
  public enum Grid: Hashable, Sendable {
    /// The square with the fastest decode step among those that fit, or when none fits the fastest
    /// oblong that does.
    case fastest
    /// This one.
    case exactly(Rectangle)
  }

  /// Maps each slice to one region, of the same size for all, and checks that it fits.
  ///
  /// The fastest grid is that of the shortest decode step, at full batch and context, over all
  /// stages, each as slow as its slowest shard. When none fits and `allowsHypotheticalSRAM`, it is the
  /// square that needs the least SRAM, which is nearest to what exists.
  ///
  /// To compare with one wafer at the cluster's grid, map the whole model's slice to `.exactly` that
  /// grid with hypothetical SRAM allowed.
  ///
  /// Throws `MappingError` when a grid is larger than the wafer, or the SRAM is too small and may not
  /// be taken as enlarged.
  public static func choose(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, calibration: Calibration,
    memory: MemoryPlan, grid: Grid = .fastest, allowsHypotheticalSRAM: Bool = false,
    options: WaferPricing.Options = WaferPricing.Options()
  ) throws(MappingError) -> [Mapping] {
    precondition(!slices.isEmpty, "no slice to map")
    let search = MappingSearch(
      shape: shape, slices: slices, wafer: wafer, calibration: calibration, memory: memory,
      options: options)
    let region: Rectangle
    switch grid {
    case .exactly(let rectangle):
      guard wafer.mesh.holds(rectangle) else {
        throw .gridTooLarge(rectangle, wafer: wafer.name, mesh: wafer.mesh)
      }
      region = rectangle
    case .fastest:
      region = search.fastestGrid()
    }
    let pricing = search.pricing(on: region)
    let mappings = slices.map { slice in
      Mapping(
        grid: region,
        regions: [
          Region(
            layers: slice.layers, hasEmbedding: slice.hasEmbedding, hasHead: slice.hasHead,
            column: 0, row: 0, size: region,
            use: pricing.sramUse(shape: shape, slice: slice, memory: memory))
        ],
        sramPerPE: wafer.sramPerPE)
    }
    let fullest = zip(mappings, slices).max { $0.0.usedPerPE < $1.0.usedPerPE }!
    if fullest.0.isHypothetical && !allowsHypotheticalSRAM {
      let wholeMesh = search.pricing(on: wafer.mesh)
      throw .doesNotFit(
        MappingError.Shortage(
          stage: fullest.1.stage, shard: fullest.1.shard, wafer: wafer.name, grid: region,
          isClosest: grid == .fastest, sramPerPE: wafer.sramPerPE,
          use: fullest.0.regions[0].use, mesh: wafer.mesh,
          useOfMesh: slices.map {
            wholeMesh.sramUse(shape: shape, slice: $0, memory: memory).total
          }.max()!))
    }
    return mappings
  }
}

/// A mapping that the wafer does not allow.
public enum MappingError: Error, Hashable, CustomStringConvertible {
  /// The grid that was asked for has more PEs on a side than the wafer.
  case gridTooLarge(Rectangle, wafer: String, mesh: Rectangle)
  /// A rank's share needs more SRAM a PE than there is.
  case doesNotFit(Shortage)

  /// What is short, where, by how much.
  public struct Shortage: Hashable, Sendable {
    /// The stage of the rank that needs most.
    public let stage: Int
    /// Its shard.
    public let shard: Int
    /// The wafer.
    public let wafer: String
    /// The grid on which it was counted.
    public let grid: Rectangle
    /// Whether that is the best of all squares that were tried, or the one that was asked for.
    public let isClosest: Bool
    /// Bytes that a PE has.
    public let sramPerPE: Int
    /// Bytes that it would need.
    public let use: SRAMUse
    /// The wafer's whole mesh, which is seldom square.
    public let mesh: Rectangle
    /// Bytes that a PE would need there.
    public let useOfMesh: Int

    /// Bytes a PE that are missing.
    public var missing: Int { use.total - sramPerPE }
  }

  /// One or two sentences: what is short by how much, and what would help.
  public var description: String {
    switch self {
    case .gridTooLarge(let grid, let wafer, let mesh):
      "a grid of \(grid) PEs does not fit \(wafer), whose usable mesh is \(mesh) PEs"
    case .doesNotFit(let shortage):
      "stage \(shortage.stage), shard \(shortage.shard) needs \(shortage.use.total) B of SRAM a PE "
        + "on \(shortage.grid) PEs\(shortage.isClosest ? ", the closest of all squares" : "") "
        + "(weights \(shortage.use.weights) B, KV cache \(shortage.use.keyValues) B, activations "
        + "\(shortage.use.activations) B); \(shortage.wafer) has \(shortage.sramPerPE) B: "
        + "\(shortage.missing) B short. \(Self.advice(shortage))"
    }
  }

  private static func advice(_ shortage: Shortage) -> String {
    let mesh = "A grid of the whole mesh, \(shortage.mesh), would need \(shortage.useOfMesh) B"
    return shortage.useOfMesh <= shortage.sramPerPE
      ? mesh + " and fit"
      : mesh + ". More stages or shards, narrower weights, a shorter context or a smaller batch "
        + "need less; hypothetical SRAM lifts the limit and marks the result"
  }
}
