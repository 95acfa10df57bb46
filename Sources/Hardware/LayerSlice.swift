import Models
import Placement

/// The sizes of one layer that a shard holds: all that pricing needs to know of a model.
///
/// A whole layer is the slice of a tensor-parallel size of 1.
public struct LayerSlice: Hashable, Sendable {
  /// Width of the residual stream, D; no shard divides it.
  public var width: Int
  /// Query heads of the slice × head size, Hd.
  public var queryWidth: Int
  /// Key and value heads of the slice × head size, Kd.
  public var keyValueWidth: Int
  /// Columns of the feed-forward's inner width, F, or of each expert's.
  public var feedForwardWidth: Int
  /// Width of one head, d.
  public var headSize: Int
  /// Tokens that a query looks back on, itself included; `nil` is all.
  public var slidingWindow: Int?
  /// Experts that the layer routes to; `nil` for a dense feed-forward. No shard divides their number.
  public var experts: ModelShape.Experts?
  /// Latent attention; `nil` for grouped queries. No shard divides its ranks, only its heads.
  public var latentAttention: ModelShape.LatentAttention?

  /// A slice of these sizes.
  public init(
    width: Int, queryWidth: Int, keyValueWidth: Int, feedForwardWidth: Int, headSize: Int,
    slidingWindow: Int? = nil, experts: ModelShape.Experts? = nil,
    latentAttention: ModelShape.LatentAttention? = nil
  ) {
    self.width = width
    self.queryWidth = queryWidth
    self.keyValueWidth = keyValueWidth
    self.feedForwardWidth = feedForwardWidth
    self.headSize = headSize
    self.slidingWindow = slidingWindow
    self.experts = experts
    self.latentAttention = latentAttention
  }

  /// What `slice` holds of a layer that has experts, or of one that has not.
  public init(shape: ModelShape, slice: ShardSlice, hasExperts: Bool) {
    self.init(
      width: shape.width,
      queryWidth: slice.queryHeads.count * shape.headSize,
      keyValueWidth: slice.keyValueHeads.count * shape.headSize,
      feedForwardWidth: hasExperts ? slice.expertColumns.count : slice.feedForward.count,
      headSize: shape.headSize, slidingWindow: shape.slidingWindow,
      experts: hasExperts ? shape.experts : nil, latentAttention: shape.latentAttention)
  }

  /// Query heads of the slice.
  var heads: Int { queryWidth / headSize }
}
