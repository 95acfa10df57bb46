import Models
import Testing

@Suite("Weights of a shape")
struct WeightCountTests {
  private static let llama70B = ModelShape(
    name: "llama-70b", layers: 80, width: 8192, queryHeads: 64, keyValueHeads: 8, headSize: 128,
    feedForwardWidth: 28672, vocabulary: 128_256, contextLength: 131_072)
  private static let mixtral = ModelShape(
    name: "mixtral", layers: 32, width: 4096, queryHeads: 32, keyValueHeads: 8, headSize: 128,
    feedForwardWidth: 14336, vocabulary: 32_000, contextLength: 32_768,
    experts: .init(count: 8, active: 2, width: 14336))
  private static let deepSeek = ModelShape(
    name: "deepseek", layers: 61, width: 7168, queryHeads: 128, keyValueHeads: 128, headSize: 192,
    feedForwardWidth: 18432, vocabulary: 129_280, contextLength: 163_840,
    experts: .init(count: 256, active: 8, shared: 1, width: 2048, denseLayers: 3),
    latentAttention: .init(
      queryRank: 1536, keyValueRank: 512, rotarySize: 64, plainSize: 128, valueSize: 128))

  @Test("a 70B model has 70.6 G weights, and its cache 160 Ki numbers a token")
  func dense() {
    // 80·(8192·(64 + 2·8)·128 + 64·128·8192 + 3·8192·28672 + 2·8192) + 2·128256·8192 + 8192.
    #expect(Self.llama70B.weights == 70_553_706_496)
    #expect(Self.llama70B.keyValuesPerToken * 2 == 327_680)
  }

  @Test("Mixtral has 46.7 G weights, and 12.9 G act on one token")
  func experts() {
    #expect(Self.mixtral.weights == 46_702_792_704)
    let active = Self.mixtral.activeWeights(sequences: 1) + Double(Self.mixtral.embeddingWeights)
    #expect(active == 12_879_925_248)
  }

  @Test("DeepSeek-V3 has 671 G weights, and its cache 576 numbers a token and layer")
  func latent() {
    #expect(Self.deepSeek.weights == 671_026_404_352)
    #expect(Self.deepSeek.keyValueWidth == 576)
    #expect(Self.deepSeek.hasExperts(layer: 3))
    #expect(!Self.deepSeek.hasExperts(layer: 2))
  }

  @Test("tokens meet E(1 − (1 − k/E)^S) distinct experts")
  func distinct() {
    let experts = ModelShape.Experts(count: 8, active: 2, width: 1)
    #expect(experts.expectedDistinct(tokens: 0) == 0)
    #expect(experts.expectedDistinct(tokens: 1) == 2)
    // 8·(1 − (3/4)^2) and 8·(1 − (3/4)^3), exact in binary.
    #expect(experts.expectedDistinct(tokens: 2) == 3.5)
    #expect(experts.expectedDistinct(tokens: 3) == 4.625)
    #expect(experts.expectedDistinct(tokens: 100_000) == 8)
  }
}
