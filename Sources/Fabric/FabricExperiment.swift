/// An algorithm on a mesh with its sizes.
public struct FabricExperiment: Hashable, Sendable {
  /// What runs.
  public let algorithm: FabricAlgorithm
  /// Where.
  public let mesh: Mesh
  /// 32-bit numbers of the vector on each PE; outputs on each row for a GEMV.
  public let wavelets: Int
  /// Groups of a line where the algorithm has them; `nil` for the largest divisor up to the square root.
  public let groups: Int?
  /// The product of a GEMV.
  public let product: MatrixVector

  /// Longest vector: as much as the SRAM of a PE holds, 48 KiB, with room to spare.
  public static let mostWavelets = 1 << 14
  /// Most numbers in all memories: 1 GiB of the host's.
  public static let mostNumbers = 1 << 28

  /// An experiment; without a product a GEMV has 4 inputs a column, and `wavelets` outputs a row.
  ///
  /// Throws `FabricError.size` when it is too large.
  public init(
    _ algorithm: FabricAlgorithm, mesh: Mesh, wavelets: Int, groups: Int? = nil,
    product: MatrixVector? = nil
  ) throws(FabricError) {
    let product =
      product ?? MatrixVector(inputs: 4 * mesh.width, outputs: wavelets * mesh.height)
    guard (1...Self.mostWavelets).contains(wavelets) else {
      throw .size("a vector of \(wavelets) wavelets is not possible; 1 to \(Self.mostWavelets)")
    }
    var numbers = wavelets
    if algorithm == .gemv {
      let parts = (product.inputs, product.outputs)
      guard (1...MatrixVector.mostElements).contains(parts.0),
        (1...MatrixVector.mostElements).contains(parts.1), product.lanes > 0,
        (0...MatrixVector.mostCallbackCycles).contains(product.callbackCycles)
      else { throw .size("the sizes of the product are out of range: \(product)") }
      let (a, b) = (
        (parts.0 + mesh.width - 1) / mesh.width, (parts.1 + mesh.height - 1) / mesh.height
      )
      numbers = a + b + a * b
    }
    guard numbers <= Self.mostNumbers / mesh.routerCount else {
      throw .size(
        "\(numbers) numbers on each of \(mesh.routerCount) PEs are too many; \(Self.mostNumbers) "
          + "in all are possible")
    }
    self.algorithm = algorithm
    self.mesh = mesh
    self.wavelets = wavelets
    self.groups = groups
    self.product = product
  }

  /// Groups of a line of so many PEs. Throws `FabricError.groups` when the given ones do not divide it.
  func groups(of count: Int) throws(FabricError) -> Int {
    // Where there is one row, the second phase has a single PE.
    guard let groups, count > 1 else { return ReduceTree.usualGroups(count) }
    guard groups > 0, count % groups == 0 else { throw .groups(groups, line: count) }
    return groups
  }

  /// What a PE holds at first: small whole numbers that differ from PE to PE and from element to element,
  /// so that sums are exact and a lost or doubled one shows.
  static func number(_ router: Int, _ element: Int) -> Int32 {
    // A few bits of a hash: Fibonacci hashing (Knuth, TAOCP 3, 6.4).
    let mixed = (UInt64(router) << 24 | UInt64(element)) &* 0x9E37_79B9_7F4A_7C15
    return Int32(mixed >> 60) - 7
  }

  /// The program.
  ///
  /// Throws `FabricError` when a PE cannot be reached, or no PE is left.
  public func program() throws(FabricError) -> FabricProgram {
    let rows = (0..<mesh.height).map { mesh.row($0) }.filter { !$0.isEmpty }
    guard !rows.isEmpty else { throw .nothingAlive }
    var program = FabricProgram(mesh: mesh)
    if algorithm == .gemv {
      try program.multiply(product, rows: rows, groups: groups(of:))
      return program
    }
    for pe in rows.joined() {
      let router = mesh.index(pe)
      program.setMemory((0..<wavelets).map { Self.number(router, $0) }, of: pe)
    }
    switch algorithm {
    case .broadcast: try program.broadcast(rows: rows, wavelets: wavelets)
    case .twoTreeAllReduce, .ringAllReduce: try allReduce(rows, &program)
    case .star, .chain, .tree, .twoPhase, .twoTree:
      var roots: [Coordinate] = []
      for line in rows { roots.append(try reduce(line, &program)) }
      _ = try reduce(roots, &program)
    case .gemv: preconditionFailure("made above")
    }
    state(results: rows, &program)
    return program
  }

  /// Sums along a line, and returns the PE at which they ended.
  private func reduce(
    _ line: [Coordinate], _ program: inout FabricProgram
  ) throws(FabricError) -> Coordinate {
    let tree = algorithm.tree(line.count, groups: try groups(of: line.count))!
    try program.reduce(line, along: tree, wavelets: wavelets)
    return line[tree.root]
  }

  /// Sums along each row, then along each column that has a live PE in every row. The other columns' PEs
  /// are given the result by the nearest of those in their row.
  private func allReduce(
    _ rows: [[Coordinate]], _ program: inout FabricProgram
  ) throws(FabricError) {
    for line in rows { try allReduce(line: line, &program) }
    guard rows.count > 1 else { return }
    let columns = (0..<mesh.width).map { mesh.column($0) }
    let whole = columns.filter { $0.count == rows.count }
    guard !whole.isEmpty else { throw .noWholeColumn }
    for line in whole { try allReduce(line: line, &program) }
    let sources = whole.map { $0[0].x }
    for row in rows {
      for x in sources {
        let source = Coordinate(x: x, y: row[0].y)
        let served = row.filter { pe in
          columns[pe.x].count < rows.count
            && sources.min { (abs($0 - pe.x), $0) < (abs($1 - pe.x), $1) } == x
        }
        let line = (served + [source]).sorted()
        try program.broadcast(line, from: line.firstIndex(of: source)!, wavelets: wavelets)
      }
    }
  }

  private func allReduce(
    line: [Coordinate], _ program: inout FabricProgram
  ) throws(FabricError) {
    if algorithm == .ringAllReduce {
      try program.ringAllReduce(line, wavelets: wavelets)
    } else {
      let tree = ReduceTree.twoTree(line.count, groups: try groups(of: line.count))
      try program.reduce(line, along: tree, wavelets: wavelets, broadcasts: true)
    }
  }

  /// States what must come out, from what is in the memories and nothing else.
  private func state(results rows: [[Coordinate]], _ program: inout FabricProgram) {
    let all = Array(rows.joined())
    if algorithm == .broadcast {
      let numbers = program.memory[mesh.index(all[0])]
      for pe in all { program.expect(numbers, of: pe) }
      return
    }
    let sums = (0..<wavelets).map { element in
      all.reduce(Int32(0)) { $0 + program.memory[mesh.index($1)][element] }
    }
    if algorithm.isAllReduce {
      for pe in all { program.expect(sums, of: pe) }
      return
    }
    // Of each line the first PE, or the one in the middle of the middle group.
    func root(_ line: [Coordinate]) -> Coordinate {
      guard algorithm == .twoTree else { return line[0] }
      let groups = (try? groups(of: line.count)) ?? 1
      let size = line.count / groups
      return line[groups / 2 * size + size / 2]
    }
    program.expect(sums, of: root(rows.map(root)))
  }
}
