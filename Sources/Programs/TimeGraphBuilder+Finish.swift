import Quantities

/// What is left when a window has been followed: the nodes that anything depends on, with chains of
/// kernels as one.
extension TimeGraphBuilder {
  /// The graph.
  func finish(from frontier: Frontier, check: ProgramCheck) -> TimeGraph {
    var classes = Classes()
    let next = self.next(&classes, check: check)
    let outputs = source.window.outputs.map {
      (rank: $0.rank, batch: $0.batch, node: ranks[$0.rank.index].values[$0.value])
    }
    var kept = KeptNodes(
      nodes, sets: sets, members: members, roots: classes.nodes + outputs.map(\.node))
    kept.fuse()
    let numbers = kept.numbers
    let members = members.map {
      TimeGraph.Member(arrival: numbers[Int($0.arrival)], delivery: $0.delivery)
    }
    let list = NumberedNodes(
      nodes: kept.renumbered, terms: kept.terms, sets: sets, members: members)
    let repeats = TimeGraph.repeats(
      kinds: list.nodes.map(\.kind), relations: list.relations, operands: list.operands,
      roots: (classes.nodes + outputs.map(\.node)).map { numbers[Int($0)] })
    return TimeGraph(
      nodes: list.nodes, repeats: repeats, terms: list.terms, sets: sets, members: members,
      messages: messages, deliveries: deliveries, uses: source.uses, costs: source.costs,
      outputs: outputs.map {
        TimeGraph.Output(rank: $0.rank, batch: $0.batch, node: numbers[Int($0.node)])
      }, links: linkUses,
      instructions: source.window.ranks.reduce(0) { $0 + $1.instructions.count },
      // Windows of one form soon leave what they found: it is then the same frontier.
      next: next == frontier ? frontier : next,
      results: classes.nodes.map { numbers[Int($0)] })
  }

  /// Numbers of classes, in the order in which they are met.
  private struct Classes {
    var nodes: [Int32] = [0]
    private var numbers: [Int32: Int32] = [0: 0]

    mutating func number(_ node: Int32) -> Int32 {
      if let known = numbers[node] { return known }
      let number = Int32(nodes.count)
      numbers[node] = number
      nodes.append(node)
      return number
    }

    mutating func numbers(_ list: [Int32]) -> [Int32] {
      list.map { number($0) }
    }
  }

  private func next(_ classes: inout Classes, check: ProgramCheck) -> Frontier {
    let values = ranks.map { classes.numbers($0.values) }
    let regions = ranks.map { classes.numbers($0.regions) }
    let egress = ranks.map { classes.numbers($0.egress) }
    let ingress = ranks.map { classes.numbers($0.ingress) }
    let underWay = channels.remaining.map {
      Frontier.UnderWay(
        from: $0.from, to: $0.to, stream: $0.stream, classes: classes.numbers($0.elements))
    }
    return Frontier(
      values: values, regions: regions, egress: egress, ingress: ingress, underWay: underWay,
      classes: classes.nodes.count, check: check)
  }

  private var linkUses: [TimeGraph.LinkUse] {
    var uses: [TimeGraph.LinkUse] = []
    for (key, count) in links.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if let last = uses.last, last.from.index == key[0], last.to.index == key[1] {
        uses[uses.count - 1].counts.append((key[2], count))
      } else {
        uses.append(
          TimeGraph.LinkUse(from: Rank(key[0]), to: Rank(key[1]), counts: [(key[2], count)]))
      }
    }
    return uses
  }
}

/// Nodes by their last numbers, and how each follows from those before.
private struct NumberedNodes {
  let nodes: [TimeGraph.Node]
  let terms: [TimeGraph.Term]
  let sets: [TimeGraph.MemberSet]
  let members: [TimeGraph.Member]

  /// The nodes that a node needs.
  func operands(_ index: Int) -> [Int32] {
    let node = nodes[index]
    return switch node.kind {
    case .input, .arrival: []
    case .later, .laterOfAny, .leave, .arrive: [node.a, node.b]
    case .work: node.b >= 0 ? [node.a, node.b] : [node.a]
    case .sent, .taken: [node.a]
    case .serve: sets[Int(node.a)].members.map { members[$0].arrival } + [node.b]
    case .served: [node.b]
    }
  }

  /// A number for how each node follows from others: which, counted back from it, and at which prices.
  var relations: [Int32] {
    var numbers: [[Int32]: Int32] = [:]
    return nodes.indices.map { index in
      let relation = relation(index)
      if let known = numbers[relation] { return known }
      let number = Int32(numbers.count)
      numbers[relation] = number
      return number
    }
  }

  private func relation(_ index: Int) -> [Int32] {
    let node = nodes[index]
    var relation = [Int32(node.kind.rawValue)] + operands(index).map { Int32(index) - $0 }
    switch node.kind {
    case .input, .arrival: relation.append(node.a)
    case .later, .laterOfAny: break
    case .leave, .sent, .arrive, .taken: relation.append(node.c)
    case .work:
      relation.append(node.b >= 0 ? 1 : 0)
      for term in terms[Int(node.c)..<Int(node.d)] { relation += [term.cost, term.count] }
    case .serve: relation += sets[Int(node.a)].members.map { members[$0].delivery }
    case .served:
      let set = sets[Int(nodes[Int(node.b)].a)]
      relation.append(node.a - Int32(set.members.lowerBound))
    }
    return relation
  }
}

/// The nodes of a graph that are kept.
private struct KeptNodes {
  private var nodes: [TimeGraph.Node]
  private let sets: [TimeGraph.MemberSet]
  private let members: [TimeGraph.Member]
  /// How many nodes and roots need each node.
  private var uses: [Int]
  /// The costs of each kernel's node.
  private var sums: [[TimeGraph.Term]]

  init(
    _ nodes: [TimeGraph.Node], sets: [TimeGraph.MemberSet], members: [TimeGraph.Member],
    roots: [Int32]
  ) {
    self.nodes = nodes
    self.sets = sets
    self.members = members
    uses = Array(repeating: 0, count: nodes.count)
    sums = nodes.map { node in
      node.kind == .work && node.c >= 0 ? [TimeGraph.Term(cost: node.c, count: 1)] : []
    }
    for root in roots { uses[Int(root)] += 1 }
    // The start is always there, as it is what was never used.
    uses[0] += 1
    for index in nodes.indices.reversed() where uses[index] > 0 {
      for needed in self.needed(by: nodes[index]) { uses[Int(needed)] += 1 }
    }
  }

  private func needed(by node: TimeGraph.Node) -> [Int32] {
    switch node.kind {
    case .input, .arrival: []
    case .later, .laterOfAny, .leave, .arrive: [node.a, node.b]
    case .work: node.b >= 0 ? [node.a, node.b] : [node.a]
    case .sent, .taken: [node.a]
    case .serve: sets[Int(node.a)].members.map { members[$0].arrival } + [node.b]
    case .served: [node.b]
    }
  }

  /// A kernel that nobody waits for but the kernel behind it becomes a part of that.
  mutating func fuse() {
    for index in nodes.indices where uses[index] > 0 && nodes[index].kind == .work {
      let before = Int(nodes[index].a)
      guard nodes[index].b < 0, nodes[before].kind == .work, uses[before] == 1 else { continue }
      var sum = sums[before]
      for term in sums[index] {
        if let known = sum.firstIndex(where: { $0.cost == term.cost }) {
          sum[known].count += term.count
        } else {
          sum.append(term)
        }
      }
      sums[index] = sum
      nodes[index].a = nodes[before].a
      nodes[index].b = nodes[before].b
      uses[before] = 0
      sums[before] = []
    }
  }

  /// The new number of each node that is kept; -1 of the others.
  var numbers: [Int32] {
    var next: Int32 = 0
    return uses.map { count in
      guard count > 0 else { return -1 }
      next += 1
      return next - 1
    }
  }

  /// The costs of all kernels' nodes, one after the other.
  var terms: [TimeGraph.Term] {
    Array(sums.indices.filter { uses[$0] > 0 }.map { sums[$0] }.joined())
  }

  /// The nodes that are kept, by their new numbers.
  var renumbered: [TimeGraph.Node] {
    let numbers = numbers
    var end: Int32 = 0
    return nodes.indices.filter { uses[$0] > 0 }.map { index in
      var node = nodes[index]
      switch node.kind {
      case .input, .arrival: break
      case .later, .laterOfAny, .leave, .arrive:
        node.a = numbers[Int(node.a)]
        node.b = numbers[Int(node.b)]
      case .work:
        node.a = numbers[Int(node.a)]
        if node.b >= 0 { node.b = numbers[Int(node.b)] }
        node.c = end
        end += Int32(sums[index].count)
        node.d = end
      case .sent, .taken: node.a = numbers[Int(node.a)]
      case .serve, .served: node.b = numbers[Int(node.b)]
      }
      return node
    }
  }
}
