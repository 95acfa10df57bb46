import Testing

@testable import Plots

struct NumberTests {
  @Test("numbers are rounded half away from zero and lose trailing zeros")
  func fixed() {
    #expect(NumberText.fixed(2.5, digits: 0) == "3")
    #expect(NumberText.fixed(-2.5, digits: 0) == "-3")
    #expect(NumberText.fixed(1.250, digits: 3) == "1.25")
    #expect(NumberText.fixed(0.004, digits: 2) == "0")
    #expect(NumberText.fixed(-0.004, digits: 2) == "0")
    #expect(NumberText.fixed(0.05, digits: 2) == "0.05")
    #expect(NumberText.fixed(100, digits: 2) == "100")
  }

  @Test("four significant digits, whatever the size")
  func significant() {
    #expect(NumberText.significant(0) == "0")
    #expect(NumberText.significant(12345) == "12345")
    #expect(NumberText.significant(1.23456) == "1.235")
    #expect(NumberText.significant(0.00123456) == "0.001235")
    #expect(NumberText.significant(-9.9996) == "-10")
  }

  @Test(
    "an exponent e has 10^e <= value < 10^(e+1)",
    arguments: [1e-9, 9.99e-4, 0.1, 1, 9.999, 10, 123, 1e12, 8.2e14])
  func exponent(value: Double) {
    let exponent = NumberText.exponent(value)
    func power(_ exponent: Int) -> Double {
      exponent >= 0
        ? NumberText.powerOfTen(exponent) : 1 / NumberText.powerOfTen(-exponent)
    }
    #expect(power(exponent) <= value && value < power(exponent + 1))
  }

  @Test("a time is written in the unit that suits it")
  func units() {
    #expect(ValueUnit.picoseconds.text(0) == "0")
    #expect(ValueUnit.picoseconds.text(999) == "999 ps")
    #expect(ValueUnit.picoseconds.text(5_000_000) == "5 µs")
    #expect(ValueUnit.picoseconds.text(-1_234_567_890) == "-1.235 ms")
    #expect(ValueUnit.bytes.text(16_384) == "16.38 kB")
    #expect(ValueUnit.count("tokens/s").text(2146) == "2.146k")
    #expect(ValueUnit.share.text(0.0065) == "0.65 %")
  }
}
