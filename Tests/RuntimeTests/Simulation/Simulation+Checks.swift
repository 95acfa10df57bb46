import Messaging
import Programs
import Quantities
import Runtime

/// What must hold after every event, as the machines' documentation says it.
extension Simulation {
  /// The transitions that `NodeLife` documents.
  private static let lives: Set<[String]> = [
    ["waiting", "binding"], ["binding", "connecting"], ["connecting", "loading"],
    ["loading", "ready"], ["ready", "ready"], ["ready", "executing"], ["ready", "running"],
    ["running", "executing"], ["executing", "running"], ["executing", "executing"],
    ["ready", "reporting"], ["running", "reporting"], ["reporting", "waiting"],
    ["binding", "interrupted"], ["connecting", "interrupted"], ["loading", "interrupted"],
    ["ready", "interrupted"], ["running", "interrupted"], ["executing", "interrupted"],
    ["reporting", "interrupted"], ["connecting", "waiting"], ["ready", "waiting"],
    ["running", "waiting"], ["interrupted", "waiting"],
  ]

  func checkLife(_ index: Int, _ before: NodeLife.State) throws(Violation) {
    let after = nodes[index].life.state
    if case .ready(let windows) = after {
      try check(
        windows.count <= ClusterSession.windowsAhead,
        "\(windows.count) windows wait at \(nodes[index].name)")
    }
    guard before != after, after != .left else { return }
    try check(
      Self.lives.contains([before.name, after.name]),
      "\(nodes[index].name) went from \(before.name) to \(after.name)")
    if case .executing(let window, _) = after {
      let next: Int? =
        switch before {
        case .ready: 0
        case .running(let next): next
        case .executing(let last, _): last + 1
        default: nil
        }
      try check(window == next, "\(nodes[index].name) executes window \(window) out of turn")
    }
  }

  func checkControl(_ index: Int, _ before: NodeControl.State) throws(Violation) {
    let after = nodes[index].control.state
    guard before != after else { return }
    let isDocumented =
      switch (before, after) {
      case (_, .ended), (_, .leaving), (.waiting, .waiting), (.waiting, .serving),
        (.serving, .waiting), (.leaving, .waiting), (.leaving(isAssigned: true), .serving):
        true
      default: false
      }
    try check(isDocumented, "\(nodes[index].name)'s control went from \(before) to \(after)")
  }

  func checkPhase(
    _ before: ClusterSession.Phase, _ after: ClusterSession.Phase
  ) throws(Violation) {
    guard before != after else { return }
    say("phase \(after.rawValue)")
    let order: [ClusterSession.Phase] = [
      .registering, .binding, .loading, .running, .reporting, .ended,
    ]
    let isNext = order.firstIndex(of: after) == order.firstIndex(of: before)! + 1
    // A program without windows is done when all are ready.
    let isEmpty = (before, after) == (.loading, .reporting) && scenario.windows == 0
    try check(
      isNext || isEmpty || after == .ended, "the session went from \(before) to \(after)")
  }

  /// Keeps what the coordinator may conclude from a word, for the checks below.
  func note(_ message: ControlMessage, from identity: NodeIdentity) {
    let session = coordinator.session
    let rank = session?.rank(of: identity)
    switch message {
    case .done: if session?.phase == .reporting, let rank { coordinator.told.insert(rank) }
    case .hello(let hello):
      // One that has a rank and has not told everything does not wait, whatever an old word of it says.
      if let rank, !coordinator.told.contains(rank) { return }
      let awaited = (session?.roll ?? coordinator.desk.roll).awaited[identity]
      if awaited == nil || awaited == hello.run { coordinator.welcome.insert(identity) }
    default: break
    }
  }

  /// A rank is given to a node that waits: it has said hello since the last one, and has not ended.
  func checkAssign(_ index: Int) throws(Violation) {
    try check(
      coordinator.welcome.remove(nodes[index].identity) != nil,
      "\(nodes[index].name) gets a rank and has not said hello since its last one")
    try check(
      !coordinator.buried.contains(nodes[index].process),
      "\(nodes[index].name) gets a rank, and is known to have ended")
  }

  /// What becomes of a node once it has told everything is no matter of the run.
  func checkFailure(_ error: RunError) throws(Violation) {
    guard let rank = error.rank else { return }
    try check(!coordinator.told.contains(rank), "\(rank) had told everything, and failed the run")
  }

  func checkOutcome(_ outcome: ClusterSession.Outcome) throws(Violation) {
    let reference = DataPlane.reference(windows: scenario.windows, ranks: scenario.ranks)
    if scenario.stopsAfter == nil {
      try check(outcome.windows.count == scenario.windows, "windows are missing")
    }
    for (index, window) in outcome.windows.enumerated() {
      try check(window.count == scenario.ranks, "window \(index) lacks a rank")
      for (rank, report) in window.enumerated() {
        try check(report.index == index, "window \(index) of rank \(rank) is \(report.index)")
        try check(
          report.outputs.map(\.tokens) == [reference[index][rank]],
          "window \(index) of rank \(rank) has other tokens than an undisturbed run")
      }
    }
    try check(
      Set(outcome.nodes.map(\.process)).count == scenario.ranks, "one node has two ranks")
  }

  /// What must hold when nobody is left.
  func checkEnd() throws(Violation) {
    try check(!summary.ending.isEmpty, "nothing is left to happen, and the run has not ended")
    let left = nodes.filter(\.isThere)
    try check(left.isEmpty, "\(left.map(\.name)) never end")
    if scenario.mustSucceed {
      try check(
        summary.ending == "success",
        "it has all that it needs, and ended with '\(summary.ending)'")
    }
    if scenario.isUndisturbed {
      try check(coordinator.policy.restarts == 0, "it was run again for nothing")
    }
    try check(
      summary.ending == "success" || allowed.contains(summary.ending),
      "nothing that happened explains that it ended with '\(summary.ending)'")
    if scenario.kind == .hopeless, scenario.diesAtStart, scenario.restarts {
      try check(
        coordinator.policy.restarts == RestartPolicy.mostRestarts, "it has restarts to spare")
      summary.seen.insert("restarts used up")
    }
  }

  /// The errors with which a run may end, for what happens to it.
  private var allowed: Set<String> {
    // How the death of a process looks: whether it is seen, and what it was at.
    let deaths: Set<String> =
      scenario.isLocal ? ["exited", "exited early"] : ["disconnected", "missing"]
    switch scenario.kind {
    case .calm, .harmless, .crashes, .spares, .cuts: return []
    case .fatalCrash: return deaths
    // Several cuts in a row keep a node away for longer than one may.
    case .fatalCut: return ["miscounted", "disconnected"]
    case .silences: return deaths.union(["silent", "disconnected", "missing", "miscounted"])
    // A node that finds the doubled word leaves; without a spare its rank is then missing.
    case .duplicates: return deaths.union(["protocol fault", "miscounted", "node failed"])
    case .coordinatorDies: return ["coordinator died"]
    case .hopeless:
      if scenario.diesAtStart { return ["exited early"] }
      if scenario.absent > 0 { return ["missing"] }
      // Where its process is seen to end before its last word, the status has the reason.
      if case .workFails? = scenario.faults.first?.fault {
        return scenario.isLocal ? ["node failed", "exited"] : ["node failed"]
      }
      return scenario.faults.isEmpty ? ["loading late"] : ["aborted"]
    case .mixed:
      return deaths.union([
        "silent", "disconnected", "missing", "miscounted", "protocol fault", "node failed",
        "coordinator died",
        "aborted",
      ])
    }
  }
}
