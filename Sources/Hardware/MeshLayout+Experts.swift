import Models

/// The feed-forward of a layer with experts, as work of the mesh.
///
/// Assumed: no source prices experts on a wafer. Every expert is spread over the whole region, as a dense
/// feed-forward is. The router is a product of its own, whose best are merged as candidates are. A
/// token's experts run one after the other on each PE, and their sums are added on the PE, so that up and
/// gate of all of them are reduced together, and the down products too.
extension MeshLayout {
  /// Norm, router, up and gate, down: the collectives of a dense block and three of the router.
  func expertsGEMV(
    _ layer: LayerSlice, _ experts: ModelShape.Experts, _ work: BatchWork
  ) -> GEMVWork {
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let width = columns.share(layer.width)
    let inner = rows.share(layer.feedForwardWidth)
    let scores = rows.share(experts.count)
    let touched = experts.active + experts.shared
    var total = GEMVWork()
    total.rows = tokens * (width + touched * (2 * width + inner))
    total.fmacs = tokens * (width * scores + touched * 3 * width * inner)
    total.reduce(along: columns, count: 3, times: passes)
    total.reduce(along: rows, count: 3, times: passes)
    // Each further one of the best is a score and a number.
    total.wavelets =
      tokens * 2 * (experts.active - 1)
      + (tokens - passes)
      * (1 + wavelets(scores) + wavelets(2 * touched * inner) + wavelets(width))
    return total
  }

  /// The same as products: the expected number of distinct experts, each for its share of the tokens.
  func expertsGEMM(
    _ layer: LayerSlice, _ experts: ModelShape.Experts, _ work: BatchWork
  ) -> GEMMWork {
    let tokens = work.newTokens
    let router = product(
      tokens: rows.share(tokens), weights: steps.share(layer.width) * columns.share(experts.count),
      doubledSweeps: 3, aligned: steps.share(layer.width))
    let distinct = max(1, Int(experts.expectedDistinct(tokens: tokens).rounded(.up)))
    let each = (tokens * experts.active + distinct - 1) / distinct
    return router + expert(layer, tokens: each) * distinct
      + expert(layer, tokens: tokens) * experts.shared
  }

  /// Up, gate and down of one expert for so many tokens.
  private func expert(_ layer: LayerSlice, tokens: Int) -> GEMMWork {
    product(
      tokens: rows.share(tokens),
      weights: 2 * steps.share(layer.width) * columns.share(layer.feedForwardWidth)
        + steps.share(layer.feedForwardWidth) * columns.share(layer.width),
      doubledSweeps: 6, aligned: steps.share(layer.width) + steps.share(layer.feedForwardWidth))
  }
}
