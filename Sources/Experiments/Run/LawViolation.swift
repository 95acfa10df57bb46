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
    var expected = program.outputs[...]
    for window in windows {
      for (rank, report) in window.enumerated() {
        for output in report.outputs {
          guard
            let own = expected.first(where: {
              $0.window == report.index && $0.rank == Rank(rank)
            })
          else {
            throw LawViolation(
              description: "rank \(rank) reported an output of window \(report.index) too many")
          }
          let index = expected.firstIndex {
            $0.window == report.index && $0.rank == Rank(rank)
          }!
          expected.remove(at: index)
          guard own.stamp == output.stamp else {
            throw LawViolation(
              description: "window \(report.index), rank \(rank): the node's emulated time is "
                + "\(output.stamp.time.picoseconds) ps, the evaluator's "
                + "\(own.stamp.time.picoseconds) ps (accounts \(output.stamp.account) and "
                + "\(own.stamp.account))")
          }
        }
      }
    }
    if let missing = expected.first {
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
}
