/// A weight matrix, [rows, columns], used as it lies in memory: one row gives one output.
///
/// It may be a slice of a larger matrix. A slice of rows is always whole. A slice of columns that
/// cuts a quantised block keeps the whole block: `leading` elements before the first column are stored
/// and belong to a neighbour, and up to a block after the last. Inputs are laid out over the stored
/// width with zeros in those places, so that every product they take part in is zero.
public struct Matrix: Sendable {
  /// How its numbers are stored.
  public let type: ElementType
  /// Outputs.
  public let rows: Int
  /// Inputs that belong to this slice.
  public let columns: Int
  /// Stored elements before the first column.
  public let leading: Int
  /// Elements of a stored row: leading + columns + trailing, whole blocks.
  public let storedColumns: Int
  /// Bytes from one row to the next.
  public let rowBytes: Int
  /// The rows, one after the other.
  public let storage: Storage

  /// A matrix over `storage`.
  ///
  /// - Parameters:
  ///   - storedColumns: the least that holds `leading` and `columns` in whole blocks, unless given.
  ///   - rowBytes: the bytes of `storedColumns`, unless rows lie further apart.
  public init(
    type: ElementType, rows: Int, columns: Int, leading: Int = 0, storedColumns: Int? = nil,
    rowBytes: Int? = nil, storage: Storage
  ) {
    self.type = type
    self.rows = rows
    self.columns = columns
    self.leading = leading
    let block = type.blockElements
    self.storedColumns = storedColumns ?? (leading + columns + block - 1) / block * block
    self.rowBytes = rowBytes ?? type.bytes(elements: self.storedColumns)
    self.storage = storage
    precondition(
      rows >= 0 && columns >= 0 && leading >= 0 && leading + columns <= self.storedColumns,
      "[\(rows), \(columns)] after \(leading) in \(self.storedColumns) stored columns")
    precondition(
      rows == 0
        || (rows - 1) * self.rowBytes + type.bytes(elements: self.storedColumns)
          <= storage.bytes.count,
      """
      matrix [\(rows), \(self.storedColumns)] of \(type) does not fit \(storage.bytes.count) bytes
      """)
  }
}
