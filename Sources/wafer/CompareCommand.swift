import ArgumentParser
import Experiments

/// `wafer compare`
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract:
      "Holds two results against each other: times, accounts, and what differs in the question.",
    discussion: """
      A result is a document of --format json, or the folder of --output. Entries of the accounts' \
      difference add up to that of the totals, exactly.

        wafer run --output a; wafer run --link-latency 1us --output b
        wafer compare a b
      """)

  @Argument(help: ArgumentHelp("The first result: a file or a folder.", valueName: "a"))
  var first: String
  @Argument(help: ArgumentHelp("The second one.", valueName: "b"))
  var second: String
  @OptionGroup var format: FormatOption

  func run() throws {
    let comparison = try ResultComparison(first, second)
    format.print(comparison.json) { comparison.text($0) }
  }
}
