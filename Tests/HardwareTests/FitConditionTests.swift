import Foundation
import Quantities
import TestSupport
import Testing

@testable import Hardware

@Suite("How well rows determine a fit")
struct FitConditionTests {
  @Test("eigenvalues of a symmetric matrix are those it was made of")
  func eigenvalues() {
    #expect(symmetricEigenvalues([[3]]) == [3])
    let two = symmetricEigenvalues([[2, 1], [1, 2]]).sorted()
    #expect(abs(two[0] - 1) < 1e-14 && abs(two[1] - 3) < 1e-14)
    // (J + I) of size 4: once 5, three times 1.
    let four = symmetricEigenvalues(
      (0..<4).map { row in (0..<4).map { $0 == row ? 2.0 : 1.0 } }
    ).sorted()
    for (value, expected) in zip(four, [1.0, 1, 1, 5]) { #expect(abs(value - expected) < 1e-13) }
  }

  @Test("orthogonal counts have condition 1, nearly equal ones a large one")
  func conditionNumber() throws {
    func observations(_ columns: [[Double]]) -> [Observation] {
      columns[0].indices.map { row in
        Observation(counts: columns.map { $0[row] }, offset: 0, value: 1)
      }
    }
    let orthogonal = FitCondition(observations([[1, 0, 0], [0, 1, 0]]), solution: [1, 1])
    #expect(abs(try #require(orthogonal.number) - 1) < 1e-12)
    // Unit columns at cosine c have singular values of sqrt(1 ± c).
    let near = FitCondition(observations([[1, 0, 0], [1, 0.01, 0]]), solution: [1, 1])
    let cosine = 1 / (1 + 0.0001).squareRoot()
    let expected = ((1 + cosine) / (1 - cosine)).squareRoot()
    #expect(abs(try #require(near.number) / expected - 1) < 1e-6)
    let none = FitCondition(observations([[1], [1]]), solution: [0, 0])
    #expect(none.number == nil && none.relativeStandardErrors == [nil, nil])
  }

  @Test("the standard error of a mean is the deviation over the root of its count")
  func standardError() throws {
    // Of value 1 each, predicted 0.9 and 1.1 times a coefficient of 1: residuals −0.1 and +0.1.
    let observations = [0.9, 1.1].map { Observation(counts: [$0], offset: 0, value: 1) }
    let condition = FitCondition(observations, solution: [1])
    let squared = 0.9 * 0.9 + 1.1 * 1.1
    let expected = (0.02 / 1).squareRoot() / squared.squareRoot()
    #expect(abs(try #require(condition.relativeStandardErrors[0]) - expected) < 1e-12)
    let exact = FitCondition([observations[0]], solution: [1])
    #expect(exact.relativeStandardErrors == [nil], "one row tells nothing of its own error")
  }

  @Test("the committed fit: the fixed cost of a collective is on its bound, and called weak")
  func committed() throws {
    let fit = CalibrationFit(try ConfigFiles.calibration())
    #expect(fit.terms.map(\.key.name) == Calibration.Coefficients.keys.dropFirst().map(\.name))
    #expect(fit.fitted.coefficients == fit.given.coefficients)
    let fixed = try #require(fit.terms.first { $0.key.name == "decode_fixed" })
    #expect(fixed.isWeak && fixed.fitted == Rational(0) && fixed.relativeStandardError == nil)
    let chain = try #require(fit.terms.first { $0.key.name == "decode_chain_step" })
    #expect(!chain.isWeak)
    for term in fit.terms { #expect(term.leaveOneOut.contains(term.fitted), "\(term)") }
    for row in fit.rows {
      #expect(row.residual == fit.given.residual(of: row.row).relativeError)
      #expect(row.residualPercent == row.row.residualPercent)
      let without = fit.given.leavingOut(row.row)
      #expect(without.rows.count == fit.rows.count - 1)
      #expect(row.leftOut == without.residual(of: row.row).relativeError)
    }
  }
}
