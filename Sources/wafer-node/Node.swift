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
      "Emulates one wafer of a cluster: joins a coordinator, does its part of its runs, leaves.",
    discussion: """
      A node needs to know one thing, the coordinator's address; rank, plan, peers and model it
      learns there. `wafer run` starts its nodes by itself; with --external-nodes it waits for
      nodes that are started by others, on the same host or on others:

        wafer-node --coordinator tcp://10.0.0.1:5555

      Options may come from the environment: WAFER_COORDINATOR, WAFER_RANK, WAFER_ADDRESS,
      WAFER_BIND, WAFER_PORTS, WAFER_CACHE, WAFER_KEY; WAFER_INSECURE=1 for --insecure. Without a rank, those of schedulers are asked for:
      SLURM_PROCID, and JOB_COMPLETION_INDEX of Kubernetes. A node whose rank is beyond the run's
      waits as a spare.

      Exit status: 0 dismissed, all is done; 1 the run failed, or the coordinator is lost; 2 wrong
      options.
      """,
    version: "wafer-node \(Tool.version)")

  @Option(help: "Address of the coordinator's control socket, such as tcp://10.0.0.1:5555.")
  var coordinator: String?

  @Option(help: "Rank to ask for. Default: one that is free.")
  var rank: Int?

  @Option(
    help: ArgumentHelp(
      """
      Where other nodes reach this one: an address, a name or an interface. Default: the address \
      from which it reaches the coordinator.
      """, valueName: "host"))
  var address: String?

  @Option(
    help: ArgumentHelp(
      """
      Address or interface to bind data sockets to. Default: the one that others reach, where it is \
      this host's own, else all.
      """, valueName: "host"))
  var bind: String?

  @Option(
    help: ArgumentHelp(
      "Ports for data sockets, one a peer that sends to it. Default: any.", valueName: "first-last")
  )
  var ports: String?

  @Option(
    help: ArgumentHelp(
      "Folder in which weights that the coordinator sends are kept for the next time. Default: none.",
      valueName: "folder"))
  var cache: String?

  @Option(
    help: ArgumentHelp(
      "Secret key file of a node, which 'wafer keys' made. Default: none.", valueName: "file"))
  var key: String?

  @Flag(help: "Join a coordinator of another host in the clear, without keys.")
  var insecure = false

  @Option(
    help: ArgumentHelp(
      "Seconds to wait for a coordinator that is not there yet.", valueName: "seconds"))
  var registrationLimit = 60

  @Option(
    help: ArgumentHelp(
      "Seconds a coordinator may be silent before the node ends.", valueName: "seconds"))
  var silenceLimit = 15

  // Given by `wafer run` to nodes of its own.
  @Option(help: ArgumentHelp("Folder of the launch's sockets.", visibility: .private))
  var launchFolder: String?

  func run() throws {
    let settings = try NodeSettings(self) { name in getenv(name).map { String(cString: $0) } }
    do {
      try NodeService(coordinator: settings.coordinator, options: settings.options).run()
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
