/// What cannot be run on a mesh, or ended without a right result.
public enum FabricError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A text that is not what its option takes; says what is.
  case unreadable(String)
  /// A size outside of what the model holds; says the limit.
  case size(String)
  /// A dead router that is not on the mesh.
  case outside(Coordinate, width: Int, height: Int)
  /// No way over live routers leads from one PE to the other.
  case unreachable(Coordinate, from: Coordinate)
  /// A PE that a route begins or ends at has a dead router.
  case dead(Coordinate)
  /// No live router is left.
  case nothingAlive
  /// No column has a live router in every row in use, so that sums cannot cross the rows.
  case noWholeColumn
  /// The groups do not divide the line.
  case groups(Int, line: Int)
  /// A PE waits for wavelets that nobody sends.
  case stuck(Coordinate, colour: Int, missing: Int)
  /// Wavelets reached a PE that does not take them.
  case leftOver(Coordinate, wavelets: Int)
  /// A number in a PE's memory that is not what the algorithm must leave there.
  case wrongResult(Coordinate, address: Int, found: Int32, expected: Int32)
  /// A link or ramp that carried another number of wavelets than the routes say.
  case wrongTraffic(String, found: Int, expected: Int)

  /// What is wrong, and what would be right.
  public var description: String {
    switch self {
    case .unreadable(let text), .size(let text): text
    case .outside(let place, let width, let height):
      "there is no router \(place) on a mesh of \(width)x\(height): columns are 0 to "
        + "\(width - 1), rows 0 to \(height - 1)"
    case .unreachable(let place, let from):
      "PE \(place) cannot be reached from PE \(from): dead routers lie all around; use a mesh with "
        + "another way, or fewer dead routers"
    case .dead(let place): "PE \(place) has a dead router, so nothing can begin or end there"
    case .nothingAlive: "every router is dead"
    case .noWholeColumn:
      "every column has a dead router in a row that is in use, so no column can sum over the rows"
    case .groups(let groups, let line):
      "\(groups) groups do not divide a line of \(line) PEs"
    case .stuck(let place, let colour, let missing):
      "PE \(place) waits for \(missing) more wavelets of colour \(colour), and nothing moves"
    case .leftOver(let place, let wavelets):
      "\(wavelets) wavelets reached PE \(place), which takes none of them"
    case .wrongResult(let place, let address, let found, let expected):
      "PE \(place) holds \(found) at address \(address) instead of \(expected)"
    case .wrongTraffic(let name, let found, let expected):
      "\(name) carried \(found) wavelets instead of \(expected)"
    }
  }
}
