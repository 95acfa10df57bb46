import Models
import Placement
import Programs
import Quantities
import Serving

/// Where an evaluated program's windows come from.
protocol WindowSource {
  /// Windows of the whole program; `Int.max` where nobody knows before.
  var windowCount: Int { get }
  /// The next window, `nil` after the last.
  ///
  /// - Parameter clocks: The evaluator's, after all windows before it.
  mutating func window(after clocks: [RankClock]) -> Window?
  /// Takes note of a window's evaluation: the stamps of its outputs, and the clocks after it.
  mutating func evaluated(_ window: Window, stamps: [Stamp], clocks: [RankClock])
  /// What became of the requests; `nil` of a program that serves none.
  var servingLog: ServingLog? { get }
}

/// Windows whose number is known and that depend on nothing.
private struct FixedWindows: WindowSource {
  let windowCount: Int
  let compile: (Int) -> Window
  private var made = 0

  init(windowCount: Int, compile: @escaping (Int) -> Window) {
    self.windowCount = windowCount
    self.compile = compile
  }

  mutating func window(after clocks: [RankClock]) -> Window? {
    guard made < windowCount else { return nil }
    defer { made += 1 }
    return compile(made)
  }

  func evaluated(_ window: Window, stamps: [Stamp], clocks: [RankClock]) {}

  var servingLog: ServingLog? { nil }
}

extension ServingProgram: WindowSource {
  var windowCount: Int { .max }
  var servingLog: ServingLog? { log }
}

/// A program that is compiled, checked and evaluated window by window, as a run asks for windows.
///
/// It keeps what the nodes' times are later held against, and nothing else: memory grows with tokens,
/// not with instructions.
final class EvaluatedProgram {
  private var source: any WindowSource
  private let keepsOutputs: Bool
  private var check: ProgramCheck
  private var evaluator: Evaluator
  private var observation: Observation?
  /// Windows of the whole program; `Int.max` where nobody knows before.
  var windowCount: Int { source.windowCount }
  /// What goes wrong in emulated time.
  let faults: FaultPlan
  private var isFinished = false
  /// Windows evaluated so far.
  private(set) var evaluated = 0
  /// The outputs of all windows so far, in order.
  private(set) var outputs: [Output] = []

  /// A value that the run is judged by.
  struct Output: Sendable {
    let window: Int
    let rank: Rank
    let batch: Batch?
    let stamp: Stamp
  }

  /// - Parameters:
  ///   - keepsOutputs: Whether outputs are kept, which nodes are held against.
  ///   - observation: Sees the evaluation; `nil` saves its time.
  ///   - faults: What goes wrong; nodes get their share of it.
  init(
    ranks: Int, source: any WindowSource, keepsOutputs: Bool = true,
    observation: Observation? = nil, faults: FaultPlan = FaultPlan()
  ) {
    self.observation = observation
    self.faults = faults
    self.source = source
    self.keepsOutputs = keepsOutputs
    check = ProgramCheck(ranks: ranks)
    evaluator = Evaluator(ranks: ranks, faults: faults)
  }

  /// A model's program.
  convenience init(
    _ program: ModelProgram, observation: Observation? = nil, faults: FaultPlan = FaultPlan()
  ) {
    var program = program
    self.init(
      ranks: program.split.ranks,
      source: FixedWindows(windowCount: program.windowCount) { program.window($0) },
      observation: observation, faults: faults)
  }

  /// A program of one window.
  convenience init(_ window: Window) {
    self.init(
      ranks: window.ranks.count, source: FixedWindows(windowCount: 1) { _ in window })
  }

  /// Number of ranks.
  var ranks: Int { evaluator.clocks.count }
  /// What crossed each link so far.
  var traffic: Traffic { evaluator.traffic }
  /// The evaluator's clock of each rank.
  var clocks: [RankClock] { evaluator.clocks }
  /// Instructions evaluated so far.
  var instructions: Int { evaluator.instructions }

  /// The next window; `nil` after the last.
  ///
  /// Throws `ProgramError` when it is wrong, or the last has left messages behind.
  func nextWindow() throws(ProgramError) -> Window? {
    guard !isFinished, let window = source.window(after: evaluator.clocks) else {
      try finishOnce()
      return nil
    }
    try check.check(window)
    let stamps =
      observation == nil
      ? evaluator.run(window) : evaluator.run(window, observing: &observation!)
    source.evaluated(window, stamps: stamps, clocks: evaluator.clocks)
    for (output, stamp) in zip(window.outputs, stamps) where keepsOutputs {
      outputs.append(
        Output(
          window: window.index, rank: output.rank,
          batch: window.batches.isEmpty ? nil : window.batches[output.batch], stamp: stamp))
    }
    evaluated += 1
    if evaluated == windowCount { try finishOnce() }
    return window
  }

  private func finishOnce() throws(ProgramError) {
    guard !isFinished else { return }
    isFinished = true
    try check.finish()
  }

  /// Evaluates all that is left.
  func finish() throws(ProgramError) {
    while try nextWindow() != nil {}
  }

  /// What is left of the evaluation when the run is over.
  struct Summary: Sendable {
    let outputs: [Output]
    let traffic: Traffic
    let ranks: Int
    let windows: Int
    let instructions: Int
    /// How each rank used its time; empty when nobody observed it.
    let uses: [RankUse]
    /// `nil` unless asked for.
    let recording: Recording?
    /// `nil` of a program that serves no requests.
    let log: ServingLog?
  }

  var summary: Summary {
    Summary(
      outputs: outputs, traffic: evaluator.traffic, ranks: ranks, windows: evaluated,
      instructions: instructions, uses: observation?.uses ?? [],
      recording: observation?.recording, log: source.servingLog)
  }

  /// The ranks that each rank receives from, and the elements of the largest message, over some
  /// windows.
  static func connections(
    of windows: [Window], ranks: Int
  ) -> (sources: [[Rank]], largest: Int) {
    var sources = Array(repeating: Set<Rank>(), count: ranks)
    var largest = 0
    for window in windows {
      for (rank, work) in window.ranks.enumerated() {
        for case .receive(let receive) in work.instructions {
          sources[rank].insert(receive.from)
          largest = max(largest, receive.elements)
        }
      }
    }
    return (sources.map { $0.sorted() }, largest)
  }
}
