import Models
import Placement
import Quantities
import Testing

@testable import Hardware

@Suite("What would fit, and what was tried")
struct MappingAdviceTests {
  /// Six layers of odd sizes, so that tiles are padded.
  private let shape = ModelShape(
    name: "toy", layers: 6, width: 10, queryHeads: 4, keyValueHeads: 2, headSize: 3,
    feedForwardWidth: 14, vocabulary: 37, contextLength: 64)
  private let kinds: [Mapping.Kind] = [
    .wholeMesh, .blocks(2), .blocks(5), .regionPerLayer, .fastest,
  ]
  private let grids: [Mapping.Grid] = [.fastest, .exactly(Rectangle(columns: 3, rows: 4))]

  private func slices(_ pipeline: Int, _ tensor: Int) -> [ShardSlice]? {
    guard let split = try? Split(shape: shape, pipeline: pipeline, tensor: tensor) else {
      return nil
    }
    return (0..<split.ranks).map(split.slice(ofRank:))
  }

  /// What `choose` says: its error, or `nil` when it maps.
  private func refusal(
    _ slices: [ShardSlice], _ wafer: Wafer, _ memory: MemoryPlan, _ kind: Mapping.Kind,
    _ grid: Mapping.Grid
  ) -> MappingError? {
    do {
      _ = try Mapping.choose(
        shape: shape, slices: slices, wafer: wafer, calibration: Toy.calibration, memory: memory,
        kind: kind, grid: grid)
      return nil
    } catch { return error }
  }

  /// Every advice against trying everything with `choose` itself.
  @Test("what is advised fits, and one smaller does not", arguments: [1, 3])
  func bruteForce(pipeline: Int) throws {
    var advised = (wafers: 0, weights: 0, context: 0)
    for sram in [60, 260, 420] {
      var wafer = Toy.wafer
      wafer.sramPerPE = sram
      let memory = MemoryPlan(sequences: 2, context: 24, tokensInFlight: 6)
      for kind in kinds {
        for grid in grids {
          let slices = try #require(self.slices(pipeline, 1))
          guard let error = refusal(slices, wafer, memory, kind, grid) else { continue }
          let advice = try #require(error.advice)
          func fits(_ memory: MemoryPlan, _ slices: [ShardSlice]) -> Bool {
            refusal(slices, wafer, memory, kind, grid) == nil
          }
          let splits = (1...6).flatMap { pipeline in
            (1...4).map { (pipeline, $0) }
          }.sorted { ($0.0 * $0.1, $0.1) < ($1.0 * $1.1, $1.1) }
          let fewest = splits.first { split in
            self.slices(split.0, split.1).map { fits(memory, $0) } ?? false
          }
          #expect(advice.wafers?.pipeline == fewest?.0, "\(kind) \(grid) \(sram) B")
          #expect(advice.wafers?.tensor == fewest?.1, "\(kind) \(grid) \(sram) B")
          let widest = [8, 4].first { bits in
            var narrow = memory
            narrow.weightBits = bits
            return fits(narrow, slices)
          }
          #expect(advice.weightBits == widest, "\(kind) \(grid) \(sram) B")
          let longest = (1..<24).last { context in
            var short = memory
            short.context = context
            short.tokensInFlight = min(6, 2 * context)
            return fits(short, slices)
          }
          #expect(advice.context == longest, "\(kind) \(grid) \(sram) B")
          if fewest != nil { advised.wafers += 1 }
          if widest != nil { advised.weights += 1 }
          if longest != nil { advised.context += 1 }
        }
      }
    }
    #expect(advised.wafers > 0 && advised.weights > 0 && advised.context > 0, "\(advised)")
  }

  @Test("several regions have the fastest of all sizes that fit, in either direction")
  func fastestSize() throws {
    for sram in stride(from: 60, through: 500, by: 40) {
      var wafer = Toy.wafer
      wafer.sramPerPE = sram
      for (pipeline, tensor) in [(1, 1), (2, 2)] {
        let search = MappingSearch(
          shape: shape, slices: try #require(self.slices(pipeline, tensor)), wafer: wafer,
          calibration: Toy.calibration, memory: MemoryPlan(context: 20),
          options: WaferPricing.Options())
        for kind in [Mapping.Kind.blocks(2), .regionPerLayer] {
          let all = search.rectangles().flatMap { size in
            [true, false].compactMap { eastward -> MappingSearch.Candidate? in
              let found = MappingSearch.Found(kind: kind, grid: size, eastward: eastward)
              return search.laidOut(found).map { search.candidate(found, $0) }
            }
          }
          let fastest = all.filter(\.fits).map(\.step).min()
          let best = search.bestRectangle(kind)
          if let fastest {
            #expect(best?.fits == true && best?.step == fastest, "\(kind) at \(sram) B")
          } else {
            #expect(best?.fits != true, "\(kind) at \(sram) B")
          }
        }
      }
    }
  }

  @Test("whether anything fits is what choosing says, for every SRAM size")
  func fits() throws {
    for sram in stride(from: 10, through: 500, by: 35) {
      var wafer = Toy.wafer
      wafer.sramPerPE = sram
      for tensor in 1...4 {
        let slices = try #require(self.slices(2, tensor))
        let memory = MemoryPlan(context: 20)
        for kind in kinds {
          for grid in grids {
            let fitting = Mapping.fitting(
              shape: shape, slices: slices, wafer: wafer, calibration: Toy.calibration,
              memory: memory, kind: kind, grid: grid)
            let chosen = try? Mapping.choose(
              shape: shape, slices: slices, wafer: wafer, calibration: Toy.calibration,
              memory: memory, kind: kind, grid: grid)
            #expect(fitting == chosen, "\(kind) \(grid) at \(sram) B, TP \(tensor)")
          }
        }
      }
    }
  }

  @Test("the error tells the three, and 'no' for what does not help")
  func words() throws {
    var wafer = Toy.wafer
    wafer.sramPerPE = 60
    let memory = MemoryPlan(context: 24)
    let slices = try #require(self.slices(1, 1))
    let error = try #require(refusal(slices, wafer, memory, .wholeMesh, .fastest))
    let advice = try #require(error.advice)
    #expect("\(error)".contains("What would fit: \(advice). "))
    let none = MappingAdvice()
    #expect(
      "\(none)" == "no number of wafers up to 1024; no narrower weights; no shorter context")
    let all = MappingAdvice(
      wafers: .init(pipeline: 2, tensor: 3), weightBits: 8, context: 12)
    #expect("\(all)" == "PP 2 x TP 3 (6 wafers); weights of 8 bit; a context of 12")
  }

  @Test("70B on three WSE-3: four wafers or 8-bit weights fit, no context does")
  func llama70B() throws {
    let shape = try ConfigFiles.preset("models", "llama-3.1-70b", as: ModelShape.self).value
    let split = try Split(shape: shape, pipeline: 3, tensor: 1)
    let error = #expect(throws: MappingError.self) {
      try Mapping.choose(
        shape: shape, slices: (0..<3).map(split.slice(ofRank:)),
        wafer: try ConfigFiles.wafer("wse-3"), calibration: try ConfigFiles.calibration(),
        memory: MemoryPlan(context: 4096), kind: .fastest)
    }
    #expect(
      error?.advice
        == MappingAdvice(wafers: .init(pipeline: 4, tensor: 1), weightBits: 8, context: nil))
  }

  @Test(
    "the winner among what was tried is what 'fastest' chooses, and the kind asked for is there")
  func trials() throws {
    let slices = try #require(self.slices(1, 1))
    let memory = MemoryPlan(context: 20)
    for sram in stride(from: 60, through: 700, by: 80) {
      var wafer = Toy.wafer
      wafer.sramPerPE = sram
      let trials = Mapping.trials(
        shape: shape, slices: slices, wafer: wafer, calibration: Toy.calibration, memory: memory,
        kind: .blocks(3), grid: .exactly(Rectangle(square: 3)))
      #expect(trials.map(\.kind).contains(.blocks(3)))
      #expect(Set(trials.map(\.kind)).count == trials.count)
      let common = trials.filter { $0.kind != .blocks(3) }
      let winner = common.filter { $0.best?.fits == true }.min { $0.best!.step < $1.best!.step }
      let chosen = Mapping.fitting(
        shape: shape, slices: slices, wafer: wafer, calibration: Toy.calibration, memory: memory,
        kind: .fastest)
      #expect(winner?.kind == chosen?[0].kind && winner?.best?.grid == chosen?[0].grid)
      for trial in trials {
        guard let best = trial.best else { continue }
        // One region is the whole step; several share it out.
        #expect(
          trial.kind == .wholeMesh
            ? best.slowestRegion == best.step : best.slowestRegion < best.step)
        #expect(best.fits == (best.usedPerPE <= sram))
      }
      if let own = trials.first(where: { $0.kind == .blocks(3) })?.best {
        #expect(own.grid == Rectangle(square: 3))
      }
    }
  }
}
