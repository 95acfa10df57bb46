import Hardware
import Quantities

/// The links between all ranks, of one topology, and the widths of what crosses them. They are equal, but for
/// those that have figures of their own.
public struct Wires: Hashable, Sendable {
  /// Every link that has no figures of its own.
  public let link: Link
  /// Links that have figures of their own, in order of their ends.
  public let overrides: [LinkOverride]
  /// Which ranks links join.
  public let topology: Topology
  /// Number of ranks.
  public let ranks: Int
  /// Bytes of an activation's element on the modelled wire.
  public let activationBytes: Int
  /// Ports that divide a wafer's bandwidth when each of its links has one of its own.
  public let peers: Int
  /// The kind of each link that has figures of its own.
  let kinds: [LinkOverride.Ends: Kind]

  /// A link's figures, by number: 0 are those of all, 1 on those of `overrides`. Programs whose overrides are
  /// on the same links call the same links by the same kinds.
  typealias Kind = Int32

  /// Links between `ranks` wafers; a full mesh of equal ones unless said otherwise.
  ///
  /// - Precondition: an activation's element has at least a byte, a torus has as many places as there are
  ///   ranks, and each override is of a link that there is, of each one at most.
  public init(
    link: Link, overrides: [LinkOverride] = [], topology: Topology = .fullMesh, ranks: Int,
    activationBytes: Int
  ) {
    precondition(activationBytes > 0, "\(activationBytes) bytes an element")
    precondition(topology.fits(ranks: ranks), "\(ranks) ranks on a \(topology)")
    for override in overrides {
      precondition(
        topology.joins(override.ends.from, override.ends.to, ranks: ranks),
        "no link from \(override.ends.from) to \(override.ends.to)")
    }
    self.link = link
    self.overrides = overrides.sorted { $0.ends < $1.ends }
    self.topology = topology
    self.ranks = ranks
    self.activationBytes = activationBytes
    peers = topology.portsPerWafer(ranks: ranks)
    kinds = Dictionary(
      uniqueKeysWithValues: self.overrides.enumerated().map { ($1.ends, Kind($0 + 1)) })
  }

  /// The same wires with every link alike.
  public var withoutOverrides: Wires {
    overrides.isEmpty
      ? self
      : Wires(link: link, topology: topology, ranks: ranks, activationBytes: activationBytes)
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

  /// The figures of the link from one rank to another.
  @inline(__always)
  func kind(from source: Rank, to destination: Rank) -> Kind {
    kinds.isEmpty ? 0 : kinds[LinkOverride.Ends(from: source, to: destination)] ?? 0
  }

  /// What a message costs on a link of a kind, at both ends.
  struct MessageCost: Hashable, Sendable {
    /// Of the sender's port, before the first byte.
    var sendOverhead: EmulatedTime
    /// Of the sender's port, for the bytes.
    var serialization: EmulatedTime
    /// From the last byte leaving a port to the last byte arriving at the next wafer's.
    var latency: EmulatedTime
    /// Of the receiver's port, for the bytes. Behind a switch there is one, of the whole bandwidth.
    var ingressSerialization: EmulatedTime
    /// Of the receiver, after the last byte.
    var receiveOverhead: EmulatedTime
  }

  /// What a message of so many bytes costs on a link of a kind.
  func cost(bytes: Int, kind: Kind) -> MessageCost {
    let own = kind == 0 ? nil : overrides[Int(kind) - 1]
    let serialization: EmulatedTime
    let ingress: EmulatedTime
    if let bandwidth = own?.bandwidth {
      serialization = EmulatedTime(seconds: Rational(bytes) / bandwidth)
      ingress = serialization
    } else {
      serialization = link.serialization(bytes: bytes, peers: peers)
      if case .switch = topology {
        ingress = link.serialization(bytes: bytes, peers: 1)
      } else {
        ingress = serialization
      }
    }
    return MessageCost(
      sendOverhead: own?.sendOverhead ?? link.sendOverhead, serialization: serialization,
      latency: (own?.latency ?? link.latency) + topology.addedLatency,
      ingressSerialization: ingress,
      receiveOverhead: own?.receiveOverhead ?? link.receiveOverhead)
  }

  /// What a message of tokens takes at least from one rank to another: with every port free.
  public func time(tokens: Int, from source: Rank, to destination: Rank) -> EmulatedTime {
    let bytes = bytes(elements: tokens, stream: .token)
    func time(_ kind: Kind) -> EmulatedTime {
      let cost = cost(bytes: bytes, kind: kind)
      return cost.sendOverhead + cost.serialization + cost.latency + cost.receiveOverhead
    }
    guard !overrides.isEmpty else {
      let hops = topology.distance(from: source, to: destination, ranks: ranks)
      return EmulatedTime(picoseconds: time(0).picoseconds * Int64(hops))
    }
    var sum = EmulatedTime.zero
    var before = source
    for rank in topology.route(from: source, to: destination, ranks: ranks) {
      sum += time(kind(from: before, to: rank))
      before = rank
    }
    return sum
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
