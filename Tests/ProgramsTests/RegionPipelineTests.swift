import Hardware
import Models
import Placement
import Quantities
import Testing

@testable import Programs

@Suite("A wafer with several regions is a pipeline inside")
struct RegionPipelineTests {
  private static let shape = ModelShape(
    name: "regions", layers: 6, width: 16, queryHeads: 4, keyValueHeads: 2, headSize: 4,
    feedForwardWidth: 24, vocabulary: 40, contextLength: 64)
  private static let microsecond: Int64 = 1_000_000

  /// A layer takes 2 µs, the fourth one 5; embedding, head and each crossing 1.
  private static let price: KernelPrice = { use, _ in
    let microseconds: Int64 =
      switch use.kernel {
      case .attention: use.region.columns == 5 ? 4 : 1
      case .feedForward, .embed, .head, .cross: 1
      default: 0
      }
    return Cost(compute: EmulatedTime(picoseconds: microseconds * microsecond))
  }

  private static func perLayer() -> [RegionStep] {
    let crossing = RegionCrossing(hops: 3, lines: 3)
    var steps = [
      RegionStep(
        region: 0, size: Rectangle(square: 3), layers: 0..<0, embeds: true, hasHead: false)
    ]
    for layer in 0..<6 {
      steps.append(
        RegionStep(
          region: layer + 1, size: Rectangle(square: layer == 3 ? 5 : 4),
          layers: layer..<layer + 1, embeds: false, hasHead: false, crossing: crossing))
    }
    steps.append(
      RegionStep(
        region: 7, size: Rectangle(square: 3), layers: 0..<0, embeds: false, hasHead: true,
        crossing: crossing))
    return steps
  }

  private func tokens(
    tensor: Int, microBatches: Int, steps: [RegionStep]?, link: Link
  ) throws -> [[Stamp]] {
    let split = try Split(shape: Self.shape, pipeline: 1, tensor: tensor)
    var program = ModelProgram(
      split: split,
      workload: Workload(
        promptTokens: 1, outputTokens: 30, batch: microBatches, microBatches: microBatches),
      wires: Wires(link: link, ranks: tensor, activationBytes: 2), candidateElements: 3,
      steps: steps.map { [$0] }, price: Self.price)
    var check = ProgramCheck(ranks: tensor)
    var evaluator = Evaluator(ranks: tensor)
    var stamps: [[Stamp]] = []
    for index in 0..<program.windowCount {
      let window = program.window(index)
      try check.check(window)
      stamps.append(evaluator.run(window))
    }
    try check.finish()
    return stamps
  }

  private static let free = Link(latency: .zero, bandwidth: nil)

  @Test("latency is the sum of all regions, throughput follows the slowest", arguments: 1...12)
  func pipeline(microBatches: Int) throws {
    let stamps = try tokens(
      tensor: 1, microBatches: microBatches, steps: Self.perLayer(), link: Self.free)
    // Embedding 1, six layers 5·2 + 5, seven crossings, head 1; the slowest region 1 + 5.
    let sum = (1 + 15 + 7 + 1) * Self.microsecond
    let slowest = 6 * Self.microsecond
    #expect(stamps[0][0].time.picoseconds == sum)
    let last = stamps.count - 1
    for batch in 0..<microBatches {
      let gap = stamps[last][batch].time - stamps[last - 1][batch].time
      #expect(gap.picoseconds == max(sum, Int64(microBatches) * slowest))
    }
  }

  @Test("one region that holds all takes micro-batches one after the other")
  func oneRegion() throws {
    let whole = [
      RegionStep(
        region: 0, size: Rectangle(square: 4), layers: 0..<6, embeds: true, hasHead: true)
    ]
    let stamps = try tokens(tensor: 1, microBatches: 3, steps: whole, link: Self.free)
    let gap = stamps[20][1].time - stamps[19][1].time
    #expect(gap.picoseconds == 3 * (1 + 12 + 1) * Self.microsecond)
  }

  @Test("shards that share a port still work on different layers at once")
  func shards() throws {
    // A latency that is small beside the kernels: the pipeline inside must survive the all-reduces.
    let link = Link(latency: EmulatedTime(picoseconds: 1000), bandwidth: nil)
    let alone = try tokens(tensor: 2, microBatches: 1, steps: Self.perLayer(), link: link)
    let four = try tokens(tensor: 2, microBatches: 4, steps: Self.perLayer(), link: link)
    // The last of four is done before a second one would be if each had the wafer alone.
    let first = alone[0][0].time
    let last = four[0].map(\.time).max()!
    #expect(last - first < first)
  }
}
