import Models
import Placement
import Quantities
import Testing

@testable import Hardware

@Suite("Several regions on a wafer")
struct RegionTests {
  private func preset(_ name: String) throws -> ModelShape {
    try ConfigFiles.preset("models", name, as: ModelShape.self).value
  }

  private func mappings(
    _ model: String, pipeline: Int, tensor: Int = 1, kind: Mapping.Kind, context: Int = 2176
  ) throws -> [Mapping] {
    let shape = try preset(model)
    let split = try Split(shape: shape, pipeline: pipeline, tensor: tensor)
    return try Mapping.choose(
      shape: shape, slices: (0..<split.ranks).map(split.slice(ofRank:)),
      wafer: try ConfigFiles.wafer("wse-3"), calibration: try ConfigFiles.calibration(),
      memory: MemoryPlan(context: context), kind: kind)
  }

  /// What holds of every mapping: regions hold all layers once, share no PE, lie on the wafer, and each but
  /// tables' strips is beside the one before.
  private func checkInvariants(_ mapping: Mapping, layers: Range<Int>) {
    let places = mapping.regions.map(\.place)
    for (index, place) in places.enumerated() {
      #expect(place.column + place.size.columns <= mapping.extent.columns)
      #expect(place.row + place.size.rows <= mapping.extent.rows)
      #expect(!places[..<index].contains { $0.overlaps(place) })
    }
    #expect(mapping.steps.flatMap(\.layers) == Array(layers))
    let ofLayers = mapping.steps.filter { !$0.layers.isEmpty }
    for step in ofLayers.dropFirst() {
      let side = [mapping.grid.columns, mapping.grid.rows]
      #expect(side.contains(step.crossing!.hops), "\(step) is not beside the one before")
    }
    #expect(mapping.steps[0].crossing == nil)
    #expect(mapping.steps.dropFirst().allSatisfy { $0.crossing != nil })
  }

  @Test("70B on four WSE-3: a region a layer fits, and the head in the strip that is left")
  func llama70B() throws {
    let mappings = try mappings("llama-3.1-70b", pipeline: 4, kind: .regionPerLayer)
    for (stage, mapping) in mappings.enumerated() {
      checkInvariants(mapping, layers: stage * 20..<stage * 20 + 20)
      #expect(!mapping.isHypothetical && mapping.usedPerPE <= 48 * 1024)
      #expect(mapping.regions.count == (stage == 0 || stage == 3 ? 21 : 20))
      #expect(mapping.mesh.holds(mapping.extent))
    }
    #expect(mappings[0].regions[0].hasEmbedding && mappings[3].regions[20].hasHead)
    // The facts' estimate: 190 × 210 PEs, 44 of 48 KiB.
    #expect((35_000...44_000).contains(mappings[0].grid.area), "\(mappings[0].grid)")
  }

  @Test("blocks hold consecutive layers, the first ones one more")
  func blocks() throws {
    let mapping = try mappings("llama-3.1-8b", pipeline: 1, kind: .blocks(6))[0]
    checkInvariants(mapping, layers: 0..<32)
    #expect(mapping.steps.map(\.layers.count) == [0, 6, 6, 5, 5, 5, 5, 0])
    #expect(mapping.steps[0].embeds && mapping.steps[7].hasHead)
  }

  @Test("a tied head lies with the embedding, and is crossed to")
  func tied() throws {
    let mapping = try mappings("smollm2-135m", pipeline: 1, kind: .regionPerLayer, context: 64)[0]
    #expect(mapping.regions[0].hasEmbedding && mapping.regions[0].hasHead)
    #expect(mapping.regions.count == 31)
    #expect(mapping.steps.last?.region == 0 && mapping.steps.last?.hasHead == true)
    #expect(mapping.steps.last!.crossing!.hops > 0)
  }

  @Test("the fastest kind is as fast as the best of them")
  func fastestKind() throws {
    let shape = try preset("llama-3.1-8b")
    let slice = try Split(shape: shape, pipeline: 1, tensor: 1).slice(ofRank: 0)
    let search = MappingSearch(
      shape: shape, slices: [slice], wafer: try ConfigFiles.wafer("wse-3"),
      calibration: try ConfigFiles.calibration(), memory: MemoryPlan(context: 2048),
      options: WaferPricing.Options())
    let candidates = search.candidates(.fastest)
    let chosen = try #require(search.find(.fastest, grid: .fastest))
    let best = candidates.filter(\.fits).map(\.step).min()
    #expect(search.candidate(chosen).step == best)
    #expect(Set(candidates.map(\.found.kind)).count == candidates.count)
  }

  @Test("one wafer stands in for a cluster with the same regions, beyond its mesh")
  func standIn() throws {
    let shape = try preset("llama-3.1-70b")
    let cluster = try mappings("llama-3.1-70b", pipeline: 4, kind: .regionPerLayer)
    let whole = try Split(shape: shape, pipeline: 1, tensor: 1).slice(ofRank: 0)
    let single = Mapping.standIn(
      for: cluster, shape: shape, whole: whole, wafer: try ConfigFiles.wafer("wse-3"),
      calibration: try ConfigFiles.calibration(), memory: MemoryPlan(context: 2176))
    checkInvariants(single, layers: 0..<80)
    #expect(single.isHypothetical && single.grid == cluster[0].grid)
    #expect(single.usedPerPE == cluster.map(\.usedPerPE).max())
    // The same sizes and layers, step by step, so that compute is the same.
    let steps = cluster.flatMap(\.steps)
    #expect(single.steps.map(\.size) == steps.map(\.size))
    #expect(single.steps.map(\.layers) == steps.map(\.layers))
  }

  @Test("regions that do not fit are refused, with what is short")
  func refused() throws {
    #expect(throws: MappingError.self) {
      try mappings("llama-3.1-70b", pipeline: 3, kind: .regionPerLayer)
    }
    let shape = try preset("llama-3.1-70b")
    let slice = try Split(shape: shape, pipeline: 4, tensor: 1).slice(ofRank: 1)
    #expect {
      try Mapping.choose(
        shape: shape, slices: [slice], wafer: try ConfigFiles.wafer("wse-3"),
        calibration: try ConfigFiles.calibration(), memory: MemoryPlan(context: 64),
        kind: .regionPerLayer, grid: .exactly(Rectangle(columns: 200, rows: 250)))
    } throws: {
      "\($0)".contains("20 regions of 200x250 PEs, and strips for embedding and head, do not fit")
    }
  }

  @Test("kinds are written as they are read")
  func words() {
    for kind in [Mapping.Kind.wholeMesh, .regionPerLayer, .fastest, .blocks(2), .blocks(17)] {
      #expect(Mapping.Kind(written: kind.written) == kind)
    }
    for word in ["blocks-1", "blocks-", "blocks-x", "whole", ""] {
      #expect(Mapping.Kind(written: word) == nil)
    }
  }

  @Test("every small layout is a serpentine without overlap")
  func layouts() {
    let mesh = Rectangle(columns: 13, rows: 9)
    for count in 1...12 {
      for columns in 1...5 {
        for rows in 1...5 {
          for eastward in [true, false] {
            for tables in [(false, false), (true, false), (true, true)] {
              let size = Rectangle(columns: columns, rows: rows)
              guard
                let layout = RegionLayout.place(
                  count, of: size,
                  tables: .init(embedding: tables.0, head: tables.1), on: mesh,
                  eastward: eastward)?.layout
              else { continue }
              let all =
                layout.layers + [layout.embedding, layout.head].compactMap(\.self)
              #expect(layout.layers.count == count && layout.layers.allSatisfy { $0.size == size })
              for (index, place) in all.enumerated() {
                #expect(place.column >= 0 && place.row >= 0)
                #expect(place.column + place.size.columns <= mesh.columns)
                #expect(place.row + place.size.rows <= mesh.rows)
                #expect(!all[..<index].contains { $0.overlaps(place) })
              }
              for (a, b) in zip(layout.layers, layout.layers.dropFirst()) {
                #expect([columns, rows].contains(a.crossing(to: b).hops))
              }
            }
          }
        }
      }
    }
  }

  @Test("a crossing takes its hops, two ramps, and its wavelets over the lines of the border")
  func crossing() {
    let pricing = Toy.pricing()
    // 8 activations of 16 bits are 4 wavelets; over 4 lines 1, over 3 lines 2.
    func cycles(_ hops: Int, _ lines: Int, _ tokens: Int) -> Int64 {
      pricing.crossing(RegionCrossing(hops: hops, lines: lines), width: 8, tokens: tokens)
        .fabric.picoseconds / 1000
    }
    #expect(cycles(4, 4, 1) == 1 + 4 + 4)
    #expect(cycles(4, 3, 1) == 2 + 4 + 4)
    #expect(cycles(9, 4, 5) == 5 + 9 + 4)
    #expect(cycles(9, 4, 0) == 0)
  }
}
