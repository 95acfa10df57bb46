/// A PE and its router: its column and row, counted from the north-west corner.
public struct Coordinate: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Column, growing to the east.
  public var x: Int
  /// Row, growing to the south.
  public var y: Int

  /// A place on a mesh.
  public init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }

  /// The order of reading: row by row.
  public static func < (a: Self, b: Self) -> Bool { (a.y, a.x) < (b.y, b.x) }

  /// As it is written in options and messages.
  public var description: String { "\(x),\(y)" }
}

extension Coordinate {
  /// Reads a list such as `3,0;4,7`; an empty text is an empty list.
  ///
  /// Throws `FabricError.unreadable` with the part that is no coordinate.
  public static func list(_ text: String) throws(FabricError) -> [Coordinate] {
    var list: [Coordinate] = []
    for part in text.split(separator: ";", omittingEmptySubsequences: true) {
      let numbers = part.split(separator: ",", omittingEmptySubsequences: false).map {
        Int($0.filter { $0 != " " })
      }
      guard numbers.count == 2, let x = numbers[0], let y = numbers[1] else {
        throw .unreadable("'\(part)' is no place on a mesh; write column,row such as 3,0")
      }
      list.append(Coordinate(x: x, y: y))
    }
    return list
  }
}
