import Hardware
import Quantities

/// The links between all ranks, a full mesh of equal ones, and the widths of what crosses them.
public struct Wires: Hashable, Sendable {
  /// Every link.
  public let link: Link
  /// Bytes of an activation's element on the modelled wire.
  public let activationBytes: Int
  /// Ranks that a wafer may send to; they divide its bandwidth when each has a port of its own.
  public let peers: Int

  /// Links between `ranks` wafers.
  ///
  /// - Precondition: an activation's element has at least a byte.
  public init(link: Link, ranks: Int, activationBytes: Int) {
    precondition(activationBytes > 0, "\(activationBytes) bytes an element")
    self.link = link
    self.activationBytes = activationBytes
    peers = max(ranks - 1, 1)
  }

  /// Tokens and candidates are 4-byte numbers; activations have the experiment's width.
  func bytes(elements: Int, stream: Stream) -> Int {
    switch stream {
    case .activation, .collective: elements * activationBytes
    case .candidates, .token: elements * 4
    }
  }

  /// What a message's bytes take on a port.
  func serialization(bytes: Int) -> EmulatedTime {
    link.serialization(bytes: bytes, peers: peers)
  }

  /// The port that leads to a peer, in either direction.
  func port(to peer: Rank) -> Int32 {
    link.ports == .perPeer ? Int32(peer.index) : 0
  }
}
