import ArgumentParser
import Experiments
import Foundation

/// How a command prints what it found.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  /// For people, as wide as the terminal.
  case table
  /// One document on standard output and nothing else.
  case json
}

/// The format option, the same in every command.
struct FormatOption: ParsableArguments {
  @Option(help: "table, or json: one JSON document on standard output and nothing else.")
  var format: OutputFormat = .table

  /// Prints a document, or the text that stands for it.
  func print(_ json: @autoclosure () -> JSONValue, text: (TextStyle) -> String) {
    let output =
      switch format {
      case .json: json().document
      case .table: text(.standardOutput)
      }
    FileHandle.standardOutput.write(Data(output.utf8))
  }
}

/// Where presets are, the same in every command.
struct PresetOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Folder of presets.",
      discussion: """
        By default $WAFER_CONFIGS, else the first 'Configs' in or above the program's folder or the \
        current one, else share/wafercluster/Configs of the installation.
        """,
      valueName: "folder"))
  var configs: String?

  /// The presets. Throws `ConfigurationError` when there are none.
  func library() throws(ConfigurationError) -> PresetLibrary {
    try PresetLibrary.locate(asked: configs)
  }
}
