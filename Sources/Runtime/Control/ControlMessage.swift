import Messaging
import Programs
import Quantities

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
///  done             ──▶                       what I have to tell
///  hello            ──▶                       I wait for the next run
///                   ◀──       dismiss          there is none: leave
/// ```
/// While it loads, a node may ask for weights: `wantWeights` ▸ `weights`, `wantChunk` ▸ `chunk`. At any time:
/// `alive` either way; `ping` ▸ `pong`, which tells how clocks stand, and whether every word has come; `failed`
/// from a node, or `astray`; `abort` from the coordinator, or `again`, after which the node says `hello` once more.
/// Anyone may ask for the `status`, and gets the `members`.
public enum ControlMessage: Sendable {
  // From a node.
  case hello(Hello)
  case bound([PeerEndpoint])
  case ready(weightBytes: Int)
  case windowDone(WindowReport)
  case done(NodeReport)
  case failed(String)
  case wantWeights(WeightRequest)
  /// The coordinator's words do not follow each other: one was lost with its connection, or came twice.
  case astray(String)
  case pong(Pong)
  // From the coordinator.
  case refuse(String)
  case assign(Assignment)
  case connect([PeerEndpoint])
  case window(NodeWindow)
  case begin
  case finish
  case abort(String)
  /// The run of this number is over, because a node was lost; stay for it to be run again.
  case again(String, run: UInt64)
  /// Leave: nothing is left to do.
  case dismiss
  case weights(WeightAnswer)
  case ping(Ping)
  case members(ClusterStatus)
  // Either way.
  case alive
  // From anyone.
  case status

  /// Who a node is.
  public struct Hello: Hashable, Codable, Sendable {
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
    /// Bytes of memory that its host has.
    public var memory: Int
    /// Tells hosts apart, and one start of a host from the next: processes with the same have one clock.
    public var boot: String
    /// The node's public key in a secured cluster; empty in an open one.
    public var key: String
    /// The last run of which it has heard; 0 before the first. A hello is said again until it is answered, so one
    /// may come when it was answered already: who has served a run has heard of it.
    public var run: UInt64

    /// Takes each field as it is.
    public init(
      protocolVersion: UInt16 = ProtocolVersion.current, toolVersion: String = Tool.version,
      host: String, process: Int32, processors: Int, instructions: String,
      requestedRank: Int? = nil, memory: Int = 0, boot: String = "", key: String = "",
      run: UInt64 = 0
    ) {
      self.protocolVersion = protocolVersion
      self.toolVersion = toolVersion
      self.host = host
      self.process = process
      self.processors = processors
      self.instructions = instructions
      self.requestedRank = requestedRank
      self.memory = memory
      self.boot = boot
      self.key = key
      self.run = run
    }
  }

  /// Where a rank receives from a peer: in `bound`, the peer is who will connect; in `connect`, whom to
  /// connect to.
  public struct PeerEndpoint: Hashable, Sendable {
    /// The rank at the other end.
    public var peer: Rank
    /// A ZeroMQ endpoint, such as tcp://127.0.0.1:40001.
    public var endpoint: String
    /// In `connect`, the peer's public key in a secured cluster; else empty.
    public var key: String

    /// Takes each field as it is.
    public init(peer: Rank, endpoint: String, key: String = "") {
      self.peer = peer
      self.endpoint = endpoint
      self.key = key
    }
  }

  /// What the coordinator says once a second to each node of a run.
  public struct Ping: Hashable, Sendable {
    /// The run under way.
    public var run: UInt64
    /// The coordinator's clock when it sent it.
    public var sent: MeasuredTime
    /// Words of the run that it has said to this node.
    public var words: Int

    /// Takes each field as it is.
    public init(run: UInt64, sent: MeasuredTime, words: Int) {
      self.run = run
      self.sent = sent
      self.words = words
    }
  }

  /// A node's answer. Both sides count words, because a connection that is cut and made anew loses those that
  /// were under way, and neither side is told.
  public struct Pong: Hashable, Sendable {
    /// What it answers.
    public var ping: Ping
    /// The node's clock when the ping came.
    public var node: MeasuredTime
    /// The run that the node was last assigned to; 0 before the first.
    public var run: UInt64
    /// Words of that run that it has heard from the coordinator.
    public var heard: Int
    /// Words of that run that it has said to it.
    public var said: Int

    /// Takes each field as it is.
    public init(ping: Ping, node: MeasuredTime, run: UInt64, heard: Int, said: Int) {
      self.ping = ping
      self.node = node
      self.run = run
      self.heard = heard
      self.said = said
    }
  }

  /// The message's name in errors.
  public var name: String { kind.name }
}

/// The program itself.
public enum Tool {
  /// The release. A coordinator takes nodes of any release that speaks its protocol version.
  public static let version = "0.1.0"
}
