import ArgumentParser
import Experiments
import Foundation
import Quantities

/// How a command reaches its nodes.
struct NodeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The wafer-node program. Default: the one beside this program.", valueName: "file"))
  var nodeProgram: String?

  @Option(
    help: ArgumentHelp(
      "Address of the control socket. Default: a free port of loopback, or a socket file for ipc.",
      valueName: "endpoint"))
  var coordinator: String?

  @Flag(
    help: """
      Start no nodes: wait for nodes that others start with 'wafer-node --coordinator ADDRESS'.
      """)
  var externalNodes = false

  @Option(help: "How long to wait for every rank to have a node, such as 5s.")
  var registrationLimit = "60 s"

  func validate() throws {
    if externalNodes, coordinator == nil {
      throw ValidationError(
        "--external-nodes needs --coordinator tcp://HOST:PORT, an address that the nodes know.")
    }
    if let coordinator, !coordinator.hasPrefix("tcp://"), !coordinator.hasPrefix("ipc://") {
      throw ValidationError(
        "--coordinator '\(coordinator)' is no address; write tcp://HOST:PORT or ipc://PATH")
    }
  }

  /// Who starts nodes, and how.
  ///
  /// Throws `ConfigurationError` when the node program is not there.
  func launch(for transport: Transport) throws(ConfigurationError) -> NodeLaunch {
    let limit = try registrationTime()
    guard transport == .tcp || transport == .ipc else {
      if externalNodes || coordinator != nil {
        throw ConfigurationError(
          .option(externalNodes ? "--external-nodes" : "--coordinator"),
          "does not go with --transport \(transport.rawValue)",
          remedy: "Use --transport tcp or ipc")
      }
      return NodeLaunch(program: nil, coordinator: nil)
    }
    if externalNodes {
      return NodeLaunch(program: nil, coordinator: coordinator, registrationLimit: limit)
    }
    return NodeLaunch(
      program: try Self.program(nodeProgram), coordinator: coordinator, registrationLimit: limit)
  }

  /// The node program that was asked for, or the one beside this program.
  ///
  /// Throws `ConfigurationError` when it is not there.
  static func program(_ asked: String?) throws(ConfigurationError) -> String {
    let program = asked ?? beside
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw ConfigurationError(
        .option("--node-program"), "'\(program)' is not there, or cannot be executed",
        remedy: "Build it with 'swift build --product wafer-node', or name it with --node-program")
    }
    return program
  }

  private func registrationTime() throws(ConfigurationError) -> MeasuredTime {
    let limit = try OptionValue.quantity(
      registrationLimit, .time, in: Rational(1, over: 1000)...Rational(86_400),
      option: "--registration-limit")
    return MeasuredTime(nanoseconds: Int64((limit * Rational(1_000_000_000)).rounded))
  }

  private static var beside: String {
    let own =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: own).deletingLastPathComponent()
      .appendingPathComponent("wafer-node").path
  }
}
