import Quantities

/// Who starts the nodes of a run, and where they find the coordinator.
public struct NodeLaunch: Hashable, Sendable {
  /// The `wafer-node` program to start; `nil` when others start nodes, or none are needed.
  public var program: String?
  /// Address of the control socket; `nil` is a free port of loopback, or a socket file for ipc.
  public var coordinator: String?
  /// How long every rank may take to have a node.
  public var registrationLimit: MeasuredTime

  /// A minute lets a container pull its image; a process needs milliseconds.
  public static let defaultRegistrationLimit = MeasuredTime(nanoseconds: 60_000_000_000)

  /// Nodes started from `program`, or by others, that find the coordinator at `coordinator`.
  public init(
    program: String?, coordinator: String?,
    registrationLimit: MeasuredTime = NodeLaunch.defaultRegistrationLimit
  ) {
    self.program = program
    self.coordinator = coordinator
    self.registrationLimit = registrationLimit
  }
}
