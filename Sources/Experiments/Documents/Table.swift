/// A table of text that fits the width of a terminal.
///
/// The last column takes what is left and wraps; the others are as wide as their widest cell.
public struct Table: Hashable, Sendable {
  /// Names of the columns.
  public var columns: [String]
  /// Cells, a row for each entry, as many as there are columns.
  public var rows: [[String]]

  /// A table without rows unless said otherwise.
  public init(columns: [String], rows: [[String]] = []) {
    self.columns = columns
    self.rows = rows
  }

  /// Adds a row.
  ///
  /// - Precondition: it has a cell for each column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "\(row.count) cells for \(columns.count) columns")
    rows.append(row)
  }

  /// The lines, none wider than `style.width` unless the columns before the last already are; each ends
  /// with a line's end. Columns stand two spaces apart, or one where the table is too wide otherwise.
  public func text(_ style: TextStyle) -> String {
    let widths = columns.indices.dropLast().map { column in
      ([columns[column]] + rows.map { $0[column] }).map(\.count).max()!
    }
    let widestLast = ([columns[columns.count - 1]] + rows.map { $0[columns.count - 1] })
      .map(\.count).max()!
    let total = widths.reduce(0) { $0 + $1 + 2 } + min(widestLast, Self.leastRest)
    let gap = total > style.width ? 1 : 2
    let indent = widths.reduce(0) { $0 + $1 + gap }
    let rest = max(style.width - indent, Self.leastRest)
    var text = ""
    for (index, row) in ([columns] + rows).enumerated() {
      let last = Self.wrap(row.last ?? "", width: rest)
      var line = ""
      for (cell, width) in zip(row, widths) {
        line += cell + String(repeating: " ", count: width - cell.count + gap)
      }
      let head = line + last[0]
      let bare = Self.withoutTrailingSpaces(head)
      text += (index == 0 ? style.bold(bare) : bare) + "\n"
      for more in last.dropFirst() {
        text += String(repeating: " ", count: indent) + more + "\n"
      }
    }
    return text
  }

  /// Characters that the last column has at least, so that a narrow terminal does not get a letter a line.
  private static let leastRest = 12

  /// Cuts text at spaces into lines of at most `width` characters; a longer word stands alone.
  static func wrap(_ text: String, width: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ", omittingEmptySubsequences: true) {
      if lines[lines.count - 1].isEmpty {
        lines[lines.count - 1] = String(word)
      } else if lines[lines.count - 1].count + 1 + word.count <= width {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  private static func withoutTrailingSpaces(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}
