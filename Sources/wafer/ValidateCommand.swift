import ArgumentParser
import Experiments

/// `wafer validate`
struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Predicts published figures, and prints predicted, published and error side by side.",
    discussion: """
      Each table is a file of Configs/validation. A row is calibrated, when coefficients were fitted \
      to it, or held out. Beside a calibrated row stands what a fit without it is off by. A tolerance \
      or a band that a file states and a prediction breaks makes the exit status 1.

        wafer validate
        wafer validate waferllm-decode --format json
        wafer validate my-figures.yaml
      """)

  @Argument(
    help: ArgumentHelp(
      "Names of tables, or paths of files like them; all tables when none is given.",
      valueName: "table"))
  var tables: [String] = []
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    let library = try presets.library()
    var run = ValidationRun(presets: library)
    var results: [ValidationResult] = []
    for name in tables.isEmpty ? library.validationTables : tables {
      let table = try library.validationTable(name, at: .option("TABLE"))
      results.append(try await run.evaluate(table))
    }
    let text = ValidationText(results)
    format.print(ValidationDocument(results).json) { text.text($0) }
    if let failure = text.failure { throw RunFailure(failure) }
  }
}
