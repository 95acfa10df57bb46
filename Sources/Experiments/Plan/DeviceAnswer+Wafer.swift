import Hardware
import Models
import Placement
import Programs
import Quantities

extension DeviceAnswer {
  /// The answer of wafers: as they are placed, or as they would be when nothing is.
  ///
  /// - Parameters:
  ///   - placement: Of the model on them; `nil` when no number of wafers holds it.
  ///   - asked: Wafers that were asked for.
  ///   - isShown: Whether the placement is told beside the answer.
  init(
    _ wafer: Wafer, assumed: [String] = [], to question: PlanQuestion,
    placement: WaferPlacement?, devices asked: Int? = nil, isShown: Bool = false
  ) {
    self.assumed = assumed
    let need = question.need
    let fewest = need.devices(bytes: wafer.sram)
    name = wafer.name
    kind = .wafer
    batch = question.batch
    devicesForWeights = need.devicesForWeights(bytes: wafer.sram)
    devicesForAll = fewest
    notes = Self.notes(placement, fewest: fewest, isShown: isShown)
    let devices = placement?.modelled.ranks ?? asked ?? fewest
    self.devices = devices
    power = devices.map { wafer.power * Rational($0) }
    price = devices.flatMap { count in wafer.price.map { $0 * Rational(count) } }
    priced = placement?.placed.map { StepPrice($0.step) }
    bound = devices.flatMap {
      Self.bound(
        wafer, question, pipeline: placement?.modelled.pipeline ?? $0,
        tensor: placement?.modelled.tensor ?? 1)
    }
    shareOfPeak = priced.flatMap { priced in
      wafer.peak.map {
        Rational(question.step.flops) * Self.second
          / ($0 * Rational(devices!) * Rational(Int128(priced.total.picoseconds)))
      }
    }
  }

  private static func notes(
    _ placement: WaferPlacement?, fewest: Int?, isShown: Bool
  ) -> [String] {
    guard let placement else {
      return [
        fewest == nil
          ? "the vectors that each wafer must hold are larger than its SRAM"
          : "no mapping fits, on any number of wafers up to \(MappingAdvice.mostWafers)"
      ]
    }
    let modelled = placement.modelled
    switch placement.outcome {
    case .refused(let error):
      return [isShown ? "it does not fit: see below" : "\(error)"]
    case .placed(let placed):
      var notes: [String] = []
      if let fewest, modelled.ranks > fewest {
        notes.append("tiles of whole numbers need more than the \(fewest) that hold all bytes")
      }
      let layout = DeviceLayout.wafers(placed.mappings)
      if layout.isHypothetical {
        notes.append("SRAM taken as enlarged (hypothetical): \(layout.excess)")
      }
      let split = "PP \(modelled.pipeline) x TP \(modelled.tensor), \(layout.words)"
      notes.append(
        isShown
          ? "priced as \(split), placed as below"
          : "priced as \(split); alone in --hardware it shows its placement, and what is outside of the "
            + "calibration \(placement.device.calibration.name)")
      return notes
    }
  }

  /// A step visits one stage after the other, so the peak and the SRAM of its shards count; each stage has a
  /// hop, and each of two all-reduces a layer and one after the embedding a link's latency at least.
  private static func bound(
    _ wafer: Wafer, _ question: PlanQuestion, pipeline: Int, tensor: Int
  ) -> StepBound? {
    guard let peak = wafer.peak, let bandwidth = wafer.sramBandwidth else { return nil }
    let step = question.step
    let shards = Rational(tensor)
    let bits = Rational(step.spreadBits) / shards + Rational(step.commonBits)
    let reduces = tensor > 1 ? 2 * question.shape.layers + 1 : 0
    return StepBound(
      compute: EmulatedTime(seconds: Rational(step.flops) / (peak * shards)),
      memory: EmulatedTime(seconds: bits / (bandwidth * Rational(8))),
      collectives: EmulatedTime(
        picoseconds: wafer.offWaferLatency.picoseconds * Int64(reduces)),
      link: hops(wafer, question, stages: pipeline))
  }

  /// From wafer to wafer with an activation, and back to the first with a token of 4 bytes a sequence.
  private static func hops(_ wafer: Wafer, _ question: PlanQuestion, stages: Int) -> EmulatedTime {
    guard stages > 1 else { return .zero }
    let link = wafer.link
    let latency = EmulatedTime(picoseconds: link.latency.picoseconds * Int64(stages))
    let bytes = Rational((stages - 1) * question.activationBits) / Rational(8)
    let tokens = Rational(4 * question.batch)
    return latency + EmulatedTime(seconds: (bytes + tokens) / wafer.offWaferBandwidth)
  }
}

extension StepPrice {
  /// The account of a step: what is inside wafers, and all between them.
  init(_ step: DecodeStep) {
    let account = step.account
    cost = Cost(compute: account.compute, fabric: account.fabric, memory: account.memory)
    link = step.latency - cost.total
  }
}
