import Hardware
import Models
import Quantities

extension DeviceAnswer {
  /// The answer of a group of accelerators that acts as one: `devices` of them, or the fewest that hold
  /// all.
  init(
    _ accelerator: Accelerator, assumed: [String] = [], to question: PlanQuestion,
    devices asked: Int?
  ) {
    self.assumed = assumed
    let need = question.need
    let fewest = need.devices(bytes: accelerator.memory)
    let devices = asked ?? fewest
    name = accelerator.name
    kind = .accelerator
    batch = question.batch
    devicesForWeights = need.devicesForWeights(bytes: accelerator.memory)
    devicesForAll = fewest
    self.devices = devices
    power = devices.map { accelerator.power * Rational($0) }
    price = devices.flatMap { count in accelerator.price.map { $0 * Rational(count) } }
    var notes: [String] = []
    guard let devices else {
      notes.append("the vectors that each device must hold are larger than its memory")
      (bound, priced, shareOfPeak, self.notes) = (nil, nil, nil, notes)
      return
    }
    if fewest.map({ devices < $0 }) ?? true {
      notes.append("\(devices) devices do not hold weights, cache and activations (hypothetical)")
    }
    if devices > accelerator.nodeDevices {
      notes.append("all-reduces over more than a node of \(accelerator.nodeDevices)")
    }
    let pricing = AcceleratorPricing(
      accelerator: accelerator, devices: devices, widths: question.bits)
    let cost = pricing.step(shape: question.shape, question.work)
    bound = Self.bound(accelerator, question, devices: devices)
    priced = StepPrice(cost: cost, link: .zero)
    shareOfPeak =
      Rational(question.step.flops) * Self.second
      / (accelerator.peak * Rational(devices) * Rational(Int128(cost.total.picoseconds)))
    self.notes = notes
  }

  /// Two all-reduces a layer, one after the embedding, one gathering of candidates.
  private static func bound(
    _ accelerator: Accelerator, _ question: PlanQuestion, devices: Int
  ) -> StepBound {
    let step = question.step
    let group = Rational(devices)
    let bits = Rational(step.spreadBits) / group + Rational(step.commonBits)
    let reduces = 2 * question.shape.layers + 1
    let ring = Rational(2 * (devices - 1) * question.activationBits * reduces) / group
    return StepBound(
      compute: EmulatedTime(seconds: Rational(step.flops) / (accelerator.peak * group)),
      memory: EmulatedTime(seconds: bits / (accelerator.memoryBandwidth * Rational(8))),
      collectives: EmulatedTime(
        picoseconds: accelerator.floor(devices: devices).picoseconds * Int64(reduces + 1)),
      link: EmulatedTime(seconds: ring / (accelerator.linkBandwidth * Rational(8))))
  }
}
