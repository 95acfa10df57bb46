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

/// What a batch costs on a kernel.
public typealias KernelPrice = @Sendable (KernelUse, Batch) -> Cost

/// All that the price of a kernel may depend on, beside the batch: uses that are alike are priced once.
public struct KernelUse: Sendable {
  /// What is computed.
  public var kernel: Kernel
  /// The shard. Of it only the sizes may matter, not which layers, heads or tokens it holds.
  public var slice: ShardSlice
  /// Whether it is a kernel of a layer with experts.
  public var hasExperts = false
  /// The region that works.
  public var region: Rectangle
  /// The way into that region, of `cross`.
  public var crossing: RegionCrossing?
}

/// Compiles a model on PP × TP wafers into a program, step by step.
///
/// This is a token's way through the cluster:
///
/// ```
/// stage 0      accept ▸ embed ▸ all-reduce ▸ layers ▸ send ──activation──▶ stage 1
/// a region     cross, where the wafer has several and it is not the first
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
  /// What an activation goes through on a wafer of each stage.
  public let steps: [[RegionStep]]
  let price: KernelPrice
  private var chosen: [Int: CollectiveAlgorithm] = [:]
  /// The last window. The next one mostly differs in prices alone.
  private var draft: WindowDraft?

  /// A program; nothing is compiled yet.
  ///
  /// - Parameter steps: Of each stage, the regions that its layers lie on; one that holds all unless given.
  /// - Precondition: every shard has a candidate, a fixed algorithm is one for an all-reduce, and the steps
  ///   hold the stages' layers.
  public init(
    split: Split, workload: Workload, wires: Wires, collectives: CollectiveChoice = .automatic,
    candidateElements: Int, steps: [[RegionStep]]? = nil, price: @escaping KernelPrice
  ) {
    precondition(candidateElements > 0, "\(candidateElements) numbers of candidates")
    if case .fixed(let algorithm) = collectives {
      precondition(
        CollectiveOperation.allReduce.algorithms.contains(algorithm), "all-reduce by \(algorithm)")
    }
    let steps = steps ?? Self.wholeMesh(split)
    precondition(
      steps.map { $0.flatMap(\.layers) } == split.stages.map(Array.init),
      "regions hold \(steps.map { $0.map(\.layers) }), the stages \(split.stages)")
    self.steps = steps
    self.split = split
    self.workload = workload
    self.wires = wires
    self.collectives = collectives
    self.candidateElements = candidateElements
    self.price = price
  }

  /// One region a stage, of no size that matters.
  private static func wholeMesh(_ split: Split) -> [[RegionStep]] {
    split.stages.enumerated().map { stage, layers in
      [
        RegionStep(
          region: 0, size: Rectangle(square: 1), layers: layers, embeds: stage == 0,
          hasHead: stage == split.pipeline - 1)
      ]
    }
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
    let form = form(ofStep: index, batches)
    if draft?.form != form {
      draft = WindowDraft(
        form: form, split: split, steps: steps, wires: wires,
        candidateElements: candidateElements,
        algorithms: form.batches.map { algorithm(elements: $0.tokens * split.shape.width) })
    }
    draft!.price(batches, index: index, by: price)
    return draft!.window
  }

  /// What the instructions of a step follow from.
  func form(ofStep index: Int, _ batches: [Batch]) -> WindowDraft.Form {
    WindowDraft.Form(
      batches: batches.map {
        .init(sequences: $0.entries.count, tokens: $0.tokens, outputs: $0.outputs)
      },
      acceptsTokens: index >= workload.prefillSteps, returnsTokens: index < windowCount - 1)
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
