/// Ways over the mesh.
extension Mesh {
  /// Order in which neighbours are tried: along the row first, so that on a whole mesh the way is that of
  /// dimension order.
  private static let sides = [(1, 0), (-1, 0), (0, 1), (0, -1)]

  /// The routers from one PE to another, without the first: a shortest way over live routers.
  ///
  /// Along the row, then along the column, where that way is free. Else of all shortest ways the one
  /// that keeps to the row for as long as it can, east before west and south before north, so that the
  /// same defects always give the same way.
  ///
  /// Throws `FabricError.unreachable`, or `.dead` for an end.
  public func path(from: Coordinate, to: Coordinate) throws(FabricError) -> [Coordinate] {
    for end in [from, to] where !isAlive(end) { throw .dead(end) }
    return if let straight = straightPath(from: from, to: to) {
      straight
    } else {
      try detour(from: from, to: to)
    }
  }

  /// The way of dimension order; `nil` when a router on it is dead.
  private func straightPath(from: Coordinate, to: Coordinate) -> [Coordinate]? {
    var path: [Coordinate] = []
    path.reserveCapacity(abs(from.x - to.x) + abs(from.y - to.y))
    var place = from
    while place != to {
      if place.x != to.x {
        place.x += place.x < to.x ? 1 : -1
      } else {
        place.y += place.y < to.y ? 1 : -1
      }
      guard isAlive(place) else { return nil }
      path.append(place)
    }
    return path
  }

  /// A breadth-first search from the goal, then downhill from the start.
  private func detour(from: Coordinate, to: Coordinate) throws(FabricError) -> [Coordinate] {
    var distance = Array(repeating: Int.max, count: routerCount)
    distance[index(to)] = 0
    var frontier = [to]
    var next = 0
    while next < frontier.count, distance[index(from)] == .max {
      let place = frontier[next]
      next += 1
      for neighbour in liveNeighbours(place) where distance[index(neighbour)] == .max {
        distance[index(neighbour)] = distance[index(place)] + 1
        frontier.append(neighbour)
      }
    }
    guard distance[index(from)] != .max else { throw .unreachable(to, from: from) }
    var path: [Coordinate] = []
    var place = from
    while place != to {
      place = liveNeighbours(place).first { distance[index($0)] == distance[index(place)] - 1 }!
      path.append(place)
    }
    return path
  }

  private func liveNeighbours(_ place: Coordinate) -> [Coordinate] {
    Self.sides.map { Coordinate(x: place.x + $0.0, y: place.y + $0.1) }.filter(isAlive)
  }
}
