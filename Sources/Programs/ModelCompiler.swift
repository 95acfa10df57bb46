import Hardware
import Models
import Placement
import Quantities

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
  /// How fast the rank computes: 1 as its device's figures say, 1/2 half as fast.
  public var speed = Rational(1)
}

/// A batch, and when and behind which others it goes through the model.
public struct ScheduledBatch: Hashable, Sendable {
  /// What goes.
  public var batch: Batch
  /// Batches of one slot follow each other; each needs what the one before sampled.
  public var slot: Int
  /// When the requests that begin with it came and were taken in; `nil` when none begins, or all were there
  /// from the start.
  public var arrival: Arrival?

  /// A batch of a slot.
  public init(_ batch: Batch, slot: Int, arrival: Arrival? = nil) {
    self.batch = batch
    self.slot = slot
    self.arrival = arrival
  }
}

/// Compiles batches that go through a model on PP × TP wafers into windows.
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
public struct ModelCompiler: Sendable {
  /// How the model is cut.
  public let split: Split
  /// What its messages cross.
  public let wires: Wires
  /// How its all-reduces are lowered.
  public let collectives: CollectiveChoice
  /// Numbers of a shard's candidates for one sampled token.
  public let candidateElements: Int
  /// What an activation goes through on a wafer of each stage.
  public let steps: [[RegionStep]]
  /// How fast each rank computes.
  public let speeds: [Rational]
  /// Room for the tokens of each slot of batches, in sequences.
  public let slots: [Int]
  /// Whether kernels that follow each other are one, for evaluators alone: see `WindowDraft.join`.
  public var joinsKernels = false
  let price: KernelPrice
  private var chosen: [Int: CollectiveAlgorithm] = [:]
  /// Windows of late, by form. Most windows differ from one of them in prices alone.
  private var drafts: [WindowDraft.Form: WindowDraft] = [:]
  /// Forms in the order in which they were compiled, the oldest first.
  private var forms: [WindowDraft.Form] = []

  /// Forms that are kept: a schedule has one for each number of sequences that are together, and a window
  /// of a hundred layers takes some hundred KiB.
  private static let mostForms = 128

  /// A compiler; nothing is compiled yet.
  ///
  /// - Parameters:
  ///   - slots: Room for the tokens of each slot, in sequences.
  ///   - steps: Of each stage, the regions that its layers lie on; one that holds all unless given.
  ///   - speeds: How fast each rank computes, which prices are asked with; 1 unless given.
  /// - Precondition: every shard has a candidate, a fixed algorithm is one for an all-reduce, the steps hold the
  ///   stages' layers, and each rank has a speed above 0.
  public init(
    split: Split, slots: [Int], wires: Wires, collectives: CollectiveChoice = .automatic,
    candidateElements: Int, steps: [[RegionStep]]? = nil, speeds: [Rational]? = nil,
    price: @escaping KernelPrice
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
    let speeds = speeds ?? Array(repeating: Rational(1), count: split.ranks)
    precondition(
      speeds.count == split.ranks && speeds.allSatisfy { $0 > Rational(0) },
      "speeds \(speeds) of \(split.ranks) ranks")
    self.steps = steps
    self.speeds = speeds
    self.split = split
    self.slots = slots
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

  /// Compiles a window in which batches follow each other through the pipeline.
  ///
  /// Windows of one form have the same instructions at other prices, so a form that was seen of late is
  /// compiled by pricing it anew. Dropping a window before the next is asked for saves a copy of it.
  ///
  /// - Precondition: the slots exist and have room for what is sampled in them.
  public mutating func window(_ index: Int, _ batches: [ScheduledBatch]) -> Window {
    for scheduled in batches {
      precondition(
        slots.indices.contains(scheduled.slot) && scheduled.batch.outputs <= slots[scheduled.slot],
        "\(scheduled.batch.outputs) tokens in slot \(scheduled.slot) of \(slots)")
    }
    let form = WindowDraft.Form(batches: batches.map { .init($0) }, slots: slots)
    if drafts[form] == nil {
      if forms.count == Self.mostForms { drafts[forms.removeFirst()] = nil }
      forms.append(form)
      drafts[form] = WindowDraft(
        form: form, split: split, steps: steps, speeds: speeds, wires: wires,
        candidateElements: candidateElements,
        algorithms: form.batches.map { algorithm(elements: $0.tokens * split.shape.width) },
        joinsKernels: joinsKernels)
    }
    drafts[form]!.price(batches, index: index, by: price)
    return drafts[form]!.window
  }

  /// The algorithm for an all-reduce of `elements` over the shards of a stage. One is chosen for all stages, by
  /// the link that most have.
  public mutating func algorithm(elements: Int) -> CollectiveAlgorithm {
    if case .fixed(let algorithm) = collectives { return algorithm }
    if let known = chosen[elements] { return known }
    let best = CollectiveProgram.cheapest(
      .allReduce, ranks: split.tensor, elements: elements, wires: wires.withoutOverrides)
    chosen[elements] = best
    return best
  }
}
