import Hardware
import Models
import Placement
import Programs
import Quantities

/// The program of requests that come over time: every window is one batch, decided when its time has come.
///
/// The scheduler decides from the evaluator's times, so windows are made one after the other, each after the
/// evaluation of the one before. Nodes execute them and decide nothing.
public struct ServingProgram: Sendable {
  private var compiler: ModelCompiler
  private var scheduler: Scheduler
  private var made = 0
  /// What becomes of the requests.
  public private(set) var log: ServingLog

  /// A program; nothing is decided yet.
  ///
  /// - Precondition: the compiler has a slot, with room for its sequences, for each of the scheduler's.
  public init(compiler: ModelCompiler, requests: [Request], limits: Scheduler.Limits) {
    precondition(
      compiler.slots == Array(repeating: limits.sequencesPerSlot, count: limits.slots),
      "slots \(compiler.slots) for \(limits)")
    self.compiler = compiler
    scheduler = Scheduler(requests, limits: limits)
    log = ServingLog(requests: requests)
  }

  /// The next window, or `nil` when all requests have been answered.
  ///
  /// - Parameter clocks: The evaluator's, after all windows before it.
  public mutating func window(after clocks: [RankClock]) -> Window? {
    guard let batch = scheduler.batch(free: free(clocks)) else { return nil }
    let window = compiler.window(made, [batch])
    made += 1
    return window
  }

  /// Takes note of a window's evaluation.
  ///
  /// - Parameters:
  ///   - stamps: Of the window's outputs.
  ///   - clocks: The evaluator's, after it.
  public mutating func evaluated(_ window: Window, stamps: [Stamp], clocks: [RankClock]) {
    let batch = window.batches[0]
    let sampled = stamps.first
    let back = batch.returns > 0 ? sampled!.time + way(tokens: batch.returns) : nil
    scheduler.evaluated(sampled: sampled?.time, back: back, free: free(clocks))
    for entry in batch.entries {
      if entry.start == 0 {
        log.take(
          entry.request, arrived: scheduler.arrived[entry.request],
          admitted: scheduler.admitted[entry.request]!)
      }
      if entry.samples { log.sample(entry.request, at: sampled!) }
    }
  }

  private func free(_ clocks: [RankClock]) -> EmulatedTime {
    let region = Int32(compiler.steps[0][0].region)
    return clocks.prefix(compiler.split.tensor).map { $0.regionIsFree(region) }.max()!
  }

  /// What tokens take at least on their way from the last stage to the first.
  private func way(tokens: Int) -> EmulatedTime {
    let split = compiler.split
    guard split.pipeline > 1 else { return .zero }
    let ways = (0..<split.tensor).map { shard in
      compiler.wires.time(
        tokens: tokens, from: Rank(split.ranks - split.tensor + shard), to: Rank(shard))
    }
    return ways.max()!
  }

  /// The smallest and the largest batch that there can be: whatever the algorithm of all-reduces, windows of
  /// both have every message's way and the largest size.
  public static func extremes(_ limits: Scheduler.Limits) -> [ScheduledBatch] {
    [1, limits.tokensPerStep].map { tokens in
      let sequences = min(tokens, limits.sequencesPerSlot)
      let entries = (0..<sequences).map {
        Batch.Entry(
          sequence: $0, start: 0, count: $0 == 0 ? tokens - sequences + 1 : 1, samples: true)
      }
      return ScheduledBatch(
        Batch(entries: entries, accepts: Array(0..<sequences), returns: sequences), slot: 0)
    }
  }
}
