import Quantities
import Testing

@testable import Serving

@Suite("Arrivals, lengths and traces")
struct ArrivalsTests {
  @Test(
    "Poisson arrivals have the rate, the seed repeats them, and another rate has the same requests")
  func poisson() {
    func requests(_ rate: Int) -> [Request] {
      Arrivals.poisson(rate: Rational(rate)).requests(
        count: 20_000, prompt: (.exponential, 1000), output: (.exponential, 200), seed: 3)
    }
    let slow = requests(5)
    #expect(slow == requests(5))
    guard case .at(let last) = slow.last!.coming else { return #expect(Bool(false)) }
    // The standard deviation of the mean gap of 20,000 is 0.7 %.
    #expect(abs(last.seconds - 4000) < 4000 * 0.03)
    let fast = requests(10)
    #expect(slow.map(\.promptTokens) == fast.map(\.promptTokens))
    let mean = Double(slow.reduce(0) { $0 + $1.promptTokens }) / 20_000
    #expect(abs(mean - 1000) < 30)
  }

  @Test("lengths lie within their bounds and have their means")
  func lengths() {
    var random = SplitMix64(seed: 8)
    for distribution in LengthDistribution.allCases {
      let draws = (0..<20_000).map { _ in distribution.draw(mean: 50, from: &random) }
      #expect(draws.allSatisfy { (1...distribution.most(mean: 50)).contains($0) })
      let mean = Double(draws.reduce(0, +)) / 20_000
      #expect(abs(mean - 50) < 1.6, "\(distribution): \(mean)")
    }
    #expect(LengthDistribution.uniform.draw(mean: 1, from: &random) == 1)
  }

  @Test("a trace's times count from its first row, over months and with any fraction")
  func trace() throws {
    let rows = try Trace.rows(
      """
      TIMESTAMP,ContextTokens,GeneratedTokens
      2023-11-30 23:59:59.5000000,4808,10
      2023-12-01T00:00:00.6805900Z,3180,8

      2024-01-01 00:00:00+00:00,110,27
      """)
    let times: [Int64] = [0, 1_180_590_000_000, 2_678_400_500_000_000_000]
    #expect(rows.map(\.time.picoseconds) == times)
    #expect(rows.map(\.promptTokens) == [4808, 3180, 110])
    #expect(rows.map(\.outputTokens) == [10, 8, 27])
    let seconds = try Trace.rows(
      "\u{FEFF}timestamp,contexttokens,generatedtokens\r\n3.5,1,2\r\n4,5,6")
    #expect(seconds.map(\.time.picoseconds) == [0, 500_000_000_000])
  }

  @Test(
    "a bad row is named",
    arguments: [
      ("time,in,out\n1,2,3", 1, "it must be TIMESTAMP"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n1,2", 2, "2 fields"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n1,2,3\nx,2,3", 3, "'x' is no time"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n2,2,3\n1,2,3", 3, "before the row above"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n2,0,3", 2, "ContextTokens is '0'"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n2,1,many", 2, "GeneratedTokens is 'many'"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 00:00:00,1,1", 2, "is no time"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n1,1,1\n9000000,1,1", 3, "50 days"),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n", 2, "without a row"),
    ])
  func badTrace(text: String, line: Int, problem: String) {
    #expect {
      try Trace.rows(text)
    } throws: { error in
      let error = error as! TraceError
      return error.line == line && error.problem.contains(problem)
    }
  }

  @Test("percentiles are values that occurred, by nearest rank")
  func percentiles() throws {
    let values = (1...10).map { EmulatedTime(picoseconds: Int64($0)) }.shuffled()
    let distribution = try #require(TimeDistribution(values))
    #expect(distribution.p50.picoseconds == 5)
    #expect(distribution.p90.picoseconds == 9)
    #expect(distribution.p99.picoseconds == 10)
    // 5.5 goes to even.
    #expect(distribution.mean.picoseconds == 6)
    #expect(TimeDistribution([]) == nil)
  }
}
