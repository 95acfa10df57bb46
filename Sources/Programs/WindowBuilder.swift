import Hardware
import Models
import Quantities

/// Writes a window: allocates values and appends priced instructions, rank by rank.
///
/// Every message of every program is made here, so the price of a send, its port, and the receive that
/// matches it are decided in one place.
struct WindowBuilder {
  let wires: Wires
  private(set) var ranks: [RankWindow]
  private var buffers: [Int]

  init(ranks: Int, wires: Wires) {
    self.wires = wires
    self.ranks = Array(repeating: RankWindow(), count: ranks)
    buffers = Array(repeating: 0, count: ranks)
  }

  /// Makes a buffer of consecutive pieces and returns a value for each.
  mutating func allocate(_ pieces: [Int], on rank: Rank) -> Values {
    let first = ranks[rank.index].values.count
    var offset = 0
    for elements in pieces {
      ranks[rank.index].values.append(
        ValuePlace(buffer: buffers[rank.index], offset: offset, elements: elements))
      offset += elements
    }
    buffers[rank.index] += 1
    return Values(first: first, count: pieces.count)
  }

  /// Makes a buffer cut like the one that holds `values`.
  mutating func allocate(like values: Values, on rank: Rank) -> Values {
    allocate(values.indices.map { ranks[rank.index].values[$0].elements }, on: rank)
  }

  /// Makes a buffer of one value.
  mutating func allocate(_ elements: Int, on rank: Rank) -> Values {
    allocate([elements], on: rank)
  }

  func elements(of values: Values, on rank: Rank) -> Int {
    values.indices.reduce(0) { $0 + ranks[rank.index].values[$1].elements }
  }

  mutating func compute(_ work: Compute, on rank: Rank) {
    ranks[rank.index].instructions.append(.compute(work))
  }

  mutating func send(_ values: Values, from rank: Rank, to peer: Rank, stream: Stream) {
    let elements = elements(of: values, on: rank)
    let cost = wires.cost(elements: elements, stream: stream)
    ranks[rank.index].instructions.append(
      .send(
        Send(
          to: peer, stream: stream, port: wires.port(to: peer),
          holdsPortUntilDelivery: wires.link.hold == .delivery, values: values, elements: elements,
          bytes: cost.bytes, overhead: wires.link.sendOverhead, serialization: cost.serialization,
          latency: wires.link.latency)))
  }

  mutating func receive(_ values: Values, at rank: Rank, from peer: Rank, stream: Stream) {
    let elements = elements(of: values, on: rank)
    let cost = wires.cost(elements: elements, stream: stream)
    ranks[rank.index].instructions.append(
      .receive(
        Receive(
          from: peer, stream: stream, port: wires.port(to: peer), values: values,
          elements: elements, bytes: cost.bytes, serialization: cost.serialization,
          overhead: wires.link.receiveOverhead)))
  }

  /// Receives one message from each source, served as they arrive.
  mutating func receiveSet(
    _ members: [(values: Values, from: Rank)], at rank: Rank, stream: Stream
  ) {
    guard members.count > 1 else {
      for member in members {
        receive(member.values, at: rank, from: member.from, stream: stream)
      }
      return
    }
    ranks[rank.index].instructions.append(.receiveSet(count: members.count))
    for member in members {
      receive(member.values, at: rank, from: member.from, stream: stream)
    }
  }

  func window(index: Int, batches: [Batch] = [], outputs: [Window.Output] = []) -> Window {
    Window(index: index, batches: batches, ranks: ranks, outputs: outputs)
  }
}

/// The links between all ranks, a full mesh of equal ones, and the widths of what crosses them.
public struct Wires: Hashable, Sendable {
  public let link: Link
  /// Bytes of an activation's element on the modelled wire.
  public let activationBytes: Int
  /// Ranks that a wafer may send to; they divide its bandwidth when each has a port of its own.
  public let peers: Int

  public init(link: Link, ranks: Int, activationBytes: Int) {
    self.link = link
    self.activationBytes = activationBytes
    peers = max(ranks - 1, 1)
  }

  /// Tokens and candidates are 4-byte numbers; activations have the experiment's width.
  func cost(elements: Int, stream: Stream) -> (bytes: Int, serialization: EmulatedTime) {
    let width =
      switch stream {
      case .activation, .collective: activationBytes
      case .candidates, .token: 4
      }
    let bytes = elements * width
    return (bytes, link.serialization(bytes: bytes, peers: peers))
  }

  /// The port that leads to a peer, in either direction.
  func port(to peer: Rank) -> Int32 {
    link.ports == .perPeer ? Int32(peer.index) : 0
  }
}
