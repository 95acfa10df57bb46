import ArgumentParser
import Experiments
import Foundation
import Programs
import Quantities

/// `wafer pipeline`
struct PipelineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline",
    abstract: "Times micro-batches through a pipeline of equal stages.",
    discussion: """
      P stages of C, M micro-batches, a hop h = latency + bytes/bandwidth and a port held for \
      o = bytes/bandwidth take P*C + (P - 1)*h + (M - 1)*max(C, o).

        wafer pipeline --stages 4 --micro-batches 8 --stage-time 1ms --bytes 1MiB \
      --link-bandwidth 50GiB/s --link-latency 500ns
      """)

  @Option(help: "Number of stages, one wafer each.")
  var stages: String
  @Option(help: "Micro-batches that follow each other.")
  var microBatches = "1"
  @Option(help: "Time of one micro-batch on one stage, such as 1ms.")
  var stageTime: String
  @Option(help: "Bytes of the message from stage to stage.")
  var bytes: String
  @OptionGroup(title: "Link and run") var options: PlainOptions
  @OptionGroup(title: "Nodes") var nodes: NodeOptions
  @OptionGroup var format: FormatOption

  /// Most micro-batches: each is a value on every rank.
  private static let mostMicroBatches = 100_000

  func run() async throws {
    let stages = try OptionValue.count(stages, in: 1...Rank.maximumCount, option: "--stages")
    let batches = try OptionValue.count(
      microBatches, in: 1...Self.mostMicroBatches, option: "--micro-batches")
    let time = EmulatedTime(
      seconds: try OptionValue.quantity(
        stageTime, .time, in: Rational(0)...Rational(3600), option: "--stage-time"))
    let elements = try options.elements(bytes, option: "--bytes")
    let wires = try options.wires(ranks: stages)
    let program = PipelineProgram(
      stages: stages, microBatches: batches, stageTime: time, elements: elements, wires: wires)
    let result = try await options.run(program.window, nodes: nodes)
    var document = result.members
    document["schema"] = "wafer.pipeline/1"
    document["experiment"] = [
      "modelled": [
        "stages": .integer(stages), "micro_batches": .integer(batches),
        "stage_time_ps": .picoseconds(time), "bytes": .integer(elements * 4),
        "link": wires.link.json, "topology": wires.topology.json,
      ]
    ]
    format.print(.object(document)) { style in
      result.text(
        style,
        heading:
          "\(stages) stages of \(RunTable.time(time)), \(batches) micro-batches, \(elements * 4) B",
        notes: [])
    }
  }
}
