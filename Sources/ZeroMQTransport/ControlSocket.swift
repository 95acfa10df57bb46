import Messaging
import Runtime
import ZeroMQ

/// The coordinator's end of the control connections: frames in and out, who may connect, and whose connection has
/// ended.
///
/// For one thread at a time. Each turn of its user begins with `admit` and `noteEndedConnections`, then takes all
/// frames that are there, and then looks at `disconnected`.
final class ControlSocket {
  /// Where nodes reach it, as it was bound.
  let endpoint: String
  private var router: Socket<Router>
  private var monitor: Monitor
  private var connections = ConnectionTable()
  private var authenticator: Authenticator?
  private let admission: Admission
  private let refusal: @Sendable (Int, String) -> Void
  /// Of how many refusals somebody has been told.
  private var told = 0

  /// The parameters are `Coordinator`'s.
  ///
  /// Throws `ZeroMQError` when it cannot be bound.
  init(
    address: String, keys: CoordinatorKeys?, refusal: @escaping @Sendable (Int, String) -> Void
  ) throws(ZeroMQError) {
    var options = SocketOptions()
    options.maximumMessageSize = ControlLimits.largestFrame
    options.backlog = 1024
    // What may be under way to a node is far less than its queue takes; one that reads nothing is lost.
    options.sendTimeout = .after(.seconds(1))
    let context = try Context()
    if let keys {
      authenticator = try Authenticator(in: context)
      options.security = .curveServer(keys.own)
      options.authenticationDomain = "control"
    }
    // A node keeps its name when its connection is made anew.
    router = try Socket<Router>(in: context, handover: true, options: options)
    monitor = try Monitor(router)
    endpoint = try router.bind(Endpoint(rawValue: address)).rawValue
    admission = Admission(keys?.admitted ?? [])
    self.refusal = refusal
  }

  /// Lets a poller wait for it. Returns where the poller says that frames are there.
  func add(to poller: inout Poller) -> Poller.Token {
    let readable = poller.add(router, for: .readable)
    if authenticator != nil { _ = poller.add(authenticator!, for: .readable) }
    return readable
  }

  /// Answers those who want to connect.
  func admit() throws(ZeroMQError) {
    if authenticator != nil { try admission.answer(&authenticator!) }
  }

  /// Tells of strangers when there are twice as many as last time, so that a thousand are ten lines.
  func tellRefusals() {
    let (count, address) = admission.refused
    guard count > 0, count >= 2 * told else { return }
    told = count
    refusal(count, address)
  }

  /// Sees which connections have ended. What came over them before is heard after this, so that a node is said to
  /// be disconnected behind its last word.
  func noteEndedConnections() throws(ZeroMQError) {
    var ended: [Int32] = []
    do {
      while true {
        if case .disconnected(let descriptor) = try monitor.receive(.dontWait).kind {
          ended.append(descriptor)
        }
      }
    } catch  where error.code == .again {
      connections.begin(ended: ended)
    }
  }

  /// Who has lost its connection in this turn, and has no other.
  var disconnected: [NodeIdentity] { connections.disconnected }

  /// The next frame; `nil` when none is there. Control frames have one part; what has more is a stranger's, or
  /// spoilt, and is dropped: a node's would be missed, as its words are counted.
  func nextFrame() throws(ZeroMQError) -> (NodeIdentity, [UInt8])? {
    do {
      var frame = Message()
      while true {
        let sender = NodeIdentity(try router.receive(into: &frame, .dontWait).bytes)
        guard !router.hasMore else {
          try router.dropRemainingParts()
          continue
        }
        if let connection = frame.connectionDescriptor {
          connections.heard(sender, over: connection)
        }
        return (sender, frame.copyBytes())
      }
    } catch  where error.code == .again {
      return nil
    }
  }

  /// Sends a word. That a node has gone is no error; its exit, its connection or its silence will say so.
  func send(_ message: ControlMessage, to node: NodeIdentity) throws(ZeroMQError) {
    do {
      try router.send(message.encoded(), to: RoutingID(node.bytes))
    } catch  where error.code == .hostUnreachable || error.code == .again {}
  }
}
