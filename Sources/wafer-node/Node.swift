import ArgumentParser
import Glibc
import Runtime
import ZeroMQTransport

/// One node: the process that emulates one wafer.
@main
struct Node: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wafer-node",
    abstract:
      "Emulates one wafer of a cluster: joins a coordinator, does its part of a run, leaves.",
    discussion: """
      A node needs to know one thing, the coordinator's address; rank, plan, peers and model it
      learns there. `wafer run` starts its nodes by itself; with --external-nodes it waits for
      nodes that are started by hand, on the same host:

        wafer-node --coordinator tcp://127.0.0.1:5555
      """,
    version: "wafer-node \(Tool.version)")

  @Option(help: "Address of the coordinator's control socket, such as tcp://127.0.0.1:5555.")
  var coordinator: String

  @Option(help: "Rank to ask for. Default: the next that is free.")
  var rank: Int?

  @Option(
    help: ArgumentHelp(
      "Seconds to wait for a coordinator that is not there yet.", valueName: "seconds"))
  var registrationLimit = 60

  @Option(
    help: ArgumentHelp(
      "Seconds a coordinator may be silent before the node ends.", valueName: "seconds"))
  var silenceLimit = 15

  func validate() throws {
    guard coordinator.hasPrefix("tcp://") || coordinator.hasPrefix("ipc://") else {
      throw ValidationError(
        "--coordinator '\(coordinator)' is no address; write tcp://HOST:PORT or ipc://PATH")
    }
    guard registrationLimit > 0, silenceLimit > 0 else {
      throw ValidationError("limits are numbers of seconds, at least 1")
    }
    if let rank, !(0..<1024).contains(rank) {
      throw ValidationError("--rank \(rank) is not between 0 and 1023")
    }
  }

  func run() throws {
    let service = NodeService(
      coordinator: coordinator, requestedRank: rank,
      registrationLimit: .seconds(registrationLimit), silenceLimit: .seconds(silenceLimit))
    do {
      try service.run()
    } catch {
      Self.say("wafer-node: \(error)\n", on: STDERR_FILENO)
      throw ExitCode(1)
    }
  }

  /// Exit status 2 for wrong options, as the command line's contract says; the library's own is 64.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch {
      let isHelp = exitCode(for: error) == .success
      say(fullMessage(for: error) + "\n", on: isHelp ? STDOUT_FILENO : STDERR_FILENO)
      Glibc.exit(isHelp ? 0 : 2)
    }
  }

  /// Writes at once: the standard library's `print` buffers, and an error must not wait.
  private static func say(_ text: String, on descriptor: Int32) {
    var text = text
    text.withUTF8 { _ = write(descriptor, $0.baseAddress, $0.count) }
  }
}
