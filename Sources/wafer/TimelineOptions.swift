import ArgumentParser
import Experiments
import Programs

/// What is kept of who did what when.
struct TimelineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "File for a timeline of both clocks as Chrome trace JSON; https://ui.perfetto.dev opens it.",
      valueName: "file.json"))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "File for a table of messages, in picoseconds.", valueName: "file.csv"))
  var messages: String?

  @Option(
    help: ArgumentHelp(
      """
      Steps of the program that the timeline keeps, from 0: the prefill's first, then one a token. \
      Default: the last of the prefill and two more. At most \(Recording.Limits.mostEvents) kernels and \
      messages are kept.
      """, valueName: "first-last"))
  var traceSteps: String?

  /// What to record of an experiment; `nil` is nothing.
  ///
  /// Throws `ConfigurationError` for steps that are none, and for steps of a timeline that nobody asked
  /// for.
  func limits(
    for experiment: Experiment, files: TimelineFiles
  ) throws(ConfigurationError) -> Recording.Limits? {
    guard files.isAnyWanted else {
      guard traceSteps == nil else {
        throw ConfigurationError(
          .option("--trace-steps"), "is given, and no timeline is written",
          remedy: "Add --trace FILE.json, --messages FILE.csv or --output DIR")
      }
      return nil
    }
    let workload = experiment.modelled.workload
    guard let traceSteps else { return Recording.Limits(windows: workload.timelineSteps) }
    let ends = traceSteps.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      first >= 0, first <= last, last < workload.steps
    else {
      throw ConfigurationError(
        .option("--trace-steps"), "'\(traceSteps)' is no range of steps",
        remedy: "Write one step or two with a minus between, from 0 to \(workload.steps - 1), such "
          + "as 0-\(min(3, workload.steps - 1))")
    }
    return Recording.Limits(windows: first..<last + 1)
  }
}
