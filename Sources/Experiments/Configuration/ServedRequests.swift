import Models
import Programs
import Quantities
import Serving

/// The requests of an experiment that serves, instead of running one batch.
public struct ServedRequests: Hashable, Sendable {
  /// How they come.
  public var kind: Kind
  /// What was written about their coming, for documents: rate, users, pause, or the trace.
  public var source: Source
  /// How prompts and outputs vary around their means.
  public var lengths: Lengths
  /// Every request, resolved.
  public var requests: [Request]
  /// What a request should meet to count for goodput.
  public var goal: ServingMetrics.Goal
  /// Sequences of the longest request that the KV cache has room for; `nil` before it is known, and where it
  /// has room for all.
  public var cacheSequences: Int?

  /// How requests come.
  public enum Kind: String, CaseIterable, Sendable {
    case together
    case closedLoop = "closed-loop"
    case poisson, trace
  }

  /// What decides when they come.
  public enum Source: Hashable, Sendable {
    case together
    case users(Int, pause: EmulatedTime)
    case rate(Rational)
    case trace(path: String, sha256: String)
  }

  /// How long prompts and outputs are.
  public struct Lengths: Hashable, Sendable {
    /// Of prompts.
    public var prompt: LengthDistribution
    /// Mean tokens of prompts.
    public var promptMean: Int
    /// Of outputs.
    public var output: LengthDistribution
    /// Mean tokens of outputs.
    public var outputMean: Int
  }

  /// Tokens of the longest prompt.
  public var longestPrompt: Int { requests.map(\.promptTokens).max()! }
  /// Positions of the longest request.
  public var longest: Int { requests.map(\.positions).max()! }
}

extension Experiment.Modelled {
  /// What the scheduler may use; `nil` without a service.
  var servingLimits: Scheduler.Limits? {
    served.map { served in
      Scheduler.Limits(
        sequences: workload.batch,
        positions: (served.cacheSequences ?? workload.batch) * served.longest,
        slots: workload.microBatches,
        promptTokens: workload.prefillChunk ?? served.longestPrompt,
        chunks: workload.prefillChunk != nil)
    }
  }

  /// Batches whose prices stand for all that the experiment has: every step's, or of a service the extremes.
  var pricedBatches: [Batch] {
    guard let served, let limits = servingLimits else {
      return (0..<workload.steps).flatMap { workload.batches(ofStep: $0) }
    }
    func decode(_ count: Int, at position: Int) -> Batch {
      Batch(
        entries: (0..<count).map {
          Batch.Entry(sequence: $0, start: position, count: 1, samples: true)
        })
    }
    func prefill(_ tokens: Int) -> Batch {
      Batch(entries: [Batch.Entry(sequence: 0, start: 0, count: tokens, samples: true)])
    }
    let prompts = served.requests.map { min($0.promptTokens, limits.promptTokens) }
    return [
      prefill(prompts.min()!), prefill(prompts.max()!), decode(1, at: 1),
      decode(1, at: max(served.longest - 1, 1)),
      decode(limits.sequencesPerSlot, at: max(served.longest - 1, 1)),
    ]
  }
}
