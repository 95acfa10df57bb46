/// A defect map as a text file, a line a defect:
///
///     grid 768x1260     # PEs of the wafer, columns x rows, spare rows included; comes first
///     pe 12 40          # column from the west, row from the north, both from 0
///     die 3 4           # all PEs of a die: column and row of dies, both from 0
///
/// What follows `#` is a comment; empty lines say nothing.
extension DefectMap {
  /// Reads a map of the wafer of `dies`.
  ///
  /// Throws `DefectMapError` with the line for a word, number or place that is wrong, a PE or die that
  /// stands twice, or a grid that is another wafer's.
  ///
  /// - Parameter file: What errors call it.
  public init(text: String, file: String, dies: DieGrid) throws(DefectMapError) {
    var dead: [PhysicalPE] = []
    var seen: Set<[Int]> = []
    var hasGrid = false
    let grid = "\(dies.columns)x\(dies.physicalRows)"
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in lines.enumerated() {
      func wrong(_ problem: String, _ remedy: String) -> DefectMapError {
        DefectMapError(file: file, line: index + 1, problem: problem, remedy: remedy)
      }
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      guard let first = words.first else { continue }
      if !hasGrid {
        guard words.count == 2, first == "grid" else {
          throw wrong("'\(words.joined(separator: " "))' is no grid", "Begin with 'grid \(grid)'")
        }
        guard words[1] == grid else {
          throw wrong("the grid is \(words[1])", "The PEs of this wafer are \(grid)")
        }
        hasGrid = true
        continue
      }
      let isDie = first == "die"
      guard isDie || first == "pe" else {
        throw wrong(
          "'\(first)' is no kind of defect", "Write 'pe COLUMN ROW' or 'die COLUMN ROW'")
      }
      let columns = isDie ? dies.dieColumns : dies.columns
      let rows = isDie ? dies.dieRows : dies.physicalRows
      guard words.count == 3, let column = Int(words[1]), let row = Int(words[2]),
        (0..<columns).contains(column), (0..<rows).contains(row)
      else {
        throw wrong(
          "'\(words.joined(separator: " "))' is no \(first) of this wafer",
          "Write '\(first) COLUMN ROW' with a column from 0 to \(columns - 1) and a row from 0 to "
            + "\(rows - 1)")
      }
      guard seen.insert([isDie ? 1 : 0, column, row]).inserted else {
        throw wrong("\(first) \(column) \(row) stands twice", "Name each defect once")
      }
      if isDie {
        dead += dies.places(ofDieColumn: column, dieRow: row)
      } else {
        dead.append(PhysicalPE(column: column, row: row))
      }
    }
    guard hasGrid else {
      throw DefectMapError(
        file: file, line: lines.count, problem: "there is no grid",
        remedy: "Begin with 'grid \(grid)'")
    }
    self.init(dies: dies, dead: dead)
  }

  /// The map as such a file, PE by PE.
  public var text: String {
    dead.reduce(into: "grid \(dies.columns)x\(dies.physicalRows)\n") {
      $0 += "pe \($1.column) \($1.row)\n"
    }
  }
}

extension DieGrid {
  /// Every PE of a die, column by column.
  fileprivate func places(ofDieColumn dieColumn: Int, dieRow: Int) -> [PhysicalPE] {
    (0..<columnsPerDie).flatMap { column in
      (0..<rowsPerDie).map { row in
        PhysicalPE(
          column: dieColumn * columnsPerDie + column, row: dieRow * rowsPerDie + row)
      }
    }
  }
}

/// A defect map that cannot be read: file, line, what is wrong, what would be right.
public struct DefectMapError: Error, Hashable, CustomStringConvertible {
  /// The file's path.
  public let file: String
  /// The line, from 1.
  public let line: Int
  /// What is wrong.
  public let problem: String
  /// What would be right.
  public let remedy: String

  /// One line, as compilers write it.
  public var description: String { "\(file):\(line): \(problem). \(remedy)" }
}
