import Models
import Placement
import Quantities
import Testing

@testable import Hardware

@Suite("Experts and latent attention, priced by hand")
struct ExpertPricingTests {
  /// 8 experts of width 4, 2 of them and a shared one for each token, on 4 × 4 PEs: 1 of F_e and 2 of the 8
  /// scores a PE.
  private var routed: LayerSlice {
    var layer = Toy.layer
    layer.feedForwardWidth = 4
    layer.experts = .init(count: 8, active: 2, shared: 1, width: 4)
    return layer
  }

  /// Two heads of 4 + 2, values of 4, ranks 8 and 4.
  private var latent: LayerSlice {
    var layer = Toy.layer
    layer.queryWidth = 12
    layer.keyValueWidth = 12
    layer.headSize = 6
    layer.latentAttention = .init(
      queryRank: 8, keyValueRank: 4, rotarySize: 2, plainSize: 4, valueSize: 4)
    return layer
  }

  @Test("a token goes through the router and three experts")
  func experts() {
    // rows 2 + 3·(2·2 + 1) = 17, fmacs 2·2 + 3·3·2·1 = 22: 170 + 11; six collectives and one further
    // candidate of two wavelets.
    #expect(
      Toy.pricing().feedForward(routed, .decode(contexts: [10]))
        == Toy.cost(compute: 170 + 11, fabric: 6 * 10 + 2))
  }

  @Test("a second sequence adds its own experts, and follows at one wavelet a cycle")
  func expertsOfTwo() {
    // Behind the first: norm 1, 2 scores of 16 bits 1, gate and up of 3 experts 6 of 16 bits 3, down 1.
    #expect(
      Toy.pricing().feedForward(routed, .decode(contexts: [10, 10]))
        == Toy.cost(compute: 2 * 181, fabric: 6 * 10 + 4 + 6))
  }

  @Test("the dense layers of a model with experts have no router")
  func denseLayers() throws {
    let shape = try ConfigFiles.preset("models", "deepseek-v3", as: ModelShape.self).value
    let slice = try Split(shape: shape, pipeline: 1, tensor: 4).slice(ofRank: 0)
    let dense = LayerSlice(shape: shape, slice: slice, hasExperts: false)
    let routed = LayerSlice(shape: shape, slice: slice, hasExperts: true)
    #expect(dense.experts == nil && dense.feedForwardWidth == 18432 / 4)
    #expect(routed.experts?.count == 256 && routed.feedForwardWidth == 2048 / 4)
    #expect(dense.heads == 32)
  }

  @Test("latent attention reads the cached vectors, and absorbs the up-projections")
  func latentDecode() {
    // On 4 × 4 PEs: D 2; query rank 2, cached 6 → 2, queries 12 → 3, plain 8 → 2, rank 4 → 1,
    // latents 8 → 2, a head's values 4 → 1, outputs 8 → 2, D over the rows 2.
    // Projections: rows 2·2 + 2 + 2 + 2 + 2 = 12; fmacs 2·4 + 2·3 + 2·1 + 2·1 + 2·2 = 22; 7 collectives.
    // Core at context 10 → 3: keys 12 → 3, values 8 → 2; rows 3 + 3, fmacs 5·3 = 15; 4 collectives.
    #expect(
      Toy.pricing().attention(latent, .decode(contexts: [10]))
        == Toy.cost(compute: 120 + 11 + 60, fabric: 11 * 10)
        + Cost(compute: EmulatedTime(picoseconds: 7500)))
  }

  @Test("SRAM holds every expert, and of latent attention one short vector a token")
  func sram() {
    let layout = Toy.pricing().layout
    // Q and O 2·2 each, K and V 2·1 each: 12; router 2·2, nine experts of 3·2·1; two norms of 2.
    #expect(layout.weightTile(of: routed) == 12 + 4 + 54 + 4)
    // 10 positions → 3, 6 cached numbers → 2.
    #expect(layout.keyValueTile(of: latent, 10) == 6)
    #expect(layout.keyValueTile(of: Toy.layer, 10) == 2 * 3 * 1)
  }

  @Test("a longer context, more sequences and more tokens never cost less", arguments: [1, 2, 7])
  func monotone(sequences: Int) throws {
    for name in ["mixtral-8x7b", "deepseek-v3"] {
      let shape = try ConfigFiles.preset("models", name, as: ModelShape.self).value
      let slice = try Split(shape: shape, pipeline: 1, tensor: 1).slice(ofRank: 0)
      let layer = LayerSlice(shape: shape, slice: slice, hasExperts: true)
      let pricing = WaferPricing(
        wafer: try ConfigFiles.wafer("wse-3"), calibration: try ConfigFiles.calibration(),
        region: Rectangle(square: 540))
      func decode(_ context: Int, _ count: Int) -> EmulatedTime {
        let work = BatchWork.decode(contexts: Array(repeating: context, count: count))
        return (pricing.attention(layer, work) + pricing.feedForward(layer, work)).total
      }
      #expect(decode(1000, sequences) <= decode(5000, sequences))
      #expect(decode(1000, sequences) <= decode(1000, sequences + 1))
      var before = EmulatedTime.zero
      for tokens in [1, 2, 5, 64, 256, 1000, 4096] {
        let work = BatchWork.prefill(tokens: tokens)
        let time = (pricing.attention(layer, work) + pricing.feedForward(layer, work)).total
        #expect(time >= before, "\(name), \(tokens) tokens")
        before = time
      }
    }
  }
}
