/// Algorithms that use both sides of the mesh at once.
extension FabricProgram {
  /// The first PE sends its numbers along its row, and from there down the columns, in one route.
  ///
  /// A PE whose way down is cut off is reached around the dead router.
  ///
  /// Throws `FabricError` when one cannot be reached.
  mutating func broadcast(rows: [[Coordinate]], wavelets: Int) throws(FabricError) {
    let source = rows[0][0]
    let colour = makeColour()
    var route = Route(colour: colour, source: source)
    // The place of the route from which each column goes on.
    var ends: [Int: Int] = [source.x: 0]
    var last = 0
    for (index, row) in rows.enumerated() {
      for pe in row where pe != source {
        // The first row is a line; a column that has no end yet goes on from its neighbour's.
        let end = index == 0 ? last : ends[pe.x] ?? ends[nearest(to: pe.x, in: ends)]!
        last = try route.extend(from: end, to: pe, on: mesh)
        ends[pe.x] = last
      }
    }
    guard route.linkCount > 0 else { return }
    let number = add(route)
    append(Step(.memory(base: 0, elements: 0..<wavelets), .pass, forward: number), to: source)
    for pe in rows.joined() where pe != source {
      append(Step(.fabric(colour: colour, wavelets: wavelets), .store(base: 0)), to: pe)
    }
  }

  private func nearest(to x: Int, in ends: [Int: Int]) -> Int {
    ends.keys.min { (abs($0 - x), $0) < (abs($1 - x), $1) }!
  }

  /// A matrix by a vector. Column c of the mesh holds chunk c of the inputs, at the first row; row r makes
  /// chunk r of the outputs, which every PE of the row has in the end.
  ///
  /// The first row sends its inputs down the columns. Each PE multiplies a row of its part of the matrix by
  /// each input that comes. The partial sums go through a two-tree all-reduce along the rows (the GEMV of
  /// WaferLLM, OSDI'25). The part of a dead PE is done by the nearest live one in its row.
  ///
  /// Throws `FabricError` when a PE cannot be reached.
  mutating func multiply(
    _ product: MatrixVector, rows: [[Coordinate]], groups: (Int) throws(FabricError) -> Int
  ) throws(FabricError) {
    // Memory of a PE: partial sums, then for each chunk of inputs that it has the inputs, if it is in the
    // first row, and its part of the matrix, a row of outputs for each input.
    let chunks = (0..<mesh.width).map {
      MatrixVector.share(product.inputs, of: mesh.width, at: $0)
    }
    func input(_ element: Int) -> Int32 { FabricExperiment.number(0, element) }
    func weight(_ output: Int, _ element: Int) -> Int32 {
      FabricExperiment.number(output + 1, element)
    }
    let outputs = rows.indices.map {
      MatrixVector.share(product.outputs, of: rows.count, at: $0)
    }
    for (row, line) in rows.enumerated() {
      for pe in line { setMemory(Array(repeating: 0, count: outputs[row].count), of: pe) }
    }
    for (column, chunk) in chunks.enumerated() {
      let owners = rows.map { row in
        row.min { (abs($0.x - column), $0) < (abs($1.x - column), $1) }!
      }
      let colour = makeColour()
      var route = Route(colour: colour, source: owners[0])
      var end = 0
      for owner in owners.dropFirst() { end = try route.extend(from: end, to: owner, on: mesh) }
      let number = route.linkCount > 0 ? add(route) : nil
      for (row, pe) in owners.enumerated() {
        let router = mesh.index(pe)
        var source = Step.Source.fabric(colour: colour, wavelets: chunk.count)
        if row == 0 {
          source = .memory(base: memory[router].count, elements: 0..<chunk.count)
          memory[router] += chunk.map(input)
          if let number { append(Step(source, .pass, forward: number), to: pe) }
        }
        append(
          Step(
            source,
            .multiplyRow(matrix: memory[router].count, outputs: outputs[row].count, into: 0),
            cycles: product.rowCycles(outputs: outputs[row].count)),
          to: pe)
        for element in chunk { memory[router] += outputs[row].map { weight($0, element) } }
      }
    }
    for (row, line) in rows.enumerated() where !outputs[row].isEmpty {
      try reduce(
        line, along: .twoTree(line.count, groups: try groups(line.count)),
        wavelets: outputs[row].count, broadcasts: true)
      let results = outputs[row].map { output in
        (0..<product.inputs).reduce(Int32(0)) { $0 + weight(output, $1) * input($1) }
      }
      for pe in line { expect(results, of: pe) }
    }
  }
}
