import Models
import Placement

/// The work that an experiment asks of a model.
public struct Workload: Hashable, Sendable {
  /// Tokens of each sequence's prompt.
  public var promptTokens: Int
  /// Tokens sampled for each sequence.
  public var outputTokens: Int
  /// Sequences.
  public var batch: Int
  /// Groups of sequences that follow each other through the pipeline.
  public var microBatches: Int
  /// Most prompt tokens of a sequence that go through the model together; `nil` is all.
  public var prefillChunk: Int?

  /// One sequence, one micro-batch and the whole prompt at once, unless said otherwise.
  ///
  /// - Precondition: all numbers are positive, and each micro-batch has a sequence.
  public init(
    promptTokens: Int, outputTokens: Int, batch: Int = 1, microBatches: Int = 1,
    prefillChunk: Int? = nil
  ) {
    precondition(promptTokens > 0 && outputTokens > 0, "\(promptTokens) + \(outputTokens) tokens")
    precondition(microBatches > 0 && microBatches <= batch, "\(microBatches) of \(batch)")
    precondition(prefillChunk ?? 1 > 0, "chunks of \(prefillChunk ?? 0) tokens")
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.batch = batch
    self.microBatches = microBatches
    self.prefillChunk = prefillChunk
  }

  /// Steps that read the prompt.
  public var prefillSteps: Int {
    let chunk = min(prefillChunk ?? promptTokens, promptTokens)
    return (promptTokens + chunk - 1) / chunk
  }

  /// Steps in all. The last step of the prefill samples the first token.
  public var steps: Int { prefillSteps + outputTokens - 1 }

  /// Positions that a sequence's KV cache must hold. The last token is sampled, never read.
  public var positions: Int { promptTokens + outputTokens - 1 }

  /// The micro-batches of a step.
  public func batches(ofStep step: Int) -> [Batch] {
    precondition(step >= 0 && step < steps, "step \(step) of \(steps)")
    let start: Int
    let count: Int
    let samples: Bool
    if step < prefillSteps {
      let chunk = min(prefillChunk ?? promptTokens, promptTokens)
      start = step * chunk
      count = min(chunk, promptTokens - start)
      samples = step == prefillSteps - 1
    } else {
      start = promptTokens + step - prefillSteps
      count = 1
      samples = true
    }
    return (0..<microBatches).map { index in
      let entries = Split.share(index, of: microBatches, total: batch).map {
        Batch.Entry(sequence: $0, start: start, count: count, samples: samples)
      }
      return Batch(
        entries: entries, accepts: step < prefillSteps ? [] : Array(entries.indices),
        returns: samples && step < steps - 1 ? entries.count : 0)
    }
  }
}
