import Models
import Quantities

/// Prices the kernels of a model on a group of equal accelerators that act as one.
///
/// A kernel takes the longer of its arithmetic and its memory traffic, each at the efficiency that the
/// device's preset states, and a floor. What is longer goes to `compute` or `memory`; the floor goes
/// with it. Inside a group of several devices each block ends in an all-reduce, ring: its floor and
/// 2(n − 1)/n of its bytes over the link's bandwidth, in `fabric`.
///
/// Assumed:
///
/// - Weights, cache and arithmetic are spread evenly over the group: by heads and columns, and where
///   there are more devices than heads by tokens of the context. That is a lower bound.
/// - Weights are read once a step at their own width and multiplied at 16 bits.
/// - Kernels follow each other without overlap, also with the collectives.
///
/// Each kernel is rounded once, to the nearest picosecond, from an exact rational, so that a block is
/// monotone in tokens, context and bits.
public struct AcceleratorPricing: Hashable, Sendable {
  /// One device of the group.
  public let accelerator: Accelerator
  /// Devices of the group.
  public let devices: Int
  /// Bits of the numbers in memory and on links.
  public let widths: BitWidths

  private let picosecondsPerFlop: Rational
  private let picosecondsPerBit: Rational

  /// Prices on a group; make one a group and keep it.
  ///
  /// - Precondition: there is a device.
  public init(accelerator: Accelerator, devices: Int, widths: BitWidths = BitWidths()) {
    precondition(devices >= 1, "\(devices) devices")
    self.accelerator = accelerator
    self.devices = devices
    self.widths = widths
    let second = Rational(Int128(EmulatedTime.picosecondsPerSecond))
    picosecondsPerFlop = second / (accelerator.peak * accelerator.computeEfficiency)
    picosecondsPerBit =
      second / (accelerator.memoryBandwidth * accelerator.memoryEfficiency * Rational(8))
  }

  /// The attention block of one layer, and the all-reduce after it.
  public func attention(_ layer: LayerPart, _ work: BatchWork) -> Cost {
    block(layer.attention(work, widths), layer, work)
  }

  /// The feed-forward block of one layer, and the all-reduce after it.
  public func feedForward(_ layer: LayerPart, _ work: BatchWork) -> Cost {
    block(layer.feedForward(work, widths), layer, work)
  }

  /// Looks up the rows of so many tokens; each device holds its part of the vocabulary, so an all-reduce
  /// follows.
  public func embedding(width: Int, tokens: Int) -> Cost {
    guard tokens > 0 else { return .zero }
    let kernel = RooflineKernel(
      flops: 0, spreadBits: Int128(tokens * width * widths.weights),
      commonBits: Int128(tokens * width * widths.activations))
    return cost(of: kernel) + allReduce(bits: tokens * width * widths.activations)
  }

  /// The final norm and the LM head's `vocabulary` columns, for so many positions.
  public func head(width: Int, vocabulary: Int, outputs: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    return cost(
      of: .head(width: width, vocabulary: vocabulary, outputs: outputs, widths))
  }

  /// The `count` best candidates of so many positions: one pass over the logits, and a gathering of
  /// candidates of 8 bytes from each device.
  public func candidates(vocabulary: Int, outputs: Int, count: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    precondition(count >= 1, "\(count) candidates")
    let bits = outputs * count * 64
    let kernel = RooflineKernel(
      flops: 0, spreadBits: Int128(outputs * vocabulary * widths.activations),
      commonBits: Int128(bits))
    return cost(of: kernel) + fabric(bitsOnLink: Rational((devices - 1) * bits))
  }

  /// A whole step: embedding, all layers, head and the choice of one candidate.
  public func step(shape: ModelShape, _ work: BatchWork) -> Cost {
    var sum =
      embedding(width: shape.width, tokens: work.newTokens)
      + head(width: shape.width, vocabulary: shape.vocabulary, outputs: work.outputs)
      + candidates(vocabulary: shape.vocabulary, outputs: work.outputs, count: 1)
    for (part, count) in LayerPart.kinds(of: shape) {
      sum += (attention(part, work) + feedForward(part, work)) * count
    }
    return sum
  }

  /// The time of one kernel, in the entry that binds.
  func cost(of kernel: RooflineKernel) -> Cost {
    let group = Rational(devices)
    let compute = Rational(kernel.flops) / group * picosecondsPerFlop
    let bits = Rational(kernel.spreadBits) / group + Rational(kernel.commonBits)
    let memory = bits * picosecondsPerBit
    let longer = EmulatedTime(picoseconds: Int64(max(compute, memory).rounded))
    let time = longer + accelerator.kernelFloor
    return compute > memory ? Cost(compute: time) : Cost(memory: time)
  }

  /// A ring's time for so many bits on each device; none where there is one.
  func allReduce(bits: Int) -> Cost {
    fabric(bitsOnLink: Rational(Int128(2 * (devices - 1)) * Int128(bits), over: Int128(devices)))
  }

  private func fabric(bitsOnLink: Rational) -> Cost {
    guard devices > 1 else { return .zero }
    let transfer = bitsOnLink / (accelerator.linkBandwidth * Rational(8))
    return Cost(fabric: accelerator.floor(devices: devices) + EmulatedTime(seconds: transfer))
  }

  private func block(_ kernels: [RooflineKernel], _ layer: LayerPart, _ work: BatchWork) -> Cost {
    guard !kernels.isEmpty else { return .zero }
    return kernels.reduce(
      allReduce(bits: work.newTokens * layer.shape.width * widths.activations)
    ) { $0 + cost(of: $1) }
  }
}

extension RooflineKernel {
  /// The final norm and the LM head.
  static func head(width: Int, vocabulary: Int, outputs: Int, _ widths: BitWidths) -> Self {
    RooflineKernel(
      flops: 2 * Int128(outputs) * Int128(width * vocabulary),
      spreadBits: Int128((width * vocabulary + width) * widths.weights)
        + Int128(outputs * vocabulary * widths.activations),
      commonBits: Int128(outputs * width * widths.activations))
  }

  /// All kernels of a step but the embedding's lookup, which moves next to nothing.
  public static func step(shape: ModelShape, _ work: BatchWork, _ widths: BitWidths) -> Self {
    var sum =
      work.outputs == 0
      ? RooflineKernel(flops: 0, spreadBits: 0, commonBits: 0)
      : head(width: shape.width, vocabulary: shape.vocabulary, outputs: work.outputs, widths)
    for (part, count) in LayerPart.kinds(of: shape) {
      for kernel in part.attention(work, widths) + part.feedForward(work, widths) {
        sum.flops += kernel.flops * Int128(count)
        sum.spreadBits += kernel.spreadBits * Int128(count)
        sum.commonBits += kernel.commonBits * Int128(count)
      }
    }
    return sum
  }
}

extension LayerPart {
  /// The kinds of whole layers that a model has, with how many there are of each: at most two.
  public static func kinds(of shape: ModelShape) -> [(part: LayerPart, count: Int)] {
    var kinds: [(part: LayerPart, count: Int)] = []
    for layer in 0..<shape.layers {
      let part = LayerPart(shape: shape, layer: layer)
      if let last = kinds.indices.last, kinds[last].part == part {
        kinds[last].count += 1
      } else {
        kinds.append((part, 1))
      }
    }
    return kinds
  }
}
