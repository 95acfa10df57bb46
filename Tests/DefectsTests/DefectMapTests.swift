import Quantities
import Testing

@testable import Defects

@Suite("Defect maps")
struct DefectMapTests {
  static let dies = DieGrid(
    dieColumns: 12, dieRows: 7, columnsPerDie: 64, rowsPerDie: 180, spareRows: 12)

  @Test("84 dies of 64 × 180 PEs with 12 spare rows are 967,680 PEs, 903,168 of them enabled")
  func counts() {
    #expect(Self.dies.dies == 84)
    #expect(Self.dies.physicalPEs == 967_680)
    #expect(Self.dies.logicalPEs == 903_168)
    #expect(Self.dies.columns == 768 && Self.dies.logicalRows == 1176)
    #expect(Self.dies.physicalRows == 1260 && Self.dies.northSpareRows == 6)
  }

  @Test("the same seed gives the same map, another seed another")
  func seeds() {
    let map = DefectMap(dies: Self.dies, expected: 46.225, seed: 7)
    #expect(map == DefectMap(dies: Self.dies, expected: 46.225, seed: 7))
    #expect(map != DefectMap(dies: Self.dies, expected: 46.225, seed: 8))
    // What it is, so that a change of the generator does not go unnoticed.
    #expect(map.dead.count == 52)
    #expect(map.dead.first == PhysicalPE(column: 11, row: 407))
  }

  @Test("SplitMix64 gives its published first outputs for seed 1234567")
  func generator() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  /// Mean and variance of many counts.
  private func moments(_ count: DefectCount, draws: Int = 4000) -> (Double, Double) {
    var generator = SplitMix64(seed: 99)
    var (sum, squares) = (0.0, 0.0)
    for _ in 0..<draws {
      let value = Double(count.draw(&generator))
      sum += value
      squares += value * value
    }
    let mean = sum / Double(draws)
    return (mean, squares / Double(draws) - mean * mean)
  }

  @Test(
    "independent counts have the mean and variance of Poisson",
    arguments: [0.01, 0.55, 5.5, 46.225, 462.25])
  func poisson(expected: Double) {
    let (mean, variance) = moments(DefectCount(mean: expected))
    // Five standard errors of 4,000 draws.
    #expect(abs(mean - expected) < 5 * (expected / 4000).squareRoot())
    #expect(
      abs(variance - expected) < 5 * ((2 * expected * expected + expected) / 4000).squareRoot())
  }

  @Test(
    "clustered counts have mean m and variance m + m²/α",
    arguments: [(0.55, 2.0), (0.55, 0.3), (5.5, 2.0), (46.225, 0.5), (46.225, 50)])
  func clustered(expected: Double, clustering: Double) {
    let count = DefectCount(mean: expected, clustering: clustering)
    let (mean, variance) = moments(count)
    let exact = expected + expected * expected / clustering
    #expect(abs(mean - expected) < 5 * (exact / 4000).squareRoot())
    // The fourth moment of a sum of gamma-mixed counts: excess kurtosis 6/α + 1/variance.
    let kurtosis = 2 + 6 / clustering + 1 / exact
    #expect(abs(variance - exact) < 5 * exact * (kurtosis / 4000).squareRoot())
  }

  @Test("defects fall on all PEs of all dies alike")
  func places() {
    let dies = DieGrid(dieColumns: 2, dieRows: 2, columnsPerDie: 2, rowsPerDie: 4, spareRows: 0)
    var counts: [PhysicalPE: Int] = [:]
    for seed in 0..<1000 as Range<UInt64> {
      for pe in DefectMap(dies: dies, expected: 3.2, seed: seed).dead {
        counts[pe, default: 0] += 1
      }
    }
    // Each of 32 PEs is dead with probability 1 − e^(−0.1): 95.2 of 1,000, 5 deviations of 9.3.
    #expect(counts.count == 32)
    for (pe, count) in counts { #expect((49...141).contains(count), "\(pe)") }
  }

  @Test("a written map is read back as it was")
  func roundTrip() throws {
    let map = DefectMap(dies: Self.dies, expected: 46.225, clustering: 2, seed: 3)
    #expect(try DefectMap(text: map.text, file: "map", dies: Self.dies) == map)
  }

  @Test("comments, spaces and whole dies are read")
  func reading() throws {
    let text = "# a wafer\n\n grid 768x1260 # its PEs\r\npe 12 40\r\n\tdie 1 0 \npe 64 0\n"
    let map = try DefectMap(text: text, file: "map", dies: Self.dies)
    #expect(map.dead.count == 1 + 64 * 180)
    #expect(map.dead[0] == PhysicalPE(column: 12, row: 40))
    #expect(map.dead.last == PhysicalPE(column: 127, row: 179))
  }

  @Test(
    "a wrong line is an error that names file, line and what would be right",
    arguments: [
      ("", 1, "Begin with 'grid 768x1260'"),
      ("pe 1 2\n", 1, "Begin with 'grid 768x1260'"),
      ("grid 750x994\n", 1, "The PEs of this wafer are 768x1260"),
      ("grid 768x1260\npes 1 2\n", 2, "Write 'pe COLUMN ROW' or 'die COLUMN ROW'"),
      ("grid 768x1260\n\npe 768 2\n", 3, "a column from 0 to 767 and a row from 0 to 1259"),
      ("grid 768x1260\npe 0 -1\n", 2, "a row from 0 to 1259"),
      ("grid 768x1260\npe 1\n", 2, "Write 'pe COLUMN ROW'"),
      ("grid 768x1260\npe 1 2 3\n", 2, "Write 'pe COLUMN ROW'"),
      ("grid 768x1260\ndie 12 0\n", 2, "a column from 0 to 11 and a row from 0 to 6"),
      ("grid 768x1260\npe 1 2\npe 01 2\n", 3, "Name each defect once"),
      ("grid 768x1260\ngrid 768x1260\n", 2, "Write 'pe COLUMN ROW' or 'die COLUMN ROW'"),
    ])
  func wrong(text: String, line: Int, remedy: String) throws {
    let error = #expect(throws: DefectMapError.self) {
      try DefectMap(text: text, file: "wafers/a.map", dies: Self.dies)
    }
    #expect(error?.description.hasPrefix("wafers/a.map:\(line): ") == true)
    #expect(error?.description.contains(remedy) == true, "\(String(describing: error))")
  }
}
