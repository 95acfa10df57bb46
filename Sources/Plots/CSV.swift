/// A table of comma-separated values, as RFC 4180 has them: lines end in CR LF, and a field that holds a
/// comma, a quote or a line's end stands in quotes.
public struct CSV: Hashable, Sendable {
  /// The first line. Names of quantities end in their unit.
  public var columns: [String]
  /// The other lines, each with a field for every column.
  public private(set) var rows: [[String]]

  /// A table without rows unless said otherwise.
  public init(columns: [String], rows: [[String]] = []) {
    self.columns = columns
    self.rows = []
    for row in rows { append(row) }
  }

  /// Adds a line.
  ///
  /// - Precondition: it has a field for each column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "\(row.count) fields for \(columns.count) columns")
    rows.append(row)
  }

  /// The whole file.
  public var text: String {
    var text = Self.line(columns)
    for row in rows { text += Self.line(row) }
    return text
  }

  /// One line with its end.
  public static func line(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",") + "\r\n"
  }

  /// A field as it stands in a file.
  public static func quoted(_ field: String) -> String {
    let needsQuotes = field.utf8.contains { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }
    guard needsQuotes else { return field }
    var text = "\""
    for scalar in field.unicodeScalars {
      if scalar == "\"" { text += "\"" }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  /// Reads a file that was written so; `nil` when a quote is not closed or a line has another number of
  /// fields than the first.
  public init?(text: String) {
    var lines: [[String]] = [[]]
    var field = ""
    var isQuoted = false
    var scalars = Array(text.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      switch scalar {
      case "\"" where isQuoted && scalars.first == "\"":
        field += "\""
        scalars.removeFirst()
      case "\"" where isQuoted || field.isEmpty: isQuoted.toggle()
      case "," where !isQuoted:
        lines[lines.count - 1].append(field)
        field = ""
      case "\r" where !isQuoted && scalars.first == "\n": break
      case "\n" where !isQuoted:
        lines[lines.count - 1].append(field)
        field = ""
        lines.append([])
      default: field.unicodeScalars.append(scalar)
      }
    }
    if !field.isEmpty || !lines[lines.count - 1].isEmpty {
      lines[lines.count - 1].append(field)
    } else {
      lines.removeLast()
    }
    guard !isQuoted, let first = lines.first, lines.allSatisfy({ $0.count == first.count }) else {
      return nil
    }
    columns = first
    rows = Array(lines.dropFirst())
  }
}
