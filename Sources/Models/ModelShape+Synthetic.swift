/// Shapes for weights made from a seed, so that every command works without a model file.
extension ModelShape {
  /// 0.9 M weights: small enough for tests that compute everything many times.
  ///
  /// Four KV heads for eight query heads, so that up to eight shards exercise replicated KV heads.
  public static let syntheticTiny = ModelShape(
    name: "synthetic-tiny", layers: 4, width: 128, queryHeads: 8, keyValueHeads: 4, headSize: 16,
    feedForwardWidth: 384, vocabulary: 1024, contextLength: 2048)

  /// 28 M weights: the embedded default.
  public static let syntheticSmall = ModelShape(
    name: "synthetic-small", layers: 8, width: 512, queryHeads: 8, keyValueHeads: 4, headSize: 64,
    feedForwardWidth: 1408, vocabulary: 4096, contextLength: 2048)

  /// 135 M weights: the shape of SmolLM2-135M (its `config.json` on Hugging Face).
  public static let synthetic135M = ModelShape(
    name: "synthetic-135m", layers: 30, width: 576, queryHeads: 9, keyValueHeads: 3, headSize: 64,
    feedForwardWidth: 1536, vocabulary: 49152, contextLength: 8192, tiedHead: true,
    rotary: RotaryEmbedding(base: 100_000))

  /// 1.1 G weights, 2.2 GB in bfloat16: for measurements of memory. The shape of TinyLlama-1.1B.
  public static let synthetic1B = ModelShape(
    name: "synthetic-1b", layers: 22, width: 2048, queryHeads: 32, keyValueHeads: 4, headSize: 64,
    feedForwardWidth: 5632, vocabulary: 32000, contextLength: 2048)

  /// The shapes above, smallest first.
  public static let syntheticShapes = [
    syntheticTiny, syntheticSmall, synthetic135M, synthetic1B,
  ]

  /// The synthetic shape of this name, or `nil`.
  public static func synthetic(named name: String) -> ModelShape? {
    syntheticShapes.first { $0.name == name }
  }
}
