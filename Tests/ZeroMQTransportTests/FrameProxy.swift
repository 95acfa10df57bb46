import Foundation
import Messaging
import Programs
import Runtime
import Synchronization
import TestSupport
import ZeroMQ

/// Stands between nodes and their coordinator, and between every two nodes.
///
/// Control frames pass as they are, except the endpoints in `bound`: for each the proxy makes one of its
/// own, so that data messages pass through it too. There it holds some back for a random time, and may
/// rewrite headers, or give other messages in place of one.
final class FrameProxy: Sendable {
  /// Where nodes find it.
  let endpoint: String
  private let stopped = Mutex(false)
  private let thread: Mutex<Worker<Int>?>

  /// - Parameters:
  ///   - coordinator: The endpoint to pass control frames to.
  ///   - seed: Of the waits.
  ///   - rewrite: Changes the header of a message to a rank.
  ///   - replace: What goes on in place of a message to a rank: none, itself, or others, each of some frames.
  init(
    coordinator: String, seed: UInt64,
    rewrite: @escaping @Sendable (inout MessageHeader, Rank) -> Void = { _, _ in },
    replace: @escaping @Sendable ([[UInt8]], Rank) -> [[[UInt8]]] = { frames, _ in [frames] }
  ) throws {
    let context = try Context()
    var front = try Socket<Router>(in: context)
    endpoint = try front.bind("tcp://127.0.0.1:*").rawValue
    let state = State(
      context: context, coordinator: Endpoint(rawValue: coordinator), front: front, seed: seed,
      rewrite: rewrite, replace: replace)
    thread = Mutex(nil)
    let handover = Handover(state)
    let worker = Worker { [self] in
      let state = handover.state
      while !stopped.withLock({ $0 }) { try state.turn() }
      return state.forwarded
    }
    thread.withLock { $0 = worker }
  }

  /// Ends it, and gives the data messages that it passed on.
  func stop() throws -> Int {
    stopped.withLock { $0 = true }
    return try thread.withLock { $0 }!.join()
  }

  /// `@unchecked Sendable`: the state is made on one thread and used on one other.
  private final class Handover: @unchecked Sendable {
    let state: State
    init(_ state: State) { self.state = state }
  }

  private final class Node {
    let identity: RoutingID
    var back: Socket<Dealer>
    let token: Poller.Token
    var rank = Rank(0)

    init(_ identity: RoutingID, _ back: consuming Socket<Dealer>, _ token: Poller.Token) {
      self.identity = identity
      self.back = back
      self.token = token
    }
  }

  private final class Channel {
    var from: Socket<Pull>
    var to: Socket<Push>
    let rank: Rank
    let token: Poller.Token
    /// In order: what is behind a late message is late too.
    var held: [(due: ContinuousClock.Instant, frames: [[UInt8]])] = []

    init(
      _ from: consuming Socket<Pull>, _ to: consuming Socket<Push>, _ rank: Rank,
      _ token: Poller.Token
    ) {
      self.from = from
      self.to = to
      self.rank = rank
      self.token = token
    }
  }

  private final class State {
    let context: Context
    let coordinator: Endpoint
    var front: Socket<Router>
    var poller = Poller()
    let frontToken: Poller.Token
    var nodes: [RoutingID: Node] = [:]
    var channels: [Channel] = []
    var generator: SeededGenerator
    let rewrite: (inout MessageHeader, Rank) -> Void
    let replace: ([[UInt8]], Rank) -> [[[UInt8]]]
    var forwarded = 0

    init(
      context: Context, coordinator: Endpoint, front: consuming Socket<Router>, seed: UInt64,
      rewrite: @escaping (inout MessageHeader, Rank) -> Void,
      replace: @escaping ([[UInt8]], Rank) -> [[[UInt8]]]
    ) {
      self.context = context
      self.coordinator = coordinator
      self.front = front
      generator = SeededGenerator(seed: seed)
      self.rewrite = rewrite
      self.replace = replace
      frontToken = poller.add(self.front, for: .readable)
    }

    /// Passes on what there is.
    func turn() throws {
      _ = try poller.wait(.after(.milliseconds(1)))
      while let (sender, parts) = try received({ try front.receiveParts(.dontWait) }) {
        try fromNode(sender, Array(parts.joined()))
      }
      for node in nodes.values {
        while let parts = try received({ try node.back.receiveParts(.dontWait) }) {
          let frame = Array(parts.joined())
          if case .success(.assign(let assignment)) = ControlMessage.reading(frame) {
            node.rank = assignment.rank
          }
          // A node that has left needs no answer.
          try? front.send(frame, to: node.identity)
        }
      }
      for channel in channels { try pass(channel) }
    }

    private func fromNode(_ sender: RoutingID, _ frame: [UInt8]) throws {
      if nodes[sender] == nil {
        var back = try Socket<Dealer>(in: context)
        try back.connect(coordinator)
        let token = poller.add(back, for: .readable)
        nodes[sender] = Node(sender, back, token)
      }
      let node = nodes[sender]!
      guard case .success(.bound(let places)) = ControlMessage.reading(frame) else {
        return try node.back.send(frame)
      }
      let own = try places.map { place in
        var from = try Socket<Pull>(in: context)
        let endpoint = try from.bind("tcp://127.0.0.1:*")
        var to = try Socket<Push>(in: context)
        try to.connect(Endpoint(rawValue: place.endpoint))
        let token = poller.add(from, for: .readable)
        channels.append(Channel(from, to, node.rank, token))
        return ControlMessage.PeerEndpoint(peer: place.peer, endpoint: endpoint.rawValue)
      }
      try node.back.send(ControlMessage.bound(own).encoded())
    }

    private func pass(_ channel: Channel) throws {
      let now = ContinuousClock.now
      while var frames = try received({ try channel.from.receiveParts(.dontWait) }) {
        var header = try frames[0].withUnsafeBytes { bytes in try MessageHeader(reading: bytes) }
        rewrite(&header, channel.rank)
        frames[0].withUnsafeMutableBytes { header.write(into: $0) }
        let isLate = Int.random(in: 0..<8, using: &generator) == 0
        let wait = isLate ? Int.random(in: 0...2000, using: &generator) : 0
        for message in replace(frames, channel.rank) {
          channel.held.append((now + .microseconds(wait), message))
        }
      }
      while let first = channel.held.first, first.due <= now {
        try channel.to.send(parts: first.frames)
        channel.held.removeFirst()
        forwarded += 1
      }
    }

    /// What a receive gives, or `nil` when there is nothing.
    private func received<Value>(_ receive: () throws -> Value) throws -> Value? {
      do {
        return try receive()
      } catch let error as ZeroMQError where error.code == .again {
        return nil
      }
    }
  }
}
