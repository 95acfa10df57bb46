import HeapModule
import Messaging
import Programs
import Quantities
import Runtime
import TestSupport

/// A whole cluster's control plane in simulated time: the coordinator's and the nodes' machines as they are, and
/// between them a network, processes and a data plane that are drawn from a seed.
///
/// A connection keeps its order, as TCP does; different ones keep none. When one is cut, what is under way is
/// lost: to the node all of it, from the node its first part, since libzmq keeps what it has not yet given to the
/// kernel. So a drop without a cut, which ZeroMQ does not do, is a sabotage and no fault.
final class Simulation {
  /// A broken promise of the machines, or of the world, where a test breaks it on purpose.
  struct Violation: Error, CustomStringConvertible {
    let seed: UInt64
    let time: Int64
    let what: String
    var description: String {
      "seed \(seed), \(Double(time) / 1e9) s: \(what). scripts/simulate --seed \(seed) replays it"
    }
  }

  /// How the world breaks its own promises, to show that this would be seen.
  enum Sabotage: CaseIterable {
    /// A report vanishes though no connection was cut.
    case loseReport
    /// A report comes twice.
    case doubleReport
    /// A word to end the run vanishes, and a node pretends to have heard it.
    case loseFinishAndForge
    /// The coordinator does not look at silence or at ended processes.
    case keepDeadNode
    /// A node executes a window twice.
    case executeTwice
    /// A rank is given to a second node, too.
    case assignTwice
    /// A node does not look at the clock, so that it does not see its coordinator gone.
    case deafNode
  }

  /// How a run ended, and what was seen on the way.
  struct Summary {
    /// `success`, or the name of the error.
    var ending: String
    var restarts = 0
    var simulated: Int64 = 0
    var frames = 0
    var seen: Set<String> = []
  }

  enum Event {
    case arrival(node: Int, toNode: Bool, number: Int)
    case controlTick(Int)
    case work(Int, turn: Int, NodeLife.Action)
    case start(Int)
    case resume(Int)
    case exit(Int)
    /// The coordinator, or the node, sees the end of a node's connection.
    case hangUp(Int, toNode: Bool)
    case coordinatorTick
    case nextRun
    case fault(Int)
  }

  struct Timed: Comparable {
    let time: Int64
    let number: Int
    let event: Event
    static func < (a: Timed, b: Timed) -> Bool { (a.time, a.number) < (b.time, b.number) }
    static func == (a: Timed, b: Timed) -> Bool { a.number == b.number }
  }

  /// Simulated time by which every run has ended, in nanoseconds: 2 runs of at most 5 losses, each at most a
  /// minute to register, 15 s of silence and the program's own time, doubled.
  static let longest = 1800 * Scenario.second
  /// Time by which all nodes are gone after their coordinator: what they load, a minute that one waits which never
  /// heard it, 60 s that one is stopped, and the silence.
  static let longestFarewell = 300 * Scenario.second
  static let silence = 15 * Scenario.second
  /// A node waits for a message longer than the coordinator for a node.
  static let waitLimit = 60 * Scenario.second
  static let boot = "here"

  let scenario: Scenario
  let sabotage: Sabotage?
  let traces: Bool
  var trace: [String] = []
  var random: SeededGenerator
  var now: Int64 = Scenario.second
  private var queue = Heap<Timed>()
  private var numbers = 0
  var nodes: [SimulatedNode] = []
  var coordinator = SimulatedCoordinator()
  var plane = DataPlane()
  /// Who has which rank of which run.
  var owners: [Owned: Int] = [:]
  /// How often each kind of word was said.
  private var words: [ControlMessage.Kind: Int] = [:]
  var summary = Summary(ending: "")
  var hasSabotaged = false

  struct Owned: Hashable {
    let run: UInt64
    let rank: Int
  }

  init(_ scenario: Scenario, sabotage: Sabotage? = nil, traces: Bool = false) {
    self.scenario = scenario
    self.sabotage = sabotage
    self.traces = traces
    random = SeededGenerator(seed: scenario.seed ^ 0x5157_ED5E)
    coordinator.policy = RestartPolicy(isOn: scenario.restarts)
  }

  var moment: MeasuredTime { MeasuredTime(nanoseconds: now) }

  /// Runs it to its end.
  func run() throws(Violation) -> Summary {
    for _ in 0..<scenario.ranks + scenario.spares - scenario.absent {
      schedule(.start(makeNode()), after: some(0, 500 * Scenario.millisecond))
    }
    schedule(.nextRun, after: some(0, 1000 * Scenario.millisecond))
    schedule(.coordinatorTick, after: Scenario.second)
    for index in scenario.faults.indices where scenario.faults[index].word == nil {
      schedule(.fault(index), after: scenario.faults[index].time)
    }
    while let next = queue.popMin() {
      now = next.time
      try handle(next.event)
      if let ended = coordinator.ended {
        guard nodes.contains(where: \.isThere) else { break }
        let left = nodes.filter(\.isThere).map { "\($0.name) \($0.life.state.name)" }
        try check(now - ended < Self.longestFarewell, "nodes outlive their coordinator: \(left)")
      } else {
        try check(now < Self.longest, "the run does not end; \(coordinator.session!.phase)")
      }
    }
    try checkEnd()
    summary.restarts = coordinator.policy.restarts
    summary.simulated = now
    return summary
  }

  private func handle(_ event: Event) throws(Violation) {
    switch event {
    case .start(let index): start(index)
    case .controlTick(let index): try controlTick(index)
    case .arrival(let node, let toNode, let number):
      if toNode, nodes[node].isStopped { return nodes[node].held.append(event) }
      guard let frame = nodes[node].take(toNode: toNode, number) else { return }
      summary.frames += 1
      if toNode { try deliver(frame, to: node) } else { try coordinatorHears(frame, from: node) }
    case .work(let index, let turn, let action): try work(index, turn, action)
    case .resume(let index): resume(index)
    case .exit(let index): try processEnded(index)
    case .hangUp(let index, false): try connectionEnded(index)
    case .hangUp(let index, true):
      if nodes[index].isStopped { return nodes[index].held.append(event) }
      try coordinatorHungUp(index)
    case .coordinatorTick: try coordinatorTick()
    case .nextRun: try beginRun()
    case .fault(let index): try strike(index)
    }
  }

  // MARK: Time and chance

  func schedule(_ event: Event, after delay: Int64) {
    numbers += 1
    queue.insert(Timed(time: now + delay, number: numbers, event: event))
  }

  func some(_ least: Int64, _ most: Int64) -> Int64 {
    Int64.random(in: least...max(least, most), using: &random)
  }

  func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  /// A word is said: faults may wait for it.
  func said(_ kind: ControlMessage.Kind) {
    words[kind, default: 0] += 1
    for (index, strike) in scenario.faults.enumerated()
    where strike.word == kind && strike.place == words[kind] {
      schedule(.fault(index), after: some(0, 2 * scenario.delay))
    }
  }

  func say(_ text: @autoclosure () -> String) {
    if traces { trace.append("\(Double(now) / 1e9) \(text())") }
  }

  func check(_ holds: Bool, _ what: @autoclosure () -> String) throws(Violation) {
    guard !holds else { return }
    say("VIOLATION \(what())")
    throw Violation(seed: scenario.seed, time: now, what: what())
  }

  // MARK: The network

  /// A frame sets out over a node's connection.
  func post(_ frame: [UInt8], node index: Int, toNode: Bool) {
    // The coordinator's socket has no queue for a peer that is not connected.
    if toNode, nodes[index].isCut(now) || !nodes[index].isThere { return }
    let number = numbers + 1
    let arrival = nodes[index].arrival(toNode: toNode, now + some(0, scenario.delay))
    nodes[index].put((number, frame, arrival), toNode: toNode)
    schedule(.arrival(node: index, toNode: toNode, number: number), after: arrival - now)
  }

  /// The end of a node's connection sets out, behind what was said over it, and will be seen.
  func hangUp(_ index: Int, toNode: Bool) {
    let seen = nodes[index].arrival(toNode: toNode, now + some(0, scenario.delay))
    schedule(.hangUp(index, toNode: toNode), after: seen - now)
  }

  /// Sends what is under way anew, after a stall or a cut.
  func repost(_ index: Int, toNode: Bool, frames: [[UInt8]]) {
    for frame in frames { post(frame, node: index, toNode: toNode) }
  }
}
