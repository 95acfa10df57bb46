/// Algorithms on a line: a list of PEs, which need not be neighbours.
///
/// Each works on `wavelets` numbers from an address on, the same on every PE.
extension FabricProgram {
  /// Sums over the line along a tree. The sums end up at the tree's root, and on every PE of the line when
  /// `broadcasts` is set: the root then sends each out on both sides as it is made.
  ///
  /// Throws `FabricError` when a PE cannot be reached from another.
  public mutating func reduce(
    _ line: [Coordinate], along tree: ReduceTree, wavelets: Int, at base: Int = 0,
    broadcasts: Bool = false
  ) throws(FabricError) {
    precondition(tree.inputs.count == line.count, "\(tree.inputs.count) of \(line.count) PEs")
    // By PE, the colour on which its parent takes it.
    var colours = Array(repeating: 0, count: line.count)
    for turn in tree.inputs.joined() {
      let colour = makeColour()
      for child in turn { colours[child] = colour }
    }
    let parents = tree.parents
    let broadcast = broadcasts && line.count > 1 ? makeColour() : nil
    for (place, pe) in line.enumerated() {
      var forward: Int?
      if let parent = parents[place] {
        forward = try addRoute(colour: colours[place], from: pe, to: line[parent])
      } else if let broadcast {
        forward = try addRoute(colour: broadcast, along: line, from: place)
      }
      appendSums(
        tree.inputs[place].map { (colours[$0[0]], $0.count) }, wavelets: wavelets, at: base,
        forward: forward, waits: tree.waits[place], to: pe)
    }
    if let broadcast { receive(broadcast, line, except: tree.root, wavelets: wavelets, at: base) }
  }

  /// Appends the sums of one PE over what comes in, each turn a colour and how many PEs send on it.
  private mutating func appendSums(
    _ turns: [(colour: Int, senders: Int)], wavelets: Int, at base: Int, forward: Int?,
    waits: Bool, to pe: Coordinate
  ) {
    // A sum that is made in the last turn is complete only when that has one sender.
    let isSentAsMade = turns.last?.senders == 1 && !waits
    for (index, turn) in turns.enumerated() {
      let isLast = index + 1 == turns.count
      append(
        Step(
          .fabric(colour: turn.colour, wavelets: wavelets * turn.senders), .add(base: base),
          forward: isLast && isSentAsMade ? forward : nil),
        to: pe)
    }
    if let forward, !isSentAsMade {
      append(
        Step(.memory(base: base, elements: 0..<wavelets), .pass, forward: forward), to: pe)
    }
  }

  /// The PE at one place of a line sends its numbers to all others, to both sides.
  ///
  /// Throws `FabricError` when one cannot be reached.
  public mutating func broadcast(
    _ line: [Coordinate], from root: Int, wavelets: Int, at base: Int = 0
  ) throws(FabricError) {
    guard line.count > 1 else { return }
    let colour = makeColour()
    let route = try addRoute(colour: colour, along: line, from: root)
    append(
      Step(.memory(base: base, elements: 0..<wavelets), .pass, forward: route), to: line[root])
    receive(colour, line, except: root, wavelets: wavelets, at: base)
  }

  /// A route from one PE of a line to all others, to both sides.
  private mutating func addRoute(
    colour: Int, along line: [Coordinate], from root: Int
  ) throws(FabricError) -> Int {
    var route = Route(colour: colour, source: line[root])
    for side in [Array(line[(root + 1)...]), line[..<root].reversed()] {
      var end = 0
      for pe in side { end = try route.extend(from: end, to: pe, on: mesh) }
    }
    return add(route)
  }

  /// All PEs of a line but one keep what comes.
  private mutating func receive(
    _ colour: Int, _ line: [Coordinate], except root: Int, wavelets: Int, at base: Int
  ) {
    for (place, pe) in line.enumerated() where place != root {
      append(Step(.fabric(colour: colour, wavelets: wavelets), .store(base: base)), to: pe)
    }
  }

  /// Sums over the line, on every PE, by a ring: each PE sends to the next, and the last to the first.
  ///
  /// The vector is cut into a chunk for each PE. A chunk starts at its PE, is added to by each of the
  /// others, and goes around once more to be kept. Chunks differ by at most one number.
  ///
  /// Throws `FabricError` when a PE cannot be reached from another.
  public mutating func ringAllReduce(
    _ line: [Coordinate], wavelets: Int, at base: Int = 0
  ) throws(FabricError) {
    let count = line.count
    guard count > 1 else { return }
    let chunks = (0..<count).map { wavelets * $0 / count..<wavelets * ($0 + 1) / count }
    let colours = line.map { _ in makeColour() }
    for (place, pe) in line.enumerated() {
      let colour = colours[(place + count - 1) % count]
      let route = try addRoute(
        colour: colours[place], from: pe, to: line[(place + 1) % count])
      let (own, next, last) = (
        chunks[place].count, chunks[(place + 1) % count].count, chunks[(place + 2) % count].count
      )
      append(
        Step(.memory(base: base, elements: chunks[place]), .pass, forward: route), to: pe)
      // All chunks but its own come once to be added to; the last of them, the next PE's, is then whole.
      append(
        Step(
          .fabric(colour: colour, wavelets: wavelets - own), .add(base: base), forward: route),
        to: pe)
      // Then all but that one come to be kept, and the last goes no further.
      append(
        Step(
          .fabric(colour: colour, wavelets: wavelets - next - last), .store(base: base),
          forward: route),
        to: pe)
      append(Step(.fabric(colour: colour, wavelets: last), .store(base: base)), to: pe)
    }
  }
}
