import ArgumentParser
import Experiments
import Foundation
import Quantities
import ZeroMQ
import ZeroMQTransport

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
      Start no nodes: wait for nodes that others start with 'wafer-node --coordinator ADDRESS'. They \
      serve both halves, and leave when all is done.
      """)
  var externalNodes = false

  @Option(help: "How long to wait for every rank to have a node, such as 5s.")
  var registrationLimit = "60 s"

  @Option(help: "How long all nodes may take to load their weights, such as 1h.")
  var loadingLimit = "600 s"

  @Option(help: "How long a node may say nothing before it is lost, such as 30s.")
  var silenceLimit = "15 s"

  @Option(
    help: ArgumentHelp(
      "Keys that 'wafer keys' made: nodes are admitted by theirs, and all is encrypted. Default: $WAFER_KEYS.",
      valueName: "folder"))
  var keys: String?

  @Flag(
    help: """
      Let everyone in who reaches the coordinator, in the clear: needed for addresses that other hosts reach, \
      unless there are keys.
      """)
  var insecure = false

  func validate() throws {
    if externalNodes, coordinator == nil {
      throw ValidationError(
        "--external-nodes needs --coordinator tcp://HOST:PORT, an address that the nodes know.")
    }
    if let coordinator { try Self.checkAddress(coordinator) }
  }

  /// Throws for what is no address of a control socket.
  static func checkAddress(_ address: String) throws {
    guard address.hasPrefix("tcp://") || address.hasPrefix("ipc://") else {
      throw ValidationError(
        "--coordinator '\(address)' is no address; write tcp://HOST:PORT or ipc://PATH")
    }
  }

  /// Who starts nodes, and how. Its `end` is to be called when the command is done with nodes.
  ///
  /// Throws `ConfigurationError` when the node program is not there, and `RunError` when the control socket
  /// of external nodes cannot be opened.
  func launch(for transport: Transport) throws -> NodeLaunch {
    var launch = NodeLaunch(
      program: nil, coordinator: coordinator,
      registrationLimit: try Self.time(registrationLimit, "--registration-limit"),
      loadingLimit: try Self.time(loadingLimit, "--loading-limit"),
      silenceLimit: try Self.time(silenceLimit, "--silence-limit"))
    guard transport == .tcp || transport == .ipc else {
      if externalNodes || coordinator != nil {
        throw ConfigurationError(
          .option(externalNodes ? "--external-nodes" : "--coordinator"),
          "does not go with --transport \(transport.rawValue)",
          remedy: "Use --transport tcp or ipc")
      }
      return launch
    }
    let keys = try Self.variable(keys, "WAFER_KEYS").map { folder throws(KeyFileError) in
      (folder: folder, own: try CoordinatorKeys(folder: folder))
    }
    if keys != nil, insecure {
      throw ConfigurationError(
        .option("--insecure"), "does not go with keys", remedy: "Leave one of them out")
    }
    if keys == nil, !insecure, let coordinator, Endpoint(rawValue: coordinator).isReachedByOthers {
      throw ConfigurationError(
        .option("--coordinator"),
        "'\(coordinator)' can be reached by other hosts, and there are no keys",
        remedy: "Make keys with 'wafer keys DIR' and give --keys DIR, or say --insecure")
    }
    if externalNodes {
      launch.external = try ExternalNodes(address: coordinator!, keys: keys?.own) {
        count, address in
        Diagnostics.warn(
          "\(count) connection\(count == 1 ? "" : "s") without an admitted key refused, the last from "
            + address)
      }
      return launch
    }
    // The variable may be meant for other commands of the same shell.
    guard self.keys == nil else {
      throw ConfigurationError(
        .option("--keys"), "is for nodes that others start, and these are this command's own",
        remedy: "Add --external-nodes, or leave the keys out")
    }
    launch.program = try Self.program(nodeProgram)
    return launch
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

  /// An option, or else the variable that stands for it.
  static func variable(_ option: String?, _ name: String) -> String? {
    option ?? ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  static func time(
    _ text: String, _ option: String
  ) throws(ConfigurationError) -> MeasuredTime {
    let limit = try OptionValue.quantity(
      text, .time, in: Rational(1, over: 1000)...Rational(86_400), option: option)
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
