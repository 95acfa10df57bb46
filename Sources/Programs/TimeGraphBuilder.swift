import Hardware
import Quantities

/// Numbers the distinct times of a window: follows all ranks as the evaluator does, with nodes of a graph
/// in the place of times.
struct TimeGraphBuilder {
  /// A window, and what its prices are called.
  struct Source {
    var window: Window
    /// [rank][instruction]: the number of a compute's cost, negative when it costs nothing; the number of
    /// an arrival.
    var marks: [[Int32]]
    /// The kernels that costs are asked for, and the batch of each.
    var uses: [(use: KernelUse, batch: Int)] = []
    /// The costs themselves, where the window has them.
    var costs: [Cost] = []
    /// Links that have figures of their own: what crosses them is a message, and a delivery, of another kind.
    var linkKinds: [LinkOverride.Ends: Wires.Kind] = [:]
  }

  struct RankState {
    var values: [Int32]
    var regions: [Int32]
    var egress: [Int32]
    var ingress: [Int32]
  }

  let source: Source
  /// Whether inputs whose order only decides ties are sorted, so that shards that see each other in
  /// another order are still the same.
  let isMerging: Bool
  private(set) var nodes: [TimeGraph.Node] = []
  private var numbers: [TimeGraph.Node: Int32] = [:]
  /// An earlier time that each time extends: it is no earlier, and is the same stamp when they tie.
  private var extended: [Int32] = []
  private(set) var sets: [TimeGraph.MemberSet] = []
  private(set) var members: [TimeGraph.Member] = []
  private var setNumbers: [[TimeGraph.Member]: Int32] = [:]
  private(set) var messages: [TimeGraph.Message] = []
  private var messageNumbers: [TimeGraph.Message: Int32] = [:]
  private(set) var deliveries: [TimeGraph.Delivery] = []
  private var deliveryNumbers: [TimeGraph.Delivery: Int32] = [:]
  private(set) var links: [[Int]: Int] = [:]
  private(set) var ranks: [RankState]
  private(set) var channels: Channels<Int32>

  /// Throws `ProgramError` when the window fails the check that the frontier's program passed so far.
  static func graph(_ source: Source, from frontier: Frontier, merging: Bool)
    throws(ProgramError) -> TimeGraph
  {
    var check = frontier.check
    try check.check(source.window)
    var builder = TimeGraphBuilder(source, from: frontier, merging: merging)
    builder.follow()
    return builder.finish(from: frontier, check: check)
  }

  private init(_ source: Source, from frontier: Frontier, merging: Bool) {
    self.source = source
    isMerging = merging
    let count = source.window.ranks.count
    precondition(count == frontier.values.count, "\(count) of \(frontier.values.count) ranks")
    channels = Channels(ranks: count)
    ranks = (0..<count).map { rank in
      var values = frontier.values[rank]
      let missing = source.window.ranks[rank].values.count - values.count
      if missing > 0 { values.append(contentsOf: repeatElement(0, count: missing)) }
      return RankState(
        values: values, regions: frontier.regions[rank], egress: frontier.egress[rank],
        ingress: frontier.ingress[rank])
    }
    // Class i of the frontier is node i.
    for number in 0..<frontier.classes { _ = node(.input, Int32(number)) }
    for stream in frontier.underWay {
      let slot = channels.slot(from: stream.from, to: stream.to, stream: stream.stream)
      for number in stream.classes { channels.append(number, to: slot) }
    }
  }

  // MARK: Nodes

  /// The node of this kind and these operands.
  private mutating func node(
    _ kind: TimeGraph.Kind, _ a: Int32, _ b: Int32 = 0, _ c: Int32 = 0, extends: Int32 = -1
  ) -> Int32 {
    let node = TimeGraph.Node(kind: kind, a: a, b: b, c: c)
    if let known = numbers[node] { return known }
    let number = Int32(nodes.count)
    numbers[node] = number
    nodes.append(node)
    extended.append(extends)
    return number
  }

  /// Whether `late` is `early`, or follows from it by waits and costs alone: it is then no earlier, and
  /// when both times are equal nothing was added, so that the stamps are equal too.
  private func does(_ late: Int32, extend early: Int32) -> Bool {
    if early == 0 { return true }
    var at = late
    var steps = 0
    while at > early, steps < Self.mostSteps {
      at = extended[Int(at)]
      steps += 1
    }
    return at == early
  }

  /// Most steps of looking back; beyond, a node is kept that need not be.
  private static let mostSteps = 512

  /// The later of two, the first when they tie.
  private mutating func later(_ a: Int32, _ b: Int32, ofAny: Bool = false) -> Int32 {
    if does(a, extend: b) { return a }
    if does(b, extend: a) { return b }
    return node(ofAny ? .laterOfAny : .later, a, b, extends: a)
  }

  /// As the clock takes the latest of a run of values.
  ///
  /// Ranks hold the pieces of a collective in the order of ranks, and each has another piece of its own.
  private mutating func latest(of first: Values, _ second: Values, on rank: Int) -> Int32 {
    if isMerging {
      var inputs = first.indices.map { ranks[rank].values[$0] }
      inputs += second.indices.map { ranks[rank].values[$0] }
      inputs.sort()
      guard var latest = inputs.first else { return 0 }
      for input in inputs.dropFirst() where input != latest {
        latest = later(latest, input, ofAny: true)
      }
      return latest
    }
    var latest: Int32 = -1
    for index in first.indices {
      let input = ranks[rank].values[index]
      latest = latest < 0 ? input : later(latest, input)
    }
    for index in second.indices {
      let input = ranks[rank].values[index]
      latest = latest < 0 ? input : later(latest, input)
    }
    return max(latest, 0)
  }

  // MARK: Instructions

  private mutating func follow() {
    var positions = Array(repeating: 0, count: ranks.count)
    var ready = ReadyRanks(ranks: ranks.count)
    while let next = ready.next() { follow(next, from: &positions[next], ready: &ready) }
  }

  private mutating func follow(_ rank: Int, from position: inout Int, ready: inout ReadyRanks) {
    let list = source.window.ranks[rank].instructions
    while position < list.count {
      switch list[position] {
      case .compute(let work): compute(work, mark: source.marks[rank][position], on: rank)
      case .arrive(let work):
        let arrival = node(.arrival, source.marks[rank][position])
        for index in work.values.indices { ranks[rank].values[index] = arrival }
      case .send(let send):
        let slot = channels.slot(from: Rank(rank), to: send.to, stream: send.stream)
        channels.append(leave(send, from: rank), to: slot)
        ready.changed(slot, seenBy: send.to.index)
      case .receive(let receive):
        let slot = channels.slot(from: receive.from, to: Rank(rank), stream: receive.stream)
        guard let arrival = channels.take(slot) else { return ready.wait(rank, for: slot) }
        arrive([(receive, arrival)], at: rank)
      case .receiveSet(let count):
        let receives = list[position + 1...position + count].map { member -> Receive in
          guard case .receive(let receive) = member else {
            preconditionFailure("\(member) in a set; unchecked program")
          }
          return receive
        }
        if let missing = missing(receives, at: rank) { return ready.wait(rank, for: missing) }
        arrive(
          receives.map { receive in
            let slot = channels.slot(from: receive.from, to: Rank(rank), stream: receive.stream)
            return (receive, channels.take(slot)!)
          }, at: rank)
        position += count
      }
      position += 1
    }
  }

  /// A stream on which not all messages of a set are there; `nil` when all are.
  private func missing(_ receives: [Receive], at rank: Int) -> Int? {
    var wanted: [Int: Int] = [:]
    for receive in receives {
      let slot = channels.slot(from: receive.from, to: Rank(rank), stream: receive.stream)
      wanted[slot, default: 0] += 1
      if channels.count(slot) < wanted[slot]! { return slot }
    }
    return nil
  }

  private mutating func compute(_ work: Compute, mark: Int32, on rank: Int) {
    let input = latest(of: work.input, work.second, on: rank)
    let region = Self.free(ranks[rank].regions, work.region)
    // A region that is free no later than the input exists makes nobody wait.
    let waits = !does(input, extend: region)
    let end =
      mark < 0 && !waits
      ? input : node(.work, input, waits ? region : -1, mark, extends: input)
    Self.set(&ranks[rank].regions, work.region, to: end)
    for index in work.output.indices { ranks[rank].values[index] = end }
  }

  private func kind(from sender: Rank, to receiver: Rank) -> Wires.Kind {
    source.linkKinds[LinkOverride.Ends(from: sender, to: receiver)] ?? 0
  }

  private mutating func leave(_ send: Send, from rank: Int) -> Int32 {
    let price = TimeGraph.Message(
      kind: kind(from: Rank(rank), to: send.to), bytes: send.bytes, overhead: send.overhead,
      serialization: send.serialization,
      latency: send.latency)
    let message = Self.number(of: price, in: &messageNumbers, &messages)
    links[[rank, send.to.index, Int(message)], default: 0] += 1
    let value = latest(of: send.values, .none, on: rank)
    let port = Self.free(ranks[rank].egress, send.port)
    let arrival = node(.leave, value, port, message, extends: value)
    let free = send.holdsPortUntilDelivery ? arrival : node(.sent, arrival, 0, message)
    Self.set(&ranks[rank].egress, send.port, to: free)
    return arrival
  }

  /// Takes messages that are served together. Those of different ports do not see each other.
  private mutating func arrive(_ set: [(receive: Receive, arrival: Int32)], at rank: Int) {
    var ports: [Int32] = []
    for member in set where !ports.contains(member.receive.port) {
      ports.append(member.receive.port)
    }
    for port in ports {
      var group = set.filter { $0.receive.port == port }.map {
        (
          $0.receive,
          TimeGraph.Member(
            arrival: $0.arrival,
            delivery: Self.number(
              of: TimeGraph.Delivery(
                kind: kind(from: $0.receive.from, to: Rank(rank)), bytes: $0.receive.bytes,
                serialization: $0.receive.serialization,
                overhead: $0.receive.overhead), in: &deliveryNumbers, &deliveries))
        )
      }
      let free = Self.free(ranks[rank].ingress, port)
      if group.count == 1 {
        let (receive, member) = group[0]
        let value = node(
          .arrive, member.arrival, free, member.delivery, extends: member.arrival)
        Self.set(&ranks[rank].ingress, port, to: node(.taken, value, 0, member.delivery))
        for index in receive.values.indices { ranks[rank].values[index] = value }
        continue
      }
      // In the order of sources; what ties for good, because it is the same time, keeps it.
      let inOrder = group.indices.sorted {
        (group[$0].0.from, $0) < (group[$1].0.from, $1)
      }
      group = inOrder.map { group[$0] }
      if isMerging {
        group = group.indices.sorted {
          (group[$0].1.arrival, group[$0].1.delivery, $0)
            < (group[$1].1.arrival, group[$1].1.delivery, $1)
        }.map { group[$0] }
      }
      let number = number(ofSet: group.map(\.1))
      let served = node(.serve, number, free)
      Self.set(&ranks[rank].ingress, port, to: served)
      let first = sets[Int(number)].members.lowerBound
      for (place, (receive, member)) in group.enumerated() {
        let value = node(.served, Int32(first + place), served, extends: member.arrival)
        for index in receive.values.indices { ranks[rank].values[index] = value }
      }
    }
  }

  private mutating func number(ofSet list: [TimeGraph.Member]) -> Int32 {
    if let known = setNumbers[list] { return known }
    let number = Int32(sets.count)
    setNumbers[list] = number
    sets.append(
      TimeGraph.MemberSet(
        members: members.count..<members.count + list.count, isInOrder: !isMerging))
    members += list
    return number
  }

  private static func number<Price: Hashable>(
    of price: Price, in numbers: inout [Price: Int32], _ prices: inout [Price]
  ) -> Int32 {
    if let known = numbers[price] { return known }
    let number = Int32(prices.count)
    numbers[price] = number
    prices.append(price)
    return number
  }

  /// When a resource is free; from the start when it was never used.
  private static func free(_ resources: [Int32], _ index: Int32) -> Int32 {
    Int(index) < resources.count ? resources[Int(index)] : 0
  }

  private static func set(_ resources: inout [Int32], _ index: Int32, to node: Int32) {
    while resources.count <= Int(index) { resources.append(0) }
    resources[Int(index)] = node
  }
}
