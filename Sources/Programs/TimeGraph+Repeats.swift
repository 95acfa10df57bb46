import Hardware
import Quantities

/// Layers that do the same: stretches of nodes that follow from those before them as the stretch before
/// did.
///
/// Times only ever take the later of two and add, so what starts as before, all times moved by one span,
/// goes on as before, moved by that span; accounts are moved by one account. When two stretches in a row
/// left times that differ in nothing else, the rest of the stretches needs no run.
extension TimeGraph {
  /// Equal stretches in a row.
  struct Repeat: Hashable, Sendable {
    /// All their nodes.
    var nodes: Range<Int>
    /// Nodes of a stretch.
    var period: Int
    /// How far back a node looks, at most.
    var reach: Int
    /// The first node that anything behind the stretches needs.
    var needed: Int
  }

  /// The stretches of a graph.
  ///
  /// - Parameters:
  ///   - relations: How each node follows from those before, as a number; equal for equal relations.
  ///   - operands: The nodes that each node needs.
  ///   - roots: What is needed beside nodes.
  static func repeats(
    kinds: [Kind], relations: [Int32], operands: (Int) -> [Int32], roots: [Int32]
  ) -> [Repeat] {
    var found: [Repeat] = []
    var start = 0
    while start < relations.count {
      guard let (period, count) = stretches(in: relations, at: start, kinds: kinds) else {
        start += 1
        continue
      }
      let nodes = start..<start + period * count
      let reach = nodes.map { index in
        index - Int(operands(index).min() ?? Int32(index))
      }.max()!
      found.append(Repeat(nodes: nodes, period: period, reach: reach, needed: nodes.upperBound))
      start = nodes.upperBound
    }
    for (place, one) in found.enumerated() {
      var needed = roots.lazy.map { Int($0) }.filter { one.nodes.contains($0) }.min()
      for index in one.nodes.upperBound..<relations.count {
        for operand in operands(index) where one.nodes.contains(Int(operand)) {
          needed = min(needed ?? Int(operand), Int(operand))
        }
      }
      found[place].needed = needed ?? one.nodes.upperBound
    }
    return found
  }

  /// Fewest stretches that are worth it: some must be run until their times repeat.
  private static let fewestStretches = 6

  /// The stretches that begin at a kernel's node: their length is the distance to one of the next kernels
  /// that follow alike.
  private static func stretches(in relations: [Int32], at start: Int, kinds: [Kind])
    -> (period: Int, count: Int)?
  {
    guard kinds[start] == .work else { return nil }
    var candidates = 0
    var next = start + 1
    while next < relations.count, candidates < mostCandidates, next - start <= longestStretch {
      if relations[next] == relations[start] {
        candidates += 1
        let period = next - start
        var end = next
        while end < relations.count, relations[end] == relations[end - period] { end += 1 }
        let count = (end - start) / period
        if count >= fewestStretches { return (period, count) }
      }
      next += 1
    }
    return nil
  }

  /// Kernels that are tried as the begin of the second stretch.
  private static let mostCandidates = 4
  /// Most nodes of a stretch.
  private static let longestStretch = 20_000
}

extension TimeGraph.Kind {
  /// Whether only the time counts, as of a port.
  var isInstant: Bool {
    switch self {
    case .sent, .taken, .serve: true
    case .input, .arrival, .later, .laterOfAny, .work, .leave, .arrive, .served: false
    }
  }
}

extension TimeGraph {
  /// By how much a stretch's times exceed those of the one before, all of them by the same; `nil` when
  /// they do not.
  ///
  /// - Parameter end: Behind the last node that was run.
  func step(
    of one: Repeat, at end: Int, _ stamps: UnsafeMutableBufferPointer<Stamp>
  ) -> (time: EmulatedTime, account: Account)? {
    let first = end - max(one.reach, one.period)
    guard first - one.period >= one.nodes.lowerBound else { return nil }
    guard let example = (first..<end).first(where: { !nodes[$0].kind.isInstant }) else {
      return nil
    }
    let time = stamps[example].time - stamps[example - one.period].time
    let account = stamps[example].account - stamps[example - one.period].account
    for index in first..<end {
      let before = index - one.period
      guard stamps[index].time - stamps[before].time == time else { return nil }
      guard
        nodes[index].kind.isInstant
          || stamps[index].account - stamps[before].account == account
      else { return nil }
    }
    return (time, account)
  }

  /// Sets the times of the stretches behind `end`, as far as anything needs them, from those of the last
  /// that was run.
  func fill(
    _ one: Repeat, from end: Int, _ step: (time: EmulatedTime, account: Account),
    _ stamps: UnsafeMutableBufferPointer<Stamp>
  ) {
    for index in max(one.needed, end)..<max(one.nodes.upperBound, end) {
      let count = (index - end) / one.period + 1
      let source = index - count * one.period
      stamps[index].time.picoseconds =
        stamps[source].time.picoseconds + Int64(count) * step.time.picoseconds
      guard !nodes[index].kind.isInstant else { continue }
      stamps[index].account = stamps[source].account + step.account * count
    }
  }
}

extension Account {
  /// Each entry so many times.
  fileprivate static func * (account: Account, count: Int) -> Account {
    var product = account
    for entry in Entry.allCases {
      product[entry] = EmulatedTime(picoseconds: account[entry].picoseconds * Int64(count))
    }
    return product
  }
}
