import Hardware
import Quantities

extension TimeGraph {
  /// What a run of graphs works in; kept from window to window for its memory.
  struct Workspace: Sendable {
    /// The time of each node.
    var stamps: [Stamp] = []
    /// The value of each served message.
    fileprivate var served: [Stamp] = []
    /// The order in which a set is served.
    fileprivate var order: [Int] = []
  }

  /// What times are worked out from.
  struct Prices: Sendable {
    var costs: [Cost] = []
    var arrivals: [Arrival] = []
    var messages: [Message] = []
    var deliveries: [Delivery] = []
  }

  /// Works out all times.
  ///
  /// - Parameters:
  ///   - state: The time of each class of the frontier.
  ///   - space: Holds the nodes' times afterwards.
  /// - Returns: whether they are exact: `false` when a tie makes it matter in which order ranks stand, and
  ///   the graph was built without it.
  func run(from state: [Stamp], _ prices: Prices, in space: inout Workspace) -> Bool {
    if space.stamps.count < nodes.count {
      space.stamps = Array(repeating: .zero, count: nodes.count)
    }
    if space.served.count < members.count {
      space.served = Array(repeating: .zero, count: members.count)
    }
    var stamps: [Stamp] = []
    swap(&stamps, &space.stamps)
    defer { swap(&stamps, &space.stamps) }
    return stamps.withUnsafeMutableBufferPointer { stamps in
      nodes.withUnsafeBufferPointer { nodes in
        var done = 0
        for one in repeats {
          for end in [one.nodes.lowerBound]
            + stride(
              from: one.nodes.lowerBound + one.period, through: one.nodes.upperBound,
              by: one.period)
          {
            for index in done..<end {
              guard work(out: nodes[index], state, prices, &stamps[index], of: stamps, &space)
              else { return false }
            }
            done = end
            guard end < one.nodes.upperBound, let step = step(of: one, at: end, stamps) else {
              continue
            }
            fill(one, from: end, step, stamps)
            done = one.nodes.upperBound
            break
          }
        }
        for index in done..<nodes.count {
          guard work(out: nodes[index], state, prices, &stamps[index], of: stamps, &space) else {
            return false
          }
        }
        return true
      }
    }
  }

  /// Works out one time, from those before it.
  @inline(__always)
  private func work(
    out node: Node, _ state: [Stamp], _ prices: Prices, _ result: inout Stamp,
    of stamps: UnsafeMutableBufferPointer<Stamp>, _ space: inout Workspace
  ) -> Bool {
    let a = Int(node.a)
    let b = Int(node.b)
    switch node.kind {
    case .input: result = state[a]
    case .arrival: result = Stamp(prices.arrivals[a])
    case .later: result = stamps[stamps[b].time > stamps[a].time ? b : a]
    case .laterOfAny:
      let (x, y) = (stamps[a].time, stamps[b].time)
      if x == y, stamps[a].account != stamps[b].account { return false }
      result = stamps[y > x ? b : a]
    case .work:
      result = stamps[a]
      if b >= 0 { result.wait(until: stamps[b].time, at: \.regionQueue) }
      for index in Int(node.c)..<Int(node.d) {
        result.take(prices.costs[Int(terms[index].cost)], times: Int(terms[index].count))
      }
    case .leave:
      result = stamps[a]
      result.wait(until: stamps[b].time, at: \.portQueue)
      result.cross(prices.messages[Int(node.c)])
    case .sent: result.time = stamps[a].time - prices.messages[Int(node.c)].latency
    case .arrive:
      result = stamps[a]
      result.arrive(through: stamps[b].time, prices.deliveries[Int(node.c)])
    case .taken: result.time = stamps[a].time - prices.deliveries[Int(node.c)].overhead
    case .serve:
      guard
        let free = serve(
          sets[a], portFree: stamps[b].time, prices.deliveries, of: stamps, in: &space)
      else { return false }
      result.time = free
    case .served: result = space.served[a]
    }
    return true
  }

  /// Serves a set in the order of arrival, then of its members.
  ///
  /// - Returns: when the port is free again; `nil` when members tie that were sorted otherwise, and it
  ///   matters who is first.
  private func serve(
    _ set: MemberSet, portFree: EmulatedTime, _ deliveries: [Delivery],
    of stamps: UnsafeMutableBufferPointer<Stamp>, in space: inout Workspace
  ) -> EmulatedTime? {
    space.order.removeAll(keepingCapacity: true)
    // Sets are small, and mostly in order already.
    for member in set.members {
      let time = stamps[Int(members[member].arrival)].time
      var place = space.order.count
      while place > 0, stamps[Int(members[space.order[place - 1]].arrival)].time > time {
        place -= 1
      }
      space.order.insert(member, at: place)
    }
    if !set.isInOrder {
      for (first, second) in zip(space.order, space.order.dropFirst()) {
        let (a, b) = (members[first], members[second])
        let (x, y) = (stamps[Int(a.arrival)], stamps[Int(b.arrival)])
        guard a != b, x.time == y.time else { continue }
        let isHarmless =
          x == y && deliveries[Int(a.delivery)] == deliveries[Int(b.delivery)]
          && deliveries[Int(a.delivery)].serialization == .zero
        if !isHarmless { return nil }
      }
    }
    var free = portFree
    for member in space.order {
      let delivery = deliveries[Int(members[member].delivery)]
      var value = stamps[Int(members[member].arrival)]
      value.arrive(through: free, delivery)
      free = value.time - delivery.overhead
      space.served[member] = value
    }
    return free
  }
}

extension Stamp {
  /// Adds a cost, so many times over.
  @inline(__always)
  fileprivate mutating func take(_ cost: Cost, times count: Int) {
    let cost = cost * count
    time += cost.total
    account.compute += cost.compute
    account.fabric += cost.fabric
    account.memory += cost.memory
  }

  /// Goes the way of a message over its link.
  @inline(__always)
  fileprivate mutating func cross(_ message: TimeGraph.Message) {
    time += message.overhead + message.serialization + message.latency
    account.overhead += message.overhead
    account.linkSerialization += message.serialization
    account.linkLatency += message.latency
  }

  /// Becomes a value, through a port that is free from `free` on.
  @inline(__always)
  fileprivate mutating func arrive(through free: EmulatedTime, _ delivery: TimeGraph.Delivery) {
    wait(until: free + delivery.serialization, at: \.portQueue)
    time += delivery.overhead
    account.overhead += delivery.overhead
  }
}
