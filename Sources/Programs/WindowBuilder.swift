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
  /// What messages of a number of bytes cost on a kind of link; an exact division is slow.
  private var costs: [Sized: Wires.MessageCost] = [:]
  /// Messages that ranks between have yet to send on, and what they need for it.
  var forwarding: Forwarding

  private struct Scratch: Hashable {
    let like: Values
    let copies: Int
  }

  private struct Sized: Hashable {
    let bytes: Int
    let kind: Wires.Kind
  }

  init(ranks: Int, wires: Wires) {
    self.wires = wires
    forwarding = Forwarding()
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

  /// Appends an arrival whose times are set later, and returns its place in the rank's list.
  mutating func addArrival(of values: Values, on rank: Rank) -> Int {
    ranks[rank.index].instructions.append(.arrive(Arrive(values, at: Arrival(arrived: .zero))))
    return ranks[rank.index].instructions.count - 1
  }

  /// Sends values to a rank, over as many hops as the topology asks for.
  ///
  /// The ranks between send them on when the message, or another of its kind, is received, or at the
  /// window's end; see `WindowBuilder+Forwards`.
  mutating func send(_ values: Values, from rank: Rank, to peer: Rank, stream: Stream) {
    let elements = elements(of: values, on: rank)
    let bytes = wires.bytes(elements: elements, stream: stream)
    guard wires.topology.isDirect else {
      return sendRouted(
        values, from: rank, to: peer, stream: stream, elements: elements, bytes: bytes)
    }
    append(
      sendOf: values, from: rank, to: peer, stream: stream, elements: elements, bytes: bytes,
      port: wires.port(to: peer))
  }

  /// Receives what `peer` sent, from it or from the last rank on the way.
  mutating func receive(_ values: Values, at rank: Rank, from peer: Rank, stream: Stream) {
    let source =
      wires.topology.isDirect ? peer : arrive(at: rank, from: peer, stream: stream)
    let elements = elements(of: values, on: rank)
    append(
      receiveOf: values, at: rank, from: source, stream: stream, elements: elements,
      bytes: wires.bytes(elements: elements, stream: stream),
      port: wires.ingressPort(from: source))
  }

  /// Receives one message from each source, served as they arrive.
  mutating func receiveSet(
    _ members: [(values: Values, from: Rank)], at rank: Rank, stream: Stream
  ) {
    // Sends on what is on its way, so that nothing comes between the set's members.
    let members =
      wires.topology.isDirect
      ? members : inOrderOfDelivery(members, at: rank, stream: stream)
    if members.count > 1 {
      ranks[rank.index].instructions.append(.receiveSet(count: members.count))
    }
    for member in members {
      receive(member.values, at: rank, from: member.from, stream: stream)
    }
  }

  /// Appends one hop's send.
  mutating func append(
    sendOf values: Values, from rank: Rank, to peer: Rank, stream: Stream, elements: Int,
    bytes: Int, port: Int32
  ) {
    let cost = cost(bytes: bytes, from: rank, to: peer)
    ranks[rank.index].instructions.append(
      .send(
        Send(
          to: peer, stream: stream, port: port,
          holdsPortUntilDelivery: wires.link.hold == .delivery, values: values, elements: elements,
          bytes: bytes, overhead: cost.sendOverhead, serialization: cost.serialization,
          latency: cost.latency)))
  }

  /// Appends one hop's receive.
  mutating func append(
    receiveOf values: Values, at rank: Rank, from peer: Rank, stream: Stream, elements: Int,
    bytes: Int, port: Int32
  ) {
    let cost = cost(bytes: bytes, from: peer, to: rank)
    ranks[rank.index].instructions.append(
      .receive(
        Receive(
          from: peer, stream: stream, port: port, values: values, elements: elements,
          bytes: bytes, serialization: cost.ingressSerialization, overhead: cost.receiveOverhead)))
  }

  private mutating func cost(bytes: Int, from source: Rank, to destination: Rank)
    -> Wires.MessageCost
  {
    let kind = wires.kind(from: source, to: destination)
    let sized = Sized(bytes: bytes, kind: kind)
    if let known = costs[sized] { return known }
    let made = wires.cost(bytes: bytes, kind: kind)
    costs[sized] = made
    return made
  }

  /// The window as it was written; what is on its way is sent on first.
  mutating func window(
    index: Int, batches: [Batch] = [], outputs: [Window.Output] = []
  ) -> Window {
    forward(.forward)
    forward(.tokenForward)
    return Window(index: index, batches: batches, ranks: ranks, outputs: outputs)
  }
}
