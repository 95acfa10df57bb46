/// A collective operation over a group of ranks.
public enum CollectiveOperation: String, CaseIterable, Sendable {
  /// Every rank gets the sum of all ranks' buffers.
  case allReduce = "all-reduce"
  /// Every rank gets all ranks' pieces.
  case allGather = "all-gather"
  /// Rank i gets the sum of all ranks' i-th pieces.
  case reduceScatter = "reduce-scatter"
  /// Rank i gets every rank's i-th piece.
  case allToAll = "all-to-all"
  /// Every rank gets the first rank's buffer.
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
