import Programs
import Quantities

/// What each fault of a cluster cost the last token, and all of them together.
///
/// A fault's cost is the total with all faults less the total with all but this one. Faults overlap: two that keep
/// different ranks waiting at once may each cost nothing, and costs need not add up to the sum.
public struct FaultCosts: Hashable, Sendable {
  /// In the order of the experiment.
  public let faults: [Cost]
  /// With all faults less without any.
  public let total: Difference

  /// One fault, and what it cost.
  public struct Cost: Hashable, Sendable {
    /// What went wrong.
    public let fault: FaultSetting
    /// Total with all faults less with all but this one.
    public let difference: Difference
    /// Whether anything met it: a token, a link or a rank's use of its time is other than without it. One that
    /// struck may still cost nothing, where nobody waited for what it delayed.
    public let hasStruck: Bool
  }

  /// A difference of two totals; its account adds up to it.
  public struct Difference: Hashable, Sendable {
    /// The difference.
    public let time: EmulatedTime
    /// Where it was spent.
    public let account: Account

    init(_ with: Stamp, _ without: Stamp) {
      time = with.time - without.time
      account = with.account - without.account
    }
  }

  /// A part of the cluster's emulated document.
  var json: [String: JSONValue] {
    [
      "faults": .array(
        faults.map {
          $0.fault.json.adding("struck", .boolean($0.hasStruck))
            .adding("cost_ps", .picoseconds($0.difference.time))
            .adding("cost_account_ps", $0.difference.account.json)
        }),
      "faults_cost_ps": .picoseconds(total.time),
      "faults_cost_account_ps": total.account.json,
    ]
  }
}

extension ExperimentRun {
  /// Evaluates the cluster without each of its faults, and without all; `nil` when it has none.
  ///
  /// Throws as `run`.
  func faultCosts(of cluster: HalfResult) throws -> FaultCosts? {
    let faults = experiment.modelled.faults
    guard !faults.isEmpty else { return nil }
    let with: EmulatedResult = cluster.emulated
    func without(_ left: [FaultSetting]) throws -> EmulatedResult {
      var run = self
      run.recording = nil
      run.experiment.modelled.faults = left
      let split = experiment.modelled.split
      return try run.evaluated(
        .cluster, split, cluster.layout, observation: run.observation(split)
      ).emulated
    }
    let costs = try faults.indices.map { index in
      var left = faults
      left.remove(at: index)
      let other = try without(left)
      return FaultCosts.Cost(
        fault: faults[index], difference: FaultCosts.Difference(with.total, other.total),
        hasStruck: other != with)
    }
    return FaultCosts(
      faults: costs, total: FaultCosts.Difference(with.total, try without([]).total))
  }
}
