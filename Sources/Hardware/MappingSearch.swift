import Models
import Placement
import Quantities

/// Finds the regions on which a split model decodes fastest.
struct MappingSearch {
  let shape: ModelShape
  let slices: [ShardSlice]
  let wafer: Wafer
  let calibration: Calibration
  let memory: MemoryPlan
  let options: WaferPricing.Options
  /// Slices that differ in what they need of a PE; a large cluster has few kinds.
  let kinds: [ShardSlice]
  /// The kind of each slice.
  private let kindOfSlice: [Int]
  private let basePricing: WaferPricing
  /// A decode step of all sequences at full context.
  let work: BatchWork

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
    basePricing = WaferPricing(
      wafer: wafer, calibration: calibration, region: Rectangle(square: 1), options: options)
    (kinds, kindOfSlice) = Self.distinct(slices, shape)
    work = BatchWork.decode(contexts: Array(repeating: memory.context, count: memory.sequences))
  }

  /// A choice: what kind of mapping on regions of what size.
  struct Found: Hashable {
    var kind: Mapping.Kind
    var grid: Rectangle
    /// Whether regions follow each other from west to east; of no meaning to `whole-mesh`.
    var eastward = true
  }

  func pricing(on region: Rectangle) -> WaferPricing {
    basePricing.on(region)
  }

  /// The fastest regions of a kind; `nil` when they cannot be laid out.
  func find(_ kind: Mapping.Kind, grid: Mapping.Grid) -> Found? {
    switch (kind, grid) {
    case (.fastest, _): fastestKind(grid)
    case (.wholeMesh, .exactly(let rectangle)): Found(kind: kind, grid: rectangle)
    case (.wholeMesh, .fastest): Found(kind: kind, grid: fastestGrid())
    case (_, .exactly(let rectangle)): best(of: [rectangle], kind)?.found
    case (_, .fastest): bestRectangle(kind)?.found
    }
  }

  /// The fastest kind that fits; when none does, the one that needs the least SRAM.
  private func fastestKind(_ grid: Mapping.Grid) -> Found? {
    candidates(grid).min { a, b in
      if a.fits != b.fits { return a.fits }
      return a.fits ? a.step < b.step : a.usedPerPE < b.usedPerPE
    }?.found
  }

  /// The best of each kind.
  func candidates(_ grid: Mapping.Grid) -> [Candidate] {
    kindsToTry.compactMap { kind in find(kind, grid: grid).map(candidate) }
  }

  /// What `fastest` chooses from.
  var kindsToTry: [Mapping.Kind] {
    let most = slices.map(\.layers.count).max()!
    let blocks = [2, 4, 8, 16, 32, 64].filter { $0 < most }
    // Of one layer too: its tables lie apart then.
    return [.wholeMesh] + blocks.map { .blocks($0) } + [.regionPerLayer]
  }

  /// A choice with what it needs and how fast it is.
  struct Candidate {
    var found: Found
    var usedPerPE: Int
    var fits: Bool
    var step: EmulatedTime
  }

  func candidate(_ found: Found) -> Candidate {
    candidate(found, kinds.map { mapping(found, of: $0) })
  }

  /// - Parameter mappings: Of each kind of slice.
  func candidate(_ found: Found, _ mappings: [Mapping]) -> Candidate {
    var table = PricingTable(self)
    return candidate(found, mappings, &table)
  }

  /// - Parameters:
  ///   - mappings: Of each kind of slice.
  ///   - table: Of this search.
  func candidate(
    _ found: Found, _ mappings: [Mapping], _ table: inout PricingTable
  ) -> Candidate {
    Candidate(
      found: found, usedPerPE: mappings.map(\.usedPerPE).max()!,
      fits: !mappings.contains { $0.isHypothetical },
      step: decodeStep(mappings.map(\.steps), &table))
  }

  /// The decode step of a full batch at full context: the sum over stages of their slowest shard.
  ///
  /// - Parameter steps: What an activation goes through, of each kind of slice.
  func decodeStep(_ steps: [[RegionStep]]) -> EmulatedTime {
    var table = PricingTable(self)
    return decodeStep(steps, &table)
  }

  func decodeStep(_ steps: [[RegionStep]], _ table: inout PricingTable) -> EmulatedTime {
    let times = zip(kinds, steps).map { slice, steps in
      steps.reduce(EmulatedTime.zero) { $0 + table.time(of: $1, slice) }
    }
    var slowest: [Int: EmulatedTime] = [:]
    for (slice, kind) in zip(slices, kindOfSlice) {
      slowest[slice.stage] = max(slowest[slice.stage] ?? .zero, times[kind])
    }
    return slowest.values.reduce(.zero, +)
  }

  // MARK: Mappings

  /// The mapping of each slice.
  ///
  /// - Precondition: the regions can be laid out.
  func mappings(_ found: Found) -> [Mapping] { slices.map { mapping(found, of: $0) } }

  func mapping(_ found: Found, of slice: ShardSlice) -> Mapping {
    guard found.kind != .wholeMesh else {
      return Mapping(
        kind: .wholeMesh, grid: found.grid,
        regions: [
          Region(
            layers: slice.layers, hasEmbedding: slice.hasEmbedding, hasHead: slice.hasHead,
            place: RegionPlace(column: 0, row: 0, size: found.grid),
            use: pricing(on: found.grid).sramUse(shape: shape, slice: slice, memory: memory))
        ], sramPerPE: wafer.sramPerPE, mesh: wafer.mesh, extent: found.grid)
    }
    let blocks = found.kind.blocks(of: slice.layers)
    guard let layout = layout(found, slice, regions: blocks.count) else {
      preconditionFailure("\(blocks.count) regions of \(found.grid) were not laid out")
    }
    return mapping(kind: found.kind, layout: layout, slice: slice, blocks: blocks)
  }

  func layout(_ found: Found, _ slice: ShardSlice, regions: Int) -> RegionLayout? {
    RegionLayout.place(
      regions, of: found.grid, tables: tables(slice), on: wafer.mesh, eastward: found.eastward
    )?.layout
  }

  /// Tables that need a strip; a tied head lies in the embedding's.
  func tables(_ slice: ShardSlice) -> RegionLayout.Tables {
    let shares = slice.hasEmbedding && slice.hasHead && shape.tiedHead
    return RegionLayout.Tables(
      embedding: slice.hasEmbedding, head: slice.hasHead && !shares)
  }

  func mapping(
    kind: Mapping.Kind, layout: RegionLayout, slice: ShardSlice, blocks: [Range<Int>]
  ) -> Mapping {
    let sharesTable = layout.embedding != nil && layout.head == nil && slice.hasHead
    var regions: [Region] = []
    // Regions of layers are alike but for their place and what their layers are.
    let layersOn = pricing(on: layout.layers[0].size)
    var uses: [[Int]: SRAMUse] = [:]
    func add(_ place: RegionPlace, embedding: Bool, head: Bool) {
      regions.append(
        Region(
          layers: 0..<0, hasEmbedding: embedding, hasHead: head, place: place,
          use: pricing(on: place.size).sramUse(
            shape: shape, slice: slice, layers: 0..<0, holdsEmbedding: embedding,
            holdsHead: head, memory: memory)))
    }
    if let place = layout.embedding { add(place, embedding: true, head: sharesTable) }
    for (place, layers) in zip(layout.layers, blocks) {
      let key = [layers.count, layers.count { shape.hasExperts(layer: $0) }]
      let use =
        uses[key]
        ?? layersOn.sramUse(
          shape: shape, slice: slice, layers: layers, holdsEmbedding: false, holdsHead: false,
          memory: memory)
      uses[key] = use
      regions.append(
        Region(layers: layers, hasEmbedding: false, hasHead: false, place: place, use: use))
    }
    if let place = layout.head { add(place, embedding: false, head: true) }
    return Mapping(
      kind: kind, grid: layout.layers[0].size, regions: regions, sramPerPE: wafer.sramPerPE,
      mesh: wafer.mesh, extent: layout.extent)
  }

  /// Regions of layers of the stage that has most.
  func mostRegions(_ kind: Mapping.Kind) -> Int {
    kind == .fastest ? 1 : slices.map { kind.blocks(of: $0.layers).count }.max()!
  }

  func shortage(
    _ mapping: Mapping, of slice: ShardSlice, isClosest: Bool, advice: MappingAdvice
  ) -> MappingError.Shortage {
    let wholeMesh = pricing(on: wafer.mesh)
    return MappingError.Shortage(
      stage: slice.stage, shard: slice.shard, wafer: wafer.name, grid: mapping.grid,
      kind: mapping.kind, isClosest: isClosest, sramPerPE: wafer.sramPerPE,
      use: mapping.regions.map(\.use).max { $0.total < $1.total }!, mesh: wafer.mesh,
      useOfMesh: kinds.map {
        wholeMesh.sramUse(shape: shape, slice: $0, memory: memory).total
      }.max()!, advice: advice)
  }

  private static func distinct(
    _ slices: [ShardSlice], _ shape: ModelShape
  ) -> (kinds: [ShardSlice], kindOfSlice: [Int]) {
    var kinds: [ShardSlice] = []
    var numbers: [[Int]: Int] = [:]
    let kindOfSlice = slices.map { slice in
      let sizes = [
        slice.layers.count, slice.layers.count { shape.hasExperts(layer: $0) },
        slice.queryHeads.count, slice.keyValueHeads.count, slice.feedForward.count,
        slice.expertColumns.count,
        slice.hasEmbedding || slice.hasHead ? slice.vocabulary.count : 0,
        slice.hasEmbedding ? 1 : 0, slice.hasHead ? 1 : 0,
      ]
      if let known = numbers[sizes] { return known }
      numbers[sizes] = kinds.count
      kinds.append(slice)
      return kinds.count - 1
    }
    return (kinds, kindOfSlice)
  }
}

/// Prices of steps on regions of any size, each kind of layer priced once a size.
struct PricingTable {
  private let search: MappingSearch
  private var pricings: [Rectangle: WaferPricing] = [:]
  private var layers: [LayerOn: EmulatedTime] = [:]
  private var crossings: [RegionCrossing: EmulatedTime] = [:]

  private struct LayerOn: Hashable {
    let layer: LayerSlice
    let size: Rectangle
  }

  init(_ search: MappingSearch) { self.search = search }

  /// A decode step's time in one region, the way into it included.
  mutating func time(of step: RegionStep, _ slice: ShardSlice) -> EmulatedTime {
    let pricing = pricing(on: step.size)
    let shape = search.shape
    let sequences = search.memory.sequences
    var time = EmulatedTime.zero
    if let crossing = step.crossing {
      let way =
        crossings[crossing]
        ?? pricing.crossing(crossing, width: shape.width, tokens: sequences).total
      crossings[crossing] = way
      time += way
    }
    if step.embeds { time += pricing.embedding(width: shape.width, tokens: sequences).total }
    let withExperts = step.layers.count { shape.hasExperts(layer: $0) }
    for (count, hasExperts) in [
      (step.layers.count - withExperts, false), (withExperts, true),
    ] where count > 0 {
      let key = LayerOn(
        layer: LayerSlice(shape: shape, slice: slice, hasExperts: hasExperts), size: step.size)
      let layer =
        layers[key]
        ?? (pricing.attention(key.layer, search.work) + pricing.feedForward(key.layer, search.work))
        .total
      layers[key] = layer
      time += EmulatedTime(picoseconds: layer.picoseconds * Int64(count))
    }
    if step.hasHead {
      time +=
        pricing.head(
          width: shape.width, vocabulary: slice.vocabulary.count, outputs: sequences
        ).total
    }
    return time
  }

  private mutating func pricing(on size: Rectangle) -> WaferPricing {
    if let known = pricings[size] { return known }
    let made = search.pricing(on: size)
    pricings[size] = made
    return made
  }
}
