import Hardware
import Quantities

/// A program of one collective: each rank fills its buffer, the operation runs, each keeps the result.
public struct CollectiveProgram: Sendable {
  /// What is done.
  public let operation: CollectiveOperation
  /// How it is lowered.
  public let algorithm: CollectiveAlgorithm
  /// Numbers of each rank's buffer.
  public let elements: Int
  /// All of it.
  public let window: Window
  /// Where each rank's result lies.
  public let results: [Values]

  /// Lowers a collective over the first `ranks` ranks of the topology. Others only send on what passes
  /// them; where nothing does they are left out.
  ///
  /// - Parameter elements: Of each rank's buffer; of the gathered buffer for an all-gather.
  public init(
    _ operation: CollectiveOperation, algorithm: CollectiveAlgorithm, ranks: Int, elements: Int,
    wires: Wires
  ) {
    precondition(operation.algorithms.contains(algorithm), "\(operation) by \(algorithm)")
    precondition(ranks > 0 && elements > 0, "\(ranks) ranks, \(elements) elements")
    let group = (0..<ranks).map { Rank($0) }
    var builder = WindowBuilder(
      ranks: wires.topology.isDirect ? ranks : wires.ranks, wires: wires)
    let pieces = WindowBuilder.pieces(
      of: elements, operation: operation, algorithm: algorithm, group: ranks)
    let values = group.map { builder.allocate(pieces, on: $0) }
    for (index, rank) in group.enumerated() {
      builder.compute(Compute(.fill, input: .none, output: values[index]), on: rank)
    }
    var kept = values
    switch operation {
    case .allReduce: builder.allReduce(values, group: group, algorithm: algorithm)
    case .reduceScatter:
      builder.reduceScatter(values, group: group, algorithm: algorithm)
      kept = group.indices.map { values[$0][$0] }
    case .allGather: builder.allGather(values, group: group, algorithm: algorithm)
    case .broadcast: builder.broadcast(values, group: group, algorithm: algorithm)
    case .allToAll:
      kept = group.map { rank in
        let received = group.map { builder.elements(of: values[$0.index][rank.index], on: $0) }
        return builder.allocate(received, on: rank)
      }
      builder.allToAll(from: values, to: kept, group: group)
    }
    let results = kept
    self.results = results
    self.operation = operation
    self.algorithm = algorithm
    self.elements = elements
    window = builder.window(
      index: 0, batches: [],
      outputs: group.indices.flatMap { index in
        results[index].indices.map { Window.Output(rank: group[index], value: $0, batch: 0) }
      })
  }

  /// The algorithm that ends first by the link model: each is lowered and evaluated, so that what is
  /// compared is what would be sent. The first listed wins a tie. What would be sent on more than
  /// `mostHops` times is left out.
  public static func cheapest(
    _ operation: CollectiveOperation, ranks: Int, elements: Int, wires: Wires
  ) -> CollectiveAlgorithm {
    var best: (algorithm: CollectiveAlgorithm, time: EmulatedTime)?
    for algorithm in operation.algorithms
    where hops(operation, algorithm: algorithm, ranks: ranks, wires: wires) <= mostHops {
      let program = CollectiveProgram(
        operation, algorithm: algorithm, ranks: ranks, elements: elements, wires: wires)
      var evaluator = Evaluator(ranks: program.window.ranks.count)
      let end = evaluator.run(program.window).map(\.time).max() ?? .zero
      if best == nil || end < best!.time { best = (algorithm, end) }
    }
    // Only an operation of one algorithm can have none that is short enough.
    return best?.algorithm ?? operation.algorithms[0]
  }

  /// Most hops of one collective's messages: with two instructions of 80 bytes each it fills 300 MB.
  /// Every other algorithm stays far below; `direct` over hundreds of ranks of a line does not.
  public static let mostHops = 2_000_000

  /// Links that the messages of a collective cross in which every rank sends to every other: their
  /// number grows with the cube of the ranks on a ring. 0 for other algorithms and on direct links.
  public static func hops(
    _ operation: CollectiveOperation, algorithm: CollectiveAlgorithm, ranks: Int, wires: Wires
  ) -> Int {
    guard algorithm == .direct, operation != .broadcast, !wires.topology.isDirect else { return 0 }
    var hops = 0
    for source in 0..<ranks {
      for destination in 0..<ranks where source != destination {
        hops += wires.topology.distance(
          from: Rank(source), to: Rank(destination), ranks: wires.ranks)
      }
    }
    return operation == .allReduce ? 2 * hops : hops
  }
}
