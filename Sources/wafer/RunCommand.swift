import ArgumentParser
import Experiments
import Foundation
import Programs

/// `wafer run`
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs an experiment on a cluster and on a single wafer, and compares them.",
    discussion: """
      Without arguments: a small seeded model on 2 x 2 wafer processes of this host. Emulated time is \
      what the modelled wafers would take, and is the same on every host; measured time is what \
      this host took.

        wafer run --pp 4 --link-latency 2us
        wafer run --model model.gguf --prompt "The capital of France is" --pp 2 --tp 2
        wafer run --model llama-3.1-405b --pp 16 --tp 8 --transport none

      Exactly --output-tokens tokens are made; end-of-text does not end a run ('wafer generate' does).
      """)

  @OptionGroup(title: "Experiment") var experiment: ExperimentOptions
  @OptionGroup(title: "Nodes") var nodes: NodeOptions
  @Flag(
    help: """
      Go on with a run that failed or was interrupted, in the same --output: a half that was finished is \
      not run again. 'unfinished.json' there says how far it came.
      """)
  var resume = false

  @OptionGroup(title: "Timeline") var timeline: TimelineOptions
  @OptionGroup var format: FormatOption

  /// Keeps what is finished, where there is a folder for it.
  private func journal(of experiment: Experiment) throws(ConfigurationError) -> RunJournal? {
    guard let output = experiment.host.output, experiment.host.transport != .none else {
      guard !resume else {
        throw ConfigurationError(
          .option("--resume"),
          experiment.host.output == nil
            ? "has no folder to find the run in" : "is given, and an evaluation is not interrupted",
          remedy: "Give the --output and the options of the run that was interrupted")
      }
      return nil
    }
    return try RunJournal(experiment, in: output, resumes: resume)
  }

  func run() async throws {
    let experiment = try experiment.resolve()
    let files = try ResultFiles(experiment)
    let timelines = try TimelineFiles(
      trace: timeline.trace, messages: timeline.messages, output: experiment.host.output)
    let journal = try journal(of: experiment)
    let recording = try timeline.limits(for: experiment, files: timelines)
    let launch = try nodes.launch(for: experiment.host.transport)
    defer { launch.end() }
    let interruption = Interruption()
    interruption.install()
    let run = ExperimentRun(
      experiment, launch: launch, recording: recording, journal: journal,
      progress: { Diagnostics.progress($0) },
      interruption: { interruption.reason })
    let result = try await run.run()
    for warning in result.warnings { Diagnostics.warn(warning) }
    let text = try ResultText(experiment).map { text in
      (single: text.decode(result.single), cluster: text.decode(result.cluster))
    }
    let document = RunDocument(
      result, text: text, command: Array(CommandLine.arguments.dropFirst())
    ).json
    try files.write(result, document: document)
    try timelines.write(result)
    journal?.end()
    if let dropped = result.cluster.timeline?.recording.dropped, dropped > 0 {
      Diagnostics.warn(
        "the timeline has room for \(Recording.Limits.mostEvents) kernels and messages; "
          + "\(dropped) later ones are left out. Ask for fewer steps with --trace-steps")
    }
    format.print(document) { RunTable(result, text: text).text($0) }
  }
}
