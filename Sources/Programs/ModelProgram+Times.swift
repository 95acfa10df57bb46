import Hardware
import Models
import Placement
import Quantities
import Synchronization

/// What the instructions of a step of a model's program follow from, beside prices.
struct ModelWindowKey: Hashable, Sendable {
  let split: Split
  let steps: [[RegionStep]]
  /// What messages cost is no part of it, but which links have figures of their own.
  let links: [LinkOverride.Ends]
  /// How fast each rank computes.
  let speeds: [Rational]
  let topology: Topology.Name
  let torus: [Int]
  let ports: Link.Ports
  let hold: Link.Hold
  let activationBytes: Int
  let candidateElements: Int
  let algorithms: [CollectiveAlgorithm]
  let form: WindowDraft.Form
}

/// When a program's tokens come to be, and what crossed its links.
public struct ProgramTimes: Sendable {
  /// The outputs of all windows, in order.
  public internal(set) var outputs: [Output] = []
  /// What crossed each ordered pair of ranks.
  public internal(set) var traffic: Traffic
  /// Instructions of all windows.
  public internal(set) var instructions = 0

  /// A value that a run is judged by.
  public struct Output: Sendable {
    /// The window that it comes from.
    public let window: Int
    /// The rank that reports it.
    public let rank: Rank
    /// The sequences whose tokens it is.
    public let batch: Batch
    /// When, and why then.
    public let stamp: Stamp
  }
}

/// The costs of a program's kernels, step by step, for programs that differ in their links alone.
public final class StepCosts: Sendable {
  private let known = Mutex<[Int: [Cost]]>([:])

  /// None yet.
  public init() {}

  func costs(ofStep step: Int, make: () -> [Cost]) -> [Cost] {
    if let costs = known.withLock({ $0[step] }) { return costs }
    let made = make()
    known.withLock { $0[step] = made }
    return made
  }
}

extension ModelProgram {
  /// The times of the whole program, by graphs: equal to those of `Evaluator`.
  ///
  /// - Parameters:
  ///   - graphs: Those of windows that were met before.
  ///   - costs: Of the program's kernels, when programs share them.
  ///
  /// Throws `ProgramError` when the program is wrong.
  public func times(graphs: TimeGraphs = TimeGraphs(), costs: StepCosts = StepCosts())
    throws(ProgramError) -> ProgramTimes
  {
    var compiler = compiler
    var evaluator = GraphEvaluator(ranks: split.ranks, graphs: graphs)
    var times = ProgramTimes(traffic: Traffic(ranks: split.ranks))
    for index in 0..<windowCount {
      let batches = scheduled(index)
      for output in try evaluator.run(compiler.part(index, batches, costs)) {
        times.outputs.append(
          ProgramTimes.Output(
            window: index, rank: output.rank, batch: batches[output.batch].batch,
            stamp: output.stamp))
      }
    }
    try evaluator.finish()
    times.traffic = evaluator.traffic
    times.instructions = evaluator.instructions
    return times
  }
}

extension ModelCompiler {
  /// A window, as a graph's evaluator needs it.
  ///
  /// - Parameter known: Costs by the window's number, when programs share them.
  mutating func part(
    _ index: Int, _ batches: [ScheduledBatch], _ known: StepCosts? = nil
  ) -> GraphEvaluator.Part {
    let form = WindowDraft.Form(batches: batches.map { .init($0) }, slots: slots)
    let algorithms = form.batches.map { algorithm(elements: $0.tokens * split.shape.width) }
    let key = ModelWindowKey(
      split: split, steps: steps, links: wires.overrides.map(\.ends), speeds: speeds,
      topology: wires.topology.name, torus: wires.topology.sides,
      ports: wires.link.ports, hold: wires.link.hold, activationBytes: wires.activationBytes,
      candidateElements: candidateElements, algorithms: algorithms, form: form)
    return GraphEvaluator.Part(
      key: .model(key), wires: wires,
      source: { [split, steps, speeds, wires, candidateElements] in
        WindowDraft(
          form: form, split: split, steps: steps, speeds: speeds, wires: wires,
          candidateElements: candidateElements, algorithms: algorithms
        ).source(batches, index: index, on: wires)
      },
      arrivals: batches.map { $0.arrival ?? Arrival(arrived: .zero) },
      costs: { [price] graph in
        func costs() -> [Cost] { graph.uses.map { price($0.use, batches[$0.batch].batch) } }
        return known?.costs(ofStep: index, make: costs) ?? costs()
      })
  }
}

extension GraphEvaluator {
  /// Runs a window of batches that go through a model, and returns the stamps of its outputs in the order
  /// of `Window.outputs`: those of `Evaluator.run(compiler.window(index, batches))`.
  ///
  /// Throws `ProgramError` when the window is wrong.
  public mutating func run(
    _ index: Int, _ batches: [ScheduledBatch], of compiler: inout ModelCompiler
  ) throws(ProgramError) -> [Stamp] {
    try run(compiler.part(index, batches)).map(\.stamp)
  }
}

extension Topology {
  /// Columns and rows of a torus; none of the others.
  fileprivate var sides: [Int] {
    if case .torus(let columns, let rows) = self { [columns, rows] } else { [] }
  }
}

extension WindowDraft {
  /// The window, its costs as numbers of `uses`.
  fileprivate func source(
    _ scheduled: [ScheduledBatch], index: Int, on wires: Wires
  ) -> TimeGraphBuilder.Source {
    var window = window
    window.index = index
    window.batches = scheduled.map(\.batch)
    return TimeGraphBuilder.Source(
      window: window, marks: marks, uses: uses, linkKinds: wires.kinds)
  }
}
