import Hardware
import Quantities

/// The links between all ranks, equal ones of one topology, and the widths of what crosses them.
public struct Wires: Hashable, Sendable {
  /// Every link.
  public let link: Link
  /// Which ranks links join.
  public let topology: Topology
  /// Number of ranks.
  public let ranks: Int
  /// Bytes of an activation's element on the modelled wire.
  public let activationBytes: Int
  /// Ports that divide a wafer's bandwidth when each of its links has one of its own.
  public let peers: Int

  /// Links between `ranks` wafers; a full mesh unless said otherwise.
  ///
  /// - Precondition: an activation's element has at least a byte, and a torus has as many places as
  ///   there are ranks.
  public init(link: Link, topology: Topology = .fullMesh, ranks: Int, activationBytes: Int) {
    precondition(activationBytes > 0, "\(activationBytes) bytes an element")
    precondition(topology.fits(ranks: ranks), "\(ranks) ranks on a \(topology)")
    self.link = link
    self.topology = topology
    self.ranks = ranks
    self.activationBytes = activationBytes
    peers = topology.portsPerWafer(ranks: ranks)
  }

  /// Tokens and candidates are 4-byte numbers; activations have the experiment's width.
  ///
  /// - Precondition: the stream is one that a message ends in, whatever carries it on its way.
  func bytes(elements: Int, stream: Stream) -> Int {
    switch stream {
    case .activation, .collective: elements * activationBytes
    case .candidates, .token: elements * 4
    case .forward, .tokenForward: preconditionFailure("\(stream) has no width of its own")
    }
  }

  /// From the last byte leaving a port to the last byte arriving at the next wafer's.
  var latency: EmulatedTime { link.latency + topology.addedLatency }

  /// What a message of tokens takes at least from one rank to another: with every port free.
  public func time(tokens: Int, from source: Rank, to destination: Rank) -> EmulatedTime {
    let bytes = bytes(elements: tokens, stream: .token)
    let hop =
      link.sendOverhead + serialization(bytes: bytes) + latency + link.receiveOverhead
    let hops = topology.distance(from: source, to: destination, ranks: ranks)
    return EmulatedTime(picoseconds: hop.picoseconds * Int64(hops))
  }

  /// What a message's bytes take on an egress port.
  func serialization(bytes: Int) -> EmulatedTime {
    link.serialization(bytes: bytes, peers: peers)
  }

  /// What a message's bytes take on an ingress port. Behind a switch there is one, of the whole
  /// bandwidth.
  func ingressSerialization(bytes: Int) -> EmulatedTime {
    if case .switch = topology { return link.serialization(bytes: bytes, peers: 1) }
    return serialization(bytes: bytes)
  }

  /// The port through which messages to a peer leave.
  func port(to peer: Rank) -> Int32 {
    link.ports == .perPeer ? Int32(peer.index) : 0
  }

  /// The port through which messages of a peer come.
  func ingressPort(from peer: Rank) -> Int32 {
    if case .switch = topology { return 0 }
    return port(to: peer)
  }

  /// The lane, on either side of `rank`, of tokens that pass it on their way back to the first stage. A
  /// rank has no port to itself, so that its own number is free.
  func tokenLane(of rank: Rank) -> Int32 {
    link.ports == .perPeer ? Int32(rank.index) : 1
  }
}
