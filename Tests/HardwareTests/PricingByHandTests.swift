import Hardware
import Quantities
import Testing

@Suite("Prices worked out by hand")
struct PricingByHandTests {
  @Test("a decode step of one sequence")
  func decode() {
    let work = BatchWork.decode(contexts: [10])  // ⌈10/4⌉ = 3
    // rows: Q 2, K 2, V 2, score 2, value 3, O 2; fmacs: 4 + 2 + 2 + 6 + 6 + 4; 7 collectives.
    #expect(
      Toy.pricing().attention(Toy.layer, work) == Toy.cost(compute: 130 + 12, fabric: 70))
    // rows: up 2, gate 2, down 3; fmacs: 3 · 6; 3 collectives.
    #expect(Toy.pricing().feedForward(Toy.layer, work) == Toy.cost(compute: 70 + 9, fabric: 30))
  }

  @Test("without grouped queries, K and V are as wide as Q")
  func fullKeysAndValues() {
    let pricing = Toy.pricing(options: .init(countsGroupedQuery: false))
    // fmacs of K and V: 4 each instead of 2.
    #expect(
      pricing.attention(Toy.layer, .decode(contexts: [10]))
        == Toy.cost(compute: 130 + 14, fabric: 70))
  }

  @Test("a decode step of three sequences: compute for each, one collective and further vectors")
  func batch() {
    let work = BatchWork.decode(contexts: [10, 4, 5])  // shares 3, 1, 2
    // rows 3·(6 + 2 + 2) + 6 = 36, fmacs 3·12 + 2·2·6 = 60. Two further vectors of norm 1, QKV
    // 4·16 bit = 2, O 1, score over the longest context 3·16 bit = 2, maximum 1, sum 1, value 1.
    #expect(
      Toy.pricing().attention(Toy.layer, work)
        == Toy.cost(compute: 360 + 30, fabric: 70 + 2 * 9))
    // rows 3·7, fmacs 3·18; norm 1, up and gate 6·16 bit = 3, down 1.
    #expect(
      Toy.pricing().feedForward(Toy.layer, work)
        == Toy.cost(compute: 210 + 27, fabric: 30 + 2 * 5))
  }

  @Test("a prompt of 16 tokens is cheaper as MeshGEMM")
  func prefill() {
    let work = BatchWork.prefill(tokens: 16)  // 4 tokens a PE
    // rows 4·(2·4 + 2·2) + 4·(2·4 + 4·2) = 112, four tokens each; steps 4·(4.5 + 3.5) = 32;
    // alignment 4·(2 + 2) + 4·4 = 32 quarters of 4 PEs.
    #expect(
      Toy.pricing().attention(Toy.layer, work)
        == Toy.cost(compute: 224 + 112, fabric: 1600 + 128))
    // rows 4·(2·6 + 6) = 72; steps 4·3.5 = 14; alignment 4·(2 + 3) = 20.
    #expect(
      Toy.pricing().feedForward(Toy.layer, work) == Toy.cost(compute: 144 + 72, fabric: 700 + 80))
  }

  @Test("a chunk of 4 tokens after 6 others is cheaper as four GEMV passes")
  func chunk() {
    let work = BatchWork.prefill(tokens: 4, offset: 6)
    // Contexts 7, 8, 9, 10 have shares 2, 2, 3, 3: rows 4·10 + 10, fmacs 4·12 + 4·10.
    #expect(
      Toy.pricing().attention(Toy.layer, work) == Toy.cost(compute: 500 + 44, fabric: 4 * 70))
    #expect(
      Toy.pricing().feedForward(Toy.layer, work) == Toy.cost(compute: 4 * 79, fabric: 4 * 30))
  }

  @Test("a sliding window bounds what a query reads")
  func window() {
    var layer = Toy.layer
    layer.slidingWindow = 6  // share 2
    #expect(
      Toy.pricing().attention(layer, .decode(contexts: [100]))
        == Toy.pricing().attention(Toy.layer, .decode(contexts: [6])))
    // A chunk at contexts 4…8 reads 4, 5, 6, 6, 6.
    let chunk = Toy.pricing().attention(layer, .prefill(tokens: 5, offset: 3))
    let single = [4, 5, 6, 6, 6].reduce(Cost.zero) {
      $0 + Toy.pricing().attention(Toy.layer, .decode(contexts: [$1]))
    }
    #expect(chunk == single)
    // As MeshGEMM, 16 queries with a window of 6 span the last 21 positions.
    #expect(
      Toy.pricing().attention(layer, .prefill(tokens: 16, offset: 84))
        == Toy.pricing().attention(Toy.layer, .prefill(tokens: 16, offset: 5)))
  }

  @Test("on a rectangle, D and T lie over the columns, Hd and F over the rows")
  func rectangle() {
    // 4 columns, 2 rows: shares D 2, T 3, Hd 4, Kd 2, F 6. A line of 2 has one group of 2:
    // 1.5 chain steps and 1.5 hops, 7 cycles a collective.
    let pricing = Toy.pricing(columns: 4, rows: 2)
    let work = BatchWork.decode(contexts: [10])
    // rows 3·2 + 4 + 3 + 4 = 17, fmacs 2·(4 + 4 + 4) + 2·4·3 = 48; score and O along the rows.
    #expect(
      pricing.attention(Toy.layer, work)
        == Toy.cost(compute: 170 + 24, fabric: 5 * 10 + 2 * 7))
    // rows 2·2 + 6 = 10, fmacs 3·12 = 36; down along the rows.
    #expect(
      pricing.feedForward(Toy.layer, work) == Toy.cost(compute: 100 + 18, fabric: 2 * 10 + 7))
  }

  @Test("embedding, head and candidates")
  func ends() {
    let pricing = Toy.pricing()
    // 3 tokens of 2 activations, one wavelet each, then 4 hops and two ramps of 2.
    #expect(pricing.embedding(width: 8, tokens: 3) == Toy.cost(compute: 0, fabric: 3 + 4 + 4))
    // 2 inputs and ⌈30/4⌉ = 8 logits a PE: 2 rows, 16 fmacs, 2 collectives.
    #expect(
      pricing.head(width: 8, vocabulary: 30, outputs: 1) == Toy.cost(compute: 28, fabric: 20))
    // Two more positions: norm 1 and 8·16 bit = 4 wavelets each.
    #expect(
      pricing.head(width: 8, vocabulary: 30, outputs: 3)
        == Toy.cost(compute: 84, fabric: 20 + 2 * 5))
    // 8 logits scanned twice at half a cycle; 2 collectives; 4 further candidates of 2 wavelets.
    #expect(
      pricing.candidates(vocabulary: 30, outputs: 1, count: 5)
        == Toy.cost(compute: 8, fabric: 20 + 8))
    #expect(
      pricing.candidates(vocabulary: 30, outputs: 2, count: 1)
        == Toy.cost(compute: 16, fabric: 20 + 2))
    #expect(pricing.embedding(width: 8, tokens: 0) == .zero)
    #expect(pricing.head(width: 8, vocabulary: 30, outputs: 0) == .zero)
    #expect(pricing.candidates(vocabulary: 30, outputs: 0, count: 1) == .zero)
  }

  @Test("each account entry is rounded once, ties to even")
  func rounding() {
    // At 8 GHz a cycle is 125 ps, and half a cycle a tie between 62 and 63: 62.
    var wafer = Toy.wafer
    wafer.clock = Rational(8_000_000_000)
    var coefficients = Toy.coefficients
    coefficients.decodeRow = Rational(0)
    coefficients.decodeFmac = Rational(1, over: 36)  // 18 fmacs: half a cycle
    let pricing = WaferPricing(
      wafer: wafer,
      calibration: Calibration(
        name: "toy", wafer: "toy", coefficients: coefficients, rows: [], groups: [:]),
      region: Rectangle(square: 4))
    let cost = pricing.feedForward(Toy.layer, .decode(contexts: [1]))
    #expect(cost.compute.picoseconds == 62)
    #expect(cost.fabric.picoseconds == 30 * 125)
    #expect(cost.total.picoseconds == 62 + 30 * 125)
  }

  @Test("costs add and multiply entry by entry; a step of nobody is free")
  func costs() {
    let cost = Toy.cost(compute: 3, fabric: 4)
    #expect(cost + cost == Toy.cost(compute: 6, fabric: 8))
    #expect(cost * 5 == Toy.cost(compute: 15, fabric: 20))
    var sum = cost
    sum += Cost(memory: EmulatedTime(picoseconds: 1))
    #expect(sum.total.picoseconds == 7001)
    let nobody = BatchWork(entries: [], outputs: 0)
    #expect(Toy.pricing().attention(Toy.layer, nobody) == .zero)
    #expect(Toy.pricing().feedForward(Toy.layer, nobody) == .zero)
  }
}
