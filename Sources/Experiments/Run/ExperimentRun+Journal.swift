import Placement

extension ExperimentRun {
  /// A run of a half that an earlier process has finished; `nil` when there is none, or it lacks what is asked for.
  func restored(
    _ name: HalfName, _ split: Split, _ layout: DeviceLayout
  ) throws -> HalfResult? {
    // Logits are too large to be kept beside.
    guard experiment.host.logits == nil, let kept = journal?.take(name) else { return nil }
    progress("\(name.rawValue): finished before; its timeline has emulated time alone")
    var result = try evaluated(name, split, layout, observation: observation(split))
    result.measured = kept.measured
    result.tokens = kept.tokens
    result.nodes = kept.nodes
    return result
  }

  /// A half on nodes, of which the journal keeps how far it came.
  func journalled(
    _ name: HalfName, _ split: Split, _ layout: DeviceLayout
  ) async throws -> HalfResult {
    guard let journal else { return try await executed(name, split, layout) }
    do {
      let result = try await executed(name, split, layout) { report, _ in
        journal.saw(report)
        return true
      }
      try journal.finished(result)
      return result
    } catch {
      journal.stopped(name, because: error)
      throw error
    }
  }
}
