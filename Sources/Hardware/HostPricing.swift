import Models
import Quantities

/// Prices the kernels of a model on a process of a host, from what was measured there.
///
/// Each price is rounded once, to the nearest picosecond, from an exact rational; all of it is `compute`,
/// since a host's kernels overlap arithmetic and memory. The counts are those of the host's own kernels:
/// weights of the shard's slices, whatever the experiment's modelled widths say, since the host multiplies by
/// the weights that the model file has.
public struct HostPricing: Hashable, Sendable {
  /// What was measured.
  public let process: HostProcess

  /// Prices on a process.
  public init(_ process: HostProcess) { self.process = process }

  /// The attention block of one layer, and the residual after it.
  public func attention(_ layer: LayerPart, _ work: BatchWork) -> Cost {
    guard work.newTokens > 0 else { return .zero }
    return cost(
      process.attention.seconds(weights: layer.attentionWeights, tokens: work.newTokens)
        + Rational(layer.pairNumbers(work)) * process.pair)
  }

  /// The feed-forward block of one layer, and the residual after it.
  public func feedForward(_ layer: LayerPart, _ work: BatchWork) -> Cost {
    guard work.newTokens > 0 else { return .zero }
    return cost(
      process.feedForward.seconds(weights: layer.feedForwardWeights, tokens: work.newTokens))
  }

  /// What passes between two steps.
  public var step: Cost { cost(process.step) }

  /// Takes in what was sampled and looks up the rows of so many tokens.
  public func embedding(width: Int, tokens: Int) -> Cost {
    guard tokens > 0 else { return .zero }
    return cost(process.embedding.seconds(tokens * width))
  }

  /// The final norm and the LM head's `vocabulary` columns, for so many positions.
  public func head(width: Int, vocabulary: Int, outputs: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    return cost(process.head.seconds(weights: width * vocabulary, tokens: outputs))
  }

  /// The best candidates of so many positions, and the choice of a token from those of all shards.
  public func candidates(vocabulary: Int, outputs: Int, count: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    return cost(process.candidates.seconds(outputs * vocabulary))
  }

  private func cost(_ seconds: Rational) -> Cost { Cost(compute: EmulatedTime(seconds: seconds)) }
}

extension LayerPart {
  /// Weights of the projections of grouped queries: Q, K, V and the output's.
  ///
  /// - Precondition: the attention is not latent, which no host computes.
  public var attentionWeights: Int {
    precondition(shape.latentAttention == nil, "latent attention on a host")
    return shape.width * shape.headSize * 2 * (queryHeads + keyValueHeads)
  }

  /// Weights of gate, up and down.
  ///
  /// - Precondition: there are no experts, which no host computes.
  public var feedForwardWeights: Int {
    precondition(!hasExperts, "experts on a host")
    return 3 * shape.width * innerWidth
  }

  /// Pairs of a new token and one that it looks back on, itself included, times the numbers of a query row.
  public func pairNumbers(_ work: BatchWork) -> Int {
    Int(pairs(work)) * queryHeads * shape.headSize
  }
}
