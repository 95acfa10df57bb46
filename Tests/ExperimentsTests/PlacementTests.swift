import Foundation
import Models
import Programs
import Quantities
import Testing

@testable import Experiments
@testable import Hardware

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Whether text is a well-formed document.
func isWellFormed(_ document: String) -> Bool {
  XMLParser(data: Data(document.utf8)).parse()
}

@Suite("The placement that a plan shows")
struct PlacementTests {
  /// A placement as the command line asks for it.
  struct Asked: Sendable, CustomStringConvertible {
    var model: String
    var context = 33
    var batch = 1
    var weights = NumberFormat.bf16
    var settings: [String]
    var description: String { "\(model) \(settings.joined(separator: " "))" }

    var question: PlanQuestion {
      get throws {
        let shape = try Fixtures.presets.model(model, at: .option("test")).value
        return PlanQuestion(shape: shape, weights: weights, context: context, batch: batch)
      }
    }

    var written: Settings {
      get throws { try Fixtures.settings(set: settings) }
    }

    func placement() throws -> WaferPlacement {
      try WaferPlacement(
        written, to: question, model: model, presets: Fixtures.presets)
    }
  }

  /// Grids are given, so that no test searches thousands of them.
  static let asked = [
    Asked(
      model: "llama-3.1-8b",
      settings: ["hardware.mapping=region-per-layer", "hardware.grid=180x132"]),
    Asked(
      model: "llama-3.1-8b", batch: 3,
      settings: [
        "plan.pipeline=2", "plan.tensor=2", "hardware.mapping=whole-mesh", "hardware.grid=600x600",
      ]),
    Asked(
      model: "mixtral-8x7b", batch: 2,
      settings: ["plan.pipeline=4", "hardware.mapping=blocks-4", "hardware.grid=324x420"]),
    Asked(
      model: "deepseek-v3", weights: .fp8,
      settings: ["plan.pipeline=30", "hardware.mapping=whole-mesh", "hardware.grid=762x1172"]),
  ]

  @Test("the step is the one of 'wafer run --transport none', to the picosecond", arguments: asked)
  func equalsRun(asked: Asked) throws {
    let placed = try #require(try asked.placement().placed)
    var settings = try asked.question.settings(model: asked.model)
    settings.merge(try asked.written)
    let experiment = try Fixtures.resolver.resolve(settings)
    let run = try ExperimentRun(experiment, launch: NodeLaunch(program: nil, coordinator: nil))
      .evaluateCluster()
    // Two output tokens, the second at the plan's context.
    #expect(experiment.modelled.workload.positions == asked.context)
    #expect(run.emulated.timePerOutputToken == placed.step.latency)
    #expect(placed.step.account.total == placed.step.latency)
    #expect(run.layout == .wafers(placed.mappings))
  }

  @Test(
    "groups that take turns have the period of the slowest region or of their own way",
    arguments: [1, 2, 4, 8, 16])
  func period(groups: Int) throws {
    let asked = Asked(
      model: "llama-3.1-8b", batch: 16,
      settings: [
        "plan.pipeline=4", "hardware.mapping=blocks-2", "hardware.grid=360x300",
        "hardware.hypothetical_sram=true",
      ])
    let placement = try asked.placement()
    let placed = try #require(placement.placed)
    let layout = DeviceLayout.wafers(placed.mappings)
    let modelled = placement.modelled
    let program = EvaluatedProgram(
      modelled.program(
        modelled.split, layout,
        workload: Workload(promptTokens: 1, outputTokens: 20, batch: 16, microBatches: groups),
        context: asked.context))
    try program.finish()
    let times = program.outputs.map(\.stamp.time)
    let step = try DecodeStep(modelled, layout, sequences: 16 / groups)
    let expected = step.period(batches: groups)
    for group in 0..<groups {
      let last = times[times.count - groups + group]
      let before = times[times.count - 2 * groups + group]
      #expect(last - before == expected, "group \(group) of \(groups)")
    }
  }

  @Test("TP 4 of 70B over four wafers is ruinous, and its account says why: latency of all-reduces")
  func tensorParallel() throws {
    let pipeline = Asked(
      model: "llama-3.1-70b", context: 4096,
      settings: [
        "plan.pipeline=4", "hardware.mapping=region-per-layer", "hardware.grid=108x360",
      ])
    let tensor = Asked(
      model: "llama-3.1-70b", context: 4096,
      settings: [
        "plan.pipeline=1", "plan.tensor=4", "hardware.mapping=region-per-layer",
        "hardware.grid=108x90",
      ])
    let stages = try #require(try pipeline.placement().placed).step
    let shards = try #require(try tensor.placement().placed).step
    // Four hops of 5 us below 1.5 % of a token.
    #expect(stages.account.linkLatency.picoseconds == 4 * 5_000_000)
    let crossing = stages.account.linkLatency + stages.account.linkSerialization
    #expect(crossing.seconds / stages.latency.seconds < 0.015)
    // Two all-reduces a layer, one after the embedding and one exchange of candidates, of a latency at least.
    #expect(shards.account.linkLatency.picoseconds >= 162 * 5_000_000)
    #expect(shards.account.linkLatency > shards.account.compute)
    #expect(shards.account.linkLatency.picoseconds * 100 > shards.latency.picoseconds * 40)
    #expect(shards.latency > stages.latency)
  }

  @Test("text, document and picture tell the same regions")
  func shown() throws {
    let placement = try Self.asked[2].placement()
    let placed = try #require(placement.placed)
    let trials = [
      MappingTrial(
        kind: .blocks(4),
        best: MappingTrial.Best(
          grid: Rectangle(columns: 324, rows: 420), regions: 4, usedPerPE: 40_000, fits: true,
          step: EmulatedTime(picoseconds: 2_000_000),
          slowestRegion: EmulatedTime(picoseconds: 500_000))),
      MappingTrial(
        kind: .wholeMesh,
        best: MappingTrial.Best(
          grid: Rectangle(square: 700), regions: 1, usedPerPE: 50_000, fits: false,
          step: EmulatedTime(picoseconds: 1_000_000),
          slowestRegion: EmulatedTime(picoseconds: 1_000_000))),
      MappingTrial(kind: .regionPerLayer, best: nil),
    ]
    let text = placement.text(TextStyle(width: 200, hasColour: false), trials: trials)
    #expect(text.contains("Placement: mixtral-8x7b on 4 wse-3 (PP 4 x TP 1)"))
    #expect(text.contains("blocks-4, 324x420 PEs a region at 1.1 GHz; mesh 762x1172 PEs"))
    #expect(text.contains("4 of 2 layers  0-7"))
    #expect(
      text.contains("'blocks-4' was asked for, and has the shortest step the only one that fits."))
    #expect(text.contains("no: no room for its regions"))
    for warning in placed.warnings { #expect(text.contains("warning: \(warning)")) }
    #expect(
      placed.warnings.contains {
        $0.contains("calibrated for 1; the price of further ones is assumed")
      })

    let document = JSONValue.object(placement.members(trials: trials))
    guard case .array(let stages) = document["placement"]?["stages"] else {
      Issue.record("no stages in \(document)")
      return
    }
    #expect(stages.count == 4)
    #expect(document["refusal"] == .null)
    for (stage, mapping) in zip(stages, placed.mappings) {
      guard case .array(let regions) = stage["regions"] else {
        Issue.record("no regions in \(stage)")
        continue
      }
      let columns = mapping.regions.map { JSONValue.integer($0.place.column) }
      #expect(regions.compactMap { $0["column"] } == columns)
      let used = mapping.regions.map { JSONValue.integer($0.use.total) }
      #expect(regions.compactMap { $0["sram_per_pe_bytes"]?["total"] } == used)
      let held = mapping.regions.reduce(0) { $0 + $1.size.area * $1.use.total }
      #expect(stage["sram_held_bytes"]?["total"] == JSONValue.integer(held))
    }
    let svg = try #require(placement.svg)
    #expect(svg.ranges(of: "class=\"region\"").count == placed.mappings.flatMap(\.regions).count)
  }

  @Test("every verdict says what was taken or asked for, and why")
  func verdicts() throws {
    func trial(_ kind: Mapping.Kind, _ used: Int, _ step: Int64) -> MappingTrial {
      MappingTrial(
        kind: kind,
        best: MappingTrial.Best(
          grid: Rectangle(square: 9), regions: 1, usedPerPE: used, fits: used <= 49_152,
          step: EmulatedTime(picoseconds: step), slowestRegion: EmulatedTime(picoseconds: step)))
    }
    let whole = try Self.asked[1].placement()
    var fastest = Self.asked[1]
    fastest.settings = ["hardware.grid=600x600", "plan.pipeline=2", "plan.tensor=2"]
    let free = try fastest.placement()
    let two = [trial(.wholeMesh, 40_000, 200), trial(.blocks(2), 40_000, 150)]
    #expect(
      free.verdict(two)
        == "'blocks-2' is taken: the shortest step of 2 that fit; 'whole-mesh' is next, 25.0 % longer."
    )
    #expect(
      whole.verdict(two)
        == "'whole-mesh' was asked for; the shortest step of 2 that fit has 'blocks-2', 25.0 % shorter "
        + "than it.")
    #expect(
      whole.verdict([trial(.wholeMesh, 50_000, 200), trial(.blocks(2), 60_000, 150)])
        == "None fits: 'whole-mesh' is closest, 848 B a PE short.")
    #expect(
      whole.verdict([MappingTrial(kind: .wholeMesh, best: nil)]) == "None has room for its regions."
    )
    #expect(
      whole.verdict([trial(.wholeMesh, 50_000, 200), trial(.blocks(2), 40_000, 150)])
        == "'whole-mesh' was asked for and does not fit; the shortest step the only one that fits has "
        + "'blocks-2'.")
  }

  @Test("what does not fit is told with what would, and has no picture")
  func refused() throws {
    let asked = Asked(
      model: "llama-3.1-8b", context: 4096,
      settings: ["plan.pipeline=1", "hardware.mapping=whole-mesh", "hardware.grid=420x420"])
    let placement = try asked.placement()
    let error = try #require(placement.refusal)
    #expect(placement.svg == nil && placement.placed == nil)
    let text = placement.text(TextStyle(width: 100, hasColour: false), trials: [])
    #expect(text.contains("does not fit: stage 0, shard 0 needs"))
    let advice = try #require(error.advice)
    #expect(text.contains("What would fit: \(advice)"))
    let json = JSONValue.object(placement.members(trials: []))
    #expect(json["placement"] == .null)
    let told = json["refusal"]?["would_fit"]?["wafers"]?["wafers"]
    #expect(told == advice.wafers.map { JSONValue.integer($0.count) })
    // On what is advised it fits, and on one wafer fewer it does not.
    let wafers = try #require(advice.wafers)
    var other = asked
    other.settings[0] = "plan.pipeline=\(wafers.pipeline)"
    other.settings.append("plan.tensor=\(wafers.tensor)")
    #expect(try other.placement().placed != nil)
    #expect(MappingAdvice.mostWafers == Rank.maximumCount)
  }

  @Test("stages that nobody asked for are the fewest that fit")
  func fewest() throws {
    let asked = Asked(
      model: "llama-3.1-8b", context: 4096,
      settings: ["hardware.mapping=whole-mesh", "hardware.grid=420x420"])
    let placement = try asked.placement()
    #expect(placement.modelled.pipeline > 1 && placement.placed != nil)
    var fewer = asked
    fewer.settings.append("plan.pipeline=\(placement.modelled.pipeline - 1)")
    #expect(try fewer.placement().placed == nil)
  }

  @Test("warnings of a run name the regions of the best single wafer too, and its files are hashed")
  func bestSingleWarnings() async throws {
    let experiment = try Fixtures.resolve(set: ["host.transport=none", "hardware.grid=24x24"])
    let result = try await ExperimentRun(
      experiment, launch: NodeLaunch(program: nil, coordinator: nil)
    ).run()
    guard case .wafers(let best) = result.bestSingle?.layout,
      case .wafers(let cluster) = result.cluster.layout
    else {
      Issue.record("no best single")
      return
    }
    #expect(best[0].grid != cluster[0].grid)
    for grid in [best[0].grid, cluster[0].grid] {
      #expect(result.warnings.contains { $0.contains("priced on \(grid) PEs") })
    }
    guard
      case .array(let presets) = RunDocument(result, text: nil).json["provenance"]?["presets"]
    else {
      Issue.record("no presets")
      return
    }
    #expect(presets.compactMap { $0["kind"] } == ["wafer", "calibration"])
    for preset in presets {
      guard case .string(let hash) = preset["sha256"] else {
        Issue.record("no hash in \(preset)")
        continue
      }
      #expect(hash.count == 64)
    }
  }
}
