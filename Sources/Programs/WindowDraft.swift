import Hardware
import Models
import Placement
import Quantities

/// A window of a model's program whose instructions stand, and whose prices can be set again.
struct WindowDraft: Sendable {
  /// What instructions, without their prices, follow from.
  struct Form: Hashable {
    var batches: [BatchForm]
    /// Room for the tokens of each slot of batches, in sequences. Where one stage holds the whole model, tokens
    /// stay in it from one batch of a slot to the next.
    var slots: [Int]

    struct BatchForm: Hashable {
      /// Tokens that come back for it, sampled before.
      var accepts: Int
      /// Rows of the residual.
      var tokens: Int
      /// Rows that are sampled.
      var outputs: Int
      /// Of these, those whose tokens go back for a later batch.
      var returns: Int
      /// Batches of a slot follow each other; each needs what the one before sampled.
      var slot: Int
      /// Whether requests arrive with it.
      var arrives: Bool

      init(_ scheduled: ScheduledBatch) {
        accepts = scheduled.batch.accepts.count
        tokens = scheduled.batch.tokens
        outputs = scheduled.batch.outputs
        returns = scheduled.batch.returns
        slot = scheduled.slot
        arrives = scheduled.arrival != nil
      }
    }
  }

  /// One price that holds for many instructions.
  struct PriceKey: Hashable {
    let kernel: Kernel
    let batch: Int
    let heads: Int
    let keyValueHeads: Int
    let feedForward: Int
    let expertColumns: Int
    let vocabulary: Int
    let hasExperts: Bool
    let region: Rectangle
    let crossing: RegionCrossing?
    let speed: Rational
  }

  /// An instruction that has a price.
  struct PricedInstruction {
    let rank: Int32
    var place: Int32
    /// Index into `prices`.
    let price: Int32
  }

  let form: Form
  var window = Window(index: 0, batches: [], ranks: [])
  private let split: Split
  private let steps: [[RegionStep]]
  private let speeds: [Rational]
  private let slices: [ShardSlice]
  private let candidateElements: Int
  /// The all-reduce of each batch.
  private let algorithms: [CollectiveAlgorithm]
  private var builder: WindowBuilder
  private var outputs: [Window.Output] = []
  /// Where a batch's arrival stands.
  var arrivals: [(rank: Int, place: Int, batch: Int)] = []
  private var prices: [(use: KernelUse, batch: Int)] = []
  private var priceIndices: [PriceKey: Int32] = [:]
  var priced: [PricedInstruction] = []
  /// Instructions that stand for several that have prices.
  var joined: [JoinedInstruction] = []
  /// tokens[batch][shard], on the first stage and on the last: those that come back, and those that are
  /// sampled, first the ones that go back.
  private var firstTokens: [[Values]] = []
  private var lastTokens: [[Values]] = []
  /// residuals[batch][shard]: the activation that the batch's last emitted part left behind.
  private var residuals: [[Values]]
  /// The region of the wafer that is being written for.
  private var region = RegionStep(
    region: 0, size: Rectangle(square: 1), layers: 0..<0, embeds: false, hasHead: false)
  /// partial[stage][tokens][shard]: a block's partial sums, for all batches of as many tokens.
  private var partials: [[Int: [Values]]]

  init(
    form: Form, split: Split, steps: [[RegionStep]], speeds: [Rational], wires: Wires,
    candidateElements: Int, algorithms: [CollectiveAlgorithm], joinsKernels: Bool = false
  ) {
    self.form = form
    self.split = split
    self.steps = steps
    self.speeds = speeds
    self.candidateElements = candidateElements
    self.algorithms = algorithms
    slices = (0..<split.ranks).map { split.slice(ofRank: $0) }
    builder = WindowBuilder(ranks: split.ranks, wires: wires)
    partials = Array(repeating: [:], count: split.pipeline)
    residuals = Array(repeating: [], count: form.batches.count)
    // Tokens come first in every window, so that they are the same values throughout the program.
    allocateTokens()
    emit()
    window = builder.window(index: 0, outputs: outputs)
    // Only the window is needed from here on.
    builder = WindowBuilder(ranks: 0, wires: wires)
    if joinsKernels { join() }
  }

  /// Makes the draft the window of a step.
  mutating func price(_ scheduled: [ScheduledBatch], index: Int, by price: KernelPrice) {
    window.index = index
    window.batches = scheduled.map(\.batch)
    for place in arrivals {
      guard case .arrive(var work) = window.ranks[place.rank].instructions[place.place] else {
        preconditionFailure("rank \(place.rank), instruction \(place.place) is no arrival")
      }
      work.arrival = scheduled[place.batch].arrival!
      window.ranks[place.rank].instructions[place.place] = .arrive(work)
    }
    let costs = prices.map { price($0.use, scheduled[$0.batch].batch) }
    for instruction in joined {
      let cost = instruction.prices.reduce(.zero) { $0 + costs[Int($1.price)] * $1.count }
      set(cost, on: Int(instruction.rank), at: Int(instruction.place))
    }
    for instruction in priced {
      set(
        costs[Int(instruction.price)], on: Int(instruction.rank), at: Int(instruction.place))
    }
  }

  @inline(__always)
  private mutating func set(_ cost: Cost, on rank: Int, at place: Int) {
    guard case .compute(var work) = window.ranks[rank].instructions[place] else {
      preconditionFailure("rank \(rank), instruction \(place) has no price")
    }
    work.cost = cost
    window.ranks[rank].instructions[place] = .compute(work)
  }

  /// The kernels whose prices are set later, and the batch of each.
  var uses: [(use: KernelUse, batch: Int)] { prices }

  /// [rank][instruction]: the place in `uses` of what has its price set later, the batch of an arrival; -1 of
  /// all else.
  var marks: [[Int32]] {
    var marks = window.ranks.map { Array(repeating: Int32(-1), count: $0.instructions.count) }
    for instruction in priced {
      marks[Int(instruction.rank)][Int(instruction.place)] = instruction.price
    }
    for arrival in arrivals { marks[arrival.rank][arrival.place] = Int32(arrival.batch) }
    return marks
  }

  private func group(_ stage: Int) -> [Rank] {
    (0..<split.tensor).map { Rank(stage * split.tensor + $0) }
  }

  private mutating func allocateTokens() {
    guard split.pipeline > 1 else {
      let slots = form.slots.map { room in group(0).map { builder.allocate(room, on: $0) } }
      firstTokens = form.batches.map { slots[$0.slot] }
      lastTokens = firstTokens
      return
    }
    for batch in form.batches {
      firstTokens.append(
        group(0).map { batch.accepts > 0 ? builder.allocate(batch.accepts, on: $0) : .none })
      let pieces = [batch.returns, batch.outputs - batch.returns].filter { $0 > 0 }
      lastTokens.append(
        group(split.pipeline - 1).map { pieces.isEmpty ? .none : builder.allocate(pieces, on: $0) })
    }
  }

  /// All batches through all regions of all stages. When a batch is in one region the batch behind it is in
  /// the region before, so they are written in that order: ports serve in program order, and a batch must
  /// not wait there for what a batch before it does many regions later.
  private mutating func emit() {
    let parts = steps.indices.flatMap { stage in steps[stage].indices.map { (stage, $0) } }
    for wave in 0..<parts.count + form.batches.count - 1 {
      for batch in form.batches.indices where parts.indices.contains(wave - batch) {
        let (stage, part) = parts[wave - batch]
        emit(batch: batch, stage: stage, part: part)
      }
    }
  }

  /// A batch in one region of a stage.
  private mutating func emit(batch: Int, stage: Int, part: Int) {
    let ranks = group(stage)
    let tokens = form.batches[batch].tokens
    region = steps[stage][part]
    if stage == 0, part == 0 { allocateResidual(of: batch, ranks: ranks) }
    if region.crossing != nil {
      for (shard, rank) in ranks.enumerated() {
        let residual = residuals[batch][shard]
        compute(Compute(.cross, batch: batch, input: residual, output: residual), on: rank)
      }
    }
    if region.embeds { embed(batch: batch, ranks: ranks) }
    if partials[stage][tokens] == nil {
      let pieces = pieces(of: batch)
      partials[stage][tokens] = ranks.map { builder.allocate(pieces, on: $0) }
    }
    let partial = partials[stage][tokens]!
    for layer in region.layers {
      block(.attention, layer: layer, batch: batch, partial: partial, ranks: ranks)
      block(.feedForward, layer: layer, batch: batch, partial: partial, ranks: ranks)
    }
    if region.hasHead, form.batches[batch].outputs > 0 { sample(batch: batch, ranks: ranks) }
    if part == steps[stage].count - 1 { leave(batch: batch, stage: stage, ranks: ranks) }
  }

  /// The pieces into which a batch's activation is cut for its all-reduce.
  private func pieces(of batch: Int) -> [Int] {
    let width = form.batches[batch].tokens * split.shape.width
    return split.tensor == 1
      ? [width]
      : WindowBuilder.pieces(
        of: width, operation: .allReduce, algorithm: algorithms[batch], group: split.tensor)
  }

  private mutating func allocateResidual(of batch: Int, ranks: [Rank]) {
    let pieces = pieces(of: batch)
    residuals[batch] = ranks.map { builder.allocate(pieces, on: $0) }
  }

  /// What a batch's last region sends on: its activation to the next stage, or its tokens to the first.
  ///
  /// All shards' activations are sent before any is received: where wafers pass messages on, each link's
  /// messages are then read in the order in which they were written.
  private mutating func leave(batch: Int, stage: Int, ranks: [Rank]) {
    guard stage < split.pipeline - 1 else {
      if form.batches[batch].returns > 0 { returnTokens(of: batch) }
      return
    }
    let next = group(stage + 1)
    for (shard, rank) in ranks.enumerated() {
      builder.send(residuals[batch][shard], from: rank, to: next[shard], stream: .activation)
    }
    allocateResidual(of: batch, ranks: next)
    for (shard, rank) in next.enumerated() {
      builder.receive(
        residuals[batch][shard], at: rank, from: ranks[shard], stream: .activation)
    }
  }

  private mutating func embed(batch: Int, ranks: [Rank]) {
    for (shard, rank) in ranks.enumerated() {
      let tokens = firstTokens[batch][shard]
      var arrival = Values.none
      if form.batches[batch].arrives {
        arrival = builder.allocate(1, on: rank)
        let place = builder.addArrival(of: arrival, on: rank)
        arrivals.append((rank.index, place, batch))
      }
      if form.batches[batch].accepts > 0 {
        if split.pipeline > 1 {
          let source = Rank((split.pipeline - 1) * split.tensor + shard)
          builder.receive(tokens, at: rank, from: source, stream: .token)
        }
        builder.compute(
          Compute(
            .accept, batch: batch, region: region.region, input: tokens, output: tokens), on: rank)
      }
      compute(
        Compute(
          .embed, batch: batch, input: tokens, second: arrival, output: residuals[batch][shard]),
        on: rank)
    }
    builder.allReduce(
      residuals[batch], group: ranks, algorithm: algorithms[batch], region: region.region)
  }

  /// A half of a layer: a kernel's partial sums, their all-reduce, and the residual.
  private mutating func block(
    _ kernel: Kernel, layer: Int, batch: Int, partial: [Values], ranks: [Rank]
  ) {
    for (shard, rank) in ranks.enumerated() {
      compute(
        Compute(
          kernel, argument: layer, batch: batch, input: residuals[batch][shard],
          output: partial[shard]),
        on: rank)
    }
    builder.allReduce(
      partial, group: ranks, algorithm: algorithms[batch], region: region.region)
    for (shard, rank) in ranks.enumerated() {
      builder.compute(
        Compute(
          .residual, batch: batch, region: region.region, input: residuals[batch][shard],
          second: partial[shard],
          output: residuals[batch][shard]),
        on: rank)
    }
  }

  private mutating func sample(batch: Int, ranks: [Rank]) {
    let rows = form.batches[batch].outputs
    let pieces = Array(repeating: rows * candidateElements, count: split.tensor)
    let candidates = ranks.map { builder.allocate(pieces, on: $0) }
    for (shard, rank) in ranks.enumerated() {
      let logits = builder.allocate(rows * slices[rank.index].vocabulary.count, on: rank)
      compute(
        Compute(.head, batch: batch, input: residuals[batch][shard], output: logits), on: rank)
      compute(
        Compute(.candidates, batch: batch, input: logits, output: candidates[shard][shard]),
        on: rank)
    }
    builder.exchange(candidates, group: ranks, stream: .candidates)
    for (shard, rank) in ranks.enumerated() {
      compute(
        Compute(.choose, batch: batch, input: candidates[shard], output: lastTokens[batch][shard]),
        on: rank)
    }
    outputs.append(
      Window.Output(rank: ranks[0], value: Int(lastTokens[batch][0].first), batch: batch))
  }

  /// The hop back to the first stage, which belongs to the next token.
  private mutating func returnTokens(of batch: Int) {
    guard split.pipeline > 1 else { return }
    for (shard, rank) in group(split.pipeline - 1).enumerated() {
      let returned = Values(first: Int(lastTokens[batch][shard].first), count: 1)
      builder.send(returned, from: rank, to: Rank(shard), stream: .token)
    }
  }

  /// Appends a kernel of the current region whose price is set later.
  private mutating func compute(_ work: Compute, on rank: Rank) {
    var work = work
    work.region = Int32(region.region)
    let slice = slices[rank.index]
    let isLayers = work.kernel == .attention || work.kernel == .feedForward
    let use = KernelUse(
      kernel: work.kernel, slice: slice,
      hasExperts: isLayers && split.shape.hasExperts(layer: Int(work.argument)),
      region: region.size, crossing: work.kernel == .cross ? region.crossing : nil,
      speed: speeds[rank.index])
    let key = PriceKey(
      kernel: work.kernel, batch: Int(work.batch), heads: slice.queryHeads.count,
      keyValueHeads: slice.keyValueHeads.count, feedForward: slice.feedForward.count,
      expertColumns: slice.expertColumns.count, vocabulary: slice.vocabulary.count,
      hasExperts: use.hasExperts, region: use.region, crossing: use.crossing, speed: use.speed)
    let price: Int32
    if let known = priceIndices[key] {
      price = known
    } else {
      price = Int32(prices.count)
      priceIndices[key] = price
      prices.append((use, Int(work.batch)))
    }
    let place = builder.compute(work, on: rank)
    priced.append(
      PricedInstruction(rank: Int32(rank.index), place: Int32(place), price: price))
  }
}
