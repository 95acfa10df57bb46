import Foundation
import Hardware
import Models

/// The steps that a survey of kernels goes through.
struct SurveyPlan {
  /// Steps that belong together: one sequence or more from their start on.
  struct Item {
    /// In their order.
    var steps: [Batch]
    /// Steps from here on are measured.
    var firstMeasured: Int
    /// What stands for the measured ones: the one in their middle.
    var typical: Batch { steps[(firstMeasured + steps.count - 1) / 2] }
  }

  /// In their order.
  private(set) var items: [Item] = []
  /// Prompt lengths, by request.
  private(set) var prompts: [Int] = []
  /// Rows of the KV cache.
  private(set) var sequences = 1
  /// Positions of the KV cache.
  private(set) var positions = 1
  /// Rows of the largest batch.
  private(set) var mostTokens = 1

  /// Decode steps of an item: enough for a median, few against a prompt.
  private static let decodeSteps = 12
  /// Sequences that are decoded together, for heads of several rows.
  private static let batches = [2, 4, 8]
  private static let shortPrompt = 4

  /// Prompts of every size of the grid up to `mostTokens`, decodes after the shortest and the longest, and
  /// several sequences at once.
  init(mostTokens: Int) {
    precondition(mostTokens >= 1, "batches of \(mostTokens) tokens")
    for tokens in HostProcess.tokenGrid where tokens > 1 && tokens <= mostTokens {
      add(prompt: tokens, decodes: 0)
    }
    for prompt in Set([min(Self.shortPrompt, mostTokens), mostTokens]).sorted() {
      add(prompt: prompt, decodes: Self.decodeSteps)
    }
    for batch in Self.batches where batch <= mostTokens {
      let entries = (0..<batch).map { index in
        Batch.Entry(
          sequence: index, request: prompts.count + index, start: 0, count: 1, samples: true)
      }
      prompts += entries.map { _ in 1 }
      sequences = max(sequences, batch)
      self.mostTokens = max(self.mostTokens, batch)
      items.append(Item(steps: [Batch(entries: entries)], firstMeasured: 0))
    }
  }

  private mutating func add(prompt: Int, decodes: Int) {
    let request = prompts.count
    prompts.append(prompt)
    func batch(start: Int, count: Int) -> Batch {
      Batch(
        entries: [
          Batch.Entry(sequence: 0, request: request, start: start, count: count, samples: true)
        ], accepts: start > 0 ? [0] : [])
    }
    let steps =
      [batch(start: 0, count: prompt)]
      + (0..<decodes).map { batch(start: prompt + $0, count: 1) }
    items.append(Item(steps: steps, firstMeasured: decodes > 0 ? 1 : 0))
    positions = max(positions, prompt + decodes)
    mostTokens = max(mostTokens, prompt)
  }
}

extension Batch {
  /// Whether the step is one of those that an item measures: its prompt is not, where decodes are.
  func isMeasured(in item: SurveyPlan.Item) -> Bool {
    item.firstMeasured == 0 || entries[0].start > 0
  }
}

/// Lets threads begin their steps together, so that all are busy at once.
///
/// `@unchecked Sendable`: all state is guarded by `condition`.
final class StepGate: @unchecked Sendable {
  private let condition = NSCondition()
  private let threads: Int
  private var waiting = 0
  private var turn = 0
  private var hasFailed = false

  init(threads: Int) { self.threads = threads }

  /// Waits until all threads wait.
  ///
  /// Throws `CancellationError` when one of them will not come.
  func wait() throws {
    guard threads > 1 else { return }
    condition.lock()
    defer { condition.unlock() }
    let own = turn
    waiting += 1
    if waiting == threads {
      waiting = 0
      turn += 1
      condition.broadcast()
    }
    while own == turn, !hasFailed { condition.wait() }
    if hasFailed { throw CancellationError() }
  }

  /// Says that this thread will not come again.
  func fail() {
    condition.lock()
    hasFailed = true
    condition.broadcast()
    condition.unlock()
  }
}
