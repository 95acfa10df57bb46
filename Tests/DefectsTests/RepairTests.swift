import Testing

@testable import Defects

@Suite("Repair of columns")
struct ColumnRepairTests {
  /// Ten rows, two of them spare at either end: a program sees rows 2 to 7.
  static let dies = DieGrid(
    dieColumns: 1, dieRows: 1, columnsPerDie: 1, rowsPerDie: 10, spareRows: 4)

  private func repair(_ dead: Int...) throws -> ColumnRepair {
    try #require(ColumnRepair(dies: Self.dies, deadRows: dead))
  }

  @Test("a column without defects stays where it is")
  func none() throws {
    let repair = try repair()
    #expect(repair.physicalRows == [2, 3, 4, 5, 6, 7])
    #expect(repair.shifts == [0, 0, 0, 0, 0, 0])
    #expect(repair.bypassed == 0)
  }

  @Test("one dead PE shifts the PEs between it and the nearer end by one row")
  func one() throws {
    let north = try repair(3)
    #expect(north.physicalRows == [1, 2, 4, 5, 6, 7])
    #expect(north.shifts == [-1, -1, 0, 0, 0, 0])
    #expect(north.bypassed == 1)
    let south = try repair(6)
    #expect(south.physicalRows == [2, 3, 4, 5, 7, 8])
    #expect(south.shifts == [0, 0, 0, 0, 1, 1])
    #expect(south.bypassed == 1)
  }

  @Test("a dead PE at the edge of what is used, or in a spare row, is on nobody's way")
  func edge() throws {
    let edge = try repair(2)
    #expect(edge.physicalRows == [1, 3, 4, 5, 6, 7])
    #expect(edge.bypassed == 1)
    let spare = try repair(0, 9)
    #expect(spare.physicalRows == [2, 3, 4, 5, 6, 7])
    #expect(spare.bypassed == 0)
  }

  @Test("as many dead PEs as spares use every PE that is left; one more is beyond repair")
  func budget() throws {
    let all = try repair(0, 2, 5, 7)
    #expect(all.physicalRows == [1, 3, 4, 6, 8, 9])
    #expect(all.shifts == [-1, 0, 0, 1, 2, 2])
    #expect(all.bypassed == 3)
    #expect(ColumnRepair(dies: Self.dies, deadRows: [0, 2, 5, 7, 8]) == nil)
    // A stricter budget counts dead PEs wherever they lie.
    let strict = Self.dies.with(columnBudget: 1)
    #expect(ColumnRepair(dies: strict, deadRows: [4]) != nil)
    #expect(ColumnRepair(dies: strict, deadRows: [0, 9]) == nil)
  }

  @Test("every set of dead PEs within the spares is repaired with live PEs, in order")
  func exhaustive() throws {
    for set in 0..<1 << 10 {
      let dead = (0..<10).filter { set & 1 << $0 != 0 }
      let repair = ColumnRepair(dies: Self.dies, deadRows: dead)
      #expect((repair != nil) == (dead.count <= 4))
      guard let repair else { continue }
      #expect(repair.physicalRows.count == 6)
      #expect(repair.physicalRows.allSatisfy { (0..<10).contains($0) && !dead.contains($0) })
      #expect(zip(repair.physicalRows, repair.physicalRows.dropFirst()).allSatisfy { $0 < $1 })
      let span = repair.physicalRows[0]...repair.physicalRows[5]
      #expect(repair.bypassed == dead.count { span.contains($0) })
      #expect(repair.shifts.allSatisfy { abs($0) <= dead.count })
    }
  }
}

@Suite("The mesh of a repaired wafer")
struct RepairedMeshTests {
  /// 2 × 2 dies of 3 × 6 PEs, a spare row at either end: a mesh of 6 × 8.
  static let dies = DieGrid(
    dieColumns: 2, dieRows: 2, columnsPerDie: 3, rowsPerDie: 6, spareRows: 2)

  private func map(_ dead: (Int, Int)...) -> DefectMap {
    DefectMap(dies: Self.dies, dead: dead.map { PhysicalPE(column: $0.0, row: $0.1) })
  }

  @Test("a whole wafer is the whole mesh and has no extra hop")
  func whole() throws {
    let mesh = try RepairedMesh(map())
    #expect(mesh.columns == 6 && mesh.rows == 8)
    #expect(mesh.extraHops == .none)
    #expect(mesh.physical(column: 0, row: 0) == PhysicalPE(column: 0, row: 1))
    #expect(mesh.physical(column: 5, row: 4) == PhysicalPE(column: 5, row: 7))
    mesh.checkInvariants()
  }

  @Test("one dead PE costs its column a hop, and each shifted row one hop in and one out")
  func one() throws {
    // Row 3 of the die is logical row 2: rows 2 and 3 shift south.
    let mesh = try RepairedMesh(map((2, 3)))
    #expect(mesh.extraHops == ExtraHops(westToEast: 2, northToSouth: 1))
    #expect(mesh.physical(column: 2, row: 2) == PhysicalPE(column: 2, row: 4))
    #expect(mesh.physical(column: 2, row: 3) == PhysicalPE(column: 2, row: 5))
    #expect(mesh.physical(column: 2, row: 4) == PhysicalPE(column: 2, row: 7))
    mesh.checkInvariants()
    // Of a part of the mesh, only what its lines meet.
    #expect(
      mesh.extraHops(columns: 0..<2, rows: 0..<8) == .none)
    #expect(
      mesh.extraHops(columns: 2..<4, rows: 2..<8) == ExtraHops(westToEast: 1, northToSouth: 0))
    #expect(
      mesh.extraHops(columns: 0..<6, rows: 0..<2) == .none)
    #expect(
      mesh.extraHops(columns: 2..<3, rows: 0..<3) == ExtraHops(westToEast: 0, northToSouth: 1))
  }

  @Test("neighbours that are shifted alike cost their rows no more than one of them")
  func alike() throws {
    let mesh = try RepairedMesh(map((1, 3), (2, 3), (4, 9)))
    #expect(mesh.extraHops == ExtraHops(westToEast: 2, northToSouth: 1))
    let apart = try RepairedMesh(map((1, 3), (3, 3)))
    #expect(apart.extraHops == ExtraHops(westToEast: 4, northToSouth: 1))
    // One north and one south of the middle: two rows apart where they are neighbours, never at once.
    let both = try RepairedMesh(map((1, 2), (1, 4)))
    #expect(both.extraHops == ExtraHops(westToEast: 2, northToSouth: 2))
  }

  @Test("a column beyond repair is refused with its place, or left out and passed in one hop")
  func column() throws {
    let dead = map((2, 6), (2, 8), (2, 10))
    #expect(!dead.isRepairable)
    #expect(throws: RepairError.beyondRepair(column: 2, dieRow: 1, dead: 3, budget: 2)) {
      try RepairedMesh(dead)
    }
    let mesh = try RepairedMesh(dead, beyondRepair: .shrink)
    #expect(mesh.columns == 5 && mesh.rows == 8)
    #expect(mesh.usedColumns == [0, 1, 3, 4, 5])
    #expect(mesh.extraHops == ExtraHops(westToEast: 1, northToSouth: 0))
    mesh.checkInvariants()
  }

  @Test("a row of dies is left out where that leaves more PEs; the way through it is its rows")
  func dieRow() throws {
    let dies = DieGrid(
      dieColumns: 2, dieRows: 3, columnsPerDie: 3, rowsPerDie: 6, spareRows: 2)
    let dead = (0..<6).flatMap { column in
      (6..<12).map { PhysicalPE(column: column, row: $0) }
    }
    let mesh = try RepairedMesh(
      DefectMap(dies: dies, dead: dead.dropFirst(6)), beyondRepair: .shrink)
    #expect(mesh.usedDieRows == [0, 2])
    #expect(mesh.columns == 6 && mesh.rows == 8)
    #expect(mesh.extraHops == ExtraHops(westToEast: 0, northToSouth: 4))
    #expect(mesh.physical(column: 0, row: 4) == PhysicalPE(column: 0, row: 13))
    mesh.checkInvariants()
    // A die is three columns: one die less leaves 3 × 12 = 36 PEs, a row of dies less 6 × 8 = 48.
    let die = try RepairedMesh(
      DefectMap(dies: dies, dead: dead.prefix(18)), beyondRepair: .shrink)
    #expect(die.columns == 6 && die.rows == 8)
  }

  @Test("a wafer of dead PEs leaves nothing")
  func nothing() {
    let all = (0..<6).flatMap { column in
      (0..<12).map { PhysicalPE(column: column, row: $0) }
    }
    #expect(throws: RepairError.nothingLeft) {
      try RepairedMesh(DefectMap(dies: Self.dies, dead: all), beyondRepair: .shrink)
    }
  }

  @Test("the mesh is no larger than a whole wafer lets a program use")
  func limit() throws {
    let mesh = try RepairedMesh(map((5, 3)), limit: (columns: 5, rows: 7))
    #expect(mesh.columns == 5 && mesh.rows == 7)
    #expect(mesh.extraHops == .none)
  }

  @Test("every place of a random mesh has a live PE of its own", arguments: 0..<40 as Range<UInt64>)
  func conservation(seed: UInt64) throws {
    let map = DefectMap(dies: Self.dies, expected: Double(seed) / 2, seed: seed)
    guard let mesh = try? RepairedMesh(map, beyondRepair: .shrink) else {
      #expect(seed > 20, "few defects leave something")
      return
    }
    mesh.checkInvariants()
    let places = (0..<mesh.columns).flatMap { column in
      (0..<mesh.rows).map { mesh.physical(column: column, row: $0) }
    }
    #expect(Set(places).count == mesh.columns * mesh.rows)
    #expect(Set(places).isDisjoint(with: map.dead))
    #expect((try? RepairedMesh(map)) != nil || !map.isRepairable)
  }
}
