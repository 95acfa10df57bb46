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
  /// scratch[rank]: see `scratch(like:copies:on:)`.
  private var scratch: [[Scratch: Values]]
  /// What messages of a number of bytes cost; an exact division is slow.
  private var serializations: [Int: EmulatedTime] = [:]

  private struct Scratch: Hashable {
    let like: Values
    let copies: Int
  }

  init(ranks: Int, wires: Wires) {
    self.wires = wires
    self.ranks = Array(repeating: RankWindow(), count: ranks)
    buffers = Array(repeating: 0, count: ranks)
    scratch = Array(repeating: [:], count: ranks)
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

  /// Makes a buffer of one value.
  mutating func allocate(_ elements: Int, on rank: Rank) -> Values {
    allocate([elements], on: rank)
  }

  /// Values for what is received and at once added to others: `copies` times as many as `values`, of
  /// the same sizes. The next collective on the same values gets the same scratch, so that a rank
  /// needs room for one, not for one a layer.
  mutating func scratch(like values: Values, copies: Int = 1, on rank: Rank) -> Values {
    let key = Scratch(like: values, copies: copies)
    if let known = scratch[rank.index][key] { return known }
    let pieces = values.indices.map { ranks[rank.index].values[$0].elements }
    let made = allocate((0..<copies).flatMap { _ in pieces }, on: rank)
    scratch[rank.index][key] = made
    return made
  }

  func elements(of values: Values, on rank: Rank) -> Int {
    values.indices.reduce(0) { $0 + ranks[rank.index].values[$1].elements }
  }

  /// Appends a kernel, and returns its place in the rank's list.
  @discardableResult
  mutating func compute(_ work: Compute, on rank: Rank) -> Int {
    ranks[rank.index].instructions.append(.compute(work))
    return ranks[rank.index].instructions.count - 1
  }

  mutating func send(_ values: Values, from rank: Rank, to peer: Rank, stream: Stream) {
    let elements = elements(of: values, on: rank)
    let bytes = wires.bytes(elements: elements, stream: stream)
    ranks[rank.index].instructions.append(
      .send(
        Send(
          to: peer, stream: stream, port: wires.port(to: peer),
          holdsPortUntilDelivery: wires.link.hold == .delivery, values: values, elements: elements,
          bytes: bytes, overhead: wires.link.sendOverhead,
          serialization: serialization(bytes: bytes), latency: wires.link.latency)))
  }

  mutating func receive(_ values: Values, at rank: Rank, from peer: Rank, stream: Stream) {
    let elements = elements(of: values, on: rank)
    let bytes = wires.bytes(elements: elements, stream: stream)
    ranks[rank.index].instructions.append(
      .receive(
        Receive(
          from: peer, stream: stream, port: wires.port(to: peer), values: values,
          elements: elements, bytes: bytes, serialization: serialization(bytes: bytes),
          overhead: wires.link.receiveOverhead)))
  }

  /// Receives one message from each source, served as they arrive.
  mutating func receiveSet(
    _ members: [(values: Values, from: Rank)], at rank: Rank, stream: Stream
  ) {
    if members.count > 1 {
      ranks[rank.index].instructions.append(.receiveSet(count: members.count))
    }
    for member in members {
      receive(member.values, at: rank, from: member.from, stream: stream)
    }
  }

  private mutating func serialization(bytes: Int) -> EmulatedTime {
    if let known = serializations[bytes] { return known }
    let time = wires.serialization(bytes: bytes)
    serializations[bytes] = time
    return time
  }

  func window(index: Int, batches: [Batch] = [], outputs: [Window.Output] = []) -> Window {
    Window(index: index, batches: batches, ranks: ranks, outputs: outputs)
  }
}
