import ArgumentParser
import Experiments

/// The coordinator's command line.
@main
struct Wafer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wafer",
    abstract: "Emulates a cluster of wafer-scale engines, and says what crossing wafers cost.",
    discussion: """
      Every quantity has its unit: '5 us', '150GB/s', '48 KiB'. GB is 10^9 bytes, GiB is 2^30.
      Settings come from defaults, then the experiment's file, then options, then --set.

      Exit status: 0 done; 1 the run failed; 2 the input was wrong.
      """,
    version: version,
    subcommands: [
      RunCommand.self, GenerateCommand.self, CollectiveCommand.self, PipelineCommand.self,
      FabricCommand.self,
      YieldCommand.self,
      ValidateCommand.self,
      CalibrateCommand.self,
      PlanCommand.self,
      SweepCommand.self, CompareCommand.self, WhatIfCommand.self,
      ReportCommand.self, ClusterCommand.self, KeysCommand.self,
      ShowCommand.self, ModelsCommand.self, HardwareCommand.self, LinksCommand.self,
      CalibrationsCommand.self,
    ])

  /// The tool's version, which results name.
  static let version = "0.1.0"

  /// Runs the command that the arguments name, and ends the process with its status.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      CommandStatus(error).exit(with: error)
    }
  }
}
