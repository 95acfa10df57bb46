import Defects
import Hardware
import Models
import Placement
import Programs
import Quantities

extension Experiment.Modelled {
  /// The faults as rules of the ranks' clocks.
  func faultPlan(_ split: Split, _ layout: DeviceLayout) -> FaultPlan {
    FaultPlan(faults.map { rule($0, split, layout) })
  }

  private func rule(_ fault: FaultSetting, _ split: Split, _ layout: DeviceLayout) -> Fault {
    let rank = Rank(fault.count("rank") ?? fault.count("from")!)
    switch fault.kind {
    case .link:
      return Fault(
        rank,
        .link(
          RankFaults.SlowLink(
            to: Rank(fault.count("to")!), interval: fault.interval,
            latency: fault.time("latency") ?? .zero,
            serialization: Rational(1) / (fault.number("bandwidth_factor") ?? Rational(1)))))
    case .loss:
      let which: RankFaults.Loss.Which =
        if let probability = fault.number("probability") {
          // The nearest of 2³² chances; certainty is not among them.
          .chance(
            UInt32(clamping: (probability * Rational(Int128(1) << 32)).rounded),
            seed: UInt64(fault.count("seed") ?? 0))
        } else {
          .message(
            Stream.allCases.first { $0.description == fault.word("stream") }!,
            sequence: fault.count("sequence")!)
        }
      return Fault(
        rank,
        .loss(
          RankFaults.Loss(
            to: Rank(fault.count("to")!), timeout: fault.time("timeout")!, which: which)))
    case .straggler:
      return Fault(
        rank,
        .slowdown(
          RankFaults.Slowdown(interval: fault.interval, factor: fault.number("factor")!)))
    case .wafer:
      let outage = RankFaults.Outage(
        begins: fault.time("at")!,
        lasts: (fault.time("detection") ?? .zero) + reload(fault, rank, split))
      return Fault(rank, .outage(outage, afterwards: nil))
    case .pes:
      let outage = RankFaults.Outage(begins: fault.time("at")!, lasts: fault.time("repair")!)
      let slower = RankFaults.Slowdown(
        interval: RankFaults.Interval(from: outage.ends),
        factor: fabricFactor(fault, rank, split, layout), isOfFabricAlone: true)
      return Fault(rank, .outage(outage, afterwards: slower))
    }
  }

  /// How long a spare wafer loads what the lost one held, rounded once.
  private func reload(_ fault: FaultSetting, _ rank: Rank, _ split: Split) -> EmulatedTime {
    let bytes = bytes(of: rank, split)
    let loaded =
      bytes.weights + (fault.word("reload") == FaultSetting.Reload.all.rawValue ? bytes.cache : 0)
    return EmulatedTime(seconds: Rational(loaded) / fault.number("bandwidth")!)
  }

  /// Bytes of a rank's weights, and of the room of its KV cache.
  func bytes(of rank: Rank, _ split: Split) -> (weights: Int128, cache: Int128) {
    let slice = split.slice(ofRank: rank.index)
    var part = shape
    part.queryHeads = slice.queryHeads.count
    part.keyValueHeads = slice.keyValueHeads.count
    part.feedForwardWidth = slice.feedForward.count
    part.experts?.width = slice.expertColumns.count
    var weights = 0
    for layer in slice.layers {
      weights += part.attentionWeights + part.feedForwardWeights(layer: layer)
    }
    let tables =
      slice.hasEmbedding && slice.hasHead && shape.tiedHead
      ? 1 : (slice.hasEmbedding ? 1 : 0) + (slice.hasHead ? 1 : 0)
    weights += tables * slice.vocabulary.count * shape.width + (slice.hasHead ? shape.width : 0)
    let memory = memory
    let positions = min(memory.context, shape.slidingWindow ?? .max)
    let cache =
      Int128(part.keyValueWidth) * Int128(slice.layers.count) * Int128(memory.sequences)
      * Int128(positions)
    return (
      (Int128(weights) * Int128(memory.weightBits) + 7) / 8,
      (cache * Int128(memory.keyValueBits) + 7) / 8
    )
  }

  /// How many times as long communication between PEs takes with the hops that repair adds: of one decode step
  /// of the rank, priced with them and without.
  private func fabricFactor(
    _ fault: FaultSetting, _ rank: Rank, _ split: Split, _ layout: DeviceLayout
  ) -> Rational {
    guard case .wafer(var wafer) = device, let mesh = try? wafer.repaired(after: fault) else {
      preconditionFailure("\(fault.words) was checked when the experiment was resolved")
    }
    let before = fabric(of: rank, split, layout)
    wafer.defects = WaferDefects(
      source: wafer.defects?.source ?? .drawn(density: Rational(0), clustering: nil, seed: 0),
      beyondRepair: wafer.defects?.beyondRepair ?? .refuse, mesh: mesh)
    var after = self
    after.device = .wafer(wafer)
    guard before > .zero else { return Rational(1) }
    return max(
      Rational(1),
      Rational(
        Int128(after.fabric(of: rank, split, layout).picoseconds),
        over: Int128(before.picoseconds)))
  }

  private func fabric(of rank: Rank, _ split: Split, _ layout: DeviceLayout) -> EmulatedTime {
    var program = program(split, layout)
    let step = min(workload.prefillSteps, program.windowCount - 1)
    var sum = EmulatedTime.zero
    for case .compute(let work) in program.window(step).ranks[rank.index].instructions {
      sum += work.cost.fabric
    }
    return sum
  }
}
