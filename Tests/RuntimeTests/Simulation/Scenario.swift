import Runtime
import TestSupport

/// What happens in one simulated run of the control plane, all of it drawn from a seed.
struct Scenario {
  /// What kind of trouble there is. A seed's kind is its remainder, so that every few seeds have all.
  enum Kind: Int, CaseIterable {
    /// Nothing but delays.
    case calm
    /// Trouble that no limit is exceeded by: short pauses and stalls, full queues, strangers.
    case harmless
    /// Processes of the coordinator's host die, and are replaced.
    case crashes
    /// One dies, and nothing is to be run again.
    case fatalCrash
    /// Nodes of other hosts die; spares wait.
    case spares
    /// Connections are cut and made anew, and lose what was under way.
    case cuts
    /// The same, and nothing is to be run again.
    case fatalCut
    /// Nodes are stopped or cut off for longer than the limit, and come back.
    case silences
    /// Frames come twice, which ZeroMQ does not do.
    case duplicates
    /// The coordinator dies.
    case coordinatorDies
    /// The run cannot work: nodes that never come, die at once, load too long or fail.
    case hopeless
    /// Everything at once.
    case mixed
  }

  enum Fault {
    case crash
    /// Stopped, as by SIGSTOP, for so long.
    case pause(Int64)
    /// Nothing gets through, and nothing is lost, as TCP keeps it.
    case stall(Int64)
    /// The connection is gone with what was under way, and made anew after so long.
    case cut(Int64)
    /// The node's queue to the coordinator has no room for so long.
    case full(Int64)
    /// The next piece of work fails, as on a full disk.
    case workFails
    case coordinatorDies
    /// Ctrl-C.
    case interrupt
    /// Bytes, words and hellos of somebody who is no node.
    case stranger
    /// A node of another version says hello.
    case otherVersion
    /// A node says hello though nobody asked.
    case helloAgain
    /// The last frame comes twice: to the node, or to the coordinator.
    case twice(toNode: Bool)
  }

  static let millisecond: Int64 = 1_000_000
  static let second: Int64 = 1_000_000_000

  let seed: UInt64
  let kind: Kind
  /// Whether the coordinator starts its nodes, and sees them end; else others do.
  var isLocal: Bool
  var restarts: Bool
  let ranks: Int
  /// Nodes beyond the ranks.
  var spares = 0
  /// Ranks whose node never comes.
  var absent = 0
  /// Runs of one coordinator, one after the other.
  var runs = 1
  let windows: Int
  /// The window after which the program is ended early.
  var stopsAfter: Int?
  /// Longest delay of a frame, in nanoseconds.
  let delay: Int64
  /// Longest time that a window takes.
  let windowTime: Int64
  var loadTime: Int64
  /// Whether loading looks at the abort flag, as it does where weights are sent.
  let loadsAbortably: Bool
  var diesAtStart = false
  var faults: [Strike] = []

  /// A fault, when it happens, and to which node.
  struct Strike {
    var time: Int64
    /// Not at that time, but soon after a word of this kind is said for the `place`th time: what goes wrong
    /// between two machines does so when words cross.
    var word: ControlMessage.Kind?
    var place: Int
    var fault: Fault
    var node: Int
  }

  static let words: [ControlMessage.Kind] = [
    .hello, .assign, .bound, .connect, .ready, .begin, .windowDone, .finish, .done, .again,
  ]

  init(seed: UInt64) {
    self.seed = seed
    var random = SeededGenerator(seed: seed)
    kind = Kind(rawValue: Int(seed % UInt64(Kind.allCases.count)))!
    isLocal = Bool.random(using: &random)
    restarts = Bool.random(using: &random)
    ranks = Int.random(in: 1...4, using: &random)
    windows = Int.random(in: 0...20, using: &random)
    if windows > 1, Int.random(in: 0..<4, using: &random) == 0 {
      stopsAfter = Int.random(in: 0..<windows, using: &random)
    }
    delay = [1, 20, 400].randomElement(using: &random)! * Self.millisecond
    windowTime = [5, 100, 1500].randomElement(using: &random)! * Self.millisecond
    loadTime = [10, 2000, 9000].randomElement(using: &random)! * Self.millisecond
    loadsAbortably = Bool.random(using: &random)
    draw(&random)
    if !isLocal {
      runs = Int.random(in: 1...2, using: &random)
      spares += Int.random(in: 0...1, using: &random)
    }
  }

  private mutating func draw(_ random: inout SeededGenerator) {
    let short = 5 * Self.second
    func some(_ range: ClosedRange<Int64>) -> Int64 {
      Int64.random(in: range, using: &random) * Self.millisecond
    }
    let harmless: [Fault] = [
      .pause(some(10...5000)), .stall(some(10...5000)), .full(some(10...5000)), .stranger,
      .otherVersion, .helloAgain,
    ]
    let silent: [Fault] = [
      .pause(some(25_000...60_000)), .stall(some(25_000...60_000)), .cut(some(25_000...60_000)),
    ]
    let count = Int.random(in: 1...3, using: &random)
    var drawn: [Fault] = []
    switch kind {
    case .calm: break
    case .harmless: drawn = (0..<count).map { _ in harmless.randomElement(using: &random)! }
    case .crashes:
      (isLocal, restarts) = (true, true)
      drawn = Array(repeating: .crash, count: count)
    case .fatalCrash:
      restarts = false
      drawn = [.crash]
    case .spares:
      (isLocal, restarts, spares) = (false, true, count)
      drawn = Array(repeating: .crash, count: count)
    case .cuts:
      restarts = true
      drawn = (0..<count).map { _ in .cut(some(10...(short / Self.millisecond))) }
      // A node that is told of the loss over the connection that is cut again may be lost with it.
      spares = isLocal ? 0 : 2 * count
    case .fatalCut:
      restarts = false
      drawn = (0..<count).map { _ in .cut(some(10...3000)) }
    case .silences:
      drawn = (0..<count).map { _ in silent.randomElement(using: &random)! }
      spares = isLocal ? 0 : 2 * count
    case .duplicates:
      drawn = (0..<count).map { _ in .twice(toNode: Bool.random(using: &random)) }
    case .coordinatorDies: drawn = [.coordinatorDies]
    case .hopeless:
      switch Int.random(in: 0..<5, using: &random) {
      case 0: (diesAtStart, isLocal) = (true, true)
      case 1: (absent, isLocal) = (1, false)
      case 2: loadTime = 90 * Self.second
      case 3: drawn = [.workFails]
      default: drawn = [.interrupt]
      }
    case .mixed:
      let all =
        harmless + silent + [
          .crash, .crash, .cut(some(10...5000)), .workFails, .twice(toNode: true),
          .twice(toNode: false), .coordinatorDies, .interrupt,
        ]
      drawn = (0..<count + 2).map { _ in all.randomElement(using: &random)! }
      spares = isLocal ? 0 : Int.random(in: 0...3, using: &random)
    }
    // Most at some point of the run; how long it is, only running it tells.
    let span: Int64 = [500, 5000, 30_000].randomElement(using: &random)!
    faults = drawn.map { fault in
      Strike(
        time: Int64.random(in: 0...span, using: &random) * Self.millisecond,
        word: Int.random(in: 0..<3, using: &random) == 0
          ? nil : Self.words.randomElement(using: &random)!,
        place: Int.random(in: 1...6, using: &random), fault: fault,
        node: Int.random(in: 0..<ranks, using: &random))
    }
  }

  /// Whether the run must end well, whatever is drawn: it has what it needs for that.
  var mustSucceed: Bool {
    switch kind {
    case .calm, .harmless, .crashes, .spares, .cuts: true
    case .silences: restarts
    case .fatalCrash, .fatalCut, .duplicates, .coordinatorDies, .hopeless, .mixed: false
    }
  }

  /// Whether nothing may be run again.
  var isUndisturbed: Bool { kind == .calm || kind == .harmless }
}
