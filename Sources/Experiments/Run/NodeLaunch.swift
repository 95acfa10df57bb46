import Quantities
import Runtime

/// Who starts the nodes of a run, and where they find the coordinator.
public struct NodeLaunch: Sendable {
  /// The `wafer-node` program to start; `nil` when others start nodes, or none are needed.
  public var program: String?
  /// Address of the control socket; `nil` is a free port of loopback, or a socket file for ipc.
  public var coordinator: String?
  /// Nodes that others start; `nil` where the coordinator starts them.
  public var external: ExternalNodes?
  /// How long every rank may take to have a node.
  public var registrationLimit: MeasuredTime
  /// How long all nodes may take to load their slices.
  public var loadingLimit: MeasuredTime

  /// A minute lets a container pull its image; a process needs milliseconds.
  public static let defaultRegistrationLimit = MeasuredTime(nanoseconds: 60_000_000_000)
  /// Ten minutes read 100 GB at 170 MB/s.
  public static let defaultLoadingLimit = MeasuredTime(nanoseconds: 600_000_000_000)

  /// Nodes started from `program`, or `external` ones, that find the coordinator at `coordinator`.
  public init(
    program: String?, coordinator: String?, external: ExternalNodes? = nil,
    registrationLimit: MeasuredTime = NodeLaunch.defaultRegistrationLimit,
    loadingLimit: MeasuredTime = NodeLaunch.defaultLoadingLimit
  ) {
    self.program = program
    self.coordinator = coordinator
    self.external = external
    self.registrationLimit = registrationLimit
    self.loadingLimit = loadingLimit
  }

  /// Sends nodes home that others started; those of the coordinator's own leave by themselves.
  public func end() { external?.close() }

  /// What a session waits for.
  var limits: ClusterSession.Limits {
    ClusterSession.Limits(
      registration: registrationLimit.nanoseconds, loading: loadingLimit.nanoseconds)
  }
}
