/// How one column of a die is made whole: which of its PEs stand for which row of the program.
///
/// The column uses a run of its live PEs, in order, as many as a program sees. Of the runs that its
/// spares allow it is the one whose PEs lie nearest to their places, the northernmost of equals; so a
/// single dead PE shifts the PEs between it and the nearer end by one row, and no others.
public struct ColumnRepair: Hashable, Sendable {
  /// Row within the die of each logical row, ascending.
  public let physicalRows: [Int]
  /// Rows by which each logical row lies south of its place (north when negative).
  public let shifts: [Int]
  /// Dead PEs between the first and the last PE used: a wavelet along the column passes each in one
  /// more hop.
  public let bypassed: Int

  /// `nil` when the column has more dead PEs than its budget.
  ///
  /// - Parameter deadRows: Rows within the die, ascending, each once.
  public init?(dies: DieGrid, deadRows: [Int]) {
    guard deadRows.count <= dies.columnBudget else { return nil }
    var live: [Int] = []
    live.reserveCapacity(dies.rowsPerDie)
    var next = 0
    for row in 0..<dies.rowsPerDie {
      if next < deadRows.count, deadRows[next] == row { next += 1 } else { live.append(row) }
    }
    let count = dies.logicalRowsPerDie
    let north = dies.northSpareRows
    func distance(_ start: Int) -> Int {
      (0..<count).reduce(0) { $0 + abs(live[start + $1] - north - $1) }
    }
    // No more starts than spare rows, plus one; `min` keeps the first of equals.
    let start = (0...live.count - count).min { distance($0) < distance($1) }!
    physicalRows = Array(live[start..<start + count])
    shifts = physicalRows.enumerated().map { $1 - north - $0 }
    bypassed = physicalRows[count - 1] - physicalRows[0] + 1 - count
  }
}
