import Foundation
import Hardware
import Models
import Placement
import Programs
import Quantities

/// Predicts what real processes of this host take, runs them, and holds one against the other.
public struct HostValidation: Sendable {
  /// Model, workload and how nodes are reached; plans are cut from it.
  public var experiment: Experiment
  /// What was measured before.
  public var presets: HostPresets
  /// PP × TP plans.
  public var plans: [HostPlan]
  /// Runs of each plan; the plans take turns, so that what disturbs the host disturbs all alike.
  public var repetitions: Int
  /// Who starts nodes.
  public var launch: NodeLaunch
  /// Told what is going on, for a person.
  public var progress: @Sendable (String) -> Void
  /// A reason to give up: a signal.
  public var interruption: @Sendable () -> String?

  /// Takes each field as it is.
  public init(
    _ experiment: Experiment, presets: HostPresets, plans: [HostPlan], repetitions: Int,
    launch: NodeLaunch, progress: @escaping @Sendable (String) -> Void = { _ in },
    interruption: @escaping @Sendable () -> String? = { nil }
  ) {
    self.experiment = experiment
    self.presets = presets
    self.plans = plans
    self.repetitions = repetitions
    self.launch = launch
    self.progress = progress
    self.interruption = interruption
  }

  /// Runs everything.
  ///
  /// Throws `ConfigurationError` for a link that is not there, `RunError` when nodes fail.
  public func run() async throws -> Result {
    let facts = HostFacts.here
    let before = HostFacts.loadAverage
    var rows: [Row] = []
    for plan in plans {
      let (experiment, preset) = try experiment(of: plan)
      let run = ExperimentRun(experiment, launch: launch)
      let predicted = try run.evaluateCluster().emulated!
      var warnings: [String] = []
      if case .host(let process) = experiment.modelled.device {
        warnings =
          process.warnings(experiment.modelled)
          + experiment.modelled.device.precisionWarnings(experiment.host)
      }
      rows.append(Row(plan: plan, preset: preset, predicted: predicted, warnings: warnings))
    }
    for repetition in 1...repetitions {
      for (index, plan) in plans.enumerated() {
        progress("repetition \(repetition) of \(repetitions): \(plan)")
        let (experiment, _) = try experiment(of: plan)
        let half = try await ExperimentRun(
          experiment, launch: launch, interruption: interruption
        ).executeCluster()
        rows[index].measured.append(half.measured!)
      }
    }
    return Result(
      facts: facts, loads: (before, HostFacts.loadAverage),
      model: experiment.modelled.shape.name, experiment: experiment, rows: rows)
  }

  /// The experiment of a plan on the measured host, and the preset that was taken.
  private func experiment(of plan: HostPlan) throws -> (Experiment, String) {
    var experiment = experiment
    let split = try Split(
      shape: experiment.modelled.shape, pipeline: plan.pipeline, tensor: plan.tensor)
    experiment.modelled.tensor = plan.tensor
    experiment.modelled.layersPerStage = split.stages.map(\.count)
    // Real messages are float32.
    experiment.modelled.widths.activations = .fp32
    let host = presets.host(busy: experiment.modelled.busyProcesses)
    experiment.modelled.device = .host(host.value)
    experiment.modelled.link = try presets.link(of: host)
    experiment.host.repetitions = 1
    return (experiment, host.source.name)
  }

  /// What became of it.
  public struct Result: Sendable {
    /// Where and when.
    public let facts: HostFacts
    /// Processes that ran or wanted to, before and after.
    public let loads: (before: Double?, after: Double?)
    /// The model's name.
    public let model: String
    let experiment: Experiment
    /// One a plan.
    public let rows: [Row]
  }

  /// A plan, predicted and measured.
  public struct Row: Sendable {
    /// The plan.
    public let plan: HostPlan
    /// The host preset that prices it.
    public let preset: String
    /// On the host as the device.
    public let predicted: EmulatedResult
    /// What makes the prediction worse than it could be.
    public let warnings: [String]
    /// Of each repetition, in turn.
    public var measured: [MeasuredResult] = []
  }
}

/// A plan that a host is asked to run.
public struct HostPlan: Hashable, Sendable, CustomStringConvertible {
  /// Pipeline-parallel size.
  public let pipeline: Int
  /// Tensor-parallel size.
  public let tensor: Int

  /// A plan.
  public init(pipeline: Int, tensor: Int) {
    self.pipeline = pipeline
    self.tensor = tensor
  }

  /// As tables have it.
  public var description: String { "PP \(pipeline) x TP \(tensor)" }

  /// Plans with a processor for each process: one process, stages, shards, and their products.
  public static func all(processors: Int) -> [HostPlan] {
    (1...max(processors, 1)).flatMap { pipeline in
      (1...max(processors, 1)).compactMap { tensor in
        pipeline * tensor <= processors ? HostPlan(pipeline: pipeline, tensor: tensor) : nil
      }
    }
  }

  /// Reads plans such as `1x1,2x1,1x2`: PP x TP each.
  ///
  /// Throws `ConfigurationError` for anything else.
  public static func list(_ text: String, option: String) throws(ConfigurationError) -> [HostPlan] {
    var plans: [HostPlan] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let sides = OptionValue.sides(String(word)) else {
        throw ConfigurationError(
          .option(option), "'\(word)' is no plan",
          remedy: "Write PPxTP, several with commas: 1x1,2x1,1x2")
      }
      plans.append(HostPlan(pipeline: sides.columns, tensor: sides.rows))
    }
    return plans
  }
}
