import ArgumentParser
import Experiments
import Foundation
import ModelFiles
import Programs
import Synchronization

/// `wafer generate`
struct GenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Prints a model's text, token by token, through the cluster.",
    discussion: """
      It stops at end-of-text, or after --output-tokens tokens (64 unless said otherwise).

        wafer generate --model model.gguf --prompt "def fibonacci(n):" --pp 2
      """)

  @OptionGroup(title: "Experiment") var experiment: ExperimentOptions
  @OptionGroup(title: "Nodes") var nodes: NodeOptions
  @OptionGroup var format: FormatOption

  func run() async throws {
    let experiment = try experiment.resolve(standard: ["workload.output_tokens": "64"])
    guard experiment.host.transport != .none, experiment.host.payload == .real else {
      throw ConfigurationError(
        .option("generate"), "needs nodes that compute",
        remedy: "Give a model with weights, --payload real, and a --transport other than none")
    }
    guard experiment.modelled.workload.batch == 1 else {
      throw ConfigurationError(
        .option("--batch"), "is \(experiment.modelled.workload.batch), and one text is printed",
        remedy: "Use --batch 1; 'wafer run' takes batches")
    }
    guard experiment.modelled.served == nil else {
      throw ConfigurationError(
        .option("--arrivals"), "is given, and one text is printed",
        remedy: "Leave it out; 'wafer run' serves requests")
    }
    let launch = try nodes.launch(for: experiment.host.transport)
    defer { launch.end() }
    let interruption = Interruption()
    interruption.install()
    let text = try ResultText(experiment)
    let stream = Mutex(text?.stream)
    let isDocument = format.format == .json
    let run = ExperimentRun(
      experiment, launch: launch, progress: { _ in },
      interruption: { interruption.reason })
    let half = try await run.generate(endOfText: text?.endOfText ?? []) { token in
      guard !isDocument else { return }
      let piece = stream.withLock { $0?.append(Int(token)) ?? "\(token) " }
      FileHandle.standardOutput.write(Data(piece.utf8))
    }
    if isDocument {
      let document: JSONValue = [
        "schema": "wafer.generate/1", "experiment": experiment.json,
        "emulated": half.emulated.json, "measured": half.measured?.json ?? .null,
        "tokens": .array((half.tokens.first ?? []).map { .integer($0) }),
        "text": .optional(text?.decode(half).first),
      ]
      FileHandle.standardOutput.write(Data(document.document.utf8))
    } else {
      let rest = stream.withLock { $0?.finish() ?? "" }
      FileHandle.standardOutput.write(Data((rest + "\n").utf8))
      Diagnostics.progress(RunTable.summary(of: half))
    }
  }
}
