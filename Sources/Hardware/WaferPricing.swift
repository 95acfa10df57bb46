import Defects
import Quantities

/// Prices the kernels of a model on one region of a wafer.
///
/// The structure is that of WaferLLM's kernels (OSDI'25), the coefficients are a calibration's. At one
/// sequence and one token the price of a layer is the published decode formula, exactly; a whole
/// prompt is the published MeshGEMM formula. What no source prices follows a stated assumption:
///
/// - Several tokens in one step: each block runs as passes of GEMV or as MeshGEMM, whichever is
///   cheaper. Each block chooses alone, so that each is monotone in tokens and context, and with it
///   every program made of them, also where shards are uneven and cross over at different lengths.
/// - Several sequences in one GEMV pass: compute for each, one collective for all, and each further
///   vector behind the first at one wavelet a cycle.
/// - The mesh does not know how wide weights are: a multiply-add costs the same at 16, 8 and 4 bit.
///
/// All methods are pure, and cost well under a microsecond a sequence.
public struct WaferPricing: Hashable, Sendable {
  /// The wafer, whose clock and router the prices use.
  public let wafer: Wafer
  /// The region that the kernels run on.
  public private(set) var region: Rectangle
  /// Where the coefficients come from.
  public let calibration: Calibration
  /// What is counted.
  public let options: Options

  private(set) var layout: MeshLayout
  private let rates: CycleRates

  /// What is counted, where sources differ.
  public struct Options: Hashable, Sendable {
    /// Whether K and V have the model's own width, or the full width of Q, as the published runs had.
    public var countsGroupedQuery: Bool
    /// Bits of an activation between PEs; it decides how many wavelets a further vector has.
    public var activationBits: Int
    /// Hops by which repaired defects lengthen the region's worst lines: of `RepairedMesh`. Each
    /// collective along a line, each sweep of MeshGEMM and the embedding's broadcast takes them all,
    /// at the wafer's cycles a hop. An upper bound for regions that lie elsewhere on the wafer.
    public var extraHops: ExtraHops

    /// Grouped queries counted truly, activations of 16 bits, no defects.
    public init(
      countsGroupedQuery: Bool = true, activationBits: Int = 16, extraHops: ExtraHops = .none
    ) {
      precondition(activationBits >= 1, "activations of \(activationBits) bits")
      self.countsGroupedQuery = countsGroupedQuery
      self.activationBits = activationBits
      self.extraHops = extraHops
    }
  }

  /// Prices on `region` of `wafer`; make one a region and keep it.
  public init(
    wafer: Wafer, calibration: Calibration, region: Rectangle, options: Options = Options()
  ) {
    self.wafer = wafer
    self.region = region
    self.calibration = calibration
    self.options = options
    layout = Self.layout(region, calibration, options)
    rates = CycleRates(
      calibration.coefficients, clock: wafer.clock, cyclesPerHop: wafer.cyclesPerHop)
  }

  private static func layout(
    _ region: Rectangle, _ calibration: Calibration, _ options: Options
  ) -> MeshLayout {
    MeshLayout(
      region: region, publishedGroups: calibration.groups,
      countsGroupedQuery: options.countsGroupedQuery, activationBits: options.activationBits,
      extraHops: options.extraHops)
  }

  /// The same prices on another region of the wafer. It costs a fraction of a new one, whose rates are
  /// exact fractions.
  public func on(_ region: Rectangle) -> WaferPricing {
    var other = self
    other.region = region
    other.layout = Self.layout(region, calibration, options)
    return other
  }

  /// The attention block of one layer: norm, Q, K and V, rotation, score, softmax, value, output
  /// projection; seven of the layer's ten collectives.
  public func attention(_ layer: LayerSlice, _ work: BatchWork) -> Cost {
    attentionChoice(layer, work).cost
  }

  /// The feed-forward block of one layer: norm, up and gate, down; three of the layer's ten
  /// collectives.
  public func feedForward(_ layer: LayerSlice, _ work: BatchWork) -> Cost {
    feedForwardChoice(layer, work).cost
  }

  /// Looks up the rows of so many tokens and spreads them over the region.
  ///
  /// Assumed: a token's row lies across one line of PEs and runs down all columns at once, as a
  /// broadcast on a line (HPDC'24: B + P + 2T cycles for B wavelets), further tokens behind it. The
  /// copy itself is not priced; the released kernels leave the embedding to the host.
  public func embedding(width: Int, tokens: Int) -> Cost {
    guard tokens > 0 else { return .zero }
    let wavelets = tokens * layout.wavelets(layout.columns.share(width))
    let hops = region.rows + layout.rows.extraHops
    let cycles = wavelets + wafer.cyclesPerHop * hops + 2 * wafer.rampCycles
    return Cost(fabric: EmulatedTime(seconds: Rational(cycles) / wafer.clock))
  }

  /// Carries the residual of so many tokens from one region to the next.
  ///
  /// Assumed: every row or column of PEs that crosses the border carries an equal part of it, one wavelet a
  /// cycle behind the other, and each wavelet goes as far as the regions' centres lie apart. So it is a
  /// broadcast on a line (HPDC'24: B + P + 2T cycles for B wavelets).
  public func crossing(_ crossing: RegionCrossing, width: Int, tokens: Int) -> Cost {
    guard tokens > 0 else { return .zero }
    let wavelets = layout.wavelets(width * tokens)
    let cycles =
      (wavelets + crossing.lines - 1) / crossing.lines + wafer.cyclesPerHop * crossing.hops
      + 2 * wafer.rampCycles
    return Cost(fabric: EmulatedTime(seconds: Rational(cycles) / wafer.clock))
  }

  /// The final norm and the LM head's `vocabulary` columns, for so many positions: a GEMV with two
  /// collectives, or MeshGEMM when that is cheaper.
  public func head(width: Int, vocabulary: Int, outputs: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    return cheaper(
      rates.cost(
        of: layout.headGEMV(width: width, vocabulary: vocabulary, outputs: outputs)),
      rates.cost(
        of: layout.headGEMM(width: width, vocabulary: vocabulary, outputs: outputs)))
  }

  /// The `count` best candidates and the log-sum-exp of so many positions over the shard's part of
  /// the vocabulary.
  ///
  /// Assumed: each PE scans its logits twice at the cost of a multiply-add each; one collective
  /// merges the candidates, one the sums; further candidates follow as two wavelets (value, token).
  public func candidates(vocabulary: Int, outputs: Int, count: Int) -> Cost {
    guard outputs > 0 else { return .zero }
    precondition(count >= 1, "\(count) candidates")
    var work = GEMVWork()
    work.fmacs = 2 * outputs * layout.rows.share(vocabulary)
    work.reduce(along: layout.rows, count: 2, times: 1)
    work.wavelets = 2 * outputs * (count - 1) + 2 * (outputs - 1)
    return rates.cost(of: work)
  }

  // MARK: Choices

  /// A block's price and the kernel that gives it.
  typealias Choice = (cost: Cost, kernel: PricedKernel)

  func attentionChoice(_ layer: LayerSlice, _ work: BatchWork) -> Choice {
    guard !work.entries.isEmpty else { return (.zero, .attentionGEMV) }
    let passes = rates.cost(of: layout.attentionGEMV(layer, work))
    // Sequences share the projections' weights, but each has keys and values of its own: a batch of
    // short entries gains from MeshGEMM in the projections only.
    let core = cheaper(
      rates.cost(of: layout.coreGEMV(layer, work)), rates.cost(of: layout.coreGEMM(layer, work)))
    let products = rates.cost(of: layout.projectionsGEMM(layer, work)) + core
    return products.total < passes.total ? (products, .attentionGEMM) : (passes, .attentionGEMV)
  }

  func feedForwardChoice(_ layer: LayerSlice, _ work: BatchWork) -> Choice {
    guard !work.entries.isEmpty else { return (.zero, .feedForwardGEMV) }
    let passes = rates.cost(of: layout.feedForwardGEMV(layer, work))
    let products = rates.cost(of: layout.feedForwardGEMM(layer, work))
    return products.total < passes.total ? (products, .feedForwardGEMM) : (passes, .feedForwardGEMV)
  }

  /// Rounded totals are compared, so that the cheaper of two monotone prices is monotone too.
  private func cheaper(_ a: Cost, _ b: Cost) -> Cost { b.total < a.total ? b : a }
}
