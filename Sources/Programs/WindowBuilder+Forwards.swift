/// What a builder remembers of messages that take several hops.
struct Forwarding {
  /// A message whose first hop is written.
  struct Message {
    /// Ranks after the sender, the receiver last.
    let route: [Rank]
    let stream: Stream
    let elements: Int
    let bytes: Int
  }

  /// A stream's last hop: where the messages of several senders follow each other.
  struct Delivery: Hashable {
    let from: Rank
    let to: Rank
    let stream: Stream
  }

  /// A place for what a rank sends on at once.
  struct Relay: Hashable {
    let rank: Rank
    let elements: Int
  }

  /// What waits to be sent on, in the order in which it was sent.
  var waiting: [Stream: [Message]] = [:]
  /// The senders of what was put on a last hop and is not received yet, in that hop's order.
  var deliveries: [Delivery: [Rank]] = [:]
  var relays: [Relay: Values] = [:]
}

/// Forwarding, store and forward: each rank on the way receives a message and sends it on.
///
/// Why every stream is read in the order it is written in:
///
/// - A message ends in the stream it was sent to, which is then that of the last hop. Before, it is in
///   `forward`, or `tokenForward`, of each hop. So a stream holds either what its receiver keeps or
///   what it sends on.
/// - What waits is sent on hop by hop: first everything over its second hop, then what goes further over
///   its third, always in the order of the original sends. When the messages of hop h are read from a
///   link's `forward`, all were written in that order, and those of hop h + 1 are written behind them.
/// - On the last hop the messages of several senders may follow each other. `deliveries` holds their order:
///   a set is put in it, and a single receive out of order is a mistake of the program's author.
/// - Tokens are received a window later than they are sent. Of these a rank gets only one sender's, so
///   that their order is the sender's.
///
/// Each send is appended before its receive, over all ranks, and every rank's list is a part of that
/// order: forwards add no deadlock.
extension WindowBuilder {
  /// The stream of a message's hops before its last.
  private static func transit(_ stream: Stream) -> Stream {
    stream == .token ? .tokenForward : .forward
  }

  /// Writes the first hop.
  mutating func sendRouted(
    _ values: Values, from rank: Rank, to peer: Rank, stream: Stream, elements: Int, bytes: Int
  ) {
    let route = wires.topology.route(from: rank, to: peer, ranks: wires.ranks)
    let transit = Self.transit(stream)
    append(
      sendOf: values, from: rank, to: route[0], stream: route.count == 1 ? stream : transit,
      elements: elements, bytes: bytes, port: wires.port(to: route[0]))
    if route.count == 1 {
      deliver(from: rank, over: rank, to: peer, stream: stream)
    } else {
      forwarding.waiting[transit, default: []].append(
        Forwarding.Message(
          route: [rank] + route, stream: stream, elements: elements, bytes: bytes))
    }
  }

  /// Sends on all that waits, up to its last hop.
  mutating func forward(_ transit: Stream) {
    guard var messages = forwarding.waiting.removeValue(forKey: transit) else { return }
    var hop = 1
    while !messages.isEmpty {
      for message in messages {
        let route = message.route
        let rank = route[hop]
        let isLast = hop == route.count - 2
        let relay = relay(elements: message.elements, on: rank)
        let isToken = transit == .tokenForward
        append(
          receiveOf: relay, at: rank, from: route[hop - 1], stream: transit,
          elements: message.elements, bytes: message.bytes,
          port: isToken ? wires.tokenLane(of: rank) : wires.ingressPort(from: route[hop - 1]))
        append(
          sendOf: relay, from: rank, to: route[hop + 1],
          stream: isLast ? message.stream : transit, elements: message.elements,
          bytes: message.bytes,
          port: isToken ? wires.tokenLane(of: rank) : wires.port(to: route[hop + 1]))
        if isLast {
          deliver(from: route[0], over: rank, to: route[hop + 1], stream: message.stream)
        }
      }
      hop += 1
      messages.removeAll { $0.route.count - 2 < hop }
    }
  }

  /// Sees that a message comes to its receiver, and returns the rank that it comes from.
  mutating func arrive(at rank: Rank, from peer: Rank, stream: Stream) -> Rank {
    let source = lastHop(from: peer, to: rank)
    guard stream != .token else { return source }
    if source != peer { forward(Self.transit(stream)) }
    let delivery = Forwarding.Delivery(from: source, to: rank, stream: stream)
    let next = forwarding.deliveries[delivery]?.first
    precondition(
      next == peer,
      "\(rank) receives a message of \(peer) on stream \(stream) from \(source), where the next is "
        + (next.map { "that of \($0)" } ?? "none"))
    forwarding.deliveries[delivery]!.removeFirst()
    return source
  }

  /// The members of a set in the order in which their streams hold them. They are served by their
  /// arrivals, so that the order decides nothing but which message is which.
  mutating func inOrderOfDelivery(
    _ members: [(values: Values, from: Rank)], at rank: Rank, stream: Stream
  ) -> [(values: Values, from: Rank)] {
    forward(Self.transit(stream))
    let places = members.enumerated().map { index, member in
      let source = lastHop(from: member.from, to: rank)
      let delivery = Forwarding.Delivery(from: source, to: rank, stream: stream)
      let place = forwarding.deliveries[delivery]?.firstIndex(of: member.from) ?? 0
      return (source: source, place: place, index: index)
    }
    return places.sorted { ($0.source, $0.place, $0.index) < ($1.source, $1.place, $1.index) }
      .map { members[$0.index] }
  }

  private func lastHop(from peer: Rank, to rank: Rank) -> Rank {
    let route = wires.topology.route(from: peer, to: rank, ranks: wires.ranks)
    return route.count == 1 ? peer : route[route.count - 2]
  }

  private mutating func deliver(from: Rank, over: Rank, to: Rank, stream: Stream) {
    // Tokens are received in another window; see above.
    guard stream != .token else { return }
    forwarding.deliveries[.init(from: over, to: to, stream: stream), default: []].append(from)
  }

  /// One place for each number of elements: what comes is sent on before the next is received.
  private mutating func relay(elements: Int, on rank: Rank) -> Values {
    let key = Forwarding.Relay(rank: rank, elements: elements)
    if let known = forwarding.relays[key] { return known }
    let made = allocate(elements, on: rank)
    forwarding.relays[key] = made
    return made
  }
}
