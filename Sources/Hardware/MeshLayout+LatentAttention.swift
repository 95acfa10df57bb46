import Models

/// Multi-head latent attention as work of the mesh.
///
/// Assumed: no source prices it on a wafer. A pass works on the cached latent vectors as they are, with the
/// up-projections of keys and values taken to the side of queries and outputs (the "absorbed" form of
/// DeepSeek-V2, arXiv 2405.04434, section 2.1.2); a prompt as products expands keys and values first.
/// Products alternate between the region's sides as those of grouped queries do. A product that acts on
/// each head alone has, for each of its inputs, the outputs of one head.
extension MeshLayout {
  /// Norm, both down-projections, the norm of the queries' vector, their up-projection, the keys'
  /// absorbed and the values', and the output projection.
  func latentProjectionsGEMV(
    _ layer: LayerSlice, _ latent: ModelShape.LatentAttention, _ work: BatchWork
  ) -> GEMVWork {
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let width = columns.share(layer.width)
    let down = rows.share(latent.queryRank) + rows.share(latent.cachedWidth)
    let queries = columns.share(layer.queryWidth)
    let plain = columns.share(layer.heads * latent.plainSize)
    let absorbed = rows.share(latent.keyValueRank)
    let latents = rows.share(layer.heads * latent.keyValueRank)
    let value = columns.share(latent.valueSize)
    let outputs = columns.share(layer.heads * latent.valueSize)
    let out = rows.share(layer.width)
    var total = GEMVWork()
    total.rows =
      tokens * (2 * width + rows.share(latent.queryRank) + plain + latents + outputs)
    total.fmacs =
      tokens
      * (width * down + rows.share(latent.queryRank) * queries + plain * absorbed
        + latents * value + outputs * out)
    // Norm and down-projections, absorbed keys, output; norm of the queries' vector, their
    // up-projection, values.
    total.reduce(along: columns, count: 4, times: passes)
    total.reduce(along: rows, count: 3, times: passes)
    total.wavelets =
      (tokens - passes)
      * (2 + wavelets(down) + wavelets(queries) + wavelets(absorbed * layer.heads)
        + wavelets(outputs) + wavelets(out))
    return total
  }

  /// Score, softmax and value over the cached vectors, each sequence over its own context.
  func latentCoreGEMV(
    _ layer: LayerSlice, _ latent: ModelShape.LatentAttention, _ work: BatchWork
  ) -> GEMVWork {
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let keys = rows.share(layer.heads * latent.cachedWidth)
    let values = rows.share(layer.heads * latent.keyValueRank)
    let contexts = contextShares(of: work, window: layer.slidingWindow)
    let longest = min(work.longestContext, layer.slidingWindow ?? .max)
    var total = GEMVWork()
    total.rows = tokens * keys + contexts
    total.fmacs = (keys + values) * contexts
    total.reduce(along: rows, count: 1, times: passes)
    total.reduce(along: columns, count: 3, times: passes)
    total.wavelets =
      (tokens - passes) * (wavelets(columns.share(longest)) + 1 + 1 + wavelets(values))
    return total
  }

  /// All projections as products, keys and values expanded.
  func latentProjectionsGEMM(
    _ layer: LayerSlice, _ latent: ModelShape.LatentAttention, _ work: BatchWork
  ) -> GEMMWork {
    let expanded = layer.heads * (latent.plainSize + latent.valueSize)
    let values = layer.heads * latent.valueSize
    return product(
      tokens: rows.share(work.newTokens),
      weights: steps.share(layer.width)
        * (columns.share(latent.queryRank) + columns.share(latent.cachedWidth))
        + steps.share(latent.queryRank) * columns.share(layer.queryWidth)
        + steps.share(latent.keyValueRank) * columns.share(expanded)
        + steps.share(values) * columns.share(layer.width),
      // Five products and two norms.
      doubledSweeps: 12,
      aligned: steps.share(layer.width) + steps.share(latent.queryRank)
        + steps.share(latent.keyValueRank) + steps.share(values))
  }

  /// Score and value of each sequence over expanded keys and values.
  func latentCoreGEMM(
    _ layer: LayerSlice, _ latent: ModelShape.LatentAttention, _ work: BatchWork
  ) -> GEMMWork {
    work.entries.reduce(GEMMWork()) { sum, entry in
      let context = spannedContext(of: entry, window: layer.slidingWindow)
      return sum
        + product(
          tokens: rows.share(entry.newTokens),
          weights: steps.share(layer.queryWidth) * columns.share(context)
            + steps.share(context) * columns.share(layer.heads * latent.valueSize),
          doubledSweeps: 7, aligned: steps.share(context))
    }
  }
}
