/// A collective operation over a group of ranks.
public enum CollectiveOperation: String, CaseIterable, Sendable {
  case allReduce = "all-reduce"
  case allGather = "all-gather"
  case reduceScatter = "reduce-scatter"
  case allToAll = "all-to-all"
  case broadcast

  /// The algorithms that the operation is lowered by.
  public var algorithms: [CollectiveAlgorithm] {
    switch self {
    case .allReduce: [.ring, .recursiveDoubling, .rabenseifner, .direct, .tree]
    case .allGather, .reduceScatter: [.ring, .direct]
    case .allToAll: [.direct]
    case .broadcast: [.tree, .direct]
    }
  }
}

/// How a collective is lowered to sends, receives and sums.
public enum CollectiveAlgorithm: String, CaseIterable, Sendable {
  /// p − 1 steps around the ring, a piece a step; twice for an all-reduce. Best for long vectors.
  case ring
  /// log₂ p exchanges of the whole vector. Best for short vectors.
  case recursiveDoubling = "recursive-doubling"
  /// Recursive halving, then recursive doubling (Thakur, Rabenseifner, Gropp 2005).
  case rabenseifner
  /// Every rank to every other, to r + 1, r + 2, … in turn so that not all hit one port at once.
  case direct
  /// A binomial tree.
  case tree
}

/// Lowering of collectives. `values[i]` belongs to `group[i]`.
extension WindowBuilder {
  /// How a buffer of `elements` must be cut for an algorithm: the pieces it sends.
  static func pieces(
    of elements: Int, operation: CollectiveOperation, algorithm: CollectiveAlgorithm, group: Int
  ) -> [Int] {
    let count =
      switch (operation, algorithm) {
      case (.broadcast, _), (.allReduce, .recursiveDoubling), (.allReduce, .tree): 1
      case (.allReduce, .rabenseifner): Self.powerOfTwo(notAbove: group)
      default: group
      }
    let (size, extra) = elements.quotientAndRemainder(dividingBy: count)
    return (0..<count).map { size + ($0 < extra ? 1 : 0) }
  }

  /// Leaves on every rank the sum over all ranks, the same bytes on each.
  mutating func allReduce(
    _ values: [Values], group: [Rank], algorithm: CollectiveAlgorithm, region: Int = 0
  ) {
    guard group.count > 1 else { return }
    switch algorithm {
    case .ring:
      ringReduceScatter(values, group: group, region: region)
      ringAllGather(values, group: group, firstOwned: { $0 + 1 })
    case .direct:
      directReduceScatter(values, group: group, region: region)
      directAllGather(values, group: group)
    case .recursiveDoubling: recursiveDoubling(values, group: group, region: region)
    case .rabenseifner: rabenseifner(values, group: group, region: region)
    case .tree:
      treeReduce(values, group: group, region: region)
      treeBroadcast(values, group: group)
    }
  }

  /// Leaves on the i-th rank the sum of all i-th pieces, in that piece's place.
  mutating func reduceScatter(
    _ values: [Values], group: [Rank], algorithm: CollectiveAlgorithm, region: Int = 0
  ) {
    guard group.count > 1 else { return }
    if algorithm == .direct {
      directReduceScatter(values, group: group, region: region)
    } else {
      // The ring that ends with piece i on rank i starts one place earlier than an all-reduce's.
      ringReduceScatter(values, group: group, region: region, shift: -1)
    }
  }

  /// Leaves on every rank the i-th rank's i-th piece, for all i.
  mutating func allGather(_ values: [Values], group: [Rank], algorithm: CollectiveAlgorithm) {
    guard group.count > 1 else { return }
    if algorithm == .direct {
      directAllGather(values, group: group)
    } else {
      ringAllGather(values, group: group, firstOwned: { $0 })
    }
  }

  /// Puts the i-th rank's j-th piece into the j-th rank's i-th place.
  mutating func allToAll(from input: [Values], to output: [Values], group: [Rank]) {
    let count = group.count
    for index in 0..<count {
      compute(
        Compute(.copy, input: input[index][index], output: output[index][index]),
        on: group[index])
      for step in 1..<max(count, 1) {
        let peer = (index + step) % count
        send(input[index][peer], from: group[index], to: group[peer], stream: .collective)
      }
    }
    for index in 0..<count { receiveFromAll(output[index], at: index, group: group) }
  }

  /// Gives the first rank's values to all.
  mutating func broadcast(_ values: [Values], group: [Rank], algorithm: CollectiveAlgorithm) {
    if algorithm == .tree {
      treeBroadcast(values, group: group)
    } else {
      for index in group.indices.dropFirst() {
        send(values[0], from: group[0], to: group[index], stream: .collective)
      }
      for index in group.indices.dropFirst() {
        receive(values[index], at: group[index], from: group[0], stream: .collective)
      }
    }
  }

  // MARK: Ring

  /// Step s: rank r sends piece r − s and adds its own to the piece r − s − 1 that it receives. In the
  /// end rank r holds piece r + 1, or with `shift` −1 piece r.
  private mutating func ringReduceScatter(
    _ values: [Values], group: [Rank], region: Int, shift: Int = 0
  ) {
    let count = group.count
    func piece(_ index: Int) -> Int { (index + shift + 2 * count) % count }
    let scratch = group.indices.map { index in
      (1..<count).map { step in allocate(like: values[index][piece(index - step)], on: group[index]) }
    }
    for step in 0..<count - 1 {
      for index in 0..<count {
        send(
          values[index][piece(index - step)], from: group[index],
          to: group[(index + 1) % count], stream: .collective)
      }
      for index in 0..<count {
        let own = values[index][piece(index - step - 1)]
        receive(
          scratch[index][step], at: group[index], from: group[(index + count - 1) % count],
          stream: .collective)
        compute(
          Compute(.sum, region: region, input: own, second: scratch[index][step], output: own),
          on: group[index])
      }
    }
  }

  /// Step s: rank r hands on the piece that it got last, starting with the one it owns.
  private mutating func ringAllGather(
    _ values: [Values], group: [Rank], firstOwned: (Int) -> Int
  ) {
    let count = group.count
    func piece(_ index: Int, _ step: Int) -> Int { (firstOwned(index) - step + 2 * count) % count }
    for step in 0..<count - 1 {
      for index in 0..<count {
        send(
          values[index][piece(index, step)], from: group[index],
          to: group[(index + 1) % count], stream: .collective)
      }
      for index in 0..<count {
        let previous = (index + count - 1) % count
        receive(
          values[index][piece(previous, step)], at: group[index], from: group[previous],
          stream: .collective)
      }
    }
  }

  // MARK: Direct

  private mutating func directReduceScatter(_ values: [Values], group: [Rank], region: Int) {
    let count = group.count
    for index in 0..<count {
      for step in 1..<count {
        let peer = (index + step) % count
        send(values[index][peer], from: group[index], to: group[peer], stream: .collective)
      }
    }
    for index in 0..<count {
      let own = values[index][index]
      let size = elements(of: own, on: group[index])
      let scratch = allocate(Array(repeating: size, count: count - 1), on: group[index])
      let members = group.indices.filter { $0 != index }.enumerated().map {
        (values: scratch[$0.offset], from: group[$0.element])
      }
      receiveSet(members, at: group[index], stream: .collective)
      compute(
        Compute(
          .sumInRankOrder, argument: index, region: region, input: scratch, second: own,
          output: own),
        on: group[index])
    }
  }

  private mutating func directAllGather(_ values: [Values], group: [Rank]) {
    let count = group.count
    for index in 0..<count {
      for step in 1..<count {
        let peer = (index + step) % count
        send(values[index][index], from: group[index], to: group[peer], stream: .collective)
      }
    }
    for index in 0..<count { receiveFromAll(values[index], at: index, group: group) }
  }

  /// Receives into place i the message of the i-th rank, for every other rank.
  private mutating func receiveFromAll(_ values: Values, at index: Int, group: [Rank]) {
    let members = group.indices.filter { $0 != index }.map {
      (values: values[$0], from: group[$0])
    }
    receiveSet(members, at: group[index], stream: .collective)
  }

  /// Every rank gives its own piece to all others: candidates of a vocabulary's shards.
  mutating func exchange(_ values: [Values], group: [Rank], stream: Stream) {
    let count = group.count
    guard count > 1 else { return }
    for index in 0..<count {
      for step in 1..<count {
        let peer = (index + step) % count
        send(values[index][index], from: group[index], to: group[peer], stream: stream)
      }
    }
    for index in 0..<count {
      let members = group.indices.filter { $0 != index }.map {
        (values: values[index][$0], from: group[$0])
      }
      receiveSet(members, at: group[index], stream: stream)
    }
  }

  // MARK: Recursive doubling and halving

  static func powerOfTwo(notAbove count: Int) -> Int {
    var power = 1
    while power * 2 <= count { power *= 2 }
    return power
  }

  /// Ranks beyond the largest power of two first hand their vector to a partner, and get the result
  /// back in the end.
  private mutating func folded(
    _ values: [Values], group: [Rank], region: Int, body: (inout WindowBuilder, Int) -> Void
  ) {
    let core = Self.powerOfTwo(notAbove: group.count)
    for extra in core..<group.count {
      let partner = extra - core
      send(values[extra], from: group[extra], to: group[partner], stream: .collective)
      receiveAndSum(values[partner], at: group[partner], from: group[extra], region: region)
    }
    body(&self, core)
    for extra in core..<group.count {
      let partner = extra - core
      send(values[partner], from: group[partner], to: group[extra], stream: .collective)
      receive(values[extra], at: group[extra], from: group[partner], stream: .collective)
    }
  }

  private mutating func receiveAndSum(
    _ own: Values, at rank: Rank, from peer: Rank, region: Int
  ) {
    let scratch = allocate(like: own, on: rank)
    receive(scratch, at: rank, from: peer, stream: .collective)
    compute(
      Compute(.sum, region: region, input: own, second: scratch, output: own), on: rank)
  }

  private mutating func recursiveDoubling(_ values: [Values], group: [Rank], region: Int) {
    folded(values, group: group, region: region) { builder, core in
      var distance = 1
      while distance < core {
        for index in 0..<core {
          builder.send(
            values[index], from: group[index], to: group[index ^ distance], stream: .collective)
        }
        for index in 0..<core {
          builder.receiveAndSum(
            values[index], at: group[index], from: group[index ^ distance], region: region)
        }
        distance *= 2
      }
    }
  }

  private mutating func rabenseifner(_ values: [Values], group: [Rank], region: Int) {
    folded(values, group: group, region: region) { builder, core in
      // Halving: of the range of pieces it still sums, a rank keeps the half that its own is in.
      var distance = core / 2
      while distance >= 1 {
        func kept(_ index: Int) -> Range<Int> {
          let start = index & ~(distance - 1)
          return start..<start + distance
        }
        for index in 0..<core {
          let peer = index ^ distance
          builder.send(
            values[index][kept(peer)], from: group[index], to: group[peer], stream: .collective)
        }
        for index in 0..<core {
          builder.receiveAndSum(
            values[index][kept(index)], at: group[index], from: group[index ^ distance],
            region: region)
        }
        distance /= 2
      }
      // Doubling: the ranges grow back, now with whole sums.
      distance = 1
      while distance < core {
        func owned(_ index: Int) -> Range<Int> {
          let start = index & ~(distance - 1)
          return start..<start + distance
        }
        for index in 0..<core {
          builder.send(
            values[index][owned(index)], from: group[index], to: group[index ^ distance],
            stream: .collective)
        }
        for index in 0..<core {
          let peer = index ^ distance
          builder.receive(
            values[index][owned(peer)], at: group[index], from: group[peer], stream: .collective)
        }
        distance *= 2
      }
    }
  }

  // MARK: Tree

  /// Binomial: at distance 2ᵏ, ranks with that bit lowest set hand their sum to the rank without it.
  private mutating func treeReduce(_ values: [Values], group: [Rank], region: Int) {
    var distance = 1
    while distance < group.count {
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        send(
          values[index], from: group[index], to: group[index - distance], stream: .collective)
        receiveAndSum(
          values[index - distance], at: group[index - distance], from: group[index],
          region: region)
      }
      distance *= 2
    }
  }

  private mutating func treeBroadcast(_ values: [Values], group: [Rank]) {
    var distance = 1
    while distance < group.count { distance *= 2 }
    while distance > 1 {
      distance /= 2
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        send(
          values[index - distance], from: group[index - distance], to: group[index],
          stream: .collective)
        receive(
          values[index], at: group[index], from: group[index - distance], stream: .collective)
      }
    }
  }
}
