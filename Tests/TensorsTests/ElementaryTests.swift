import Foundation
import Tensors
import TestSupport
import Testing

/// How far `value` lies from `exact`, in units in the last place of `exact`.
private func ulps(_ value: Double, _ exact: Double) -> Double {
  value == exact ? 0 : abs(value - exact) / exact.ulp
}

@Test("exp of a float lies within 1 ulp, everywhere it is neither zero nor infinite")
func floatExp() {
  var worst = 0.0
  // Every 1,009th float between -103.9 and 88.7, of both signs.
  for limit in [Float(88.7).bitPattern, Float(-103.9).bitPattern] {
    for bits in stride(from: limit & 0x8000_0000, through: limit, by: 1009) {
      let x = Float(bitPattern: bits)
      let exact = exp(Double(x))
      let error = abs(Double(Elementary.exp(x)) - exact) / Double(Float(exact).ulp)
      worst = max(worst, error)
    }
  }
  #expect(worst < 1)
  #expect(worst > 0.5, "a worst error below rounding means that nothing was measured")
}

@Test("exp of a float at its ends")
func floatExpEnds() {
  #expect(Elementary.exp(Float(0)) == 1 && Elementary.exp(Float(-0.0)) == 1)
  #expect(Elementary.exp(Float(89)) == .infinity && Elementary.exp(Float.infinity) == .infinity)
  #expect(Elementary.exp(Float(-104)) == 0 && Elementary.exp(-Float.infinity) == 0)
  #expect(Elementary.exp(Float(-103)) == Float(exp(-103.0)))
  #expect(Elementary.exp(Float.nan).isNaN)
}

@Test("double functions lie within 1 ulp of correctly rounded values")
func referenceTable() {
  for (x, exact) in ElementaryReference.exp {
    #expect(ulps(Elementary.exp(x), exact) <= 1, "exp \(x)")
  }
  for (x, exact) in ElementaryReference.log {
    #expect(ulps(Elementary.log(x), exact) <= 1, "log \(x)")
  }
  for (x, exact) in ElementaryReference.sine {
    #expect(ulps(Elementary.sineCosine(x).sine, exact) <= 1, "sin \(x)")
  }
  for (x, exact) in ElementaryReference.cosine {
    #expect(ulps(Elementary.sineCosine(x).cosine, exact) <= 1, "cos \(x)")
  }
}

@Test("double functions stay within 1 ulp of the C library's over their whole range")
func wholeRange() {
  var generator = SeededGenerator(seed: 61)
  var worst = (exp: 0.0, log: 0.0, sin: 0.0, cos: 0.0)
  for i in 0..<200_000 {
    let x = Double.random(in: -700...700, using: &generator)
    worst.exp = max(worst.exp, ulps(Elementary.exp(x), exp(x)))
    let y = exp(i % 2 == 0 ? x : x / 700)
    worst.log = max(worst.log, ulps(Elementary.log(y), log(y)))
    let angle = x * [0.001, 1, 1e3, 3e6][i % 4]
    let (sine, cosine) = Elementary.sineCosine(angle)
    worst.sin = max(worst.sin, ulps(sine, sin(angle)))
    worst.cos = max(worst.cos, ulps(cosine, cos(angle)))
  }
  #expect(worst.exp <= 1 && worst.log <= 1 && worst.sin <= 1 && worst.cos <= 1, "\(worst)")
}

@Test("double functions at their ends")
func doubleEnds() {
  #expect(Elementary.exp(711.0) == .infinity && Elementary.exp(-746.0) == 0)
  #expect(Elementary.exp(-745.0) == 0x1p-1074)
  #expect(Elementary.log(0) == -.infinity && Elementary.log(.infinity) == .infinity)
  #expect(Elementary.log(1) == 0 && Elementary.log(-1).isNaN && Elementary.log(.nan).isNaN)
  #expect(Elementary.sineCosine(0) == (0, 1))
}
