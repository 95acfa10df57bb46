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
      exchange(values, group: group, stream: .collective)
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
      exchange(values, group: group, stream: .collective)
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
      for step in 1..<count {
        let peer = (index + step) % count
        send(input[index][peer], from: group[index], to: group[peer], stream: .collective)
      }
    }
    for index in 0..<count {
      receiveFromAll(output[index], at: index, group: group, stream: .collective)
    }
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

  /// Receives a peer's values and adds them to the rank's own.
  mutating func receiveAndSum(
    _ own: Values, at rank: Rank, from peer: Rank, region: Int
  ) {
    let scratch = scratch(like: own, on: rank)
    receive(scratch, at: rank, from: peer, stream: .collective)
    compute(
      Compute(.sum, region: region, input: own, second: scratch, output: own), on: rank)
  }
}
