import ArgumentParser
import Experiments
import Foundation
import Quantities
import Runtime
import ZeroMQTransport

/// `wafer cluster`
struct ClusterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Asks a coordinator about its cluster.",
    subcommands: [StatusCommand.self])

  /// `wafer cluster status`
  struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "status",
      abstract: "Prints who is registered with a coordinator, where, and with what.",
      discussion: """
        The coordinator is a 'wafer run' or another command that waits for nodes or runs on them.

          wafer cluster status --coordinator tcp://10.0.0.1:5555

        Exit status: 0 it answered; 1 nobody did; 2 the input was wrong.
        """)

    @Option(
      help: """
        Address of the coordinator's control socket, such as tcp://10.0.0.1:5555. Default: \
        $WAFER_COORDINATOR, as nodes have it.
        """)
    var coordinator = ProcessInfo.processInfo.environment["WAFER_COORDINATOR"] ?? ""
    @Option(help: "How long to wait for an answer, such as 5s.")
    var wait = "5 s"
    @Option(help: "A node's secret key file, for a secured cluster. Default: $WAFER_KEY.")
    var key: String?
    @OptionGroup var format: FormatOption

    func validate() throws {
      guard !coordinator.isEmpty else {
        throw ValidationError(
          "--coordinator tcp://HOST:PORT is missing, and WAFER_COORDINATOR is not set")
      }
      try NodeOptions.checkAddress(coordinator)
    }

    func run() throws {
      let limit = try NodeOptions.time(wait, "--wait")
      let status = try ClusterStatus.ask(
        coordinator, within: .nanoseconds(limit.nanoseconds),
        keys: try NodeOptions.variable(key, "WAFER_KEY").map { path throws(KeyFileError) in
          try NodeKeys(file: path)
        })
      let report = ClusterReport(status)
      format.print(report.json) { report.text($0) }
    }
  }
}
