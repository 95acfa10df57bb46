/// A wafer as a grid of equal dies, each a grid of PEs with spare rows.
///
/// The scribe lines between the dies carry wires, so that a program sees one mesh. Half of a die's
/// spare rows lie at its north end and half at its south end (the odd one in the south), so that a
/// column that loses a PE shifts towards the nearer end.
public struct DieGrid: Hashable, Sendable {
  /// Dies from west to east.
  public let dieColumns: Int
  /// Dies from north to south.
  public let dieRows: Int
  /// PEs of a die from west to east.
  public let columnsPerDie: Int
  /// PEs of a die from north to south, spare rows included.
  public let rowsPerDie: Int
  /// Rows of a die that are there to replace others.
  public let spareRows: Int
  /// Most dead PEs of a column of a die that repair passes over; with one more the die is beyond
  /// repair. No more than `spareRows`.
  public let columnBudget: Int

  /// Most rows of dies: `RepairedMesh` tries every set of them.
  public static let mostDieRows = 16
  /// Most PEs of a die from west to east or from north to south; the largest known die has 180.
  public static let mostPEsPerSide = 1024

  /// - Precondition: every count is at least 1, `spareRows` at least 0 and less than `rowsPerDie`, and
  ///   `columnBudget`, which is `spareRows` unless said otherwise, in `0...spareRows`.
  public init(
    dieColumns: Int, dieRows: Int, columnsPerDie: Int, rowsPerDie: Int, spareRows: Int,
    columnBudget: Int? = nil
  ) {
    let budget = columnBudget ?? spareRows
    precondition(
      dieColumns >= 1 && dieRows >= 1 && dieRows <= Self.mostDieRows,
      "\(dieColumns) × \(dieRows) dies")
    precondition(
      columnsPerDie >= 1 && (1...Self.mostPEsPerSide).contains(rowsPerDie)
        && (0..<rowsPerDie).contains(spareRows) && (0...spareRows).contains(budget),
      "dies of \(columnsPerDie) × \(rowsPerDie) PEs, \(spareRows) rows spare, budget \(budget)")
    self.dieColumns = dieColumns
    self.dieRows = dieRows
    self.columnsPerDie = columnsPerDie
    self.rowsPerDie = rowsPerDie
    self.spareRows = spareRows
    self.columnBudget = budget
  }

  /// The same dies with another budget.
  public func with(columnBudget: Int) -> DieGrid {
    DieGrid(
      dieColumns: dieColumns, dieRows: dieRows, columnsPerDie: columnsPerDie,
      rowsPerDie: rowsPerDie, spareRows: spareRows, columnBudget: columnBudget)
  }

  /// Dies of the wafer.
  public var dies: Int { dieColumns * dieRows }
  /// PEs of a die, spare rows included.
  public var pesPerDie: Int { columnsPerDie * rowsPerDie }
  /// Rows of a die that a program sees.
  public var logicalRowsPerDie: Int { rowsPerDie - spareRows }
  /// Spare rows at the north end of a die.
  public var northSpareRows: Int { spareRows / 2 }
  /// PEs of the wafer from west to east. No column is spare.
  public var columns: Int { dieColumns * columnsPerDie }
  /// PEs of the wafer from north to south, spare rows included.
  public var physicalRows: Int { dieRows * rowsPerDie }
  /// Rows of the wafer that a program sees.
  public var logicalRows: Int { dieRows * logicalRowsPerDie }
  /// PEs that were made.
  public var physicalPEs: Int { columns * physicalRows }
  /// PEs that a program sees.
  public var logicalPEs: Int { columns * logicalRows }
}

/// Where a PE lies on the wafer: columns count from the west, rows from the north, both from 0 and
/// spare rows included.
public struct PhysicalPE: Hashable, Comparable, Sendable {
  /// From the west.
  public var column: Int
  /// From the north, spare rows included.
  public var row: Int

  /// The PE at this place.
  public init(column: Int, row: Int) {
    self.column = column
    self.row = row
  }

  /// Column by column, from the north.
  public static func < (a: Self, b: Self) -> Bool {
    (a.column, a.row) < (b.column, b.row)
  }
}
