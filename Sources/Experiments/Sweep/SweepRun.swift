import Hardware
import Programs
import Runtime

/// Evaluates the points of a sweep, on as many threads as asked for, and hands rows on in the order of the
/// grid.
public struct SweepRun: Sendable {
  /// The points.
  public let sweep: Sweep
  /// Who starts nodes, where points are measured.
  public var launch: NodeLaunch
  /// Points that are evaluated at once; one where points are measured, which want the host to themselves.
  public var workers: Int
  /// A reason to stop: a signal. Rows that were handed on stay.
  public var interruption: @Sendable () -> String?
  private let cache = EvaluationCache()

  /// Rows that may be finished before an earlier one is: bounds what waits in memory.
  private static let mostWaiting = 1024

  /// Takes each field as it is.
  public init(
    _ sweep: Sweep, launch: NodeLaunch, workers: Int,
    interruption: @escaping @Sendable () -> String? = { nil }
  ) {
    self.sweep = sweep
    self.launch = launch
    self.workers = sweep.measures == nil ? max(workers, 1) : 1
    self.interruption = interruption
  }

  /// Evaluates points from `first` on.
  ///
  /// - Parameter take: Takes each row, in the order of the grid.
  /// - Returns: the number of the first point that was not handed on; that of all points at the end.
  ///
  /// Throws what `take` throws, and `ProgramError` or `LawViolation` for faults of ours.
  public func run(from first: Int, take: (SweepRow) throws -> Void) async throws -> Int {
    var next = first
    var handed = first
    var running = 0
    var waiting: [Int: SweepRow] = [:]
    try await withThrowingTaskGroup(of: SweepRow.self) { group in
      while true {
        while running < workers, next < sweep.grid.count, next - handed < Self.mostWaiting,
          interruption() == nil
        {
          let point = next
          group.addTask { try await row(at: point) }
          next += 1
          running += 1
        }
        guard let row = try await group.next() else { break }
        running -= 1
        waiting[row.point] = row
        while let ready = waiting.removeValue(forKey: handed) {
          try take(ready)
          handed += 1
        }
      }
    }
    return handed
  }

  /// The row of a point.
  func row(at number: Int) async throws -> SweepRow {
    let values = sweep.grid.values(at: number)
    func row(_ outcome: SweepRow.Outcome) -> SweepRow {
      SweepRow(point: number, values: values, outcome: outcome)
    }
    let point: Sweep.Point
    switch sweep.points[number] {
    case .failure(let error): return row(.impossible("\(error)"))
    case .success(let possible): point = possible
    }
    let comparison: EvaluatedComparison
    do {
      comparison = try ExperimentRun(point.evaluated, launch: launch).evaluate(cache)
    } catch let error as MappingError {
      return row(.impossible("\(error)"))
    }
    guard let measured = point.measured else { return row(.done(comparison, nil)) }
    do {
      let result = try await ExperimentRun(
        measured, launch: launch, interruption: interruption
      ).run()
      return row(
        .done(
          comparison, .done(single: result.single.measured!, cluster: result.cluster.measured!)))
    } catch let error as RunError {
      return row(.done(comparison, .failed("\(error)")))
    }
  }
}
