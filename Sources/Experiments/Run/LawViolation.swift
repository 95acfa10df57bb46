import Programs
import Quantities
import Runtime

/// A node computed another emulated time than the evaluator: a fault of ours, and the run is void.
public struct LawViolation: Error, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// Holds what nodes reported against the evaluator, to the picosecond.
  ///
  /// Throws the first difference, by window and rank.
  static func check(
    _ program: EvaluatedProgram, reports: [NodeReport], windows: [[WindowReport]]
  ) throws(LawViolation) {
    var left = program.outputs[...]
    for (index, window) in windows.enumerated() {
      // Outputs come in the order of windows: what a window's ranks report is at the front.
      let own = left.prefix { $0.window == index }
      left = left.dropFirst(own.count)
      try check(window, of: index, against: own)
    }
    if let missing = left.first {
      throw LawViolation(
        description: "no node reported the output of window \(missing.window) on \(missing.rank)")
    }
    for (rank, report) in reports.enumerated() {
      let clock = program.clocks[rank]
      guard report.end == clock.end, report.clockDigest == clock.digest else {
        throw LawViolation(
          description: "rank \(rank): the node's clock ends at \(report.end.picoseconds) ps, the "
            + "evaluator's at \(clock.end.picoseconds) ps")
      }
    }
  }

  /// Holds what the ranks reported of one window against the evaluator's outputs of it.
  private static func check(
    _ window: [WindowReport], of index: Int, against expected: ArraySlice<EvaluatedProgram.Output>
  ) throws(LawViolation) {
    for (rank, report) in window.enumerated() {
      let own = expected.filter { $0.rank == Rank(rank) }
      guard own.count == report.outputs.count else {
        throw LawViolation(
          description: "window \(index), rank \(rank): the node reported "
            + "\(report.outputs.count) outputs, the program has \(own.count)")
      }
      for (expected, found) in zip(own, report.outputs) where expected.stamp != found.stamp {
        throw LawViolation(
          description: "window \(index), rank \(rank): the node's emulated time is "
            + "\(found.stamp.time.picoseconds) ps, the evaluator's "
            + "\(expected.stamp.time.picoseconds) ps (accounts \(found.stamp.account) and "
            + "\(expected.stamp.account))")
      }
    }
  }
}
