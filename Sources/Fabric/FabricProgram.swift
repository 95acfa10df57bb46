/// What all PEs of a mesh do: steps, routes, what their memories hold before and must hold after.
///
/// It is data. One engine runs every program, and knows no algorithm.
public struct FabricProgram: Sendable {
  /// Numbers that a PE must hold in the end.
  public struct Expectation: Hashable, Sendable {
    /// Which PE.
    public var pe: Coordinate
    /// From which address on.
    public var address: Int
    /// The numbers.
    public var values: [Int32]
  }

  /// Where it runs.
  public let mesh: Mesh
  /// Steps by PE, row by row.
  public internal(set) var steps: [[Step]]
  /// Memory by PE, row by row.
  public internal(set) var memory: [[Int32]]
  /// Ways of wavelets; steps name them by their number.
  public internal(set) var routes: [Route] = []
  /// What must come out.
  public internal(set) var expectations: [Expectation] = []
  private var colours = 0

  /// A program in which nothing happens.
  public init(mesh: Mesh) {
    self.mesh = mesh
    steps = Array(repeating: [], count: mesh.routerCount)
    memory = Array(repeating: [], count: mesh.routerCount)
  }

  /// A colour that no route has yet.
  public mutating func makeColour() -> Int {
    defer { colours += 1 }
    return colours
  }

  /// Adds a route and returns its number.
  public mutating func add(_ route: Route) -> Int {
    routes.append(route)
    return routes.count - 1
  }

  /// Adds a route from one PE to another. Throws `FabricError` when no way leads there.
  public mutating func addRoute(
    colour: Int, from: Coordinate, to: Coordinate
  ) throws(FabricError) -> Int {
    var route = Route(colour: colour, source: from)
    try route.extend(to: to, on: mesh)
    return add(route)
  }

  /// Appends a step to a PE's; one that takes nothing is left out.
  public mutating func append(_ step: Step, to pe: Coordinate) {
    if step.count > 0 { steps[mesh.index(pe)].append(step) }
  }

  /// Sets a PE's memory.
  public mutating func setMemory(_ values: [Int32], of pe: Coordinate) {
    memory[mesh.index(pe)] = values
  }

  /// States what a PE must hold in the end.
  public mutating func expect(_ values: [Int32], at address: Int = 0, of pe: Coordinate) {
    expectations.append(Expectation(pe: pe, address: address, values: values))
  }
}
