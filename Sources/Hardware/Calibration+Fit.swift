import Quantities

extension Calibration {
  /// Decimals to which the fit rounds each coefficient: three to four significant digits, beyond which
  /// the residuals do not change in their second digit.
  static let decimals = (
    decodeRow: 2, decodeFmac: 3, decodeChainStep: 2, decodeFixed: 2,
    prefillRow: 3, prefillFmac: 3, prefillStep: 1, prefillAlign: 2
  )

  /// Fits coefficients to measured rows: the non-negative ones with the least sum of squared relative
  /// errors, decode and prefill apart, rounded to fixed decimals.
  ///
  /// K and V are counted at the full width of Q, as the measured kernels had them. The hops of a
  /// collective are not fitted: a hop is one cycle. A phase without rows gets zeros.
  public static func fit(rows: [Row], clock: Rational, groups: [Int: Int]) -> Coefficients {
    let decode = leastRelativeSquares(
      observations(of: .decode, rows: rows, clock: clock, groups: groups), unknowns: 4)
    let prefill = leastRelativeSquares(
      observations(of: .prefill, rows: rows, clock: clock, groups: groups), unknowns: 4)
    return Coefficients(
      clock: clock,
      decodeRow: rounded(decode[0], decimals.decodeRow),
      decodeFmac: rounded(decode[1], decimals.decodeFmac),
      decodeChainStep: rounded(decode[2], decimals.decodeChainStep),
      decodeFixed: rounded(decode[3], decimals.decodeFixed),
      prefillRow: rounded(prefill[0], decimals.prefillRow),
      prefillFmac: rounded(prefill[1], decimals.prefillFmac),
      prefillStep: rounded(prefill[2], decimals.prefillStep),
      prefillAlign: rounded(prefill[3], decimals.prefillAlign))
  }

  /// The rows of a phase as what the fit sees: counts in the order of the phase's coefficients, and the
  /// measured cycles of one layer.
  static func observations(
    of phase: Phase, rows: [Row], clock: Rational, groups: [Int: Int]
  ) -> [Observation] {
    rows.filter { $0.phase == phase }.map { row in
      let value = row.cyclesPerLayer(clock: clock)
      switch phase {
      case .decode:
        let work = row.gemvWork(groups: groups, countsGroupedQuery: false)
        return Observation(
          counts: [
            Double(work.rows), Double(work.fmacs), Double(work.doubledChainSteps) / 2,
            Double(work.collectives),
          ],
          offset: Double(work.doubledHops) / 2, value: value)
      case .prefill:
        let work = row.gemmWork(groups: groups, countsGroupedQuery: false)
        return Observation(
          counts: [
            Double(work.rows), Double(work.fmacs), Double(work.doubledSteps) / 2,
            Double(work.quadrupledShifts) / 4,
          ],
          offset: 0, value: value)
      }
    }
  }

  /// Tokens a second that the coefficients predict for a row, and by how much they are off.
  public func residual(of row: Row, countsGroupedQuery: Bool = false) -> Residual {
    let rates = CycleRates(coefficients, clock: coefficients.clock, cyclesPerHop: 1)
    let layer =
      switch row.phase {
      case .decode:
        rates.cost(of: row.gemvWork(groups: groups, countsGroupedQuery: countsGroupedQuery))
      case .prefill:
        rates.cost(of: row.gemmWork(groups: groups, countsGroupedQuery: countsGroupedQuery))
      }
    let time = Rational(row.layers) * Rational(Int128(layer.total.picoseconds))
    let tokens = row.phase == .decode ? 1 : row.tokens
    return Residual(
      row: row,
      tokensPerSecond: Rational(tokens)
        * Rational(Int128(EmulatedTime.picosecondsPerSecond)) / time)
  }

  /// A row beside its prediction.
  public struct Residual: Hashable, Sendable {
    /// What was measured.
    public let row: Row
    /// What the coefficients predict.
    public let tokensPerSecond: Rational

    /// (predicted − measured)/measured.
    public var relativeError: Double {
      (tokensPerSecond / row.tokensPerSecond.value).approximation - 1
    }
  }

  private static func rounded(_ value: Double, _ decimals: Int) -> Rational {
    let scale = (0..<decimals).reduce(1) { power, _ in power * 10 }
    return Rational(Int128((value * Double(scale)).rounded(.toNearestOrEven)), over: Int128(scale))
  }
}

extension Calibration.Row {
  /// Counts of one layer of a decode step.
  func gemvWork(groups: [Int: Int], countsGroupedQuery: Bool) -> GEMVWork {
    let layout = layout(groups: groups, countsGroupedQuery: countsGroupedQuery)
    let work = BatchWork.decode(contexts: [tokens])
    return layout.attentionGEMV(layer, work) + layout.feedForwardGEMV(layer, work)
  }

  /// Counts of one layer of a prefill.
  func gemmWork(groups: [Int: Int], countsGroupedQuery: Bool) -> GEMMWork {
    let layout = layout(groups: groups, countsGroupedQuery: countsGroupedQuery)
    let work = BatchWork.prefill(tokens: tokens)
    return layout.projectionsGEMM(layer, work) + layout.coreGEMM(layer, work)
      + layout.feedForwardGEMM(layer, work)
  }

  /// What was measured, as cycles of one layer.
  fileprivate func cyclesPerLayer(clock: Rational) -> Double {
    let perLayer = clock / (tokensPerSecond.value * Rational(layers))
    return (phase == .decode ? perLayer : perLayer * Rational(tokens)).approximation
  }

  private func layout(groups: [Int: Int], countsGroupedQuery: Bool) -> MeshLayout {
    MeshLayout(
      region: Rectangle(square: side), publishedGroups: groups,
      countsGroupedQuery: countsGroupedQuery, activationBits: 16)
  }
}
