import Defects

/// How the vectors of a layer lie on a region, and the work that its kernels then are.
///
/// The width D and the context T are spread over the region's columns, the query width Hd, the
/// feed-forward width F and the vocabulary V over its rows. So each product finds its inputs along the
/// side on which the one before left its outputs, and nothing is transposed. On a square this is
/// exactly the published count of `rows` and `fmac`.
struct MeshLayout: Hashable, Sendable {
  /// A line of PEs from west to east.
  let columns: MeshLine
  /// A line of PEs from north to south.
  let rows: MeshLine
  /// Steps of a MeshGEMM: the longer side, on which the inner dimension of its products is cut.
  let steps: MeshLine
  /// Whether K and V are as wide as the model has them, or as wide as Q, as the published runs had.
  let countsGroupedQuery: Bool
  /// Bits of an activation on the mesh.
  let activationBits: Int

  init(
    region: Rectangle, publishedGroups: [Int: Int], countsGroupedQuery: Bool,
    activationBits: Int, extraHops: ExtraHops = .none
  ) {
    columns = MeshLine(
      length: region.columns, published: publishedGroups, extraHops: extraHops.westToEast)
    rows = MeshLine(
      length: region.rows, published: publishedGroups, extraHops: extraHops.northToSouth)
    steps = columns.length >= rows.length ? columns : rows
    self.countsGroupedQuery = countsGroupedQuery
    self.activationBits = activationBits
  }

  /// Wavelets of 32 bits that carry so many activations.
  func wavelets(_ elements: Int) -> Int { (elements * activationBits + 31) / 32 }

  /// Width of K and of V as it is priced and kept.
  func keyValueWidth(_ layer: LayerSlice) -> Int {
    countsGroupedQuery ? layer.keyValueWidth : layer.queryWidth
  }

  // MARK: GEMV

  /// Norm, QKV, score, softmax, value and output projection: six products and seven all-reduces.
  ///
  /// Sequences advance together, one token of each at a time: a pass reduces once for all of them, and
  /// each further sequence adds its vectors at one wavelet a cycle.
  func attentionGEMV(_ layer: LayerSlice, _ work: BatchWork) -> GEMVWork {
    projectionsGEMV(layer, work) + coreGEMV(layer, work)
  }

  /// Norm, QKV and output projection.
  func projectionsGEMV(_ layer: LayerSlice, _ work: BatchWork) -> GEMVWork {
    if let latent = layer.latentAttention { return latentProjectionsGEMV(layer, latent, work) }
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let width = columns.share(layer.width)
    let query = rows.share(layer.queryWidth)
    let keyValue = rows.share(keyValueWidth(layer))
    var total = GEMVWork()
    total.rows = tokens * (3 * width + query)
    total.fmacs = tokens * width * (query + 2 * keyValue + query)
    total.reduce(along: columns, count: 2, times: passes)
    total.reduce(along: rows, count: 1, times: passes)
    total.wavelets =
      (tokens - passes) * (1 + wavelets(query + 2 * keyValue) + wavelets(width))
    return total
  }

  /// Score, softmax and value, each sequence over its own context.
  func coreGEMV(_ layer: LayerSlice, _ work: BatchWork) -> GEMVWork {
    if let latent = layer.latentAttention { return latentCoreGEMV(layer, latent, work) }
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let query = rows.share(layer.queryWidth)
    let contexts = contextShares(of: work, window: layer.slidingWindow)
    let longest = min(work.longestContext, layer.slidingWindow ?? .max)
    var total = GEMVWork()
    total.rows = tokens * query + contexts
    total.fmacs = 2 * query * contexts
    // Score along the rows; maximum, sum and value along the columns, over which the context lies.
    total.reduce(along: rows, count: 1, times: passes)
    total.reduce(along: columns, count: 3, times: passes)
    // One collective for all: shorter contexts are padded to the longest.
    total.wavelets =
      (tokens - passes) * (wavelets(columns.share(longest)) + 1 + 1 + wavelets(query))
    return total
  }

  /// Norm, up and gate, down: three products and three all-reduces.
  func feedForwardGEMV(_ layer: LayerSlice, _ work: BatchWork) -> GEMVWork {
    if let experts = layer.experts { return expertsGEMV(layer, experts, work) }
    let (tokens, passes) = (work.newTokens, work.longestEntry)
    let width = columns.share(layer.width)
    let inner = rows.share(layer.feedForwardWidth)
    var total = GEMVWork()
    total.rows = tokens * (2 * width + inner)
    total.fmacs = tokens * 3 * width * inner
    total.reduce(along: columns, count: 2, times: passes)
    total.reduce(along: rows, count: 1, times: passes)
    total.wavelets = (tokens - passes) * (1 + wavelets(2 * inner) + wavelets(width))
    return total
  }

  /// Norm and LM head for so many positions at once: one product and two all-reduces.
  func headGEMV(width: Int, vocabulary: Int, outputs: Int) -> GEMVWork {
    let inputs = columns.share(width)
    let logits = rows.share(vocabulary)
    var total = GEMVWork()
    total.rows = outputs * inputs
    total.fmacs = outputs * inputs * logits
    total.reduce(along: columns, count: 2, times: 1)
    total.wavelets = (outputs - 1) * (1 + wavelets(logits))
    return total
  }

  /// Σ p(context) over the passes of all sequences.
  func contextShares(of work: BatchWork, window: Int?) -> Int {
    work.entries.reduce(0) { $0 + contextShares(of: $1, window: window) }
  }

  /// Σ p(context) over the passes of one sequence.
  private func contextShares(of entry: BatchWork.Entry, window: Int?) -> Int {
    let last = entry.contextAfter
    let before = last - entry.newTokens
    guard let window, window < last else {
      return entry.newTokens == 1
        ? columns.share(last)
        : columns.sumOfShares(through: last) - columns.sumOfShares(through: before)
    }
    let growing =
      before < window
      ? columns.sumOfShares(through: window) - columns.sumOfShares(through: before) : 0
    return growing + (last - max(before, window)) * columns.share(window)
  }

  // MARK: MeshGEMM

  /// QKV and output projection of all tokens as one product each; norm in half a sweep of steps.
  func projectionsGEMM(_ layer: LayerSlice, _ work: BatchWork) -> GEMMWork {
    if let latent = layer.latentAttention { return latentProjectionsGEMM(layer, latent, work) }
    let tokens = rows.share(work.newTokens)
    let queries = columns.share(layer.queryWidth)
    let keyValues = columns.share(keyValueWidth(layer))
    return product(
      tokens: tokens,
      weights: steps.share(layer.width) * (queries + 2 * keyValues)
        + steps.share(layer.queryWidth) * columns.share(layer.width),
      doubledSweeps: 9, aligned: steps.share(layer.width) + steps.share(layer.queryWidth))
  }

  /// Score and value of each sequence; transposition and softmax in one and a half sweeps of steps.
  func coreGEMM(_ layer: LayerSlice, _ work: BatchWork) -> GEMMWork {
    if let latent = layer.latentAttention { return latentCoreGEMM(layer, latent, work) }
    return work.entries.reduce(GEMMWork()) { sum, entry in
      let context = spannedContext(of: entry, window: layer.slidingWindow)
      return sum
        + product(
          tokens: rows.share(entry.newTokens),
          weights: steps.share(layer.queryWidth) * columns.share(context)
            + steps.share(context) * columns.share(layer.queryWidth),
          doubledSweeps: 7, aligned: steps.share(context))
    }
  }

  /// Tokens that some query of an entry looks at: a window of w tokens behind each of n queries spans
  /// n + w − 1 of them.
  func spannedContext(of entry: BatchWork.Entry, window: Int?) -> Int {
    min(entry.contextAfter, (window ?? .max / 2) + entry.newTokens - 1)
  }

  /// Up, gate and down of all tokens as one product each; norm in half a sweep of steps.
  func feedForwardGEMM(_ layer: LayerSlice, _ work: BatchWork) -> GEMMWork {
    if let experts = layer.experts { return expertsGEMM(layer, experts, work) }
    return product(
      tokens: rows.share(work.newTokens),
      weights: 2 * steps.share(layer.width) * columns.share(layer.feedForwardWidth)
        + steps.share(layer.feedForwardWidth) * columns.share(layer.width),
      doubledSweeps: 7, aligned: steps.share(layer.width) + steps.share(layer.feedForwardWidth))
  }

  /// LM head of so many positions as one product; norm in half a sweep of steps.
  func headGEMM(width: Int, vocabulary: Int, outputs: Int) -> GEMMWork {
    product(
      tokens: rows.share(outputs), weights: steps.share(width) * columns.share(vocabulary),
      doubledSweeps: 3, aligned: steps.share(width))
  }

  /// `weights` and `aligned` are elements a PE holds in one step, `tokens` the rows of activations it
  /// holds; a sweep is `steps` steps, and alignment shifts by a quarter of the side on average.
  ///
  /// A step waits for its neighbour's step before, so the longest chain of waits that a sweep can have
  /// goes round the line once, and meets each extra hop once. Alignment is not lengthened: it is
  /// priced by the elements that pass, and an extra hop delays only the first of them.
  func product(tokens: Int, weights: Int, doubledSweeps: Int, aligned: Int) -> GEMMWork {
    GEMMWork(
      rows: steps.length * weights, fmacs: steps.length * weights * tokens,
      doubledSteps: doubledSweeps * steps.length,
      quadrupledShifts: steps.length * tokens * aligned,
      doubledExtraHops: doubledSweeps * steps.extraHops)
  }
}
