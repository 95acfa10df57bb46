import Hardware
import Quantities

/// The times of a window as a graph in which every distinct time stands once: a shortcut for evaluation
/// that is exact.
///
/// Instructions of a rank say which times follow from which. Two that do the same to the same times, on
/// whatever ranks, give the same time, so they are one node (value numbering: Cocke 1970; here over all
/// ranks of a window). What follows from that:
///
/// - **Equal shards are evaluated once**, since all they do is one node each; under any collective, with
///   uneven shards beside them.
/// - **A chain of kernels is one sum**: a region that is free exactly when the kernel's input exists makes
///   nobody wait, so costs add up; equal layers are one cost, many times over.
/// - **Layers that repeat are run until their times do**, and the rest is added (`Repeat`).
/// - **Prices are not part of it.** A node names a price by its number; so steps of one form, and points
///   of a sweep that differ in their link, share one graph.
///
/// A graph holds from one `Frontier` on. `GraphEvaluator` finds the graph of each window and runs it.
final class TimeGraph: Sendable {
  /// One time, in the order in which they can be worked out.
  struct Node: Hashable, Sendable {
    var kind: Kind
    var a: Int32 = 0
    var b: Int32 = 0
    var c: Int32 = 0
    var d: Int32 = 0
  }

  /// How a time follows from others.
  enum Kind: UInt8, Sendable {
    /// The time of class `a` of the frontier.
    case input
    /// The arrival of number `a`.
    case arrival
    /// The later of nodes `a` and `b`; `a` when they tie.
    case later
    /// The same of inputs whose order was changed: a tie of different accounts is reported.
    case laterOfAny
    /// Node `a`, then the wait for a region that is free at node `b` (none when negative), then the
    /// costs `terms[c..<d]`.
    case work
    /// The arrival of message `c` of value `a` through a port that is free at node `b`.
    case leave
    /// When the port of arrival `a` is free again: `a` less the latency of message `c`.
    case sent
    /// The value of delivery `c` whose arrival is `a`, through a port that is free at node `b`.
    case arrive
    /// When the port of value `a` is free again: `a` less the overhead of delivery `c`.
    case taken
    /// When a port that is free at node `b` has served set `a`.
    case serve
    /// The value of served message `a`, counted over all sets, after node `b` served its set. It stands
    /// behind that node, with nothing but others of the set between.
    case served
  }

  /// A cost, so many times over.
  struct Term: Hashable, Sendable {
    var cost: Int32
    var count: Int32
  }

  /// A member of a set: its arrival, and what its delivery costs.
  struct Member: Hashable, Sendable {
    var arrival: Int32
    var delivery: Int32
  }

  /// Messages for one port that are waited for together.
  struct MemberSet: Sendable {
    var members: Range<Int>
    /// Whether members stand in the order of their sources. Otherwise a tie that matters is reported.
    var isInOrder: Bool
  }

  /// What a message costs its sender.
  struct Message: Hashable, Sendable {
    /// Whose figures its link has.
    var kind: Wires.Kind
    var bytes: Int
    var overhead: EmulatedTime
    var serialization: EmulatedTime
    var latency: EmulatedTime
  }

  /// What a message costs its receiver.
  struct Delivery: Hashable, Sendable {
    /// Whose figures its link has.
    var kind: Wires.Kind
    var bytes: Int
    var serialization: EmulatedTime
    var overhead: EmulatedTime
  }

  /// How many of each message crossed a link.
  struct LinkUse: Sendable {
    let from: Rank
    let to: Rank
    var counts: [(message: Int, count: Int)]
  }

  /// A result of the window.
  struct Output: Sendable {
    let rank: Rank
    let batch: Int
    let node: Int32
  }

  let nodes: [Node]
  /// Stretches of nodes that do the same, in order.
  let repeats: [Repeat]
  let terms: [Term]
  let sets: [MemberSet]
  let members: [Member]
  /// The prices that the window was written with.
  let messages: [Message]
  let deliveries: [Delivery]
  /// The kernels that costs are asked for, and the batch of each; empty when the window has its costs.
  let uses: [(use: KernelUse, batch: Int)]
  /// The costs of a window that has its own.
  let costs: [Cost]
  let outputs: [Output]
  let links: [LinkUse]
  /// Instructions that it stands for.
  let instructions: Int
  /// What it leaves to the next window, and the node of each of its classes.
  let next: Frontier
  let results: [Int32]

  /// Takes each field as it is.
  init(
    nodes: [Node], repeats: [Repeat], terms: [Term], sets: [MemberSet], members: [Member],
    messages: [Message],
    deliveries: [Delivery], uses: [(use: KernelUse, batch: Int)], costs: [Cost],
    outputs: [Output], links: [LinkUse], instructions: Int, next: Frontier, results: [Int32]
  ) {
    self.nodes = nodes
    self.repeats = repeats
    self.terms = terms
    self.sets = sets
    self.members = members
    self.messages = messages
    self.deliveries = deliveries
    self.uses = uses
    self.costs = costs
    self.outputs = outputs
    self.links = links
    self.instructions = instructions
    self.next = next
    self.results = results
  }
}
