import Hardware
import Messaging
import Programs
import Quantities
import Runtime

/// What one half gave, on both clocks.
public struct HalfResult: Sendable {
  /// Which half it is.
  public let name: ExperimentRun.HalfName
  /// How its ranks lie on their devices.
  public let layout: DeviceLayout
  /// Whether memory was taken as enlarged.
  public var isHypothetical: Bool { layout.isHypothetical }
  /// Set when the half has run, which is before anyone sees it.
  public internal(set) var emulated: EmulatedResult!
  /// `nil` without nodes.
  public internal(set) var measured: MeasuredResult?
  /// Of each sequence; empty when payloads are phantom.
  public internal(set) var tokens: [[Int32]] = []
  /// Of every output position; `nil` unless asked for.
  public internal(set) var logits: Logits?
  /// What its ranks did when; `nil` unless asked for.
  public internal(set) var timeline: Timeline?
  /// Who the nodes were; empty for threads.
  public internal(set) var nodes: [ControlMessage.Hello] = []

  init(name: ExperimentRun.HalfName, layout: DeviceLayout) {
    self.name = name
    self.layout = layout
  }
}

/// An experiment's answer.
public struct ExperimentResult: Sendable {
  /// What was asked, fully resolved.
  public let experiment: Experiment
  /// The whole model on one wafer of the same grid.
  public let single: HalfResult
  /// The split that the experiment asks about.
  public let cluster: HalfResult
  /// The fastest mapping that really fits one wafer; `nil` when none does.
  public let bestSingle: HalfResult?
  /// What the cluster's faults cost; `nil` without any.
  public let faultCosts: FaultCosts?
  /// Of the model file; `nil` for models without one.
  public let modelFingerprint: String?
  /// Prices outside of what was calibrated, and assumptions that matter.
  public let warnings: [String]

  /// How much longer the cluster took than the single wafer.
  public var extra: EmulatedTime { cluster.emulated.total.time - single.emulated.total.time }
  /// Where the difference was spent; its entries add up to `extra`.
  public var extraAccount: Account {
    cluster.emulated.total.account - single.emulated.total.account
  }
  /// Cluster total over single total.
  public var slowdown: Double {
    let single = single.emulated.total.time.picoseconds
    return single > 0
      ? Double(cluster.emulated.total.time.picoseconds) / Double(single) : 1
  }

  /// The first token at which the halves part, by sequence and place; `nil` when they never do, or
  /// there are none.
  public var firstDifference: (sequence: Int, token: Int)? {
    for (sequence, (a, b)) in zip(single.tokens, cluster.tokens).enumerated() {
      if let token = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
        return (sequence, token)
      }
    }
    return nil
  }

  /// The largest difference of two logits up to where the tokens part; `nil` without logits.
  public var largestLogitDifference: Float? {
    guard let a = single.logits, let b = cluster.logits else { return nil }
    let start = experiment.modelled.workload.promptTokens - 1
    var largest: Float = 0
    for (index, place) in a.places.enumerated() where index < b.rows.count {
      // After the tokens part, the logits answer different questions.
      if let first = firstDifference, place.sequence == first.sequence,
        place.position - start > first.token
      {
        continue
      }
      for (x, y) in zip(a.rows[index], b.rows[index]) { largest = max(largest, abs(x - y)) }
    }
    return largest
  }
}
