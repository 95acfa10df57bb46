/// Wavelets that crossed each link and ramp.
public struct FabricTraffic: Hashable, Sendable {
  /// Where a wavelet goes in or out of a router, in the order in which a router serves wavelets that come
  /// in the same cycle.
  public enum Lane: Int, CaseIterable, Sendable {
    /// From the PE.
    case rampUp
    /// Over the link from the west, east, north, south.
    case fromWest, fromEast, fromNorth, fromSouth
    /// To the PE.
    case rampDown
  }

  /// By router, row by row, and lane.
  private var counts: [Int]
  private let width: Int

  init(mesh: Mesh) {
    counts = Array(repeating: 0, count: mesh.routerCount * Lane.allCases.count)
    width = mesh.width
  }

  /// Wavelets of a lane of a router.
  public internal(set) subscript(router: Int, lane: Lane) -> Int {
    get { counts[router * Lane.allCases.count + lane.rawValue] }
    set { counts[router * Lane.allCases.count + lane.rawValue] = newValue }
  }

  /// Wavelets of the link from a router to its neighbour.
  public func link(from: Coordinate, to: Coordinate) -> Int {
    self[to.y * width + to.x, Self.lane(from: from, to: to)]
  }

  /// The lane by which a wavelet from one router comes into its neighbour.
  static func lane(from: Coordinate, to: Coordinate) -> Lane {
    switch (to.x - from.x, to.y - from.y) {
    case (1, 0): .fromWest
    case (-1, 0): .fromEast
    case (0, 1): .fromNorth
    case (0, -1): .fromSouth
    default: preconditionFailure("\(from) and \(to) are no neighbours")
    }
  }

  /// Links that wavelets crossed, over all links: the energy of the HPDC'24 model.
  public var waveletHops: Int { sum { $0 != .rampUp && $0 != .rampDown } }

  /// Wavelets that PEs sent; one that is copied on its way counts once.
  public var sent: Int { sum { $0 == .rampUp } }

  /// Wavelets that PEs were given.
  public var delivered: Int { sum { $0 == .rampDown } }

  private func sum(where holds: (Lane) -> Bool) -> Int {
    var sum = 0
    for (index, count) in counts.enumerated()
    where holds(Lane(rawValue: index % Lane.allCases.count)!) {
      sum += count
    }
    return sum
  }

  /// A link and its load.
  public struct Link: Hashable, Sendable {
    /// Where it begins.
    public var from: Coordinate
    /// Where it ends.
    public var to: Coordinate
    /// What crossed it.
    public var wavelets: Int
  }

  /// The links that carried anything, by where they end and from which side they come.
  public var links: [Link] {
    var links: [Link] = []
    for router in 0..<counts.count / Lane.allCases.count {
      let to = Coordinate(x: router % width, y: router / width)
      for lane in Lane.allCases where self[router, lane] > 0 {
        let from: Coordinate? =
          switch lane {
          case .fromWest: Coordinate(x: to.x - 1, y: to.y)
          case .fromEast: Coordinate(x: to.x + 1, y: to.y)
          case .fromNorth: Coordinate(x: to.x, y: to.y - 1)
          case .fromSouth: Coordinate(x: to.x, y: to.y + 1)
          case .rampUp, .rampDown: nil
          }
        if let from { links.append(Link(from: from, to: to, wavelets: self[router, lane])) }
      }
    }
    return links
  }

  /// The link with the most wavelets, the first of `links` when several have; `nil` without any.
  public var busiestLink: Link? {
    links.reduce(nil) { best, link in
      best.map { $0.wavelets >= link.wavelets } == true ? best : link
    }
  }
}

extension FabricProgram {
  /// What the steps and routes say will cross each link and ramp, without running anything.
  public var plannedTraffic: FabricTraffic {
    var wavelets = Array(repeating: 0, count: routes.count)
    for step in steps.joined() {
      if let route = step.forward { wavelets[route] += step.count }
    }
    var traffic = FabricTraffic(mesh: mesh)
    for (route, count) in zip(routes, wavelets) {
      for place in route.places {
        let router = mesh.index(place.router)
        if let parent = place.parent {
          let from = route.places[parent].router
          traffic[router, FabricTraffic.lane(from: from, to: place.router)] += count
        } else {
          traffic[router, .rampUp] += count
        }
        if place.delivers { traffic[router, .rampDown] += count }
      }
    }
    return traffic
  }
}
