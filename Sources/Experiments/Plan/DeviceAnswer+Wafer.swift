import Hardware
import Models
import Placement
import Quantities

extension DeviceAnswer {
  /// The answer of wafers that hold consecutive layers each, one after the other: `devices` of them, or
  /// the fewest on which a mapping fits.
  init(
    _ wafer: Wafer, calibration: Calibration, assumed: [String] = [], to question: PlanQuestion,
    devices asked: Int?
  ) {
    self.assumed = assumed
    let need = question.need
    let fewest = need.devices(bytes: wafer.sram)
    name = wafer.name
    kind = .wafer
    batch = question.batch
    devicesForWeights = need.devicesForWeights(bytes: wafer.sram)
    devicesForAll = fewest
    var notes: [String] = []
    var placed: (wafers: Int, grid: Rectangle, cost: Cost)?
    if !question.shape.isComputable {
      notes.append("the time of experts and latent attention on a wafer is not priced")
    } else if let first = asked ?? fewest {
      placed = Self.mapped(
        wafer, calibration, question, counts: asked.map { $0...$0 } ?? first...2 * first)
      if placed == nil { notes.append("no mapping of one region a wafer fits") }
    } else {
      notes.append("the vectors that each wafer must hold are larger than its SRAM")
    }
    if let placed, let fewest, placed.wafers > fewest {
      notes.append("tiles of whole numbers need more than the \(fewest) that hold all bytes")
    }
    if let placed {
      notes.append(
        "priced on one region of \(placed.grid) PEs a wafer; 'wafer run' names what is outside of "
          + "the calibration \(calibration.name)")
    }
    let devices = placed?.wafers ?? asked ?? fewest
    let hops = devices.map { Self.hops(wafer, question, wafers: $0) }
    self.devices = devices
    power = devices.map { wafer.power * Rational($0) }
    price = devices.flatMap { count in wafer.price.map { $0 * Rational(count) } }
    priced = placed.map { StepPrice(cost: $0.cost, link: hops!) }
    if let peak = wafer.peak, let bandwidth = wafer.sramBandwidth, let hops {
      // A step visits one wafer after the other, so the peak of one counts.
      let step = question.step
      bound = StepBound(
        compute: EmulatedTime(seconds: Rational(step.flops) / peak),
        memory: EmulatedTime(
          seconds: Rational(step.spreadBits + step.commonBits) / (bandwidth * Rational(8))),
        collectives: .zero, link: hops)
    } else {
      bound = nil
    }
    shareOfPeak = priced.flatMap { priced in
      wafer.peak.map {
        Rational(question.step.flops) * Self.second
          / ($0 * Rational(devices!) * Rational(Int128(priced.total.picoseconds)))
      }
    }
    self.notes = notes
  }

  /// The first number of wafers on which a mapping fits, and the step's cost there, hops aside.
  private static func mapped(
    _ wafer: Wafer, _ calibration: Calibration, _ question: PlanQuestion, counts: ClosedRange<Int>
  ) -> (wafers: Int, grid: Rectangle, cost: Cost)? {
    for wafers in counts {
      guard let split = try? Split(shape: question.shape, pipeline: wafers, tensor: 1) else {
        return nil
      }
      let slices = (0..<wafers).map(split.slice(ofRank:))
      let mappings = try? Mapping.choose(
        shape: question.shape, slices: slices, wafer: wafer, calibration: calibration,
        memory: question.memory)
      guard let grid = mappings?[0].grid else { continue }
      let pricing = WaferPricing(
        wafer: wafer, calibration: calibration, region: grid,
        options: WaferPricing.Options(activationBits: question.widths.activations.bits))
      return (wafers, grid, step(pricing, slices, question))
    }
    return nil
  }

  private static func step(
    _ pricing: WaferPricing, _ slices: [ShardSlice], _ question: PlanQuestion
  ) -> Cost {
    let shape = question.shape
    let work = question.work
    var cost = pricing.embedding(width: shape.width, tokens: question.batch)
    let withExperts = (0..<shape.layers).count { shape.hasExperts(layer: $0) }
    for (count, hasExperts) in [(shape.layers - withExperts, false), (withExperts, true)]
    where count > 0 {
      let layer = LayerSlice(shape: shape, slice: slices[0], hasExperts: hasExperts)
      cost += (pricing.attention(layer, work) + pricing.feedForward(layer, work)) * count
    }
    cost += pricing.head(
      width: shape.width, vocabulary: shape.vocabulary, outputs: question.batch)
    cost += pricing.candidates(
      vocabulary: shape.vocabulary, outputs: question.batch, count: 1)
    return cost
  }

  /// From wafer to wafer with an activation, and back to the first with a token of 4 bytes a sequence.
  private static func hops(_ wafer: Wafer, _ question: PlanQuestion, wafers: Int) -> EmulatedTime {
    guard wafers > 1 else { return .zero }
    let link = wafer.link
    let latency = EmulatedTime(picoseconds: link.latency.picoseconds * Int64(wafers))
    let bytes = Rational((wafers - 1) * question.activationBits) / Rational(8)
    let tokens = Rational(4 * question.batch)
    return latency + EmulatedTime(seconds: (bytes + tokens) / wafer.offWaferBandwidth)
  }
}
