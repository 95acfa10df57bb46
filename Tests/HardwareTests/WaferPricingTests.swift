import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Hardware

/// The slice of a whole layer of a committed shape.
private func wholeLayer(_ name: String) throws -> LayerSlice {
  let shape = try ConfigFiles.preset("models", name, as: ModelShape.self).value
  return LayerSlice(
    shape: shape, slice: try Split(shape: shape, pipeline: 1, tensor: 1).slice(ofRank: 0),
    hasExperts: false)
}

private func pricing(
  _ side: Int, wafer: String = "wse-2", options: WaferPricing.Options = .init()
) throws -> WaferPricing {
  WaferPricing(
    wafer: try ConfigFiles.wafer(wafer), calibration: try ConfigFiles.calibration(),
    region: Rectangle(square: side), options: options)
}

extension WaferPricing {
  /// Both blocks of one layer.
  fileprivate func layer(_ layer: LayerSlice, _ work: BatchWork) -> EmulatedTime {
    (attention(layer, work) + feedForward(layer, work)).total
  }
}

@Suite("Prices on calibrated wafers")
struct WaferPricingTests {
  /// The published decode formula for full-size K and V, written as it stands in the paper's terms
  /// and in plain fractions; split where the two blocks part.
  private func published(_ layer: LayerSlice, side: Int, groups: Int, context: Int) -> [Int128] {
    func p(_ size: Int) -> Rational { Rational((size + side - 1) / side) }
    let (row, fmac, chainStep) = (
      Rational(decimal: "28.95")!, Rational(decimal: "0.134")!, Rational(decimal: "24.65")!
    )
    let (two, group, count) = (Rational(2), Rational(side) / Rational(groups), Rational(groups))
    let chain = group / two + count / two
    let hops = count / two * (group - Rational(1)) + Rational(side) / two
    let collective = chainStep * chain + hops
    let (width, inner, shares) = (p(layer.width), p(layer.feedForwardWidth), p(context))
    let attention =
      row * (Rational(5) * width + shares)
      + fmac * (Rational(4) * width * width + two * width * shares)
    let feedForward =
      row * (two * width + inner) + fmac * Rational(3) * width * inner
    return [
      attention, Rational(7) * collective, feedForward, Rational(3) * collective,
    ].map { ($0 * Rational(10_000) / Rational(11)).rounded }  // 1.1 GHz: 10,000/11 ps a cycle
  }

  @Test("with K as wide as Q a decode step is the published formula, on every published grid")
  func publishedFormula() throws {
    let calibration = try ConfigFiles.calibration()
    #expect(calibration.groups.count == 11)
    let layers = try ["llama-3.1-8b", "qwen2-72b", "llama-2-13b"].map { name in
      var layer = try wholeLayer(name)
      layer.keyValueWidth = layer.queryWidth
      return layer
    }
    for (side, groups) in calibration.groups {
      let pricing = try pricing(side)
      for layer in layers {
        for context in [1, 100, 4096, 131_072] {
          let work = BatchWork.decode(contexts: [context])
          let (attention, feedForward) = (
            pricing.attention(layer, work), pricing.feedForward(layer, work)
          )
          #expect(
            [
              attention.compute, attention.fabric, feedForward.compute, feedForward.fabric,
            ].map { Int128($0.picoseconds) }
              == published(layer, side: side, groups: groups, context: context),
            "\(layer) on \(side)² at \(context)")
        }
      }
    }
  }

  @Test("published decode figures are met within 1.5 %, grouped queries counted truly")
  func decodeFigures() throws {
    for row in try ConfigFiles.calibration().rows where row.phase == .decode {
      let token = try pricing(row.side).layer(row.layer, .decode(contexts: [row.tokens]))
      let predicted = 1 / (Double(row.layers) * token.seconds)
      let error = predicted / row.tokensPerSecond.value.approximation - 1
      #expect(abs(error) < 0.015, "\(row.model) on \(row.side)²: \(error)")
    }
  }

  @Test("published prefill figures are met within 3 % as the published runs computed K and V")
  func prefillFigures() throws {
    for row in try ConfigFiles.calibration().rows where row.phase == .prefill {
      let pricing = try pricing(row.side, options: .init(countsGroupedQuery: false))
      let time = pricing.layer(row.layer, .prefill(tokens: row.tokens))
      let predicted = Double(row.tokens) / (Double(row.layers) * time.seconds)
      let error = predicted / row.tokensPerSecond.value.approximation - 1
      #expect(abs(error) < 0.03, "\(row.model) on \(row.side)²: \(error)")
    }
  }

  @Test("more PEs make a small decode slower: 8B on 660² than on 540² than on 420²")
  func negativeScaling() throws {
    let layer = try wholeLayer("llama-3.1-8b")
    let work = BatchWork.decode(contexts: [4096])
    let times = try [420, 540, 660].map { try pricing($0).layer(layer, work) }
    #expect(times[0] < times[1] && times[1] < times[2])
  }

  @Test("half the clock takes twice the time")
  func clock() throws {
    let layer = try wholeLayer("llama-3.1-8b")
    let full = try pricing(600)
    var wafer = full.wafer
    wafer.clock = wafer.clock / Rational(2)
    let half = WaferPricing(
      wafer: wafer, calibration: full.calibration, region: full.region)
    let work = BatchWork.decode(contexts: [4096])
    let difference = half.layer(layer, work) - full.layer(layer, work) - full.layer(layer, work)
    #expect(abs(difference.picoseconds) <= 4)
  }

  @Test("70B with a region of 190 × 210 PEs a layer decodes at about 600 tokens a second")
  func regionPerLayer() throws {
    let pricing = WaferPricing(
      wafer: try ConfigFiles.wafer("wse-3"), calibration: try ConfigFiles.calibration(),
      region: Rectangle(columns: 190, rows: 210))
    let layer = try pricing.layer(wholeLayer("llama-3.1-70b"), .decode(contexts: [2048]))
    let token = Double(80) * layer.seconds + 4 * 5e-6
    #expect((550...650).contains(1 / token), "\(1 / token) tokens/s")
  }

  // MARK: Short prompts

  @Test("prompts of 1, 5 and 64 tokens cost as many decode steps; one of 4096 is MeshGEMM")
  func shortPrompts() throws {
    let pricing = try pricing(600)
    let layer = try wholeLayer("llama-3.1-8b")
    for tokens in [1, 5, 64] {
      let steps = (1...tokens).reduce(EmulatedTime.zero) {
        $0 + pricing.layer(layer, .decode(contexts: [$1]))
      }
      let prompt = pricing.layer(layer, .prefill(tokens: tokens))
      // Rounding: once an entry against once an entry and token.
      #expect(abs((prompt - steps).picoseconds) <= Int64(2 * tokens + 2))
    }
    #expect(pricing.attentionChoice(layer, .prefill(tokens: 4096)).kernel == .attentionGEMM)
    #expect(pricing.feedForwardChoice(layer, .prefill(tokens: 4096)).kernel == .feedForwardGEMM)
  }

  @Test("passes and MeshGEMM of a whole layer cross between 200 and 260 tokens for 8B on 600²")
  func crossover() throws {
    let pricing = try pricing(600, options: .init(countsGroupedQuery: false))
    let layer = try wholeLayer("llama-3.1-8b")
    let rates = CycleRates(
      pricing.calibration.coefficients, clock: pricing.wafer.clock, cyclesPerHop: 1)
    let layout = pricing.layout
    let crossover = try #require(
      (1...600).first { tokens in
        let work = BatchWork.prefill(tokens: tokens)
        let passes = layout.attentionGEMV(layer, work) + layout.feedForwardGEMV(layer, work)
        let products =
          layout.projectionsGEMM(layer, work) + layout.coreGEMM(layer, work)
          + layout.feedForwardGEMM(layer, work)
        return rates.cost(of: products).total < rates.cost(of: passes).total
      })
    #expect((200...260).contains(crossover), "\(crossover)")
  }

  // MARK: Monotony

  /// Slices of 8B at TP 1, of 70B at TP 3 (uneven) and TP 16 (replicated KV heads), and a windowed one.
  private func slices() throws -> [LayerSlice] {
    var slices = [try wholeLayer("llama-3.1-8b")]
    let shape = try ConfigFiles.preset("models", "llama-3.1-70b", as: ModelShape.self).value
    for (tensor, rank) in [(3, 0), (3, 2), (16, 5)] {
      let split = try Split(shape: shape, pipeline: 1, tensor: tensor)
      slices.append(
        LayerSlice(
          shape: shape, slice: split.slice(ofRank: rank), hasExperts: false))
    }
    var windowed = slices[0]
    windowed.slidingWindow = 700
    return slices + [windowed]
  }

  @Test("a longer prompt never costs less, block by block, also after an offset")
  func monotoneInTokens() throws {
    for pricing in [try pricing(600), try pricing(97), try pricing(8)] {
      for layer in try slices() {
        for offset in [0, 1000] {
          var last = (EmulatedTime.zero, EmulatedTime.zero)
          for tokens in Array(1...320) + Array(stride(from: 340, through: 5000, by: 97)) {
            let work = BatchWork.prefill(tokens: tokens, offset: offset)
            let times = (
              pricing.attention(layer, work).total, pricing.feedForward(layer, work).total
            )
            #expect(times.0 >= last.0 && times.1 >= last.1, "\(tokens) after \(offset)")
            last = times
          }
        }
      }
    }
  }

  @Test("a longer context never costs less, for one token, a batch and a chunk")
  func monotoneInContext() throws {
    for pricing in [try pricing(600), try pricing(97)] {
      for layer in try slices() {
        var last = [EmulatedTime](repeating: .zero, count: 3)
        for context in stride(from: 512, through: 20_000, by: 61) {
          let times = [
            BatchWork.decode(contexts: [context]),
            BatchWork.decode(contexts: [context, 600, context / 2]),
            BatchWork.prefill(tokens: 512, offset: context - 512),
          ].map { pricing.attention(layer, $0).total }
          #expect(zip(times, last).allSatisfy { $0 >= $1 }, "\(context)")
          last = times
        }
      }
    }
  }

  @Test("more sequences never cost less, but a batch costs less than its sequences alone")
  func monotoneInBatch() throws {
    let pricing = try pricing(600)
    for layer in try slices() {
      let alone = BatchWork.decode(contexts: [2000])
      let (attention, feedForward) = (
        pricing.attention(layer, alone).total, pricing.feedForward(layer, alone).total
      )
      var last = Cost.zero
      var lastTotal = EmulatedTime.zero
      for sequences in Array(1...40) + Array(stride(from: 60, through: 400, by: 20)) {
        let work = BatchWork.decode(contexts: Array(repeating: 2000, count: sequences))
        let total = pricing.layer(layer, work)
        #expect(total >= lastTotal)
        #expect(
          total.picoseconds <= Int64(sequences) * (attention + feedForward).picoseconds)
        if sequences > 1 { #expect(pricing.attention(layer, work).total > attention) }
        lastTotal = total
        last = pricing.feedForward(layer, work)
      }
      // At 400 tokens the weights are better shared by MeshGEMM than streamed 400 times.
      #expect(last.total.picoseconds < 400 * feedForward.picoseconds)
    }
  }

  @Test("a batch never costs more than MeshGEMM of its tokens")
  func batchBound() throws {
    let pricing = try pricing(600)
    let layer = try wholeLayer("llama-3.1-8b")
    let rates = CycleRates(
      pricing.calibration.coefficients, clock: pricing.wafer.clock, cyclesPerHop: 1)
    for sequences in [1, 10, 100, 300, 1000] {
      let work = BatchWork.decode(contexts: Array(repeating: 1000, count: sequences))
      let layout = pricing.layout
      #expect(
        pricing.feedForward(layer, work).total
          <= rates.cost(of: layout.feedForwardGEMM(layer, work)).total)
      #expect(
        pricing.attention(layer, work).total
          <= (rates.cost(of: layout.projectionsGEMM(layer, work))
          + rates.cost(of: layout.coreGEMM(layer, work))).total)
    }
  }

  @Test("a shard never costs more than the whole layer, and wider shards never less")
  func shards() throws {
    let pricing = try pricing(600)
    let shape = try ConfigFiles.preset("models", "llama-3.1-70b", as: ModelShape.self).value
    let whole = try wholeLayer("llama-3.1-70b")
    for work in [BatchWork.decode(contexts: [3000]), .prefill(tokens: 100), .prefill(tokens: 3000)]
    {
      for tensor in [2, 3, 5, 8, 16, 64] {
        let split = try Split(shape: shape, pipeline: 1, tensor: tensor)
        let times = (0..<tensor).map {
          pricing.layer(
            LayerSlice(
              shape: shape, slice: split.slice(ofRank: $0), hasExperts: false), work)
        }
        #expect(times.allSatisfy { $0 <= pricing.layer(whole, work) })
        if tensor <= 8 { #expect(zip(times, times.dropFirst()).allSatisfy { $0 >= $1 }) }
      }
    }
  }

  @Test("embedding, head and candidates never cost less for more")
  func monotoneEnds() throws {
    let pricing = try pricing(600)
    var last = [EmulatedTime](repeating: .zero, count: 3)
    for count in 1...600 {
      let times = [
        pricing.embedding(width: 4096, tokens: count).total,
        pricing.head(width: 4096, vocabulary: 128_256, outputs: count).total,
        pricing.candidates(vocabulary: 128_256, outputs: count, count: 40).total,
      ]
      #expect(zip(times, last).allSatisfy { $0 > $1 || $0 == $1 })
      last = times
    }
  }
}

@Suite("Lines of PEs")
struct MeshLineTests {
  @Test("groups divide every line, and are the published ones where there are")
  func groups() throws {
    let published = try ConfigFiles.calibration().groups
    for length in 1...1200 {
      let line = MeshLine(length: length, published: published)
      #expect(length % line.groups == 0)
      if let groups = published[length] {
        #expect(line.groups == groups)
      } else {
        #expect(line.groups * line.groups <= length)
        let larger = (line.groups + 1..<length + 1).prefix { $0 * $0 <= length }
        #expect(!larger.contains { length % $0 == 0 })
      }
    }
    let byRule = published.filter { MeshLine.nearSquareDivisor(of: $0.key) == $0.value }
    #expect(byRule.count == 10)
  }

  @Test("shares and their sums are what counting gives")
  func shares() {
    for length in 1...12 {
      let line = MeshLine(length: length, published: [:])
      var sum = 0
      for size in 0...60 {
        let held = stride(from: 0, to: size, by: length).reduce(0) { count, _ in count + 1 }
        #expect(line.share(size) == held)
        sum += held
        #expect(line.sumOfShares(through: size) == sum)
      }
    }
  }
}

@Suite("Whole-number prices")
struct CycleRatesTests {
  @Test("equal those of fractions, for random coefficients, clocks and counts")
  func rationals() {
    var random = SeededGenerator(seed: 4)
    func coefficient() -> Rational {
      Rational(
        Int128(Int.random(in: 0...50_000, using: &random)),
        over: [1, 10, 100, 1000, 7, 36].randomElement(using: &random)!)
    }
    func count() -> Int { Int.random(in: 0...1_000_000, using: &random) }
    for _ in 0..<500 {
      let c = Calibration.Coefficients(
        clock: Rational(1), decodeRow: coefficient(), decodeFmac: coefficient(),
        decodeChainStep: coefficient(), decodeFixed: coefficient(), prefillRow: coefficient(),
        prefillFmac: coefficient(), prefillStep: coefficient(), prefillAlign: coefficient())
      let clock = Rational(
        Int128(Int.random(in: 1...3000, using: &random)) * 1_000_000, over: 1)
      let hop = Int.random(in: 0...3, using: &random)
      let rates = CycleRates(c, clock: clock, cyclesPerHop: hop)
      func time(_ cycles: Rational) -> EmulatedTime { EmulatedTime(seconds: cycles / clock) }

      let gemv = GEMVWork(
        rows: count(), fmacs: count(), collectives: count(), doubledChainSteps: count(),
        doubledHops: count(), wavelets: count())
      #expect(
        rates.cost(of: gemv)
          == Cost(
            compute: time(c.decodeRow * Rational(gemv.rows) + c.decodeFmac * Rational(gemv.fmacs)),
            fabric: time(
              c.decodeChainStep * Rational(Int128(gemv.doubledChainSteps), over: 2)
                + Rational(hop) * Rational(Int128(gemv.doubledHops), over: 2)
                + c.decodeFixed * Rational(gemv.collectives) + Rational(gemv.wavelets))))

      let gemm = GEMMWork(
        rows: count(), fmacs: count(), doubledSteps: count(), quadrupledShifts: count())
      #expect(
        rates.cost(of: gemm)
          == Cost(
            compute: time(
              c.prefillRow * Rational(gemm.rows) + c.prefillFmac * Rational(gemm.fmacs)),
            fabric: time(
              c.prefillStep * Rational(Int128(gemm.doubledSteps), over: 2)
                + c.prefillAlign * Rational(Int128(gemm.quadrupledShifts), over: 4))))
    }
  }
}
