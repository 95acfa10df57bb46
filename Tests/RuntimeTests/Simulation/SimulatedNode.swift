import Messaging
import Programs
import Quantities
import Runtime

/// A node of a simulation: its two machines, the queues between them, and its connection.
struct SimulatedNode {
  enum Condition: Equatable {
    case notStarted, running
    case stopped
    /// By itself, or killed.
    case ended(String)
  }

  typealias Flying = (number: Int, frame: [UInt8], arrival: Int64)

  let index: Int
  let identity: NodeIdentity
  var life: NodeLife
  var control: NodeControl
  var condition = Condition.notStarted
  /// Raised so often.
  var flag = 0
  /// From the control thread to the data path, and back where there is no room.
  var inbox: [[UInt8]] = []
  var outbox: [[UInt8]] = []
  /// Tells one piece of work from the next.
  var turn = 0
  var assignment: Assignment?
  var workBegan: Int64 = 0
  var workFails = false
  /// What a cache of keys and values is to a node: all that it has executed.
  var cache: UInt64 = 0
  /// What happens to it while it is stopped.
  var held: [Simulation.Event] = []

  private var down: [Flying] = []
  private var up: [Flying] = []
  private var lastDown: Int64 = 0
  private var lastUp: Int64 = 0
  var cutUntil: Int64 = 0
  var stalledUntil: Int64 = 0
  var fullUntil: Int64 = 0

  init(_ index: Int, life: NodeLife, control: NodeControl) {
    self.index = index
    identity = NodeIdentity([0x4E, UInt8(index >> 8), UInt8(index & 0xFF)])
    self.life = life
    self.control = control
  }

  var name: String { "node \(index)" }
  var process: Int32 { Int32(1000 + index) }
  var isStopped: Bool { condition == .stopped }
  var isThere: Bool { condition == .running || condition == .stopped }
  func isCut(_ now: Int64) -> Bool { now < cutUntil }

  /// When a frame arrives that would without others: behind them, and not while nothing gets through.
  mutating func arrival(toNode: Bool, _ time: Int64) -> Int64 {
    let free = max(time, cutUntil, stalledUntil)
    if toNode {
      lastDown = max(lastDown, free)
      return lastDown
    }
    lastUp = max(lastUp, free)
    return lastUp
  }

  mutating func put(_ flying: Flying, toNode: Bool) {
    if toNode { down.append(flying) } else { up.append(flying) }
  }

  /// The frame that arrives; `nil` when it was lost, or sent anew.
  mutating func take(toNode: Bool, _ number: Int) -> [UInt8]? {
    if toNode {
      guard let place = down.firstIndex(where: { $0.number == number }) else { return nil }
      return down.remove(at: place).frame
    }
    guard let place = up.firstIndex(where: { $0.number == number }) else { return nil }
    return up.remove(at: place).frame
  }

  /// Takes everything that is under way.
  mutating func takeAll(toNode: Bool) -> [[UInt8]] {
    if toNode {
      defer { (down, lastDown) = ([], 0) }
      return down.map(\.frame)
    }
    defer { (up, lastUp) = ([], 0) }
    return up.map(\.frame)
  }

  func flying(toNode: Bool) -> [[UInt8]] { (toNode ? down : up).map(\.frame) }
}

extension NodeLife.State {
  /// Its name, without what it carries.
  var name: String {
    switch self {
    case .waiting: "waiting"
    case .binding: "binding"
    case .connecting: "connecting"
    case .loading: "loading"
    case .ready: "ready"
    case .running: "running"
    case .executing: "executing"
    case .reporting: "reporting"
    case .interrupted: "interrupted"
    case .left: "left"
    }
  }
}

/// What nodes compute, and what they must: each window's number comes from all that the rank has executed and from
/// the rank before, and the first rank's from the last one's number of the window before.
struct DataPlane {
  private struct Place: Hashable {
    let run: UInt64
    let rank: Int
    let window: Int
  }

  private var sent: [Place: UInt64] = [:]

  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var x = (a ^ (b &* 0x9E37_79B9_7F4A_7C15)) &+ 0xD1B5_4A32_D192_ED03
    x = (x ^ (x >> 29)) &* 0xBF58_476D_1CE4_E5B9
    return x ^ (x >> 32)
  }

  /// What a window waits for; `nil` while it is not there.
  func input(run: UInt64, rank: Int, window: Int, ranks: Int) -> UInt64? {
    if rank > 0 { return sent[Place(run: run, rank: rank - 1, window: window)] }
    guard window > 0 else { return 7 }
    return sent[Place(run: run, rank: ranks - 1, window: window - 1)]
  }

  mutating func execute(
    _ window: Int, of assignment: Assignment, input: UInt64, cache: inout UInt64
  ) -> WindowReport {
    cache = Self.mix(cache, Self.mix(input, UInt64(window)))
    let value = Self.mix(cache, UInt64(assignment.rank.index))
    sent[Place(run: assignment.run, rank: assignment.rank.index, window: window)] = value
    return Self.report(window, value)
  }

  private static func report(_ window: Int, _ value: UInt64) -> WindowReport {
    var report = WindowReport(index: window)
    report.outputs = [
      .init(
        batch: 0, stamp: .zero, measured: MeasuredTime(nanoseconds: 0),
        tokens: [Int32(truncatingIfNeeded: value)])
    ]
    return report
  }

  /// The tokens of an undisturbed run, by window and rank.
  static func reference(windows: Int, ranks: Int) -> [[[Int32]]] {
    var plane = DataPlane()
    var caches = Array(repeating: UInt64(0), count: ranks)
    return (0..<windows).map { window in
      (0..<ranks).map { rank in
        let assignment = Assignment(
          run: 0, rank: Rank(rank), sources: [], transport: .tcp, waitLimitMilliseconds: 1,
          queueLimit: 1, largestPayload: 1, payload: .plain)
        let input = plane.input(run: 0, rank: rank, window: window, ranks: ranks)!
        return plane.execute(window, of: assignment, input: input, cache: &caches[rank])
          .outputs[0].tokens
      }
    }
  }
}
