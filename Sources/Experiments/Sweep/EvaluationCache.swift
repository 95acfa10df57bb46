import Hardware
import Models
import Placement
import Programs
import Quantities
import Synchronization

/// What evaluations of several experiments share: mappings, prices and the single wafer of experiments that
/// differ in their links alone, and graphs of windows.
public final class EvaluationCache: Sendable {
  let graphs = TimeGraphs()
  private let known = Mutex<[Experiment.Modelled: Basis]>([:])

  /// Most experiments, apart from their links, whose prices are kept; beyond, all are dropped.
  private static let mostBases = 512

  /// Nothing yet.
  public init() {}

  /// What does not depend on the link.
  final class Basis: Sendable {
    private let parts = Mutex<Result<Parts, any Error>?>(nil)

    struct Parts: Sendable {
      let cluster: DeviceLayout
      let costs: StepCosts
      let single: HalfResult
      let warnings: [String]
    }

    /// Made once; a second thread that asks waits for the first.
    func parts(make: () throws -> Parts) throws -> Parts {
      try parts.withLock { known in
        if let known { return known }
        let made = Result(catching: make)
        known = made
        return made
      }.get()
    }
  }

  func basis(of modelled: Experiment.Modelled) -> Basis {
    var key = modelled
    key.link = Link(latency: .zero, bandwidth: nil)
    key.topology = .fullMesh
    key.overrides.links = []
    key.faults = []
    key.collectives = .automatic
    return known.withLock { known in
      if let one = known[key] { return one }
      if known.count >= Self.mostBases { known = [:] }
      let made = Basis()
      known[key] = made
      return made
    }
  }
}

/// An experiment in emulated time alone: its cluster against its single wafer.
public struct EvaluatedComparison: Sendable {
  /// The split that was asked about.
  public let cluster: HalfResult
  /// The whole model on one wafer of the same grid.
  public let single: HalfResult
  /// Prices outside of what was calibrated, and assumptions that matter.
  public let warnings: [String]

  /// How much longer the cluster took than the single wafer.
  public var extra: EmulatedTime { cluster.emulated.total.time - single.emulated.total.time }
  /// Where the difference was spent; its entries add up to `extra`.
  public var extraAccount: Account {
    cluster.emulated.total.account - single.emulated.total.account
  }
}

extension ExperimentRun {
  /// Evaluates cluster and single; no node is started. The same as `run` gives without a transport, but
  /// for the best single.
  ///
  /// Throws as `run`.
  public func evaluate(_ cache: EvaluationCache) throws -> EvaluatedComparison {
    try withRoom().evaluateAll(cache)
  }

  private func evaluateAll(_ cache: EvaluationCache) throws -> EvaluatedComparison {
    let modelled = experiment.modelled
    let split = modelled.split
    let parts = try cache.basis(of: modelled).parts {
      let layout = try modelled.layout(split)
      let whole = modelled.singleSplit
      let standIn = standIn(for: layout, split, whole)
      return EvaluationCache.Basis.Parts(
        cluster: layout, costs: StepCosts(),
        single: try withoutOverrides.evaluated(.single, whole, standIn, graphs: cache.graphs),
        warnings: warnings([(split, layout), (whole, standIn)]))
    }
    let cluster = try evaluated(
      .cluster, split, parts.cluster, graphs: cache.graphs, costs: parts.costs)
    return EvaluatedComparison(
      cluster: cluster, single: isSingle ? cluster : parts.single,
      warnings: parts.warnings)
  }

  /// A half in emulated time alone, by the graphs of its windows.
  func evaluated(
    _ name: HalfName, _ split: Split, _ layout: DeviceLayout, graphs: TimeGraphs = TimeGraphs(),
    costs: StepCosts = StepCosts()
  ) throws -> HalfResult {
    // Graphs of windows know neither a service's decisions nor rules of time.
    if experiment.modelled.served != nil || !experiment.modelled.faults.isEmpty {
      return try evaluated(name, split, layout, observation: nil)
    }
    let times = try experiment.modelled.program(split, layout).times(graphs: graphs, costs: costs)
    var result = HalfResult(name: name, layout: layout)
    result.emulated = EmulatedResult(
      EvaluatedProgram.Summary(times, ranks: split.ranks), power: power(layout))
    return result
  }
}

extension EvaluatedProgram.Summary {
  fileprivate init(_ times: ProgramTimes, ranks: Int) {
    self.init(
      outputs: times.outputs.map {
        EvaluatedProgram.Output(
          window: $0.window, rank: $0.rank, batch: $0.batch, stamp: $0.stamp)
      }, traffic: times.traffic, ranks: ranks, windows: (times.outputs.last?.window ?? -1) + 1,
      instructions: times.instructions, uses: [], recording: nil, log: nil)
  }
}
