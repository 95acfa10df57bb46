/// Who adds whose numbers, and in which order: a reduce on a line of PEs as data.
///
/// Every reduce here is one: each PE adds what its children send to its own numbers, and sends the sums
/// on to its parent, as they are made or when all are.
public struct ReduceTree: Hashable, Sendable {
  /// Where the sum ends up, as a place on the line.
  public let root: Int
  /// By PE, what it adds in turn; the wavelets of the PEs in one entry have one colour, and are added in
  /// the order in which they come.
  public let inputs: [[[Int]]]
  /// By PE, whether it sends on only when all its sums are made, so that the wavelets of one phase do not
  /// stand between those of the one before on a link that both use.
  public let waits: [Bool]

  /// By PE, whom it sends to; `nil` at the root.
  public var parents: [Int?] {
    var parents: [Int?] = Array(repeating: nil, count: inputs.count)
    for (pe, turns) in inputs.enumerated() {
      for child in turns.joined() { parents[child] = pe }
    }
    return parents
  }

  private init(root: Int, inputs: [[[Int]]], waits: (Int) -> Bool = { _ in false }) {
    self.root = root
    self.inputs = inputs
    self.waits = inputs.indices.map(waits)
  }

  /// All send to the first PE, which adds them as they come.
  public static func star(_ count: Int) -> Self {
    Self(
      root: 0,
      inputs: (0..<count).map { $0 == 0 && count > 1 ? [Array(1..<count)] : [] })
  }

  /// Each adds its neighbour's sums to its own numbers, and the last is the first PE.
  public static func chain(_ count: Int) -> Self {
    Self(root: 0, inputs: (0..<count).map { $0 + 1 < count ? [[$0 + 1]] : [] })
  }

  /// In round r those whose number is an odd multiple of 2^r send to the one 2^r before them.
  public static func binary(_ count: Int) -> Self {
    let inputs = (0..<count).map { pe in
      var turns: [[Int]] = []
      var distance = 1
      while pe % (2 * distance) == 0, pe + distance < count {
        turns.append([pe + distance])
        distance *= 2
      }
      return turns
    }
    return Self(root: 0, inputs: inputs) { $0 > 0 }
  }

  /// A chain within each group to its first PE, then a chain over those.
  ///
  /// - Precondition: the groups divide the line.
  public static func twoPhase(_ count: Int, groups: Int) -> Self {
    let size = groupSize(count, groups)
    let inputs = (0..<count).map { pe in
      var turns: [[Int]] = []
      if pe % size + 1 < size { turns.append([pe + 1]) }
      if pe % size == 0, pe + size < count { turns.append([pe + size]) }
      return turns
    }
    return Self(root: 0, inputs: inputs) { $0 == count - size }
  }

  /// A chain from both ends of each group to the PE in its middle, then one from both ends of the line over
  /// those to the middle one (WaferLLM, OSDI'25).
  ///
  /// Where two sides meet, their wavelets are added as they come: one side's would else wait behind the
  /// other's, which share the ramp with them.
  ///
  /// - Precondition: the groups divide the line.
  public static func twoTree(_ count: Int, groups: Int) -> Self {
    let size = groupSize(count, groups)
    let (middle, centre) = (size / 2, groups / 2)
    let inputs = (0..<count).map { pe in
      let (group, place) = pe.quotientAndRemainder(dividingBy: size)
      var sides: [Int] = []
      if place >= middle, place + 1 < size { sides.append(pe + 1) }
      if place <= middle, place > 0 { sides.append(pe - 1) }
      var farSides: [Int] = []
      if place == middle {
        if group >= centre, group + 1 < groups { farSides.append(pe + size) }
        if group <= centre, group > 0 { farSides.append(pe - size) }
      }
      return [sides, farSides].filter { !$0.isEmpty }
    }
    let root = centre * size + middle
    return Self(root: root, inputs: inputs) {
      ($0 == middle || $0 == count - size + middle) && $0 != root
    }
  }

  private static func groupSize(_ count: Int, _ groups: Int) -> Int {
    precondition(groups > 0 && count % groups == 0, "\(groups) groups of \(count) PEs")
    return count / groups
  }

  /// The largest divisor of a line that is at most its square root: the number of groups where none is
  /// given, and what 10 of 11 published configurations have.
  public static func usualGroups(_ count: Int) -> Int {
    var best = 1
    var candidate = 1
    while candidate * candidate <= count {
      if count % candidate == 0 { best = candidate }
      candidate += 1
    }
    return best
  }
}
