import Quantities

/// Which wafers a link joins: how a message gets from one rank to another.
///
/// Full mesh and switch take it there at once. On ring, line and torus only neighbours are joined; what
/// goes further is received and sent on by every rank between (store and forward).
public enum Topology: Hashable, Sendable {
  /// A link between any two wafers.
  case fullMesh
  /// Every wafer hangs on one switch, which adds `latency` to each message. What arrives at a wafer
  /// shares one port, whatever the link's `ports` says: there is one cable.
  case `switch`(latency: EmulatedTime)
  /// Rank r is joined with r + 1, and the last with the first.
  case ring
  /// Rank r is joined with r + 1.
  case line
  /// Rank = column + columns × row. Each row and each column is a ring.
  case torus(columns: Int, rows: Int)

  /// As options and files call it.
  public var name: Name {
    switch self {
    case .fullMesh: .fullMesh
    case .switch: .switch
    case .ring: .ring
    case .line: .line
    case .torus: .torus
    }
  }

  /// The kinds of topology.
  public enum Name: String, CaseIterable, Sendable {
    /// A link between any two wafers.
    case fullMesh = "full-mesh"
    /// All wafers on one switch.
    case `switch`
    /// Neighbours, closed.
    case ring
    /// Neighbours, open.
    case line
    /// Rings in two dimensions.
    case torus
  }

  /// Whether every message goes to its receiver at once.
  public var isDirect: Bool {
    switch self {
    case .fullMesh, .switch: true
    case .ring, .line, .torus: false
    }
  }

  /// What a message takes on its way beside the link's own latency.
  var addedLatency: EmulatedTime {
    if case .switch(let latency) = self { latency } else { .zero }
  }

  /// The torus of `ranks` wafers whose sides differ least, with at least as many columns as rows. A
  /// prime number of wafers makes a ring.
  public static func squarest(ranks: Int) -> Topology {
    precondition(ranks > 0, "a torus of \(ranks) wafers")
    var rows = 1
    for side in 1...ranks where side * side <= ranks && ranks % side == 0 { rows = side }
    return .torus(columns: ranks / rows, rows: rows)
  }

  /// Whether it can join so many wafers: a torus has as many places as columns times rows.
  public func fits(ranks: Int) -> Bool {
    guard case .torus(let columns, let rows) = self else { return true }
    return columns > 0 && rows > 0 && columns * rows == ranks
  }

  /// The same kind of topology for one wafer alone, which has no link.
  public var ofOneWafer: Topology {
    if case .torus = self { .torus(columns: 1, rows: 1) } else { self }
  }

  /// Most links of a wafer: the ports that share its bandwidth when each link has one of its own. At the
  /// ends of a line one of two has no link; it is there all the same, so that all wafers are alike.
  func portsPerWafer(ranks: Int) -> Int {
    switch self {
    case .fullMesh, .switch: max(ranks - 1, 1)
    case .line: min(2, max(ranks - 1, 1))
    case .ring: max(Self.neighbours(onRingOf: ranks), 1)
    case .torus(let columns, let rows):
      max(Self.neighbours(onRingOf: columns) + Self.neighbours(onRingOf: rows), 1)
    }
  }

  /// On a ring of two, both directions lead to the same neighbour, over one link.
  private static func neighbours(onRingOf count: Int) -> Int { min(2, count - 1) }

  /// The ranks that a message comes to, the receiver last. Rings are gone round the shorter way, and
  /// upwards when both are as long; a torus first along its row, then along its column.
  public func route(from source: Rank, to destination: Rank, ranks: Int) -> [Rank] {
    precondition(source != destination, "\(source) sends to itself")
    switch self {
    case .fullMesh, .switch: return [destination]
    case .ring:
      return Self.places(from: source.index, to: destination.index, onRingOf: ranks)
        .map { Rank($0) }
    case .line:
      let step = source < destination ? 1 : -1
      return stride(from: source.index + step, through: destination.index, by: step)
        .map { Rank($0) }
    case .torus(let columns, let rows):
      let (row, column) = source.index.quotientAndRemainder(dividingBy: columns)
      let (lastRow, lastColumn) = destination.index.quotientAndRemainder(dividingBy: columns)
      let along = Self.places(from: column, to: lastColumn, onRingOf: columns)
      let across = Self.places(from: row, to: lastRow, onRingOf: rows)
      return along.map { Rank($0 + columns * row) }
        + across.map { Rank(lastColumn + columns * $0) }
    }
  }

  /// Links of the route.
  func distance(from source: Rank, to destination: Rank, ranks: Int) -> Int {
    func around(_ start: Int, _ end: Int, _ count: Int) -> Int {
      let upwards = (end - start + count) % count
      return min(upwards, count - upwards)
    }
    switch self {
    case .fullMesh, .switch: return 1
    case .ring: return around(source.index, destination.index, ranks)
    case .line: return abs(source.index - destination.index)
    case .torus(let columns, let rows):
      return around(source.index % columns, destination.index % columns, columns)
        + around(source.index / columns, destination.index / columns, rows)
    }
  }

  /// Whether there is a link from one rank to another.
  public func joins(_ source: Rank, _ destination: Rank, ranks: Int) -> Bool {
    source != destination && (0..<ranks).contains(source.index)
      && (0..<ranks).contains(destination.index)
      && distance(from: source, to: destination, ranks: ranks) == 1
  }

  /// The places after `start`, up to `end`, on a ring.
  private static func places(from start: Int, to end: Int, onRingOf count: Int) -> [Int] {
    let upwards = (end - start + count) % count
    let downwards = (count - upwards) % count
    return upwards <= downwards
      ? (0..<upwards).map { (start + $0 + 1) % count }
      : (0..<downwards).map { (start - $0 - 1 + count) % count }
  }
}

extension Topology: CustomStringConvertible {
  /// The name, with a torus's dimensions.
  public var description: String {
    if case .torus(let columns, let rows) = self {
      "torus \(columns)x\(rows)"
    } else {
      name.rawValue
    }
  }
}
