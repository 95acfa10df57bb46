import Hardware
import Quantities

/// Runs a program in emulated time by its windows' graphs: the same times as `Evaluator`, to the
/// picosecond and entry by entry, in a fraction of the time where work repeats.
///
/// A window is an `Evaluator.run` away from the one before it in either; here what is carried over is one
/// time a class of the frontier. Where a tie makes the order of ranks matter, which a graph that merges
/// shards leaves out, the window is run by a graph that keeps it.
public struct GraphEvaluator: Sendable {
  /// Instructions that the windows so far stand for.
  public private(set) var instructions = 0
  private let ranks: Int
  private let graphs: TimeGraphs
  private var frontier: Frontier
  /// The time of each class of the frontier.
  private var state: [Stamp] = [.zero]
  private var space = TimeGraph.Workspace()
  /// How often each graph was run, and the prices of its messages.
  private var runs: [ObjectIdentifier: Run] = [:]

  private struct Run: Sendable {
    let graph: TimeGraph
    var prices: TimeGraph.Prices
    var count = 0
  }

  /// A window of a program, as far as it is needed.
  struct Part {
    var key: WindowKey
    /// What its messages cost; `nil` when its instructions say so themselves.
    var wires: Wires?
    /// The window itself, when its graph has to be built.
    var source: () -> TimeGraphBuilder.Source
    /// The window's arrivals, by their numbers.
    var arrivals: [Arrival] = []
    /// The costs of the kernels that a graph asks for.
    var costs: (TimeGraph) -> [Cost]
  }

  /// An evaluator at the start of a program.
  ///
  /// - Precondition: between 1 and `Rank.maximumCount` ranks.
  public init(ranks: Int, graphs: TimeGraphs = TimeGraphs()) {
    self.ranks = ranks
    self.graphs = graphs
    frontier = Frontier(ranks: ranks)
  }

  /// What crossed each ordered pair of ranks.
  public var traffic: Traffic {
    var traffic = Traffic(ranks: ranks)
    for run in runs.values {
      for link in run.graph.links {
        for (index, count) in link.counts {
          let message = run.prices.messages[index]
          traffic.add(
            count * run.count, bytes: message.bytes,
            busy: message.overhead + message.serialization, from: link.from, to: link.to)
        }
      }
    }
    return traffic
  }

  /// When a region of a rank has done what it was given so far: as the rank's clock says.
  public func regionIsFree(_ region: Int32, on rank: Rank) -> EmulatedTime {
    let regions = frontier.regions[rank.index]
    return Int(region) < regions.count ? state[Int(regions[Int(region)])].time : .zero
  }

  /// Runs the next window.
  ///
  /// - Returns: the stamps of its outputs, in the window's order, and their batches.
  ///
  /// Throws `ProgramError` when the window fails the check.
  mutating func run(_ part: Part) throws(ProgramError) -> [Output] {
    var key = TimeGraphs.Key(form: part.key, frontier: frontier, isMerging: true)
    var graph = try graphs.graph(key, source: part.source)
    if !run(graph, part) {
      key = TimeGraphs.Key(form: part.key, frontier: frontier, isMerging: false)
      graph = try graphs.graph(key, source: part.source)
      let isExact = run(graph, part)
      precondition(isExact, "a graph in the order of ranks met a tie that it cannot decide")
    }
    state = graph.results.map { space.stamps[Int($0)] }
    frontier = graph.next
    instructions += graph.instructions
    runs[ObjectIdentifier(graph)]!.count += 1
    return graph.outputs.map {
      Output(rank: $0.rank, batch: $0.batch, stamp: space.stamps[Int($0.node)])
    }
  }

  /// A value that the run is judged by.
  struct Output {
    let rank: Rank
    let batch: Int
    let stamp: Stamp
  }

  /// Checks, after the last window, that nothing was sent that nobody received.
  func finish() throws(ProgramError) { try frontier.check.finish() }

  /// Works out a window's times; `false` when they depend on the order of ranks.
  private mutating func run(_ graph: TimeGraph, _ part: Part) -> Bool {
    let id = ObjectIdentifier(graph)
    if runs[id] == nil {
      runs[id] = Run(graph: graph, prices: graph.prices(on: part.wires))
    }
    runs[id]!.prices.costs = part.costs(graph)
    runs[id]!.prices.arrivals = part.arrivals
    return graph.run(from: state, runs[id]!.prices, in: &space)
  }
}

extension TimeGraph {
  /// The prices of its messages on other links; those that the window was written with when `nil`.
  fileprivate func prices(on wires: Wires?) -> Prices {
    guard let wires else { return Prices(messages: messages, deliveries: deliveries) }
    return Prices(
      messages: messages.map {
        let cost = wires.cost(bytes: $0.bytes, kind: $0.kind)
        return Message(
          kind: $0.kind, bytes: $0.bytes, overhead: cost.sendOverhead,
          serialization: cost.serialization, latency: cost.latency)
      },
      deliveries: deliveries.map {
        let cost = wires.cost(bytes: $0.bytes, kind: $0.kind)
        return Delivery(
          kind: $0.kind, bytes: $0.bytes, serialization: cost.ingressSerialization,
          overhead: cost.receiveOverhead)
      })
  }
}
