import Hardware
import Models
import Placement

/// How a program's collectives are chosen.
public enum CollectiveChoice: Hashable, Sendable {
  /// The cheapest by the link model, for each number of elements.
  case automatic
  /// Always this one.
  case fixed(CollectiveAlgorithm)
}

/// What a batch costs on a kernel of one shard. Of the shard only its sizes may matter, not which
/// layers, heads or tokens it holds: shards of equal sizes are priced once.
public typealias KernelPrice = @Sendable (Kernel, ShardSlice, Batch) -> Cost

/// Compiles a model on PP × TP wafers into a program, step by step.
///
/// This is a token's way through the cluster:
///
/// ```
/// stage 0      accept ▸ embed ▸ all-reduce ▸ layers ▸ send ──activation──▶ stage 1
/// a layer      attention ▸ all-reduce ▸ residual ▸ feedForward ▸ all-reduce ▸ residual
/// last stage   receive ▸ layers ▸ head ▸ candidates ▸ exchange ▸ choose ──token──▶ stage 0
/// ```
///
/// Under tensor parallelism, shard k of a stage sends the whole activation to shard k of the next;
/// shard k of the last stage sends the sampled token to shard k of the first.
public struct ModelProgram: Sendable {
  /// How the model is cut.
  public let split: Split
  /// What it is asked to do.
  public let workload: Workload
  /// What its messages cross.
  public let wires: Wires
  /// How its all-reduces are lowered.
  public let collectives: CollectiveChoice
  /// Numbers of a shard's candidates for one sampled token.
  public let candidateElements: Int
  private let price: KernelPrice
  private var chosen: [Int: CollectiveAlgorithm] = [:]
  /// The last window. The next one mostly differs in prices alone.
  private var draft: WindowDraft?

  /// A program; nothing is compiled yet.
  ///
  /// - Precondition: every shard has a candidate, and a fixed algorithm is one for an all-reduce.
  public init(
    split: Split, workload: Workload, wires: Wires, collectives: CollectiveChoice = .automatic,
    candidateElements: Int, price: @escaping KernelPrice
  ) {
    precondition(candidateElements > 0, "\(candidateElements) numbers of candidates")
    if case .fixed(let algorithm) = collectives {
      precondition(
        CollectiveOperation.allReduce.algorithms.contains(algorithm), "all-reduce by \(algorithm)")
    }
    self.split = split
    self.workload = workload
    self.wires = wires
    self.collectives = collectives
    self.candidateElements = candidateElements
    self.price = price
  }

  /// Number of windows: one a step.
  public var windowCount: Int { workload.steps }

  /// Compiles step `index`. Steps may be compiled in any order.
  ///
  /// Steps of one form have the same instructions at other prices, so all decode steps but the first
  /// and the last are compiled by pricing the one before anew. Dropping a window before the next is
  /// asked for saves a copy of it.
  public mutating func window(_ index: Int) -> Window {
    let batches = workload.batches(ofStep: index)
    let form = WindowDraft.Form(
      batches: batches.map {
        .init(sequences: $0.entries.count, tokens: $0.tokens, outputs: $0.outputs)
      },
      acceptsTokens: index >= workload.prefillSteps, returnsTokens: index < windowCount - 1)
    if draft?.form != form {
      draft = WindowDraft(
        form: form, split: split, wires: wires, candidateElements: candidateElements,
        algorithms: form.batches.map { algorithm(elements: $0.tokens * split.shape.width) })
    }
    draft!.price(batches, index: index, by: price)
    return draft!.window
  }

  /// The algorithm for an all-reduce of `elements` over the shards of a stage.
  public mutating func algorithm(elements: Int) -> CollectiveAlgorithm {
    if case .fixed(let algorithm) = collectives { return algorithm }
    if let known = chosen[elements] { return known }
    let best = CollectiveProgram.cheapest(
      .allReduce, ranks: split.tensor, elements: elements, wires: wires)
    chosen[elements] = best
    return best
  }
}
