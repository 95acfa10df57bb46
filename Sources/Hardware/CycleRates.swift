import Quantities

/// Turns counts of work into picoseconds with whole numbers only.
///
/// All coefficients are brought to one denominator once, so that a price is a sum of products, one
/// division and one rounding an account entry, instead of a chain of fractions to reduce. The result is
/// the same as with `Rational`, which the tests hold it against.
struct CycleRates: Hashable, Sendable {
  /// A tick, the common part of a cycle, in picoseconds: a fraction in lowest terms.
  private let picosecondsPerTick: Rational
  private let decodeRow, decodeFmac, halfChainStep, fixed, halfHop, wavelet: Int128
  private let prefillRow, prefillFmac, halfStep, quarterShift: Int128

  init(_ coefficients: Calibration.Coefficients, clock: Rational, cyclesPerHop: Int) {
    let denominator = coefficients.all.reduce(Int128(1)) { common, coefficient in
      common * Rational(common, over: coefficient.denominator).denominator
    }
    // Chain steps and hops are counted in halves, shifts in quarters.
    let ticksPerCycle = 4 * denominator
    func ticks(_ cycles: Rational, over parts: Int = 1) -> Int128 {
      let exact = cycles * Rational(ticksPerCycle) / Rational(parts)
      precondition(exact.denominator == 1, "\(exact) ticks")
      return exact.numerator
    }
    picosecondsPerTick =
      Rational(Int128(EmulatedTime.picosecondsPerSecond)) / (clock * Rational(ticksPerCycle))
    decodeRow = ticks(coefficients.decodeRow)
    decodeFmac = ticks(coefficients.decodeFmac)
    halfChainStep = ticks(coefficients.decodeChainStep, over: 2)
    fixed = ticks(coefficients.decodeFixed)
    halfHop = ticks(Rational(cyclesPerHop), over: 2)
    wavelet = ticks(Rational(1))
    prefillRow = ticks(coefficients.prefillRow)
    prefillFmac = ticks(coefficients.prefillFmac)
    halfStep = ticks(coefficients.prefillStep, over: 2)
    quarterShift = ticks(coefficients.prefillAlign, over: 4)
  }

  /// Rows and multiply-adds are compute, collectives are fabric.
  func cost(of work: GEMVWork) -> Cost {
    Cost(
      compute: time(ticks: decodeRow * Int128(work.rows) + decodeFmac * Int128(work.fmacs)),
      fabric: time(
        ticks: halfChainStep * Int128(work.doubledChainSteps) + halfHop * Int128(work.doubledHops)
          + fixed * Int128(work.collectives) + wavelet * Int128(work.wavelets)))
  }

  /// Rows and multiply-adds are compute, steps, alignment and extra hops are fabric.
  func cost(of work: GEMMWork) -> Cost {
    Cost(
      compute: time(ticks: prefillRow * Int128(work.rows) + prefillFmac * Int128(work.fmacs)),
      fabric: time(
        ticks: halfStep * Int128(work.doubledSteps)
          + quarterShift * Int128(work.quadrupledShifts)
          + halfHop * Int128(work.doubledExtraHops)))
  }

  /// The nearest picosecond, ties to even.
  private func time(ticks: Int128) -> EmulatedTime {
    let divisor = picosecondsPerTick.denominator
    let (quotient, remainder) = (ticks * picosecondsPerTick.numerator)
      .quotientAndRemainder(dividingBy: divisor)
    let twice = 2 * remainder
    let up = twice > divisor || (twice == divisor && quotient & 1 == 1)
    return EmulatedTime(picoseconds: Int64(up ? quotient + 1 : quotient))
  }
}
