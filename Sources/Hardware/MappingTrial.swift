import Models
import Placement
import Quantities

/// A kind of mapping that was tried, with the best that came of it.
public struct MappingTrial: Hashable, Sendable {
  /// The kind.
  public var kind: Mapping.Kind
  /// Its best size; `nil` when its regions cannot be laid out whatever their size.
  public var best: Best?

  /// The fastest size that fits, or the one that needs the least SRAM when none does.
  public struct Best: Hashable, Sendable {
    /// The size of a region of layers.
    public var grid: Rectangle
    /// Regions of layers on the wafer that has most.
    public var regions: Int
    /// Bytes of SRAM that the fullest PE needs.
    public var usedPerPE: Int
    /// Whether that is there.
    public var fits: Bool
    /// A decode step of all sequences at full context, one wafer after the other; links are not in it.
    public var step: EmulatedTime
    /// The slowest region's part of it: as often a batch can leave when all regions are busy with others.
    public var slowestRegion: EmulatedTime
  }
}

extension Mapping {
  /// What the mapper tries: the best of each kind that `fastest` chooses from, and of the kind asked for.
  ///
  /// A grid that is asked for holds for the kind that is asked for, and for all when that is `fastest`.
  public static func trials(
    shape: ModelShape, slices: [ShardSlice], wafer: Wafer, calibration: Calibration,
    memory: MemoryPlan, kind: Kind, grid: Grid,
    options: WaferPricing.Options = WaferPricing.Options()
  ) -> [MappingTrial] {
    let search = MappingSearch(
      shape: shape, slices: slices, wafer: wafer, calibration: calibration, memory: memory,
      options: options)
    let common = search.kindsToTry
    let kinds = kind == .fastest || common.contains(kind) ? common : common + [kind]
    return kinds.map { tried in
      search.trial(tried, grid: kind == .fastest || kind == tried ? grid : .fastest)
    }
  }
}

extension MappingSearch {
  fileprivate func trial(_ kind: Mapping.Kind, grid: Mapping.Grid) -> MappingTrial {
    guard let found = find(kind, grid: grid) else { return MappingTrial(kind: kind, best: nil) }
    let mappings = kinds.map { mapping(found, of: $0) }
    let candidate = candidate(found, mappings)
    return MappingTrial(
      kind: kind,
      best: MappingTrial.Best(
        grid: found.grid, regions: mostRegions(kind), usedPerPE: candidate.usedPerPE,
        fits: candidate.fits, step: candidate.step, slowestRegion: slowestRegion(mappings)))
  }

  /// A region may be visited twice, as that of a tied head is.
  private func slowestRegion(_ mappings: [Mapping]) -> EmulatedTime {
    var table = PricingTable(self)
    var slowest = EmulatedTime.zero
    for (slice, mapping) in zip(kinds, mappings) {
      var times = Array(repeating: EmulatedTime.zero, count: mapping.regions.count)
      for step in mapping.steps { times[step.region] += table.time(of: step, slice) }
      slowest = max(slowest, times.max() ?? .zero)
    }
    return slowest
  }
}
