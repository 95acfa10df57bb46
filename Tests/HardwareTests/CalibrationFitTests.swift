import Hardware
import Quantities
import TestSupport
import Testing

@Suite("CalibrationFitTests")
struct CalibrationFitTests {
  @Test("the committed coefficients are what the fit gives from the committed rows, in any order")
  func refit() throws {
    let calibration = try ConfigFiles.calibration()
    var random = SeededGenerator(seed: 3)
    for _ in 0..<10 {
      let fit = Calibration.fit(
        rows: calibration.rows.shuffled(using: &random), clock: calibration.coefficients.clock,
        groups: calibration.groups)
      #expect(fit == calibration.coefficients)
    }
  }

  @Test("every row is predicted within its tolerance, and its committed residual is true")
  func residuals() throws {
    let calibration = try ConfigFiles.calibration()
    #expect(calibration.rows.count == 12)
    for row in calibration.rows {
      let error = calibration.residual(of: row).relativeError
      #expect(abs(error) < (row.phase == .decode ? 0.015 : 0.03), "\(row.model) \(row.side)")
      let committed = try #require(row.residualPercent).approximation
      #expect(abs(100 * error - committed) <= 0.0051, "\(row.model) \(row.side): \(error)")
    }
  }

  @Test("with grouped queries counted truly, decode rows stay within 0.85 %")
  func groupedQueries() throws {
    let calibration = try ConfigFiles.calibration()
    for row in calibration.rows where row.phase == .decode {
      let error = calibration.residual(of: row, countsGroupedQuery: true).relativeError
      #expect(abs(error) < 0.0085, "\(row.model) \(row.side): \(error)")
    }
  }

  @Test("a decode row is predicted within 3 % by a fit to the others")
  func leaveOneOut() throws {
    let calibration = try ConfigFiles.calibration()
    for row in calibration.rows where row.phase == .decode {
      let others = Calibration(
        name: "others", wafer: calibration.wafer,
        coefficients: Calibration.fit(
          rows: calibration.rows.filter { $0 != row }, clock: calibration.coefficients.clock,
          groups: calibration.groups),
        rows: [], groups: calibration.groups)
      #expect(abs(others.residual(of: row).relativeError) < 0.03, "\(row.model) \(row.side)")
    }
  }

  @Test("the fit finds the coefficients that rows were made with")
  func planted() throws {
    let calibration = try ConfigFiles.calibration()
    let planted = Calibration.Coefficients(
      clock: Rational(1_000_000_000), decodeRow: Rational(7), decodeFmac: Rational(1, over: 2),
      decodeChainStep: Rational(11), decodeFixed: Rational(0), prefillRow: Rational(3),
      prefillFmac: Rational(1, over: 4), prefillStep: Rational(40), prefillAlign: Rational(5))
    let source = Calibration(
      name: "planted", wafer: "test", coefficients: planted, rows: [], groups: calibration.groups)
    let rows = calibration.rows.map { row in
      var made = row
      made.tokensPerSecond.value = source.residual(of: row).tokensPerSecond
      return made
    }
    #expect(
      Calibration.fit(rows: rows, clock: planted.clock, groups: calibration.groups) == planted)
  }

  @Test("what rows cover is their sides and lengths; a phase without rows covers nothing")
  func coverage() throws {
    let calibration = try ConfigFiles.calibration()
    let decode = try #require(calibration.coverage(of: .decode))
    #expect(decode.sides == 420...660 && decode.tokens == 4096...4096)
    let prefill = try #require(calibration.coverage(of: .prefill))
    #expect(prefill.sides == 480...720 && prefill.tokens == 4096...4096)
    let empty = Calibration(
      name: "e", wafer: "w", coefficients: calibration.coefficients, rows: [], groups: [:])
    #expect(empty.coverage(of: .decode) == nil)
  }
}
