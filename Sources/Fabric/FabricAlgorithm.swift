/// What can be run on a mesh by name.
///
/// On a mesh of several rows, sums are taken along the rows and then along a column.
public enum FabricAlgorithm: String, CaseIterable, Sendable {
  /// From the first PE to all others.
  case broadcast
  /// To the first PE: all send to it.
  case star
  /// To the first PE: each adds and hands on.
  case chain
  /// To the first PE, in rounds of doubled distance.
  case tree
  /// To the first PE: a chain in each group, a chain over the groups.
  case twoPhase = "two-phase"
  /// To the middle PE: chains from both sides of each group, chains over the groups from both sides.
  case twoTree = "two-tree"
  /// The same, and back to all PEs.
  case twoTreeAllReduce = "two-tree-all-reduce"
  /// On all PEs, by chunks that go around.
  case ringAllReduce = "ring-all-reduce"
  /// A matrix by a vector: inputs spread over the columns, outputs over the rows.
  case gemv

  /// Whether its line is cut into groups.
  public var hasGroups: Bool {
    switch self {
    case .twoPhase, .twoTree, .twoTreeAllReduce, .gemv: true
    case .broadcast, .star, .chain, .tree, .ringAllReduce: false
    }
  }

  /// Whether every PE ends with the sum.
  var isAllReduce: Bool { self == .twoTreeAllReduce || self == .ringAllReduce }

  /// The tree of a reduce on a line; `nil` when it has none.
  func tree(_ count: Int, groups: Int) -> ReduceTree? {
    switch self {
    case .star: .star(count)
    case .chain: .chain(count)
    case .tree: .binary(count)
    case .twoPhase: .twoPhase(count, groups: groups)
    case .twoTree, .twoTreeAllReduce: .twoTree(count, groups: groups)
    case .broadcast, .ringAllReduce, .gemv: nil
    }
  }
}
