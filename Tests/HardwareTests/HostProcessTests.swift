import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Hardware

/// A host of round numbers.
private enum RoundHost {
  static let picosecond = Rational(1, over: 1_000_000_000_000)

  static func times(_ picoseconds: Int) -> Rational { Rational(picoseconds) * picosecond }

  static let process = HostProcess(
    name: "round", model: "round", precision: "float32", busyProcesses: 1,
    attention: .init(
      fixed: times(100),
      points: [
        .init(tokens: 1, perWeight: times(2)), .init(tokens: 4, perWeight: times(5)),
        .init(tokens: 8, perWeight: times(13)),
      ]),
    pair: times(7),
    feedForward: .init(fixed: times(10), points: [.init(tokens: 1, perWeight: times(3))]),
    head: .init(fixed: times(20), points: [.init(tokens: 1, perWeight: times(1))]),
    embedding: .init(fixed: times(5), each: times(1)),
    candidates: .init(fixed: times(6), each: times(2)), step: times(1000), link: "round")

  /// D 8, Hd 8, Kd 4, F 12.
  static let shape = ModelShape(
    name: "round", layers: 3, width: 8, queryHeads: 2, keyValueHeads: 1, headSize: 4,
    feedForwardWidth: 12, vocabulary: 20, contextLength: 100)

  static let layer = LayerPart(shape: shape, layer: 0)
}

@Suite("A host as a device")
struct HostProcessTests {
  @Test("prices by hand: weights at their number of tokens, pairs, and what is fixed")
  func byHand() {
    let pricing = HostPricing(RoundHost.process)
    func compute(_ picoseconds: Int) -> Cost {
      Cost(compute: EmulatedTime(picoseconds: Int64(picoseconds)))
    }
    // Q and O 8·8 each, K and V 8·4 each: 192 weights. Ten pairs of 8 numbers.
    #expect(
      pricing.attention(RoundHost.layer, .decode(contexts: [10]))
        == compute(100 + 192 * 2 + 80 * 7))
    // Two tokens of two sequences: a third of the way from 2 to 5 ps a weight.
    #expect(
      pricing.attention(RoundHost.layer, .decode(contexts: [10, 1]))
        == compute(100 + 192 * 3 + 88 * 7))
    // A prompt of ten lies beyond the last point, 13 ps for eight: in proportion, 16.25. 55 pairs.
    #expect(
      pricing.attention(RoundHost.layer, .prefill(tokens: 10))
        == compute(100 + 3120 + 55 * 8 * 7))
    // One point alone: in proportion. 3·8·12 weights.
    #expect(
      pricing.feedForward(RoundHost.layer, .prefill(tokens: 5)) == compute(10 + 288 * 15))
    #expect(pricing.head(width: 8, vocabulary: 20, outputs: 1) == compute(20 + 160))
    #expect(pricing.embedding(width: 8, tokens: 3) == compute(5 + 24))
    #expect(pricing.candidates(vocabulary: 20, outputs: 2, count: 1) == compute(6 + 80))
    #expect(pricing.step == compute(1000))
    #expect(pricing.head(width: 8, vocabulary: 20, outputs: 0) == .zero)
  }

  @Test("points that fall make no time fall below nothing, however many tokens there are")
  func fallingPoints() {
    let kernel = HostProcess.MatrixKernel(
      fixed: Rational(0),
      points: [
        .init(tokens: 1, perWeight: RoundHost.times(1)),
        .init(tokens: 3, perWeight: RoundHost.times(9)),
        .init(tokens: 4, perWeight: RoundHost.times(4)),
      ])
    var least = kernel.seconds(weights: 10, tokens: 4)
    for tokens in 5...600 {
      let next = kernel.seconds(weights: 10, tokens: tokens)
      #expect(next > least, "\(tokens) tokens")
      least = next
    }
  }

  @Test("a shard is priced by its own slice")
  func shards() throws {
    let pricing = HostPricing(RoundHost.process)
    let split = try Split(shape: RoundHost.shape, pipeline: 1, tensor: 2)
    let work = BatchWork.decode(contexts: [1])
    let costs = (0..<2).map { rank in
      pricing.feedForward(
        LayerPart(shape: RoundHost.shape, slice: split.slice(ofRank: rank), hasExperts: false),
        work
      ).total.picoseconds
    }
    // Half of the 288 weights each, and the fixed time twice.
    #expect(costs == [442, 442])
  }

  private static func figures() -> [String: Figure<String>] {
    [
      "model": "round", "precision": "float32", "busy_processes": "2", "link": "round-tcp",
      "step_overhead": "100 us", "embedding_fixed": "1 us", "embedding_values": "0.25 ms",
      "candidates_fixed": "2 us", "candidates_logits": "1 ms", "attention_pairs": "3 us",
      "attention_fixed": "1.5 us", "attention_weights_1": "80 us", "attention_weights_64": "1 ms",
      "feed_forward_fixed": "0 us", "feed_forward_weights_1": "75.5 us", "head_fixed": "9 us",
      "head_weights_1": "120 us", "head_weights_2": "140 us",
    ].mapValues { Figure($0, .measured, source: "here") }
  }

  @Test("a preset's figures are read exactly")
  func preset() throws {
    let host = try Preset<HostProcess>(name: "h", summary: "s", figures: Self.figures()).value
    #expect(host.busyProcesses == 2 && host.power == nil)
    #expect(host.link == "round-tcp")
    #expect(host.attention.points.map(\.tokens) == [1, 64])
    #expect(host.attention.points[0].perWeight == Rational(80, over: 1_000_000_000_000))
    #expect(host.head.points[1].perWeight == Rational(140, over: 1_000_000_000_000))
    #expect(host.feedForward.points[0].perWeight == Rational(755, over: 10_000_000_000_000))
    #expect(host.step == Rational(1, over: 10_000))
  }

  @Test("a preset without one token, or with a number of tokens that is not measured, is an error")
  func wrongPresets() {
    var missing = Self.figures()
    missing["head_weights_1"] = nil
    #expect {
      _ = try Preset<HostProcess>(name: "h", summary: "", figures: missing)
    } throws: {
      ($0 as? PresetError)?.key == "head_weights_1"
    }
    var unknown = Self.figures()
    unknown["head_weights_5"] = unknown["head_weights_1"]
    #expect {
      _ = try Preset<HostProcess>(name: "h", summary: "", figures: unknown)
    } throws: {
      ($0 as? PresetError)?.key == "head_weights_5"
    }
  }
}

@Suite("What a host's kernels take, from measured times")
struct HostFitTests {
  private static func isClose(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-30)
  }

  @Test(
    "data without errors give back what they were made from", arguments: 0..<20 as Range<UInt64>)
  func exact(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let fixed = Double.random(in: 1e-7...1e-4, using: &generator)
    let pair = Double.random(in: 1e-12...1e-9, using: &generator)
    let points = HostProcess.tokenGrid.prefix(Int.random(in: 1...12, using: &generator)).map {
      (tokens: $0, perWeight: Double($0) * Double.random(in: 1e-11...1e-9, using: &generator))
    }
    var samples: [HostFit.Sample] = []
    for weights in [300_000, 590_000, 885_000] {
      for point in points {
        for context in point.tokens == 1 ? [8, 300] : [8] {
          let pairs = context * point.tokens * weights / 1000
          samples.append(
            HostFit.Sample(
              weights: weights, tokens: point.tokens, pairs: pairs,
              seconds: fixed + Double(weights) * point.perWeight + Double(pairs) * pair))
        }
      }
    }
    let fit = HostFit.matrix(samples.shuffled(using: &generator))
    #expect(abs(fit.fixed - fixed) <= 1e-6 * fixed, "\(fit.fixed) for \(fixed)")
    #expect(abs(fit.pair - pair) <= 1e-6 * pair, "\(fit.pair) for \(pair)")
    #expect(fit.points.map(\.tokens) == points.map(\.tokens))
    for (found, made) in zip(fit.points, points) {
      #expect(abs(found.perWeight - made.perWeight) <= 1e-6 * made.perWeight)
    }
  }

  @Test("weights of one size say nothing of what is fixed: all time is theirs")
  func oneSize() {
    let fit = HostFit.matrix([
      HostFit.Sample(weights: 1000, tokens: 1, seconds: 2e-6),
      HostFit.Sample(weights: 1000, tokens: 4, seconds: 5e-6),
    ])
    #expect(fit.fixed == 0 && fit.pair == 0)
    #expect(Self.isClose(fit.points[0].perWeight, 2e-9))
    #expect(Self.isClose(fit.points[1].perWeight, 5e-9))
  }

  @Test("no coefficient is below nothing, whatever the data say")
  func bounds() {
    // More weights in less time, and a longer context in less.
    let fit = HostFit.matrix([
      HostFit.Sample(weights: 1000, tokens: 1, pairs: 900, seconds: 2e-6),
      HostFit.Sample(weights: 1000, tokens: 1, pairs: 100, seconds: 3e-6),
      HostFit.Sample(weights: 2000, tokens: 1, pairs: 100, seconds: 8e-6),
    ])
    #expect(fit.pair == 0 && fit.fixed == 0 && fit.points[0].perWeight > 0)
  }

  @Test("a line through exact counts is found")
  func line() {
    let line = HostFit.line(
      [576, 1152, 36_864].map { ($0, 2e-6 + Double($0) * 5e-10) })
    #expect(abs(line.fixed - 2e-6) < 1e-13 && abs(line.each - 5e-10) < 1e-17)
  }
}
