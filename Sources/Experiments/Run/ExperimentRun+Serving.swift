import Hardware
import Models
import Placement
import Programs
import Quantities
import Serving

/// What a run does differently when it serves requests that come over time.
extension ExperimentRun {
  /// The run with the KV cache as large as the cluster's SRAM allows: it has room for so many sequences of the
  /// longest request, at most for the batch. The single wafer gets the same room, so that both take the same
  /// decisions from the same limits.
  ///
  /// Throws `MappingError` when not even one sequence fits.
  func withRoom() throws -> ExperimentRun {
    guard let served = experiment.modelled.served, served.cacheSequences == nil else {
      return self
    }
    let most = experiment.modelled.workload.batch
    func run(_ sequences: Int) -> ExperimentRun {
      var run = self
      run.experiment.modelled.served!.cacheSequences = sequences
      return run
    }
    func fits(_ sequences: Int) -> Bool {
      let run = run(sequences)
      guard let layout = try? run.experiment.modelled.layout(run.experiment.modelled.split) else {
        return false
      }
      return !layout.isHypothetical
    }
    if allowsHypothetical || fits(most) { return run(most) }
    let one = run(1)
    _ = try one.experiment.modelled.layout(one.experiment.modelled.split)
    var (low, high) = (1, most)
    while high - low > 1 {
      let middle = (low + high) / 2
      if fits(middle) { low = middle } else { high = middle }
    }
    return run(low)
  }

  private var allowsHypothetical: Bool {
    switch experiment.modelled.device {
    case .wafer(let device): device.allowsHypotheticalSRAM
    case .accelerators(let group): group.allowsHypotheticalMemory
    case .host: false
    }
  }

  /// The program of a split, to be evaluated.
  func evaluatedProgram(
    _ split: Split, _ layout: DeviceLayout, keepsOutputs: Bool = true, observation: Observation?
  ) -> EvaluatedProgram {
    let faults = experiment.modelled.faultPlan(split, layout)
    // A timeline shows every kernel, and faults are rules of single kernels.
    let joins = !keepsOutputs && recording == nil && faults.isEmpty
    guard let serving = servingProgram(split, layout, joinsKernels: joins) else {
      return EvaluatedProgram(
        experiment.modelled.program(split, layout), observation: observation, faults: faults)
    }
    return EvaluatedProgram(
      ranks: split.ranks, source: serving, keepsOutputs: keepsOutputs, observation: observation,
      faults: faults)
  }

  /// Windows that together use every connection, and the largest message.
  func connectionWindows(_ split: Split, _ layout: DeviceLayout) -> [Window] {
    if let limits = experiment.modelled.servingLimits {
      return CollectiveOperation.allReduce.algorithms.flatMap { algorithm in
        var compiler = compiler(split, layout, limits: limits, collectives: .fixed(algorithm))
        return ServingProgram.extremes(limits).map { compiler.window(0, [$0]) }
      }
    }
    var program = experiment.modelled.program(split, layout)
    let prefill = program.workload.prefillSteps
    return [0, prefill - 1, prefill].filter { $0 < program.windowCount }.map { program.window($0) }
  }

  /// The batch of each window, and of its place in it.
  func batches(of program: EvaluatedProgram.Summary) -> @Sendable (Int, Int) -> Batch {
    guard experiment.modelled.served != nil else {
      let workload = experiment.modelled.workload
      return { workload.batches(ofStep: $0)[$1] }
    }
    let pairs = program.outputs.map { ($0.window, $0.batch!) }
    let batches = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    return { window, _ in batches[window]! }
  }

  private func servingProgram(
    _ split: Split, _ layout: DeviceLayout, joinsKernels: Bool
  ) -> ServingProgram? {
    guard let served = experiment.modelled.served, let limits = experiment.modelled.servingLimits
    else { return nil }
    var compiler = compiler(
      split, layout, limits: limits, collectives: experiment.modelled.collectives)
    compiler.joinsKernels = joinsKernels
    return ServingProgram(compiler: compiler, requests: served.requests, limits: limits)
  }

  private func compiler(
    _ split: Split, _ layout: DeviceLayout, limits: Scheduler.Limits,
    collectives: CollectiveChoice
  ) -> ModelCompiler {
    let modelled = experiment.modelled
    return ModelCompiler(
      split: split, slots: Array(repeating: limits.sequencesPerSlot, count: limits.slots),
      wires: modelled.wires(ranks: split.ranks), collectives: collectives,
      candidateElements: 2 * modelled.candidates + 1, steps: layout.steps(of: split),
      speeds: modelled.speeds(ranks: split.ranks), price: DevicePricing(modelled, layout).price)
  }
}
