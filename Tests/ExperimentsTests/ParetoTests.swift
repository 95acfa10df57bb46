import Foundation
import Hardware
import Models
import Programs
import Quantities
import Testing

@testable import Experiments

@Suite("Batch against interactivity")
struct ParetoTests {
  /// A wafer small enough that every size of region is tried at once.
  private func smallWafer(
    _ mesh: Rectangle = Rectangle(columns: 24, rows: 36)
  ) throws -> (Wafer, Calibration) {
    var wafer = try Fixtures.presets.wafer("wse-3", at: .option("test")).value
    wafer.mesh = mesh
    let calibration = try Fixtures.presets.calibration(wafer.calibration, at: .option("test"))
    return (wafer, calibration.value)
  }

  private func plan(
    tensors: [Int] = [1, 2], pipelines: [Int]? = nil
  ) throws -> ParetoPlan {
    let (wafer, calibration) = try smallWafer()
    let question = PlanQuestion(shape: .syntheticSmall, context: 64)
    return try ParetoPlan(
      question,
      axes: ParetoPlan.Axes(
        batches: [1, 2, 4, 8, 1024], pipelines: pipelines, tensors: tensors,
        mappings: [.wholeMesh, .blocks(2), .regionPerLayer]),
      devices: [
        .wafer(wafer, calibration),
        .accelerator(try Fixtures.presets.accelerator("h100", at: .option("test")).value),
      ])
  }

  @Test("the frontier is what no other point beats, of every device and measure")
  func frontier() throws {
    let plan = try plan()
    #expect(plan.devices == ["wse-3", "h100"])
    for device in plan.devices {
      let all = plan.points.filter { $0.device == device }
      for measure in ParetoPoint.Measure.allCases {
        let frontier = plan.frontier(of: device, by: measure)
        #expect(!frontier.isEmpty)
        for point in all {
          let isBeaten = all.contains {
            $0.perUser >= point.perUser && $0.value(measure) >= point.value(measure)
              && ($0.perUser > point.perUser || $0.value(measure) > point.value(measure))
          }
          let rates = frontier.map { [$0.perUser, $0.value(measure)] }
          #expect(rates.contains([point.perUser, point.value(measure)]) == !isBeaten)
        }
        for (faster, slower) in zip(frontier, frontier.dropFirst()) {
          #expect(faster.perUser > slower.perUser)
          #expect(faster.value(measure) < slower.value(measure))
        }
      }
    }
  }

  @Test("every point on wafers is what the evaluator has for its groups, step after step")
  func exact() throws {
    let (wafer, calibration) = try smallWafer()
    let points = try plan(pipelines: [1, 2]).points.filter { $0.kind == .wafer && $0.batch <= 8 }
    #expect(points.contains { $0.microBatches > 1 && $0.period > $0.latency })
    #expect(points.contains { $0.microBatches > 1 && $0.period == $0.latency })
    for point in points where point.tensor == 1 {
      let device = WaferDevice(
        wafer: wafer, calibration: calibration, mapping: point.mapping!.kind, grid: .fastest,
        allowsHypotheticalSRAM: false, defects: nil)
      let question = PlanQuestion(shape: .syntheticSmall, context: 64, batch: point.batch)
      let modelled = try #require(
        question.modelled(on: .wafer(device), link: wafer.link)
          .split(pipeline: point.pipeline, tensor: 1))
      let layout = try modelled.layout(modelled.split)
      let groups = point.microBatches
      let program = EvaluatedProgram(
        modelled.program(
          modelled.split, layout,
          workload: Workload(
            promptTokens: 1, outputTokens: 24, batch: point.batch, microBatches: groups),
          context: 64))
      try program.finish()
      let times = program.outputs.map(\.stamp.time)
      let last = times[times.count - 1] - times[times.count - 1 - groups]
      #expect(last == point.period, "\(point)")
    }
  }

  @Test("rates follow from period, batch, devices and power; all that fits is counted")
  func rates() throws {
    let plan = try plan()
    for point in plan.points {
      let seconds = Rational(Int128(point.period.picoseconds), over: 1_000_000_000_000)
      #expect(point.perUser * seconds == Rational(1))
      #expect(point.total == point.perUser * Rational(point.batch))
      #expect(point.perDevice * Rational(point.devices) == point.total)
      #expect(point.perKilowatt * point.power == point.total * Rational(1000))
      #expect(
        point.devices == (point.kind == .wafer ? point.pipeline * point.tensor : point.devices))
      #expect(point.batch % point.microBatches == 0)
    }
    #expect(plan.refused > 0 && plan.evaluated == plan.points.count + plan.refused)
    // The same plan again, to the byte.
    #expect(try self.plan().csv == plan.csv)
  }

  @Test(
    "a frontier with several sequences in a step names their price as outside of the calibration")
  func batchWarning() throws {
    // One region takes no turns, so that all sequences of a batch are in one step.
    let (wafer, calibration) = try smallWafer(Rectangle(square: 72))
    let plan = try ParetoPlan(
      PlanQuestion(shape: .syntheticSmall, context: 64),
      axes: ParetoPlan.Axes(
        batches: [1, 4], pipelines: [1], tensors: [1], mappings: [.wholeMesh]),
      devices: [.wafer(wafer, calibration)])
    #expect(plan.frontier(of: "wse-3").map(\.batch) == [1, 4])
    #expect(
      plan.warnings.contains {
        $0.contains("calibrated for 1; the price of further ones is assumed")
      })
  }

  @Test("axes are narrowed to what is asked")
  func narrowed() throws {
    let wafers = try plan(tensors: [2], pipelines: [3]).points.filter { $0.kind == .wafer }
    #expect(!wafers.isEmpty && wafers.allSatisfy { $0.tensor == 2 && $0.pipeline == 3 })
  }

  @Test("table, CSV, document and picture tell every frontier point, and what is assumed")
  func shown() throws {
    let plan = try plan()
    let rows = plan.devices.flatMap { plan.frontier(of: $0) }
    let lines = plan.csv.split(separator: "\n")
    #expect(lines.count == rows.count + 1)
    #expect(
      Set(lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }) == [17])
    #expect(
      lines[0].hasPrefix("device,kind,devices,pipeline,tensor,mapping,grid,batch,micro_batches"))
    let text = plan.text(TextStyle(width: 200, hasColour: false))
    #expect(text.contains("\(plan.evaluated) points evaluated, \(plan.points.count) fit"))
    #expect(text.contains("note: \(ParetoPlan.assumption)"))
    for warning in plan.warnings { #expect(text.contains("warning: \(warning)")) }
    #expect(text.contains("h100: priced by a roofline"))
    #expect(plan.json["points_evaluated"] == .integer(plan.evaluated))
    guard case .array(let frontier) = plan.json["frontier"] else {
      Issue.record("no frontier in \(plan.json)")
      return
    }
    #expect(frontier.count == rows.count)
    let svg = plan.svg
    #expect(isWellFormed(svg))
    let drawn = plan.devices.flatMap { device in
      ParetoPoint.Measure.allCases.flatMap { plan.frontier(of: device, by: $0) }
    }
    #expect(svg.ranges(of: "class=\"point\"").count == drawn.count)
    #expect(svg.ranges(of: "class=\"frontier\"").count == 4)
    for word in ["tokens/s per user", "tokens/s per device", "tokens/s per kW", "assumption"] {
      #expect(svg.contains(word))
    }
    for (index, point) in rows.enumerated() {
      #expect(svg.contains("\(index + 1): \(FrontierChart.words(point))"))
    }
  }

  @Test(
    "an axis spans its values from tick to tick",
    arguments: [
      [3.0, 700], [1, 1], [0.02, 0.021], [999, 1001], [5, 50_000], [1e-3, 1e6],
    ])
  func axis(values: [Double]) {
    let axis = FrontierChart.Axis(of: values)
    #expect(axis.ticks[0] <= values.min()! && axis.ticks.last! >= values.max()!)
    #expect(values.allSatisfy { (0...1).contains(axis.place($0)) })
    #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0 < $1 })
    #expect(!axis.written.isEmpty && axis.written.count <= 12)
    #expect(axis.place(axis.ticks[0]) == 0 && axis.place(axis.ticks.last!) == 1)
  }
}
