import Hardware
import Programs
import Quantities

/// What halving, doubling and making free of each parameter of hardware and link would do to an experiment:
/// where an improvement is worth most.
///
/// The model stays where it lies on its wafers, so that a change is that of the parameter alone; the
/// collectives are chosen anew.
public struct WhatIf: Sendable {
  /// What was asked about.
  public let experiment: Experiment
  /// As it is.
  public let base: EmulatedResult
  /// Every parameter, most valuable first: by the tokens a second that its best change gains, then by
  /// the time per output token and the time to the first that it saves, then by name.
  public let parameters: [Parameter]
  /// Prices outside of what was calibrated, and assumptions that matter.
  public let warnings: [String]

  /// A parameter, and what its changes do.
  public struct Parameter: Sendable {
    /// As keys and presets call it.
    public let name: String
    /// Its value, for people.
    public let value: String
    /// In the order half, double, free, as far as there are.
    public let changes: [Change]
  }

  /// A change of one parameter.
  public struct Change: Sendable {
    /// `half`, `double` or `free`.
    public let kind: String
    /// The value that it makes, for people.
    public let value: String
    /// What the cluster then takes.
    public let result: EmulatedResult
  }

  /// Evaluates every change.
  ///
  /// Throws `MappingError` when the model does not fit, and `ProgramError` for faults of ours.
  public init(
    _ experiment: Experiment, launch: NodeLaunch = NodeLaunch(program: nil, coordinator: nil)
  )
    throws
  {
    let run = ExperimentRun(experiment, launch: launch)
    let split = experiment.modelled.split
    let layout = try run.layout(split)
    let graphs = TimeGraphs()
    let base = try run.evaluated(.cluster, split, layout, graphs: graphs).emulated!
    var parameters: [Parameter] = []
    for parameter in WhatIfParameter.all(of: experiment.modelled) {
      var changes: [Change] = []
      for change in parameter.changes {
        var changed = experiment
        change.apply(&changed.modelled)
        let result = try ExperimentRun(changed, launch: launch).evaluated(
          .cluster, split, layout.on(changed.modelled.device), graphs: graphs)
        changes.append(
          Change(kind: change.kind.rawValue, value: change.value, result: result.emulated))
      }
      parameters.append(
        Parameter(name: parameter.name, value: parameter.value, changes: changes))
    }
    self.experiment = experiment
    self.base = base
    self.parameters = parameters.sorted { $0.isWorthMore(than: $1) }
    warnings = run.warnings([(split, layout)])
  }
}

extension WhatIf.Parameter {
  /// The least times of all changes. Every change makes as many tokens, so the least total has most tokens
  /// a second.
  private var best: (total: EmulatedTime, perToken: EmulatedTime, first: EmulatedTime) {
    (
      changes.map(\.result.total.time).min() ?? .zero,
      changes.compactMap(\.result.timePerOutputToken).min() ?? .zero,
      changes.map(\.result.timeToFirstToken).min() ?? .zero
    )
  }

  fileprivate func isWorthMore(than other: Self) -> Bool {
    let (a, b) = (best, other.best)
    if a.total != b.total { return a.total < b.total }
    if a.perToken != b.perToken { return a.perToken < b.perToken }
    if a.first != b.first { return a.first < b.first }
    return name < other.name
  }
}

extension DeviceLayout {
  /// The same places on a changed device.
  fileprivate func on(_ device: Device) -> DeviceLayout {
    guard case .accelerators(let group) = device, case .accelerators(_, let isHypothetical) = self
    else { return self }
    return .accelerators(group, isHypothetical: isHypothetical)
  }
}
