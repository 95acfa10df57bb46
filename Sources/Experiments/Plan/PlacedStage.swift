import Hardware

/// The wafers of one stage, shown as that of its fullest shard.
struct PlacedStage: Hashable {
  /// The stage.
  let index: Int
  /// Its ranks: as many wafers as shards.
  let ranks: ClosedRange<Int>
  /// Of the shard that needs most.
  let mapping: Mapping

  /// PEs that regions hold.
  var area: Int { mapping.regions.reduce(0) { $0 + $1.size.area } }

  /// Bytes that all PEs of the regions hold, each taken as the fullest of its region.
  var use: SRAMUse {
    mapping.regions.reduce(into: SRAMUse(weights: 0, keyValues: 0, activations: 0)) { sum, region in
      sum.weights += region.size.area * region.use.weights
      sum.keyValues += region.size.area * region.use.keyValues
      sum.activations += region.size.area * region.use.activations
    }
  }

  /// Ranks as people write them.
  static func written(_ ranks: ClosedRange<Int>) -> String {
    ranks.count == 1 ? "\(ranks.lowerBound)" : "\(ranks.lowerBound)-\(ranks.upperBound)"
  }

  /// Layers of the stage.
  var layers: Range<Int> {
    let held = mapping.regions.map(\.layers).filter { !$0.isEmpty }
    return held.first!.lowerBound..<held.last!.upperBound
  }

  /// Whether another stage's wafers hold as much at the same places, if of other layers.
  func isLike(_ other: PlacedStage) -> Bool {
    mapping.regions.count == other.mapping.regions.count
      && zip(mapping.regions, other.mapping.regions).allSatisfy {
        $0.isLike($1) && $0.place == $1.place
      }
  }

  /// Regions that follow each other and differ in their layers' numbers and places alone.
  var groups: [RegionGroup] {
    var groups: [RegionGroup] = []
    for region in mapping.regions {
      if let last = groups.indices.last, groups[last].regions[0].isLike(region) {
        groups[last].regions.append(region)
      } else {
        groups.append(RegionGroup(regions: [region]))
      }
    }
    return groups
  }
}

/// Regions of one wafer that are alike.
struct RegionGroup: Hashable {
  /// In the order of the model, at least one.
  var regions: [Region]

  /// What they hold.
  var words: String {
    let first = regions[0]
    let tables = [first.hasEmbedding ? "embedding" : "", first.hasHead ? "head" : ""]
      .filter { !$0.isEmpty }
    guard !first.layers.isEmpty else { return tables.joined(separator: ", ") }
    let layers = "\(first.layers.count) layer\(first.layers.count == 1 ? "" : "s")"
    let all = (tables.prefix(1) + [layers] + tables.dropFirst()).joined(separator: ", ")
    return regions.count == 1 ? all : "\(regions.count) of \(all)"
  }

  /// The layers of all of them, as people write them.
  var layers: String {
    Self.written(regions[0].layers.lowerBound..<regions.last!.layers.upperBound)
  }

  /// A range of layers, by its first and last.
  static func written(_ layers: Range<Int>) -> String {
    switch layers.count {
    case 0: "-"
    case 1: "\(layers.lowerBound)"
    default: "\(layers.lowerBound)-\(layers.upperBound - 1)"
    }
  }
}

extension Region {
  fileprivate func isLike(_ other: Region) -> Bool {
    layers.count == other.layers.count && size == other.size && use == other.use
      && hasEmbedding == other.hasEmbedding && hasHead == other.hasHead
  }
}

extension WaferPlacement.Placed {
  /// The stages, in order.
  func stages(tensor: Int) -> [PlacedStage] {
    (0..<mappings.count / tensor).map { stage in
      let ranks = stage * tensor...stage * tensor + tensor - 1
      // The first of equal ones.
      let fullest = mappings[ranks].reduce(mappings[ranks.lowerBound]) {
        $1.usedPerPE > $0.usedPerPE ? $1 : $0
      }
      return PlacedStage(index: stage, ranks: ranks, mapping: fullest)
    }
  }
}
