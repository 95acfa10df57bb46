/// The size of a rectangle of PEs: a region of a wafer, or all of it.
public struct Rectangle: Hashable, Sendable, CustomStringConvertible {
  /// PEs from west to east.
  public let columns: Int
  /// PEs from north to south.
  public let rows: Int

  /// - Precondition: both sides are at least 1.
  public init(columns: Int, rows: Int) {
    precondition(columns >= 1 && rows >= 1, "a rectangle of \(columns) × \(rows) PEs")
    self.columns = columns
    self.rows = rows
  }

  /// A square of `side` × `side` PEs.
  public init(square side: Int) { self.init(columns: side, rows: side) }

  /// Number of PEs.
  public var area: Int { columns * rows }

  /// Whether `other` can lie in it, as it is or turned by a quarter.
  public func holds(_ other: Rectangle) -> Bool {
    (other.columns <= columns && other.rows <= rows)
      || (other.rows <= columns && other.columns <= rows)
  }

  /// Columns, `x`, rows, as options write it.
  public var description: String { "\(columns)x\(rows)" }
}
