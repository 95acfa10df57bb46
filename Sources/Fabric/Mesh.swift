/// A rectangle of PEs and routers, some of them dead, and how long a wavelet takes on it.
///
/// Each router has a link to each neighbour in either direction, and a ramp to and from its PE. Each of
/// them takes one wavelet a cycle, and hands it on after a fixed number of cycles.
public struct Mesh: Hashable, Sendable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Cycles from router to neighbouring router; 1 on every wafer so far (SDK white paper).
  public let hopCycles: Int
  /// Cycles between a PE and its router, one way; 2 on CS-2 (Luczynski et al., HPDC'24).
  public let rampCycles: Int
  /// By router, row by row.
  private let isDead: [Bool]

  /// Most routers: the largest wafer so far, WSE-3, has 762 × 1172.
  public static let mostRouters = 1 << 20
  /// Most cycles of a hop or a ramp: far beyond any hardware, and small enough for the event wheel.
  public static let mostCycles = 200

  /// A mesh.
  ///
  /// Throws `FabricError` for a size or time out of range, and for a dead router outside.
  public init(
    width: Int, height: Int, dead: [Coordinate] = [], hopCycles: Int = 1, rampCycles: Int = 2
  ) throws(FabricError) {
    guard width >= 1, height >= 1, width <= Self.mostRouters / height else {
      throw .size(
        "a mesh of \(width)x\(height) is not possible; it has 1 to \(Self.mostRouters) routers")
    }
    guard (1...Self.mostCycles).contains(hopCycles) else {
      throw .size("a hop of \(hopCycles) cycles is not possible; it has 1 to \(Self.mostCycles)")
    }
    guard (0...Self.mostCycles).contains(rampCycles) else {
      throw .size("a ramp of \(rampCycles) cycles is not possible; it has 0 to \(Self.mostCycles)")
    }
    var isDead = Array(repeating: false, count: width * height)
    for place in dead {
      guard (0..<width).contains(place.x), (0..<height).contains(place.y) else {
        throw .outside(place, width: width, height: height)
      }
      isDead[place.y * width + place.x] = true
    }
    self.width = width
    self.height = height
    self.hopCycles = hopCycles
    self.rampCycles = rampCycles
    self.isDead = isDead
  }

  /// Routers, dead or alive.
  public var routerCount: Int { width * height }

  /// Whether every router is alive.
  public var isWhole: Bool { !isDead.contains(true) }

  /// The dead routers, row by row.
  public var dead: [Coordinate] { isDead.indices.filter { isDead[$0] }.map(coordinate) }

  /// The number of a router, row by row.
  @inline(__always)
  public func index(_ place: Coordinate) -> Int { place.y * width + place.x }

  /// The place of a router.
  public func coordinate(_ index: Int) -> Coordinate {
    Coordinate(x: index % width, y: index / width)
  }

  /// Whether there is a router, and it is alive.
  public func isAlive(_ place: Coordinate) -> Bool {
    (0..<width).contains(place.x) && (0..<height).contains(place.y) && !isDead[index(place)]
  }

  /// The live PEs of a row, from west to east.
  public func row(_ y: Int) -> [Coordinate] {
    (0..<width).map { Coordinate(x: $0, y: y) }.filter(isAlive)
  }

  /// The live PEs of a column, from north to south.
  public func column(_ x: Int) -> [Coordinate] {
    (0..<height).map { Coordinate(x: x, y: $0) }.filter(isAlive)
  }
}

extension Mesh {
  /// Reads a size such as `16x12`, columns by rows.
  ///
  /// Throws `FabricError.unreadable`.
  public static func size(_ text: String) throws(FabricError) -> (width: Int, height: Int) {
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let width = numbers[0], let height = numbers[1] else {
      throw .unreadable("'\(text)' is no size of a mesh; write columns x rows such as 16x12")
    }
    return (width, height)
  }
}
