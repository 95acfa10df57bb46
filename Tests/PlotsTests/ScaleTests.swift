import Testing

@testable import Plots

struct ScaleTests {
  @Test("linear marks are round, hold the values, and are as many as asked for or fewer")
  func linear() {
    for (low, high) in [(0.0, 1.0), (3, 17), (-5, 12), (0.001, 0.0042), (99, 101), (-8, -3)] {
      for most in 2...9 {
        for includesZero in [true, false] {
          let scale = Scale.linear([low, high], includesZero: includesZero, most: most)
          #expect(scale.lower <= low + 1e-12 && high <= scale.upper + 1e-12)
          #expect(scale.ticks.count <= most + 2)
          let step = scale.ticks[1] - scale.ticks[0]
          let lead = step / Scale.niceStep(step * (1 - 1e-9))
          #expect(abs(lead - 1) < 1e-6, "a step of \(step)")
          if includesZero { #expect(scale.lower <= 0 && scale.upper >= 0) }
          #expect(abs(scale.fraction(scale.lower)) < 1e-9)
          #expect(abs(scale.fraction(scale.upper) - 1) < 1e-9)
        }
      }
    }
  }

  @Test("one value, and none, still make a scale")
  func degenerate() {
    for values in [[], [0.0], [5], [-5]] {
      for includesZero in [true, false] {
        let scale = Scale.linear(values, includesZero: includesZero, most: 5)
        #expect(scale.upper > scale.lower)
        for value in values { #expect((0...1).contains(scale.fraction(value))) }
      }
    }
  }

  @Test("logarithmic marks ascend and hold the values")
  func logarithmic() {
    for (low, high) in [(1.0, 1000.0), (0.003, 12_000), (5, 5), (1.5, 1.7), (1e9, 1.5e12)] {
      for most in 2...7 {
        let scale = Scale.logarithmic([low, high], most: most)
        #expect(scale.lower <= low * (1 + 1e-9) && high <= scale.upper * (1 + 1e-9))
        #expect(scale.ticks == scale.ticks.sorted() && scale.ticks.count >= 2)
        #expect(scale.ticks.count <= max(most + 1, 3), "\(low)...\(high): \(scale.ticks)")
      }
    }
    #expect(abs(Scale.logarithmic([1, 100], most: 5).fraction(10) - 0.5) < 1e-12)
  }

  @Test("marks are round in the unit that they are written in")
  func unit() {
    let axis = Axis("latency", .picoseconds).placed([0, 7_300_000], most: 5)
    #expect(axis.title == "latency (µs)")
    #expect(axis.ticks.map(\.text) == ["0", "2", "4", "6", "8"])
  }
}
