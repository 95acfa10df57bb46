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
  /// Columns of the feed-forward's inner width, F.
  public var feedForwardWidth: Int
  /// Width of one head, d.
  public var headSize: Int
  /// Tokens that a query looks back on, itself included; `nil` is all.
  public var slidingWindow: Int?

  /// A slice of these sizes.
  public init(
    width: Int, queryWidth: Int, keyValueWidth: Int, feedForwardWidth: Int, headSize: Int,
    slidingWindow: Int? = nil
  ) {
    self.width = width
    self.queryWidth = queryWidth
    self.keyValueWidth = keyValueWidth
    self.feedForwardWidth = feedForwardWidth
    self.headSize = headSize
    self.slidingWindow = slidingWindow
  }

  /// What `slice` holds of each of its layers.
  public init(shape: ModelShape, slice: ShardSlice) {
    self.init(
      width: shape.width,
      queryWidth: slice.queryHeads.count * shape.headSize,
      keyValueWidth: slice.keyValueHeads.count * shape.headSize,
      feedForwardWidth: slice.feedForward.count,
      headSize: shape.headSize, slidingWindow: shape.slidingWindow)
  }
}
