import Models
import Placement
import Programs
import Quantities

/// A program that is compiled, checked and evaluated window by window, as a run asks for windows.
///
/// It keeps what the nodes' times are later held against, and nothing else: memory grows with tokens,
/// not with instructions.
final class EvaluatedProgram {
  private let compile: (Int) -> Window
  private var check: ProgramCheck
  private var evaluator: Evaluator
  private var observation: Observation?
  /// Windows of the whole program.
  let windowCount: Int
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

  /// - Parameter observation: Sees the evaluation; `nil` saves its time.
  init(
    ranks: Int, windowCount: Int, observation: Observation? = nil,
    compile: @escaping (Int) -> Window
  ) {
    self.observation = observation
    self.windowCount = windowCount
    self.compile = compile
    check = ProgramCheck(ranks: ranks)
    evaluator = Evaluator(ranks: ranks)
  }

  /// A model's program.
  convenience init(_ program: ModelProgram, observation: Observation? = nil) {
    var program = program
    self.init(
      ranks: program.split.ranks, windowCount: program.windowCount, observation: observation
    ) {
      program.window($0)
    }
  }

  /// A program of one window.
  convenience init(_ window: Window) {
    self.init(ranks: window.ranks.count, windowCount: 1) { _ in window }
  }

  /// Number of ranks.
  var ranks: Int { evaluator.clocks.count }
  /// What crossed each link so far.
  var traffic: Traffic { evaluator.traffic }
  /// The evaluator's clock of each rank.
  var clocks: [RankClock] { evaluator.clocks }
  /// Instructions evaluated so far.
  var instructions: Int { evaluator.instructions }

  /// The next window.
  ///
  /// Throws `ProgramError` when it is wrong, or is the last and leaves messages behind.
  func nextWindow() throws(ProgramError) -> Window {
    let window = compile(evaluated)
    try check.check(window)
    let stamps =
      observation == nil
      ? evaluator.run(window) : evaluator.run(window, observing: &observation!)
    for (output, stamp) in zip(window.outputs, stamps) {
      outputs.append(
        Output(
          window: window.index, rank: output.rank,
          batch: window.batches.isEmpty ? nil : window.batches[output.batch], stamp: stamp))
    }
    evaluated += 1
    if evaluated == windowCount { try check.finish() }
    return window
  }

  /// Evaluates all that is left.
  func finish() throws(ProgramError) {
    while evaluated < windowCount { _ = try nextWindow() }
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
  }

  var summary: Summary {
    Summary(
      outputs: outputs, traffic: evaluator.traffic, ranks: ranks, windows: evaluated,
      instructions: instructions, uses: observation?.uses ?? [],
      recording: observation?.recording)
  }

  /// The ranks that each rank receives from, and the elements of the largest message, over some
  /// windows, which are compiled for it and dropped.
  func connections(of windows: [Int]) -> (sources: [[Rank]], largest: Int) {
    var sources = Array(repeating: Set<Rank>(), count: ranks)
    var largest = 0
    for index in Set(windows).sorted() where index < windowCount {
      for (rank, work) in compile(index).ranks.enumerated() {
        for case .receive(let receive) in work.instructions {
          sources[rank].insert(receive.from)
          largest = max(largest, receive.elements)
        }
      }
    }
    return (sources.map { $0.sorted() }, largest)
  }
}
