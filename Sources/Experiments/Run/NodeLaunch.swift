/// Who starts the nodes of a run, and where they find the coordinator.
public struct NodeLaunch: Hashable, Sendable {
  /// The `wafer-node` program to start; `nil` when others start nodes, or none are needed.
  public var program: String?
  /// Address of the control socket; `nil` is a free port of loopback, or a socket file for ipc.
  public var coordinator: String?

  /// Takes each field as it is.
  public init(program: String?, coordinator: String?) {
    self.program = program
    self.coordinator = coordinator
  }
}
