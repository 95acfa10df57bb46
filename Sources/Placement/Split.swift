import Models

/// How a model is cut over stages (pipeline parallel) and shards (tensor parallel).
///
/// rank = stage × tensor + shard. The rules are those of DESIGN section 5: contiguous ranges, the low
/// stages and shards take what does not divide evenly.
public struct Split: Hashable, Sendable {
  /// The model that is cut.
  public let shape: ModelShape
  /// Layers of each stage, in order, none empty.
  public let stages: [Range<Int>]
  /// Tensor-parallel size: shards of each stage.
  public let tensor: Int

  /// Pipeline-parallel size.
  public var pipeline: Int { stages.count }
  /// Number of ranks.
  public var ranks: Int { pipeline * tensor }

  /// Cuts layers evenly over `pipeline` stages, or as `layersPerStage` lists them.
  ///
  /// Throws `SplitError` when there are fewer layers than stages, or the tensor-parallel size is
  /// more than the heads, the feed-forward width or the vocabulary allow.
  public init(
    shape: ModelShape, pipeline: Int, tensor: Int, layersPerStage: [Int]? = nil
  ) throws(SplitError) {
    guard pipeline >= 1, pipeline <= shape.layers else {
      throw .stages(pipeline: pipeline, layers: shape.layers)
    }
    guard tensor >= 1, tensor <= shape.queryHeads else {
      throw .shards(tensor: tensor, queryHeads: shape.queryHeads)
    }
    let inner = min(shape.feedForwardWidth, shape.experts?.width ?? .max)
    guard tensor <= min(inner, shape.vocabulary) else {
      throw .columns(tensor: tensor, feedForwardWidth: inner, vocabulary: shape.vocabulary)
    }
    if let layersPerStage {
      guard layersPerStage.count == pipeline,
        layersPerStage.allSatisfy({ $0 > 0 && $0 <= shape.layers }),
        layersPerStage.reduce(0, +) == shape.layers
      else {
        throw .layerList(layersPerStage, pipeline: pipeline, layers: shape.layers)
      }
      var start = 0
      stages = layersPerStage.map { count in
        defer { start += count }
        return start..<start + count
      }
    } else {
      stages = (0..<pipeline).map { Self.share($0, of: pipeline, total: shape.layers) }
    }
    self.shape = shape
    self.tensor = tensor
  }

  /// The slice of the model that one rank holds.
  public func slice(ofRank rank: Int) -> ShardSlice {
    precondition(rank >= 0 && rank < ranks, "rank \(rank) of \(ranks)")
    let (stage, shard) = rank.quotientAndRemainder(dividingBy: tensor)
    let heads = Self.heads(shard: shard, of: tensor, shape: shape)
    return ShardSlice(
      stage: stage, shard: shard, layers: stages[stage],
      queryHeads: heads.query, keyValueHeads: heads.keyValue,
      feedForward: Self.share(shard, of: tensor, total: shape.feedForwardWidth),
      expertColumns: Self.share(shard, of: tensor, total: shape.experts?.width ?? 0),
      vocabulary: Self.share(shard, of: tensor, total: shape.vocabulary),
      hasEmbedding: stage == 0, hasHead: stage == pipeline - 1)
  }

  /// The contiguous part `index` of `count` of `0..<total`; low parts take the extra.
  public static func share(_ index: Int, of count: Int, total: Int) -> Range<Int> {
    let (size, extra) = total.quotientAndRemainder(dividingBy: count)
    let start = index * size + min(index, extra)
    return start..<start + size + (index < extra ? 1 : 0)
  }

  /// With no more shards than KV heads, shards take whole KV groups. With more, they take query heads,
  /// and each holds the KV heads that its queries read.
  private static func heads(
    shard: Int, of tensor: Int, shape: ModelShape
  ) -> (query: Range<Int>, keyValue: Range<Int>) {
    let group = shape.queryHeadsPerKeyValueHead
    if tensor <= shape.keyValueHeads {
      let keyValue = share(shard, of: tensor, total: shape.keyValueHeads)
      return (keyValue.lowerBound * group..<keyValue.upperBound * group, keyValue)
    }
    let query = share(shard, of: tensor, total: shape.queryHeads)
    return (query, query.lowerBound / group..<(query.upperBound - 1) / group + 1)
  }
}

/// What one rank holds of a model.
public struct ShardSlice: Hashable, Sendable {
  /// Its stage.
  public let stage: Int
  /// Its shard of the stage.
  public let shard: Int
  /// Layers of the stage, by their index in the model.
  public let layers: Range<Int>
  /// Query heads of each of its layers, by their index in the layer.
  public let queryHeads: Range<Int>
  /// Key and value heads it needs for them; neighbours may hold the same ones.
  public let keyValueHeads: Range<Int>
  /// Columns of the feed-forward's inner width.
  public let feedForward: Range<Int>
  /// Columns of each expert's inner width; empty without experts.
  public let expertColumns: Range<Int>
  /// Tokens of the vocabulary, for the embedding and the head.
  public let vocabulary: Range<Int>
  /// Whether the rank belongs to the first stage.
  public let hasEmbedding: Bool
  /// Whether the rank belongs to the last stage.
  public let hasHead: Bool

  /// A slice of these parts.
  public init(
    stage: Int, shard: Int, layers: Range<Int>, queryHeads: Range<Int>, keyValueHeads: Range<Int>,
    feedForward: Range<Int>, expertColumns: Range<Int> = 0..<0, vocabulary: Range<Int>,
    hasEmbedding: Bool, hasHead: Bool
  ) {
    self.stage = stage
    self.shard = shard
    self.layers = layers
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.feedForward = feedForward
    self.expertColumns = expertColumns
    self.vocabulary = vocabulary
    self.hasEmbedding = hasEmbedding
    self.hasHead = hasHead
  }
}

/// A split that the model does not allow.
public enum SplitError: Error, Hashable, CustomStringConvertible {
  case stages(pipeline: Int, layers: Int)
  case shards(tensor: Int, queryHeads: Int)
  case columns(tensor: Int, feedForwardWidth: Int, vocabulary: Int)
  case layerList([Int], pipeline: Int, layers: Int)

  /// One sentence: what is wrong and what would be right.
  public var description: String {
    switch self {
    case .stages(let pipeline, let layers):
      "pipeline-parallel size \(pipeline) is not between 1 and the model's \(layers) layers"
    case .shards(let tensor, let queryHeads):
      "tensor-parallel size \(tensor) is not between 1 and the model's \(queryHeads) query heads"
    case .columns(let tensor, let feedForwardWidth, let vocabulary):
      "tensor-parallel size \(tensor) is more than the model's feed-forward width "
        + "\(feedForwardWidth) or its vocabulary \(vocabulary)"
    case .layerList(let list, let pipeline, let layers):
      "layers per stage \(list) must be \(pipeline) positive numbers that add up to \(layers)"
    }
  }
}
