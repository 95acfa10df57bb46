import ArgumentParser
import Experiments

/// `wafer show`
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Prints an experiment fully resolved, or the emulated document of a run.",
    discussion: """
      'wafer show EXPERIMENT.yaml' takes the options of 'wafer run' and prints the experiment that \
      would run, as a file that gives it again. 'wafer show --emulated RESULT.json' prints the part \
      of a result that is the same bytes on every host, transport and run.
      """)

  @Option(
    help: ArgumentHelp("Print the emulated document of this result.", valueName: "result.json"))
  var emulated: String?
  @OptionGroup var experiment: ExperimentOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    if emulated != nil, experiment.isAnythingGiven {
      throw ValidationError("--emulated takes a result and no experiment or its options.")
    }
  }

  func run() throws {
    if let emulated {
      let document = try EmulatedDocument(file: emulated).json
      // It is a JSON document in either format: its bytes are the point.
      return format.print(document) { _ in document.document }
    }
    let resolved = try experiment.resolve()
    for warning in resolved.warnings { Diagnostics.warn(warning) }
    format.print(resolved.document) { _ in resolved.yaml }
  }
}
