import Foundation
import Quantities
import Testing

@testable import Defects

@Suite("Closed forms of yield")
struct YieldFormulaTests {
  /// Three significant digits.
  private func digits(_ value: Double) -> String { String(format: "%.2e", value) }

  @Test("at 0.001/mm² a wafer of 46,225 mm² expects 46.225 defects and is whole once in 10²⁰")
  func wafer() {
    let expected = 0.001 * 46_225
    #expect(abs(expected - 46.225) < 1e-12)
    #expect(digits(YieldFormula.poisson(expected: expected)) == "8.41e-21")
    #expect(digits(YieldFormula.seeds(expected: expected)) == "2.12e-02")
    #expect(digits(YieldFormula.murphy(expected: expected)) == "4.68e-04")
  }

  @Test("at 0.001/mm² a die of 814 mm² is good at 44.3, 46.5, 55.1 and 50.5 %")
  func die() {
    #expect(digits(YieldFormula.poisson(expected: 0.814)) == "4.43e-01")
    #expect(digits(YieldFormula.murphy(expected: 0.814)) == "4.68e-01")
    #expect(digits(YieldFormula.seeds(expected: 0.814)) == "5.51e-01")
    #expect(
      digits(YieldFormula.negativeBinomial(expected: 0.814, clustering: 2)) == "5.05e-01")
  }

  @Test("without defects all is good; many clusters are Poisson, one is Seeds'")
  func limits() {
    for form in [
      YieldFormula.poisson(expected: 0), YieldFormula.murphy(expected: 0),
      YieldFormula.seeds(expected: 0),
      YieldFormula.negativeBinomial(expected: 0, clustering: 2),
    ] {
      #expect(form == 1)
    }
    #expect(abs(YieldFormula.murphy(expected: 1e-6) - (1 - 1e-6)) < 1e-9)
    let nearPoisson = YieldFormula.negativeBinomial(expected: 0.814, clustering: 1e9)
    #expect(abs(nearPoisson - YieldFormula.poisson(expected: 0.814)) < 1e-8)
    let one = YieldFormula.negativeBinomial(expected: 0.814, clustering: 1)
    #expect(abs(one - YieldFormula.seeds(expected: 0.814)) < 1e-15)
  }

  @Test("our exp and log agree with the C library's to a few units of the last place")
  func elementary() {
    for step in -690...690 {
      let x = Double(step) + 0.0123
      let ratio = Elementary.exp(x) / Foundation.exp(x)
      #expect(abs(ratio - 1) < 8 * 0x1p-52, "exp(\(x))")
    }
    for step in 1...500 {
      for scale in [1e-300, 1e-5, 1e-3, 1, 1e4, 1e300] {
        let x = Double(step) * scale
        let expected = Foundation.log(x)
        #expect(abs(Elementary.log(x) - expected) <= 4 * max(expected.ulp, 0x1p-54), "log(\(x))")
      }
      let f = (Double(step) - 250) / 251
      let expected = Foundation.log1p(f)
      #expect(abs(Elementary.logOnePlus(f) - expected) <= 6 * abs(expected).ulp, "log1p(\(f))")
    }
    #expect(Elementary.logOnePlus(1e-18) == 1e-18)
    #expect(Elementary.exp(-800) == 0)
  }

  @Test("the closed form of repair is the binomial sum, written out for two columns of three PEs")
  func repaired() {
    let dies = DieGrid(
      dieColumns: 2, dieRows: 1, columnsPerDie: 1, rowsPerDie: 3, spareRows: 1)
    let expected = 0.9
    let p = 1 - Foundation.exp(-expected / 6)
    let column = (1 - p) * (1 - p) * (1 - p) + 3 * p * (1 - p) * (1 - p)
    #expect(abs(YieldFormula.repaired(dies, expected: expected) - column * column) < 1e-15)
    // Without a budget only a whole wafer is good.
    let none = YieldFormula.repaired(dies.with(columnBudget: 0), expected: expected)
    #expect(abs(none - YieldFormula.poisson(expected: expected)) < 1e-15)
    #expect(YieldFormula.repaired(dies, expected: 0) == 1)
  }
}
