import ArgumentParser
import Foundation
import Hardware
import Models
import Programs
import Quantities
import Testing

@testable import Experiments
@testable import wafer

struct ConfigurationOptionTests {
  static let options = ExperimentSchema.keys.compactMap { key in
    key.option.map { (option: $0, key: key.name) }
  }

  /// The experiment's options of a command line.
  private func parse(_ arguments: [String]) throws -> ExperimentOptions {
    try ExperimentOptions.parse(arguments + ["--configs", Fixtures.presets.folder])
  }

  /// The error of a command line.
  private func error(_ arguments: [String]) -> (any Error)? {
    do {
      _ = try parse(arguments).resolve()
      return nil
    } catch {
      return error
    }
  }

  static let flags = ["--hypothetical-sram", "--layers-only"]

  /// Command lines that together give every option the value `qwertz`; only one of the three prompts may
  /// stand on each.
  private func settingsOfAllOptions() throws -> Settings {
    var all = Settings()
    for prompt in ExperimentSchema.alternatives {
      let given = Self.options.filter {
        !ExperimentSchema.alternatives.contains($0.key) || $0.key == prompt
      }
      let arguments = given.flatMap {
        Self.flags.contains($0.option) ? [$0.option] : [$0.option, "qwertz"]
      }
      let settings = try parse(arguments).settings()
      #expect(settings.names == given.map(\.key).sorted())
      if prompt == ExperimentSchema.alternatives[0] { all = settings }
      #expect(settings[prompt]?.value == .plain("qwertz"))
    }
    return all
  }

  @Test("every option sets its key, and a wrong value names option, key and what would be right")
  func everyOption() throws {
    let settings = try settingsOfAllOptions()
    for (option, key) in Self.options where settings[key] != nil {
      let setting = try #require(settings[key])
      #expect(setting.place == .option(option))
      switch ExperimentSchema.key(key).kind {
      case .name, .text: continue
      default: if Self.flags.contains(option) { continue }
      }
      var alone = Settings()
      try alone.set(key, to: setting.value, at: setting.place)
      let wrong = #expect(throws: ConfigurationError.self) {
        try SettingsReader(settings: alone).checkAll()
      }
      #expect(wrong?.description.hasPrefix("\(option): '\(key)' ") == true)
      #expect(wrong?.remedy != nil)
      #expect(CommandStatus(wrong!) == .wrongInput)
    }
  }

  @Test("every misspelt option is wrong input, and names the nearest", arguments: options)
  func misspelt(option: String, key: String) throws {
    let wrong = error([option + "q", "1"])
    let message = CommandStatus.message(for: try #require(wrong))
    #expect(message.contains("Unknown option '\(option)q'"))
    #expect(message.contains("Did you mean '--"))
    #expect(CommandStatus(wrong!) == .wrongInput)
  }

  @Test("an option without its value is wrong input", arguments: ["--tp", "--set", "--model"])
  func withoutValue(option: String) throws {
    #expect(CommandStatus(try #require(error([option]))) == .wrongInput)
  }

  @Test("the field's long names mean the same")
  func longNames() throws {
    let short = try parse(["--pp", "4", "--tp", "1"]).resolve()
    let long = try parse(["--pipeline-parallel-size", "4", "--tensor-parallel-size", "1"]).resolve()
    #expect(short == long)
    #expect(short.modelled.pipeline == 4)
  }

  @Test("options win over the file, --set over options")
  func precedence() throws {
    try Fixtures.withFolder { folder in
      let file = "\(folder)/exp.yaml"
      try Data("plan: {pipeline: 4, tensor: 4}\nseed: 1\n".utf8)
        .write(to: URL(fileURLWithPath: file))
      let experiment = try parse([
        file, "--tp", "2", "--seed", "2", "--set", "seed=3", "--set", "seed=4",
        "--link-latency", "500ns", "--link-bandwidth=50GiB/s", "--hypothetical-sram",
        "--layers-only", "--prompt-ids", "504,3,282",
      ]).resolve()
      #expect(experiment.modelled.pipeline == 4)
      #expect(experiment.modelled.tensor == 2)
      #expect(experiment.modelled.seed == 4)
      #expect(experiment.modelled.link.latency.picoseconds == 500_000)
      #expect(experiment.modelled.link.bandwidth?.numerator == 50 << 30)
      #expect(experiment.modelled.waferDevice.allowsHypotheticalSRAM)
      #expect(!experiment.modelled.countsEmbeddingAndHead)
      #expect(experiment.host.prompt == .tokens([504, 3, 282]))
    }
  }

  @Test("--emulated excludes an experiment")
  func emulatedAlone() throws {
    for arguments in [["--emulated", "a.json", "--tp", "2"], ["--emulated", "a.json", "x.yaml"]] {
      let error = #expect(throws: (any Error).self) {
        try Wafer.parseAsRoot(["show"] + arguments)
      }
      #expect(CommandStatus(try #require(error)) == .wrongInput)
    }
  }

  @Test("help is success, an unknown command and any run's own error are not")
  func exitStatus() throws {
    func status(_ arguments: [String]) -> CommandStatus? {
      do {
        var command = try Wafer.parseAsRoot(arguments)
        try command.run()
        return .done
      } catch {
        return CommandStatus(error)
      }
    }
    #expect(status(["--help"]) == .done)
    #expect(status(["show", "--help"]) == .done)
    #expect(status(["--version"]) == .done)
    #expect(status(["shwo"]) == .wrongInput)
    #expect(status(["models", "--format", "xml"]) == .wrongInput)
    #expect(status(["models", "a", "b"]) == .wrongInput)
    #expect(status(["links", "nolink", "--configs", Fixtures.presets.folder]) == .wrongInput)
    struct RunError: Error {}
    #expect(CommandStatus(RunError()) == .failed)
    #expect(CommandStatus(ExitCode(2)) == .wrongInput)
    #expect(CommandStatus(ExitCode(1)) == .failed)
  }

  @Test("help of every option says what it means and its default")
  func help() throws {
    let text = Wafer.helpMessage(for: ShowCommand.self, columns: 2000)
    for key in ExperimentSchema.keys {
      guard let option = key.option else { continue }
      #expect(text.contains(option))
      if let standard = key.standard, !Self.flags.contains(option) {
        #expect(text.contains("Default: \(standard)."), "\(option)")
      }
    }
  }

  @Test("the program ends with 0, or with 2 and the message on standard error only")
  func processStatus() throws {
    let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("wafer")
    func run(_ arguments: String...) throws -> (status: Int32, output: String, error: String) {
      let process = Process()
      let (output, error) = (Pipe(), Pipe())
      process.executableURL = binary
      process.arguments = arguments
      process.environment = ["WAFER_CONFIGS": Fixtures.presets.folder]
      process.standardOutput = output
      process.standardError = error
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      let message = String(
        decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, text, message)
    }
    let shown = try run("show", "--format", "json")
    #expect(shown.status == 0)
    #expect(shown.error.isEmpty)
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(shown.output.utf8))
    #expect(document.document == shown.output)
    #expect(document["experiment"] == (try Fixtures.resolve().json))
    #expect(document["schema"] == "wafer.experiment/1")
    #expect(try run("show").output == Fixtures.resolve().yaml)

    let wrong = try run("show", "--tp", "many")
    #expect(wrong.status == 2)
    #expect(wrong.output.isEmpty)
    #expect(wrong.error.hasPrefix("wafer: --tp: 'plan.tensor' is 'many'"))
    #expect(try run("show", "--tpp", "2").status == 2)
    #expect(try run("--help").status == 0)
  }
}
