import Quantities

/// The PEs of one wafer that do not work.
public struct DefectMap: Hashable, Sendable {
  /// The wafer's dies.
  public let dies: DieGrid
  /// Each dead PE once, column by column, from the north.
  public let dead: [PhysicalPE]

  /// A map of these dead PEs, in any order; one that is named twice is dead once.
  ///
  /// - Precondition: they lie on the wafer.
  public init(dies: DieGrid, dead: some Sequence<PhysicalPE>) {
    self.dies = dies
    var unique: [PhysicalPE] = []
    for pe in dead.sorted() where pe != unique.last {
      precondition(
        (0..<dies.columns).contains(pe.column) && (0..<dies.physicalRows).contains(pe.row),
        "no PE at \(pe.column), \(pe.row) of \(dies)")
      unique.append(pe)
    }
    self.dead = unique
  }

  /// The wafer that a seed gives.
  ///
  /// Each die, row by row of dies, draws its number of defects, and each defect a PE of the die, all
  /// alike. So each die is one cluster region: its density is one draw of the gamma distribution, and
  /// dies are independent. Two defects on one PE kill it once.
  ///
  /// - Parameters:
  ///   - expected: Defects on the whole wafer, D·A. Its whole area is charged to PEs, scribe lines
  ///     and edge included.
  ///   - clustering: α of the negative binomial distribution; `nil` for independent defects.
  public init(dies: DieGrid, expected: Double, clustering: Double? = nil, seed: UInt64) {
    let count = DefectCount(mean: expected / Double(dies.dies), clustering: clustering)
    var generator = SplitMix64(seed: seed)
    self.init(dies: dies, perDie: count, using: &generator)
  }

  /// As above, with a distribution that is made once for many wafers.
  init(dies: DieGrid, perDie count: DefectCount, using generator: inout SplitMix64) {
    var dead: [PhysicalPE] = []
    for die in 0..<dies.dies {
      let (dieRow, dieColumn) = die.quotientAndRemainder(dividingBy: dies.dieColumns)
      for _ in 0..<count.draw(&generator) {
        let place = generator.index(below: dies.pesPerDie)
        dead.append(
          PhysicalPE(
            column: dieColumn * dies.columnsPerDie + place / dies.rowsPerDie,
            row: dieRow * dies.rowsPerDie + place % dies.rowsPerDie))
      }
    }
    self.init(dies: dies, dead: dead)
  }

  /// The dead PEs of each column of a die that has any, as rows within the die, in the map's order.
  func damagedColumns() -> [DamagedColumn] {
    var columns: [DamagedColumn] = []
    for pe in dead {
      let (dieRow, row) = pe.row.quotientAndRemainder(dividingBy: dies.rowsPerDie)
      if let last = columns.last, last.column == pe.column, last.dieRow == dieRow {
        columns[columns.count - 1].deadRows.append(row)
      } else {
        columns.append(DamagedColumn(column: pe.column, dieRow: dieRow, deadRows: [row]))
      }
    }
    return columns
  }
}

/// One column of one die, with its dead PEs.
struct DamagedColumn: Hashable, Sendable {
  /// Column of the wafer, from the west.
  let column: Int
  /// Row of dies, from the north.
  let dieRow: Int
  /// Rows within the die, ascending; never empty.
  var deadRows: [Int]
}
