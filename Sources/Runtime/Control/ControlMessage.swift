import Messaging
import Programs

/// What nodes and the coordinator say to each other beside the data.
///
/// ```
/// node                        coordinator
///  hello            ──▶                       who I am
///                   ◀──       assign           rank, plan, which peers (or refuse, with the reason)
///  bound            ──▶                       where my peers reach me
///                   ◀──       connect          where I reach my peers; load
///  ready            ──▶                       my slices are loaded
///                   ◀──       window …         work, a bounded number of windows ahead
///                   ◀──       begin            all are ready
///  window           ──▶                       a window is done, with what it gave
///                   ◀──       finish           no more windows
///  done             ──▶                       what I have to tell; I leave
/// ```
/// At any time: `alive` either way; `failed` from a node, `abort` from the coordinator.
public enum ControlMessage: Sendable {
  // From a node.
  case hello(Hello)
  case bound([PeerEndpoint])
  case ready(weightBytes: Int)
  case windowDone(WindowReport)
  case done(NodeReport)
  case failed(String)
  // From the coordinator.
  case refuse(String)
  case assign(Assignment)
  case connect([PeerEndpoint])
  case window(NodeWindow)
  case begin
  case finish
  case abort(String)
  // Either way.
  case alive

  /// Who a node is.
  public struct Hello: Hashable, Sendable {
    /// Must equal the coordinator's.
    public var protocolVersion: UInt16
    /// The release it was built from.
    public var toolVersion: String
    /// Name of the host it runs on.
    public var host: String
    /// Its process id.
    public var process: Int32
    /// Processors that the process may use.
    public var processors: Int
    /// The instructions its kernels use.
    public var instructions: String
    /// The rank it asks for.
    public var requestedRank: Int?

    /// Takes each field as it is.
    public init(
      protocolVersion: UInt16 = ProtocolVersion.current, toolVersion: String = Tool.version,
      host: String, process: Int32, processors: Int, instructions: String, requestedRank: Int? = nil
    ) {
      self.protocolVersion = protocolVersion
      self.toolVersion = toolVersion
      self.host = host
      self.process = process
      self.processors = processors
      self.instructions = instructions
      self.requestedRank = requestedRank
    }
  }

  /// Where a rank receives from a peer: in `bound`, the peer is who will connect; in `connect`, whom to
  /// connect to.
  public struct PeerEndpoint: Hashable, Sendable {
    /// The rank at the other end.
    public var peer: Rank
    /// A ZeroMQ endpoint, such as tcp://127.0.0.1:40001.
    public var endpoint: String

    /// Takes each field as it is.
    public init(peer: Rank, endpoint: String) {
      self.peer = peer
      self.endpoint = endpoint
    }
  }

  /// The message's name in errors.
  public var name: String {
    switch self {
    case .hello: "hello"
    case .bound: "bound"
    case .ready: "ready"
    case .windowDone: "window done"
    case .done: "done"
    case .failed: "failed"
    case .refuse: "refuse"
    case .assign: "assign"
    case .connect: "connect"
    case .window: "window"
    case .begin: "begin"
    case .finish: "finish"
    case .abort: "abort"
    case .alive: "alive"
    }
  }
}

/// The program itself.
public enum Tool {
  /// The release. A coordinator takes nodes of any release that speaks its protocol version.
  public static let version = "0.1.0"
}
