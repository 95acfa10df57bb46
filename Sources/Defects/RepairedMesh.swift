/// The mesh that a program sees on a wafer with defects: which PE stands for which place, and how many
/// hops its lines are longer than on a whole wafer.
///
/// Columns that are beyond repair can be left out. A wafer column is beyond repair where it has more
/// dead PEs in one die than its budget. Either the column goes, on the whole wafer, or the row of dies
/// in which it is bad; the choice is the one that leaves most PEs. Lines that cross what was left out
/// pass over it.
public struct RepairedMesh: Hashable, Sendable {
  /// The wafer with its dead PEs.
  public let map: DefectMap
  /// PEs from west to east that a program can use.
  public let columns: Int
  /// PEs from north to south that a program can use.
  public let rows: Int
  /// Wafer columns that are used, ascending; the program's are the first of them.
  public let usedColumns: [Int]
  /// Rows of dies that are used, ascending.
  public let usedDieRows: [Int]

  /// By row of dies, then column; `nil` where nothing is dead, or beyond repair.
  private let repairs: [ColumnRepair?]

  /// What is done about a column that is beyond repair.
  public enum BeyondRepair: String, CaseIterable, Hashable, Sendable {
    /// The wafer is scrapped.
    case refuse
    /// The mesh becomes smaller.
    case shrink
  }

  /// Repairs a wafer.
  ///
  /// Throws `RepairError` when a column is beyond repair and that is to be refused, or when nothing is
  /// left.
  ///
  /// - Parameter limit: PEs that a program can use on a whole wafer, when not all: some wafers keep a
  ///   few columns and rows at the edge for themselves. The mesh is never larger.
  public init(
    _ map: DefectMap, limit: (columns: Int, rows: Int)? = nil, beyondRepair: BeyondRepair = .refuse
  ) throws(RepairError) {
    let dies = map.dies
    var repairs = [ColumnRepair?](repeating: nil, count: dies.dieRows * dies.columns)
    // Bit r of a column: its part in row of dies r is beyond repair.
    var bad = [UInt32](repeating: 0, count: dies.columns)
    for damaged in map.damagedColumns() {
      if let repair = ColumnRepair(dies: dies, deadRows: damaged.deadRows) {
        repairs[damaged.dieRow * dies.columns + damaged.column] = repair
        continue
      }
      guard beyondRepair == .shrink else {
        throw RepairError.beyondRepair(
          column: damaged.column, dieRow: damaged.dieRow, dead: damaged.deadRows.count,
          budget: dies.columnBudget)
      }
      bad[damaged.column] |= 1 << damaged.dieRow
    }
    let dropped = Self.dieRowsToDrop(dies, bad: bad)
    usedDieRows = (0..<dies.dieRows).filter { dropped & (1 << $0) == 0 }
    usedColumns = bad.indices.filter { bad[$0] & ~dropped == 0 }
    guard !usedColumns.isEmpty, !usedDieRows.isEmpty else { throw RepairError.nothingLeft }
    self.map = map
    self.repairs = repairs
    columns = min(usedColumns.count, limit?.columns ?? .max)
    rows = min(usedDieRows.count * dies.logicalRowsPerDie, limit?.rows ?? .max)
  }

  /// The set of die rows without which most PEs are left; of equals, the first in binary order, which
  /// keeps them all when it can.
  private static func dieRowsToDrop(_ dies: DieGrid, bad: [UInt32]) -> UInt32 {
    let masks = bad.filter { $0 != 0 }
    guard !masks.isEmpty else { return 0 }
    var best: (pes: Int, dropped: UInt32) = (-1, 0)
    for dropped in 0..<UInt32(1) << dies.dieRows {
      let columns = dies.columns - masks.count { $0 & ~dropped != 0 }
      let pes = columns * (dies.dieRows - dropped.nonzeroBitCount)
      if pes > best.pes { best = (pes, dropped) }
    }
    return best.dropped
  }

  /// The live PE that stands for a place of the program's mesh.
  ///
  /// - Precondition: the place lies on the mesh.
  public func physical(column: Int, row: Int) -> PhysicalPE {
    precondition(
      (0..<columns).contains(column) && (0..<rows).contains(row),
      "\(column), \(row) on a mesh of \(columns) × \(rows)")
    let dies = map.dies
    let (index, rowInDie) = row.quotientAndRemainder(dividingBy: dies.logicalRowsPerDie)
    let dieRow = usedDieRows[index]
    let place =
      repair(dieRow, usedColumns[column])?.physicalRows[rowInDie]
      ?? rowInDie + dies.northSpareRows
    return PhysicalPE(column: usedColumns[column], row: dieRow * dies.rowsPerDie + place)
  }

  /// By how many hops the longest lines of the whole mesh, and of any part of it at most, are longer.
  public var extraHops: ExtraHops { extraHops(columns: 0..<columns, rows: 0..<rows) }

  /// By how many hops the worst line of a part of the mesh is longer than on a whole wafer.
  ///
  /// Assumed: each dead PE on the way of a north-south line costs one hop; so does, on a west-east
  /// line, each row by which two neighbours are shifted against each other, and each column that was
  /// left out between them; a row of dies that was left out costs its logical rows. Spare rows that
  /// are not used, and the wires between dies, cost none.
  ///
  /// - Precondition: the part is not empty and lies on the mesh.
  public func extraHops(columns part: Range<Int>, rows lines: Range<Int>) -> ExtraHops {
    precondition(
      !part.isEmpty && !lines.isEmpty && part.lowerBound >= 0 && part.upperBound <= columns
        && lines.lowerBound >= 0 && lines.upperBound <= rows,
      "columns \(part) and rows \(lines) of a mesh of \(columns) × \(rows)")
    let segments = segments(lines)
    return ExtraHops(
      westToEast: westToEast(part, lines).max()!,
      northToSouth: part.map { northToSouth(column: usedColumns[$0], segments) }.max()!)
  }

  /// Extra hops of each west-east line of a part.
  private func westToEast(_ part: Range<Int>, _ lines: Range<Int>) -> [Int] {
    let passed = usedColumns[part.upperBound - 1] - usedColumns[part.lowerBound] + 1 - part.count
    var extra = [Int](repeating: passed, count: lines.count)
    for (dieRow, inDie, first) in segments(lines) {
      for column in part.dropFirst() {
        let west = repair(dieRow, usedColumns[column - 1])
        let east = repair(dieRow, usedColumns[column])
        guard west != nil || east != nil else { continue }
        for row in inDie {
          extra[first + row - inDie.lowerBound] += abs(
            (west?.shifts[row] ?? 0) - (east?.shifts[row] ?? 0))
        }
      }
    }
    return extra
  }

  /// Extra hops of one north-south line.
  private func northToSouth(column: Int, _ segments: [Segment]) -> Int {
    let (first, last) = (segments[0].dieRow, segments[segments.count - 1].dieRow)
    let passed = (last - first + 1 - segments.count) * map.dies.logicalRowsPerDie
    return segments.reduce(passed) { sum, segment in
      guard let repair = repair(segment.dieRow, column) else { return sum }
      let (north, south) = (segment.inDie.lowerBound, segment.inDie.upperBound - 1)
      return sum + repair.physicalRows[south] - repair.physicalRows[north] - (south - north)
    }
  }

  /// Lines that lie in one row of dies: which, their rows within the die, the index of the first.
  private typealias Segment = (dieRow: Int, inDie: Range<Int>, first: Int)

  /// Cuts a range of logical rows at the dies.
  private func segments(_ lines: Range<Int>) -> [Segment] {
    let height = map.dies.logicalRowsPerDie
    return (lines.lowerBound / height...(lines.upperBound - 1) / height).map { index in
      let start = max(lines.lowerBound, index * height)
      let end = min(lines.upperBound, (index + 1) * height)
      return (
        usedDieRows[index], start - index * height..<end - index * height,
        start - lines.lowerBound
      )
    }
  }

  private func repair(_ dieRow: Int, _ column: Int) -> ColumnRepair? {
    repairs[dieRow * map.dies.columns + column]
  }

  /// Traps unless every place of the mesh has a live PE of its own, in order along both sides.
  public func checkInvariants() {
    let dead = Set(map.dead)
    for column in 0..<columns {
      var last: PhysicalPE?
      for row in 0..<rows {
        let pe = physical(column: column, row: row)
        precondition(!dead.contains(pe), "\(column), \(row) is on a dead PE: \(pe)")
        precondition(
          pe.column == usedColumns[column] && pe.row < map.dies.physicalRows
            && pe.row > last?.row ?? -1, "\(column), \(row) is out of order: \(pe)")
        last = pe
      }
      precondition(
        column == 0 || usedColumns[column] > usedColumns[column - 1], "columns out of order")
    }
  }
}

/// By how many hops the longest line of PEs is longer than its number of PEs says.
public struct ExtraHops: Hashable, Sendable {
  /// Of the worst line from west to east.
  public var westToEast: Int
  /// Of the worst line from north to south.
  public var northToSouth: Int

  /// - Precondition: neither is negative.
  public init(westToEast: Int, northToSouth: Int) {
    precondition(
      westToEast >= 0 && northToSouth >= 0, "\(westToEast) and \(northToSouth) extra hops")
    self.westToEast = westToEast
    self.northToSouth = northToSouth
  }

  /// A region without defects.
  public static let none = ExtraHops(westToEast: 0, northToSouth: 0)
}

/// A wafer that cannot be used.
public enum RepairError: Error, Hashable, CustomStringConvertible {
  /// A column of a die has more dead PEs than its budget.
  case beyondRepair(column: Int, dieRow: Int, dead: Int, budget: Int)
  /// Every column of every row of dies is beyond repair.
  case nothingLeft

  /// One sentence: where, how many, and what can be done.
  public var description: String {
    switch self {
    case .beyondRepair(let column, let dieRow, let dead, let budget):
      "column \(column) has \(dead) dead PEs in row \(dieRow) of the dies, and repair passes over "
        + "\(budget) at most; continue on a smaller mesh, or take another wafer"
    case .nothingLeft: "no column of any row of dies can be repaired; take another wafer"
    }
  }
}
