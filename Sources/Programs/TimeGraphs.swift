import Synchronization

/// The graphs of windows that were met before. Runs of experiments that differ in prices share them, from
/// as many threads as there are.
public final class TimeGraphs: Sendable {
  /// What a graph follows from.
  struct Key: Hashable, Sendable {
    let form: WindowKey
    let frontier: Frontier
    let isMerging: Bool
  }

  private struct State {
    var graphs: [Key: TimeGraph] = [:]
    var nodes = 0
  }

  private let state = Mutex(State())

  /// Most nodes that are kept, of some 20 bytes; beyond, all graphs are dropped and built anew.
  static let mostNodes = 5_000_000

  /// None yet.
  public init() {}

  /// The graph of a window, built now if it was not met before.
  ///
  /// Throws `ProgramError` when it is wrong.
  func graph(_ key: Key, source: () -> TimeGraphBuilder.Source) throws(ProgramError) -> TimeGraph {
    if let known = state.withLock({ $0.graphs[key] }) { return known }
    // Outside the lock: two threads may build the same graph, which costs time and changes nothing.
    let made = try TimeGraphBuilder.graph(
      source(), from: key.frontier, merging: key.isMerging)
    return state.withLock { state in
      if let known = state.graphs[key] { return known }
      if state.nodes + made.nodes.count > Self.mostNodes {
        state.graphs = [:]
        state.nodes = 0
      }
      state.graphs[key] = made
      state.nodes += made.nodes.count
      return made
    }
  }
}

/// What the instructions of a window, without their prices, follow from. Windows of equal keys differ in
/// prices alone.
enum WindowKey: Hashable, Sendable {
  /// A step of a model's program.
  case model(ModelWindowKey)
  /// A window that is like no other.
  case alone(index: Int)
}
