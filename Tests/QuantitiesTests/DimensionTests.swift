import Quantities
import Testing

@Suite("Dimension")
struct DimensionTests {
  @Test("every unit of every dimension is read with and without a space")
  func everyUnit() throws {
    for dimension in Dimension.allCases {
      for unit in dimension.units {
        #expect(try dimension.parse("3 \(unit.name)") == Rational(3) * unit.size)
        #expect(try dimension.parse("1.5\(unit.name)") == Rational(3, over: 2) * unit.size)
        #expect(try dimension.parse("  2e2  \(unit.name) ") == Rational(200) * unit.size)
      }
    }
  }

  @Test("units of one dimension have distinct names, and each has a base unit")
  func unitNames() {
    for dimension in Dimension.allCases {
      let names = dimension.units.map(\.name)
      #expect(Set(names).count == names.count)
      #expect(dimension.units.contains { $0.size == Rational(1) })
    }
  }

  @Test("GB is 10⁹ and GiB is 2³⁰; Gb/s is 10⁹ bits")
  func decimalAndBinary() throws {
    #expect(try Dimension.bandwidth.parse("150 GB/s") == Rational(150_000_000_000))
    #expect(try Dimension.bandwidth.parse("50GiB/s") == Rational(50 << 30))
    #expect(
      try Dimension.bandwidth.parse("1.2 Tb/s") == Dimension.bandwidth.parse("150 GB/s"))
    #expect(try Dimension.bytes.parse("48 KiB") == Rational(49152))
    #expect(try Dimension.bytes.parse("48 KB") == Rational(48000))
    #expect(try Dimension.time.parse("5 µs") == Dimension.time.parse("5000 ns"))
  }

  @Test(
    "says what is wrong",
    arguments: [
      ("5", Dimension.time, QuantityError.Problem.missingUnit),
      ("5 ", .time, .missingUnit),
      ("us", .time, .notANumber),
      ("", .time, .notANumber),
      ("five us", .time, .notANumber),
      ("1.2.3 us", .time, .notANumber),
      ("5 GB/s", .time, .unknownUnit("GB/s")),
      ("5 uS", .time, .unknownUnit("uS")),
      ("5 GB", .bandwidth, .unknownUnit("GB")),
      ("5 gb/s", .bandwidth, .unknownUnit("gb/s")),
      ("-5 us", .time, .negative),
      ("1e7 s", .time, .tooLarge),
      ("1000000.25 s", .time, .tooLarge),
      ("999999999999999999e18 TiB", .bytes, .tooLarge),
      ("1e18 TB/s", .bandwidth, .tooLarge),
      ("0.00000000000000001e-18 ps", .time, .tooFine),
      ("1e-18 B", .bytes, .tooFine),
    ])
  func problems(text: String, dimension: Dimension, problem: QuantityError.Problem) {
    do throws(QuantityError) {
      let value = try dimension.parse(text)
      Issue.record("'\(text)' was read as \(value)")
    } catch {
      #expect(error.problem == problem)
      #expect(error.description.contains("'\(text)'"))
      #expect(error.description.contains(dimension.units[0].name))
    }
  }

  @Test("the limits themselves are read")
  func limits() throws {
    #expect(try Dimension.time.parse("1e6 s") == Rational(1_000_000))
    #expect(try Dimension.time.parse("1e-6 ps").denominator == 1_000_000_000_000_000_000)
    #expect(try Dimension.bytes.parse("1048576 TiB") == Rational(Int128(1) << 60))
  }
}
