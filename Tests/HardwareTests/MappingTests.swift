import Models
import Placement
import Quantities
import Testing

@testable import Hardware

@Suite("Mapping")
struct MappingTests {
  /// Two layers of the toy's sizes.
  private let shape = ModelShape(
    name: "toy", layers: 2, width: 8, queryHeads: 2, keyValueHeads: 1, headSize: 4,
    feedForwardWidth: 12, vocabulary: 30, contextLength: 64)

  private func whole(_ shape: ModelShape) throws -> ShardSlice {
    try Split(shape: shape, pipeline: 1, tensor: 1).slice(ofRank: 0)
  }

  private func slices(_ shape: ModelShape, pipeline: Int, tensor: Int) throws -> [ShardSlice] {
    let split = try Split(shape: shape, pipeline: pipeline, tensor: tensor)
    return (0..<split.ranks).map(split.slice(ofRank:))
  }

  private func preset(_ name: String) throws -> ModelShape {
    try ConfigFiles.preset("models", name, as: ModelShape.self).value
  }

  @Test("SRAM of a PE, counted by hand")
  func byHand() throws {
    let memory = MemoryPlan(sequences: 3, context: 10, tokensInFlight: 3)
    let use = Toy.pricing().sramUse(shape: shape, slice: try whole(shape), memory: memory)
    // A layer: Q and O 2·2 each, K and V 2·1 each, three of 2·3, two norms of 2: 34. Embedding and
    // head 2·8 each, the last norm 2.
    #expect(use.weights == 2 * (2 * 34 + 2 * 16 + 2))
    // Two layers, three sequences, K and V of 3 positions × 1.
    #expect(use.keyValues == 2 * (2 * 3 * 2 * 3 * 1))
    // Three vectors of 2·2 and the wider of 2·2 + 2·1 + 1 head × 3 scores = 9 and 2·3 = 6.
    #expect(use.activations == 2 * (3 * (4 + 9)))
    #expect(use.total == use.weights + use.keyValues + use.activations)
  }

  @Test("narrower weights, a tied head and biases are counted")
  func variants() throws {
    let slice = try whole(shape)
    func weights(_ shape: ModelShape, bits: Int) -> Int {
      Toy.pricing().sramUse(
        shape: shape, slice: slice, memory: MemoryPlan(weightBits: bits, context: 1)
      ).weights
    }
    #expect(weights(shape, bits: 4) == 51)  // 102 elements
    #expect(weights(shape, bits: 8) == 102)
    var tied = shape
    tied.tiedHead = true
    #expect(weights(tied, bits: 8) == 86)
    var biased = shape
    biased.attentionBias = true
    #expect(weights(biased, bits: 8) == 102 + 2 * (2 + 2))
  }

  @Test("MeshGEMM spreads a prompt over the rows; a pass keeps a vector of each sequence")
  func tokensInFlight() throws {
    func activations(_ sequences: Int, _ tokens: Int) throws -> Int {
      Toy.pricing().sramUse(
        shape: shape, slice: try whole(shape),
        memory: MemoryPlan(sequences: sequences, context: 10, tokensInFlight: tokens)
      ).activations
    }
    #expect(try activations(1, 4) == activations(1, 1))
    #expect(try activations(1, 5) == 2 * activations(1, 1))
    #expect(try activations(5, 5) == 5 * activations(1, 1))
  }

  @Test("a layer of 70B takes 44 of 48 KiB on 190 × 210 PEs")
  func regionOf70B() throws {
    let shape = try preset("llama-3.1-70b")
    let split = try Split(shape: shape, pipeline: 80, tensor: 1)
    let pricing = WaferPricing(
      wafer: try ConfigFiles.wafer("wse-3"), calibration: try ConfigFiles.calibration(),
      region: Rectangle(columns: 190, rows: 210))
    let use = pricing.sramUse(
      shape: shape, slice: split.slice(ofRank: 1), memory: MemoryPlan(context: 2048))
    #expect((43 * 1024...45 * 1024).contains(use.total), "\(use)")
  }

  private func choose(
    _ shape: ModelShape, _ slices: [ShardSlice], wafer: Wafer = Toy.wafer,
    calibration: Calibration = Toy.calibration, memory: MemoryPlan, grid: Mapping.Grid = .fastest,
    hypothetical: Bool = false
  ) throws -> [Mapping] {
    try Mapping.choose(
      shape: shape, slices: slices, wafer: wafer, calibration: calibration, memory: memory,
      grid: grid, allowsHypotheticalSRAM: hypothetical)
  }

  @Test("the grid is the fastest square that fits, else an oblong that does, for every SRAM size")
  func fastest() throws {
    let slices = try slices(shape, pipeline: 2, tensor: 2)
    let memory = MemoryPlan(context: 20)
    let work = BatchWork.decode(contexts: [20])
    for sram in stride(from: 10, through: 700, by: 10) {
      var wafer = Toy.wafer
      wafer.sramPerPE = sram
      // By brute force: need of the fullest rank, and time over stages.
      // Squares, and the one oblong of this mesh.
      let grids = (1...8).map(Rectangle.init(square:)) + [Toy.wafer.mesh]
      let tried = grids.map { grid -> (grid: Rectangle, need: Int, time: EmulatedTime) in
        let pricing = WaferPricing(
          wafer: wafer, calibration: Toy.calibration, region: grid)
        let need = slices.map {
          pricing.sramUse(shape: shape, slice: $0, memory: memory).total
        }.max()!
        let time = [0, 1].reduce(EmulatedTime.zero) { sum, stage in
          sum
            + slices.filter { $0.stage == stage }.map { slice in
              let layer = LayerSlice(shape: shape, slice: slice, hasExperts: false)
              var cost =
                (pricing.attention(layer, work) + pricing.feedForward(layer, work))
                * slice.layers.count
              if slice.hasEmbedding { cost += pricing.embedding(width: 8, tokens: 1) }
              if slice.hasHead {
                cost += pricing.head(
                  width: 8, vocabulary: slice.vocabulary.count, outputs: 1)
              }
              return cost.total
            }.max()!
        }
        return (grid, need, time)
      }
      let squares = tried.dropLast()
      let best =
        squares.filter { $0.need <= sram }.min { $0.time < $1.time }
        ?? tried.last.flatMap { $0.need <= sram ? $0 : nil }
      if let best {
        let mappings = try choose(shape, slices, wafer: wafer, memory: memory)
        #expect(mappings.allSatisfy { $0.grid == best.grid })
        #expect(mappings.allSatisfy { !$0.isHypothetical && $0.usedPerPE <= sram })
        #expect(mappings.map(\.usedPerPE).max() == best.need)
        #expect(mappings.map { $0.regions[0].layers } == slices.map(\.layers))
      } else {
        let least = squares.min { ($0.need, $0.time) < ($1.need, $1.time) }!
        let hypothetical = try choose(
          shape, slices, wafer: wafer, memory: memory, hypothetical: true)
        #expect(hypothetical[0].grid == least.grid)
        #expect(hypothetical.contains { $0.isHypothetical })
        #expect {
          try choose(shape, slices, wafer: wafer, memory: memory)
        } throws: { error in
          guard case .doesNotFit(let shortage) = error as? MappingError else { return false }
          return shortage.missing == least.need - sram && shortage.isClosest
            && shortage.grid == least.grid
        }
      }
    }
  }

  @Test("a given grid is used, turned or not, and refused when the wafer is smaller")
  func given() throws {
    let slices = [try whole(shape)]
    let memory = MemoryPlan(context: 20)
    for grid in [Rectangle(columns: 12, rows: 8), Rectangle(columns: 8, rows: 12)] {
      let mapping = try choose(shape, slices, memory: memory, grid: .exactly(grid))[0]
      #expect(mapping.grid == grid && mapping.regions[0].size == grid)
    }
    let large = Rectangle(columns: 13, rows: 8)
    #expect(throws: MappingError.gridTooLarge(large, wafer: "toy", mesh: Toy.wafer.mesh)) {
      try choose(shape, slices, memory: memory, grid: .exactly(large), hypothetical: true)
    }
  }

  @Test("what is short is said, with rank, sizes and what would help")
  func message() throws {
    var wafer = Toy.wafer
    wafer.sramPerPE = 100
    #expect {
      try choose(
        shape, try slices(shape, pipeline: 2, tensor: 1), wafer: wafer,
        memory: MemoryPlan(context: 20), grid: .exactly(Rectangle(square: 4)))
    } throws: { error in
      // Stage 1 has one layer and the head: (34 + 16 + 2)·2 B of weights; K and V of 5 positions;
      // activations 4 + 2·2 + 2·1 + 5.
      "\(error)".contains(
        "stage 1, shard 0 needs 154 B of SRAM a PE on 4x4 PEs (weights 104 B, KV cache 20 B, "
          + "activations 30 B); toy has 100 B: 54 B short. A grid of the whole mesh, 12x8, would "
          + "need ")
    }
  }

  @Test("70B on four WSE-3 fits no square, but an oblong of whole dozens")
  func oblong() throws {
    let shape = try preset("llama-3.1-70b")
    let (wafer, calibration) = (
      try ConfigFiles.wafer("wse-3"), try ConfigFiles.calibration()
    )
    let slices = try slices(shape, pipeline: 4, tensor: 1)
    let memory = MemoryPlan(context: 4096)
    let mappings = try choose(
      shape, slices, wafer: wafer, calibration: calibration, memory: memory)
    let grid = mappings[0].grid
    #expect(grid.columns % 12 == 0 && grid.rows % 12 == 0 && grid.columns != grid.rows)
    #expect(mappings.allSatisfy { !$0.isHypothetical })
    // The largest square is short, and its error says that the whole mesh would do.
    #expect {
      try choose(
        shape, slices, wafer: wafer, calibration: calibration, memory: memory,
        grid: .exactly(Rectangle(square: 762)))
    } throws: { error in
      "\(error)".contains("stage 3, shard 0 needs") && "\(error)".contains("B and fit. ")
    }
  }

  @Test("8B on 420² of a WSE-2 needs SRAM taken as larger; on 720² it fits")
  func llama8B() throws {
    let shape = try preset("llama-3.1-8b")
    let (wafer, calibration) = (
      try ConfigFiles.wafer("wse-2"), try ConfigFiles.calibration()
    )
    let memory = MemoryPlan(context: 4096)
    func map(_ side: Int, hypothetical: Bool) throws -> Mapping {
      try choose(
        shape, [try whole(shape)], wafer: wafer, calibration: calibration, memory: memory,
        grid: .exactly(Rectangle(square: side)), hypothetical: hypothetical)[0]
    }
    #expect(throws: MappingError.self) { try map(420, hypothetical: false) }
    #expect(try map(420, hypothetical: true).isHypothetical)
    #expect(try !map(720, hypothetical: false).isHypothetical)
  }

  @Test("the grid of a cluster is reused for one wafer, whose SRAM is then taken as larger")
  func singleAtTheClustersGrid() throws {
    let shape = try preset("llama-3.1-405b")
    let (wafer, calibration) = (
      try ConfigFiles.wafer("wse-3"), try ConfigFiles.calibration()
    )
    let memory = MemoryPlan(context: 2176)
    let cluster = try choose(
      shape, try slices(shape, pipeline: 16, tensor: 8), wafer: wafer, calibration: calibration,
      memory: memory)
    #expect(cluster.count == 128 && cluster.allSatisfy { !$0.isHypothetical })
    let single = try choose(
      shape, [try whole(shape)], wafer: wafer, calibration: calibration, memory: memory,
      grid: .exactly(cluster[0].grid), hypothetical: true)
    #expect(single[0].grid == cluster[0].grid && single[0].isHypothetical)
  }
}
