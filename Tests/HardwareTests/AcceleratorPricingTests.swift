import Models
import Placement
import Quantities
import Testing

@testable import Hardware

/// A device of round numbers: a picosecond a bit, a picosecond a FLOP, at half the efficiency of what
/// its data sheet says.
private enum Round {
  static let device = Accelerator(
    name: "round", memory: 1000, memoryBandwidth: Rational(250_000_000_000),
    memoryEfficiency: Rational(1, over: 2), peak: Rational(2_000_000_000_000),
    computeEfficiency: Rational(1, over: 2), kernelFloor: EmulatedTime(picoseconds: 100),
    nodeDevices: 2, collectiveFloor: EmulatedTime(picoseconds: 10_000),
    linkBandwidth: Rational(125_000_000_000), clusterFloor: EmulatedTime(picoseconds: 50_000),
    power: Rational(3))

  /// D 8, Hd 8, Kd 4, F 12.
  static let shape = ModelShape(
    name: "round", layers: 3, width: 8, queryHeads: 2, keyValueHeads: 1, headSize: 4,
    feedForwardWidth: 12, vocabulary: 20, contextLength: 100)

  static func pricing(devices: Int = 1, widths: BitWidths = BitWidths()) -> AcceleratorPricing {
    AcceleratorPricing(accelerator: device, devices: devices, widths: widths)
  }

  static let layer = LayerPart(shape: shape, layer: 0)

  static func cost(compute: Int64 = 0, fabric: Int64 = 0, memory: Int64 = 0) -> Cost {
    Cost(
      compute: EmulatedTime(picoseconds: compute), fabric: EmulatedTime(picoseconds: fabric),
      memory: EmulatedTime(picoseconds: memory))
  }
}

@Suite("Prices of an accelerator, by hand")
struct AcceleratorPricingTests {
  @Test("a decode step of one sequence moves its weights, its cache and its vectors")
  func decode() {
    let work = BatchWork.decode(contexts: [10])
    // QKV 8·16 weights and the norm's 8, Q out 8, K and V out 8, in 8: 160 numbers of 16 bits.
    // Core: 10 tokens · 8, Q in and out 16: 96. O: 64, in 8, out 8: 80. Three floors.
    #expect(
      Round.pricing().attention(Round.layer, work)
        == Round.cost(memory: (160 + 96 + 80) * 16 + 300))
    // Gate and up 8·24 and the norm's 8, out 12, in 8: 220. Down 96, in 12, out 8: 116.
    #expect(
      Round.pricing().feedForward(Round.layer, work)
        == Round.cost(memory: (220 + 116) * 16 + 200))
  }

  @Test("a long prompt is bound by arithmetic, kernel by kernel")
  func prefill() {
    let work = BatchWork.prefill(tokens: 100)
    // FLOPs: QKV 2·100·128 = 25,600 against (136 + 2,400)·16 = 40,576 bits: memory. Core 4·8·5,050 =
    // 161,600 against 39,200 bits. O 12,800 against (64 + 1,600)·16 = 26,624.
    #expect(
      Round.pricing().attention(Round.layer, work)
        == Round.cost(compute: 161_700, memory: 40_576 + 26_624 + 200))
    // At 4 bits an activation: gate and up 2·100·192 = 38,400 against 200·16 + 2,000·4 = 11,200 bits;
    // down 19,200 against 96·16 + 2,000·4 = 9,536.
    #expect(
      Round.pricing(widths: .init(activations: 4)).feedForward(Round.layer, work)
        == Round.cost(compute: 38_400 + 19_200 + 200))
  }

  @Test("a group divides weights and cache, and each device moves the residual's vectors")
  func group() {
    let work = BatchWork.decode(contexts: [10])
    // (152/2 + 8) + 96/2 + (72/2 + 8) numbers; a ring over 2: 2·(1/2)·8·16 bits at 1 bit a ps.
    #expect(
      Round.pricing(devices: 2).attention(Round.layer, work)
        == Round.cost(fabric: 10_000 + 128, memory: (84 + 48 + 44) * 16 + 300))
    // Four devices are more than a node; 2·(3/4)·128 bits.
    #expect(
      Round.pricing(devices: 4).attention(Round.layer, work).fabric.picoseconds == 50_000 + 192)
  }

  @Test("weights of 8 and 4 bits move a half and a quarter of the bits of weights")
  func widths() {
    let work = BatchWork.decode(contexts: [10])
    func memory(_ bits: Int) -> Int64 {
      Round.pricing(widths: .init(weights: bits)).feedForward(Round.layer, work).memory.picoseconds
    }
    // 296 weights.
    #expect(memory(16) - memory(8) == 296 * 8)
    #expect(memory(8) - memory(4) == 296 * 4)
  }

  @Test("a window bounds the cache that is read and the pairs that are computed")
  func window() {
    var shape = Round.shape
    shape.slidingWindow = 4
    let layer = LayerPart(shape: shape, layer: 0)
    let widths = BitWidths()
    let decode = layer.attention(.decode(contexts: [10]), widths)[1]
    #expect(decode.flops == 4 * 8 * 4)
    #expect(decode.spreadBits == (4 * 8 + 16) * 16)
    // Tokens 2 to 7 see 2, 3, 4, 4, 4, 4.
    let chunk = layer.attention(.prefill(tokens: 6, offset: 1), widths)[1]
    #expect(chunk.flops == 4 * 8 * 21)
    #expect(chunk.spreadBits == (7 * 8 + 6 * 16) * 16)
  }

  @Test("embedding, head and candidates")
  func ends() {
    let pricing = Round.pricing(devices: 2)
    // A row of 8 over two devices and 8 out; then a ring.
    #expect(
      pricing.embedding(width: 8, tokens: 1)
        == Round.cost(fabric: 10_128, memory: (4 + 8) * 16 + 100))
    // (160 + 8 + 20)/2 + 8.
    #expect(
      pricing.head(width: 8, vocabulary: 20, outputs: 1) == Round.cost(memory: 102 * 16 + 100))
    // 20/2 logits of 16 bits and 3 candidates of 64; the same once over the link.
    #expect(
      pricing.candidates(vocabulary: 20, outputs: 1, count: 3)
        == Round.cost(fabric: 10_000 + 192, memory: 160 + 192 + 100))
    #expect(pricing.head(width: 8, vocabulary: 20, outputs: 0) == .zero)
    #expect(pricing.candidates(vocabulary: 20, outputs: 0, count: 1) == .zero)
    #expect(pricing.embedding(width: 8, tokens: 0) == .zero)
    #expect(pricing.attention(Round.layer, BatchWork(entries: [], outputs: 0)) == .zero)
  }

  @Test("a mixture reads the distinct experts and computes the active ones")
  func experts() {
    var shape = Round.shape
    shape.experts = .init(count: 8, active: 2, shared: 1, width: 6, denseLayers: 1)
    let dense = LayerPart(shape: shape, layer: 0)
    let mixture = LayerPart(shape: shape, layer: 1)
    let widths = BitWidths()
    let two = BatchWork.decode(contexts: [5, 5])
    #expect(dense.feedForward(two, widths).count == 2)
    let kernels = mixture.feedForward(two, widths)
    // Router: 8·8 weights, the norm's 8, 8 scores a token.
    #expect(kernels[0] == RooflineKernel(flops: 256, spreadBits: 88 * 16, commonBits: 256))
    // 3.5 distinct experts are 4, and the shared one; each token passes 3.
    #expect(kernels[1].flops == 2 * 6 * 96)
    #expect(kernels[1].spreadBits == (5 * 96 + 6 * 6) * 16)
    #expect(kernels[2].flops == 2 * 6 * 48)
    #expect(LayerPart.kinds(of: shape).map(\.count) == [1, 2])
  }

  @Test("one token reads exactly its active experts, whatever a host's floating point leaves over")
  func oneToken() {
    for count in 2...400 {
      let experts = ModelShape.Experts(count: count, active: min(8, count), width: 1)
      #expect(LayerPart.distinctExperts(experts, tokens: 1) == min(8, count))
    }
  }

  @Test("latent attention reads the weights and the cache of its shape")
  func latent() throws {
    let shape = try ConfigFiles.model("deepseek-v3")
    let layer = LayerPart(shape: shape, layer: 3)
    // Activations of next to nothing leave weights and cache.
    let widths = BitWidths(weights: 1000, keyValues: 1_000_000, activations: 1)
    let bits = layer.attention(.decode(contexts: [2000]), widths).reduce(0) { $0 + $1.spreadBits }
    let expected =
      Int128(shape.attentionWeights) * 1000 + 2001 * Int128(shape.keyValueWidth) * 1_000_000
    #expect(bits > expected && bits < expected + 200_000)
    // Absorbed in decode: 128 heads · (576 + 512) a pair; made anew in a long prompt: · (192 + 128).
    func core(_ work: BatchWork) -> Int128 { layer.attention(work, widths)[2].flops }
    let up = Int128(512 * 128 * 256)
    #expect(core(.decode(contexts: [2000])) == 2 * up + 2 * 128 * 1088 * 2000)
    #expect(core(.prefill(tokens: 2000)) == 2 * up * 2000 + 2 * 128 * 320 * (2000 * 2001 / 2))
  }

  @Test(
    "the kernels of a model read every weight of it once",
    arguments: ["llama-3.1-70b", "qwen2-72b"])
  func allWeights(name: String) throws {
    let shape = try ConfigFiles.model(name)
    let few = RooflineKernel.step(
      shape: shape, .decode(contexts: [1]), BitWidths(weights: 1, keyValues: 1, activations: 1))
    let many = RooflineKernel.step(
      shape: shape, .decode(contexts: [1]), BitWidths(weights: 1001, keyValues: 1, activations: 1))
    #expect((many.spreadBits - few.spreadBits) / 1000 == Int128(shape.activeWeights(sequences: 1)))
  }

  @Test("shards of a layer add up to it, but for the vectors that each moves")
  func shards() throws {
    let shape = try ConfigFiles.model("mixtral-8x7b")
    let split = try Split(shape: shape, pipeline: 1, tensor: 4)
    let work = BatchWork.decode(contexts: [7, 100])
    let whole = LayerPart(shape: shape, layer: 0)
    let parts = (0..<4).map {
      LayerPart(shape: shape, slice: split.slice(ofRank: $0), hasExperts: true)
    }
    let widths = BitWidths(weights: 8)
    func flops(_ kernels: [RooflineKernel]) -> Int128 { kernels.reduce(0) { $0 + $1.flops } }
    #expect(
      parts.reduce(0) { $0 + flops($1.attention(work, widths)) }
        == flops(whole.attention(work, widths)))
    // Each shard runs the whole router.
    #expect(
      parts.reduce(0) { $0 + flops(Array($1.feedForward(work, widths).dropFirst())) }
        == flops(Array(whole.feedForward(work, widths).dropFirst())))
  }
}

@Suite("Prices of an accelerator: laws and figures")
struct AcceleratorFigureTests {
  @Test(
    "prices grow with tokens, context, sequences and bits",
    arguments: ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3"])
  func monotone(name: String) throws {
    let shape = try ConfigFiles.model(name)
    let device = try ConfigFiles.accelerator("h100")
    func time(_ work: BatchWork, weights: Int = 16) -> EmulatedTime {
      AcceleratorPricing(
        accelerator: device, devices: 2, widths: BitWidths(weights: weights)
      ).step(shape: shape, work).total
    }
    var last = EmulatedTime.zero
    for tokens in [1, 2, 3, 5, 17, 64, 65, 200, 1000, 1001, 5000, 100_000] {
      let next = time(.prefill(tokens: tokens))
      #expect(next >= last, "\(tokens) tokens")
      last = next
    }
    last = .zero
    for context in [1, 2, 100, 101, 4096, 100_000] {
      let next = time(.decode(contexts: [context]))
      #expect(next > last, "context \(context)")
      last = next
    }
    last = .zero
    for sequences in [1, 2, 3, 4, 16, 100, 300] {
      let next = time(.decode(contexts: Array(repeating: 1000, count: sequences)))
      #expect(next > last, "\(sequences) sequences")
      last = next
    }
    #expect(time(.decode(contexts: [9]), weights: 4) < time(.decode(contexts: [9]), weights: 8))
    #expect(time(.decode(contexts: [9]), weights: 8) < time(.decode(contexts: [9]), weights: 16))
  }

  @Test(
    "70B on H100s at context 2048 takes what the measured operators add up to, within 3 %",
    arguments: [(4, 0.0158), (8, 0.0100)])
  func seventyB(devices: Int, seconds: Double) throws {
    let shape = try ConfigFiles.model("llama-3.1-70b")
    let device = try ConfigFiles.accelerator("h100")
    let work = BatchWork.decode(contexts: [2048])
    let cost = AcceleratorPricing(accelerator: device, devices: devices).step(
      shape: shape, work)
    #expect(abs(cost.total.seconds / seconds - 1) < 0.03, "\(cost.total.seconds)")
    #expect(cost.compute == .zero)
    // Speed of light: bytes over bandwidth.
    let kernel = RooflineKernel.step(shape: shape, work, BitWidths())
    let light =
      Double(kernel.spreadBits / 8) / Double(devices) / device.memoryBandwidth.approximation
    #expect(abs(light / (0.0416 / Double(devices)) - 1) < 0.01, "\(light)")
  }

  @Test("CUDA graphs halve the floors of all-reduces")
  func graphs() throws {
    let shape = try ConfigFiles.model("llama-3.1-70b")
    let work = BatchWork.decode(contexts: [2048])
    func fabric(_ name: String) throws -> Double {
      AcceleratorPricing(accelerator: try ConfigFiles.accelerator(name), devices: 4)
        .step(shape: shape, work).fabric.seconds
    }
    // 160 all-reduces in the layers, one after the embedding, one gathering of candidates.
    #expect(abs(try fabric("h100") - 162 * 22.7e-6) < 2e-5)
    #expect(abs(try fabric("h100-cuda-graphs") - 162 * 11.8e-6) < 2e-5)
  }

  @Test(
    "an A100 decodes an 8B model at 0.41 % of its peak, and at 5 to 7 % with 13 to 18 sequences")
  func shareOfPeak() throws {
    let shape = try ConfigFiles.model("llama-3.1-8b")
    let device = try ConfigFiles.accelerator("a100")
    func percent(_ sequences: Int) -> Double {
      let work = BatchWork.decode(contexts: Array(repeating: 16, count: sequences))
      let time = AcceleratorPricing(accelerator: device, devices: 1).step(shape: shape, work).total
      let flops = Double(RooflineKernel.step(shape: shape, work, BitWidths()).flops)
      return 100 * flops / time.seconds / device.peak.approximation
    }
    #expect(abs(percent(1) - 0.41) < 0.01, "\(percent(1))")
    #expect(percent(12) < 5 && percent(13) > 5, "\(percent(12)), \(percent(13))")
    #expect(percent(17) < 7 && percent(18) > 6.95, "\(percent(17)), \(percent(18))")
  }

  @Test("an all-reduce over 4 H100s comes near the published times")
  func collectives() throws {
    let pricing = AcceleratorPricing(accelerator: try ConfigFiles.accelerator("h100"), devices: 4)
    for (bytes, microseconds, tolerance) in [
      (8, 22.7, 0.01), (64 << 10, 26.2, 0.15), (1 << 20, 27.0, 0.03), (64 << 20, 326, 0.08),
      (1 << 30, 4511, 0.01),
    ] {
      let time = pricing.allReduce(bits: bytes * 8).fabric.seconds * 1e6
      #expect(abs(time / microseconds - 1) < tolerance, "\(bytes) B: \(time)")
    }
  }

  @Test(
    "the fewest devices hold weights, cache and activations",
    arguments: [("h100", 2), ("h200", 2), ("b200", 1), ("groq-lpu", 626)])
  func fewest(name: String, devices: Int) throws {
    let shape = try ConfigFiles.model("llama-3.1-70b")
    let device = try ConfigFiles.accelerator(name)
    let memory = MemoryPlan(context: 8192)
    #expect(device.fewestDevices(shape: shape, memory: memory) == devices)
    // One fewer would not hold them.
    let need = MemoryNeed(shape: shape, memory: memory)
    #expect(need.total > Int128(devices - 1) * Int128(device.memory) * 8)
  }

  @Test("vectors that no device can hold fit no number of devices")
  func tooLarge() throws {
    let device = try ConfigFiles.accelerator("groq-lpu")
    let shape = try ConfigFiles.model("llama-3.1-70b")
    let memory = MemoryPlan(context: 10_000, tokensInFlight: 10_000)
    #expect(device.fewestDevices(shape: shape, memory: memory) == nil)
  }

  @Test("an efficiency above 1 or of 0 is refused", arguments: ["1.01", "0"])
  func efficiency(text: String) throws {
    var figures = Dictionary(
      uniqueKeysWithValues: try ConfigFiles.preset("hardware", "h100", as: Accelerator.self)
        .figures.map { ($0.key.name, $0.figure) })
    figures["memory_efficiency"] = Figure(text, .assumed, source: "test")
    #expect {
      try Preset<Accelerator>(name: "test", summary: "", figures: figures)
    } throws: { error in
      (error as? PresetError)?.key == "memory_efficiency"
    }
  }
}
