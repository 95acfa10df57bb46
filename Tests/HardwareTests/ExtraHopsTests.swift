import Defects
import Hardware
import Quantities
import Testing

@Suite("Prices of a repaired wafer, worked out by hand")
struct ExtraHopsTests {
  /// Lines from west to east are 5 hops longer, from north to south 2.
  private let repaired = Toy.pricing(
    options: .init(extraHops: ExtraHops(westToEast: 5, northToSouth: 2)))

  private func fabric(_ cycles: Int64) -> Cost { Toy.cost(compute: 0, fabric: cycles) }

  @Test("no extra hops are the prices of a whole wafer")
  func none() {
    #expect(Toy.pricing(options: .init(extraHops: .none)) == Toy.pricing())
  }

  @Test(
    "a decode step takes every extra hop in each collective: 5 along the columns, 2 along the rows")
  func decode() {
    let work = BatchWork.decode(contexts: [10])
    let whole = Toy.pricing()
    // Attention: norm, QKV, maximum, sum and value from west to east; score and O from north to south.
    #expect(
      repaired.attention(Toy.layer, work)
        == whole.attention(Toy.layer, work) + fabric(5 * 5 + 2 * 2))
    // Feed-forward: norm, up and gate; down.
    #expect(
      repaired.feedForward(Toy.layer, work)
        == whole.feedForward(Toy.layer, work) + fabric(2 * 5 + 2))
    #expect(
      repaired.head(width: 8, vocabulary: 30, outputs: 1)
        == whole.head(width: 8, vocabulary: 30, outputs: 1) + fabric(2 * 5))
    #expect(
      repaired.candidates(vocabulary: 30, outputs: 1, count: 5)
        == whole.candidates(vocabulary: 30, outputs: 1, count: 5) + fabric(2 * 2))
    #expect(
      repaired.embedding(width: 8, tokens: 3) == whole.embedding(width: 8, tokens: 3) + fabric(2))
  }

  @Test("a sequence more in the batch shares the collective, and its extra hops")
  func batch() {
    let work = BatchWork.decode(contexts: [10, 4, 5])
    #expect(
      repaired.feedForward(Toy.layer, work)
        == Toy.pricing().feedForward(Toy.layer, work) + fabric(2 * 5 + 2))
  }

  @Test("a MeshGEMM meets every extra hop once a sweep")
  func prefill() {
    let work = BatchWork.prefill(tokens: 16)
    // 4.5 sweeps of the projections and 3.5 of the core, on lines from west to east.
    #expect(
      repaired.attention(Toy.layer, work)
        == Toy.pricing().attention(Toy.layer, work) + fabric(8 * 5))
    // 3.5 sweeps of 5 hops are 17.5 cycles.
    let longer = repaired.feedForward(Toy.layer, work).fabric.picoseconds
    let whole = Toy.pricing().feedForward(Toy.layer, work).fabric.picoseconds
    #expect(longer - whole == 17_500)
  }

  @Test("a slower router makes each extra hop as slow")
  func cyclesPerHop() {
    var wafer = Toy.wafer
    wafer.cyclesPerHop = 3
    func fabric(_ extra: ExtraHops) -> Int64 {
      WaferPricing(
        wafer: wafer, calibration: Toy.calibration, region: Rectangle(square: 4),
        options: .init(extraHops: extra)
      ).feedForward(Toy.layer, .decode(contexts: [1])).fabric.picoseconds
    }
    let extra = ExtraHops(westToEast: 5, northToSouth: 2)
    #expect(fabric(extra) - fabric(.none) == 3 * (2 * 5 + 2) * 1000)
  }
}

@Suite("Dies of a wafer")
struct WaferDiesTests {
  @Test("WSE-3's dies have 967,680 PEs and hold 762 × 1172 without their spares")
  func wse3() throws {
    let dies = try #require(try ConfigFiles.wafer("wse-3").dies)
    #expect(dies.dies == 84 && dies.spareRows == 12)
    #expect(dies.physicalPEs == 967_680 && dies.logicalPEs == 903_168)
    #expect(abs(Double(dies.physicalPEs) / 970_000 - 1) < 0.005)
    #expect(abs(Double(dies.logicalPEs) / 900_000 - 1) < 0.005)
    #expect(dies.columns == 768 && dies.logicalRows == 1176)
  }

  @Test("WSE-2's dies have 853,776 PEs, and their rows without spares are the program's 994")
  func wse2() throws {
    let wafer = try ConfigFiles.wafer("wse-2")
    let dies = try #require(wafer.dies)
    #expect(dies.physicalPEs == 853_776)
    #expect(dies.logicalRows == wafer.mesh.rows)
    #expect(wafer.area == Rational(46_225))
  }

  /// Reads WSE-3 with one figure changed, or left out.
  private func read(_ key: String, _ value: String?) throws {
    let preset = try ConfigFiles.preset("hardware", "wse-3", as: Wafer.self)
    var figures: [String: Figure<String>] = [:]
    for written in preset.figures { figures[written.key.name] = written.figure }
    figures[key] = value.map { Figure($0, .assumed, source: "this test") }
    _ = try Preset<Wafer>(name: "wse-3", summary: "", figures: figures)
  }

  @Test(
    "dies that are half described or do not hold the mesh are an error that names the key",
    arguments: [
      ("die_rows", nil, "beside 'die_rows'"), ("area", nil, "beside 'area'"),
      ("spare_rows_per_die", "180", "less than 'rows_per_die'"),
      ("columns_per_die", "63", "enough for 762 columns, not 756"),
      ("rows_per_die", "179", "enough for 1172 rows"),
      ("die_rows", "17", "from 1 to 16"),
    ] as [(String, String?, String)])
  func wrong(key: String, value: String?, words: String) {
    let error = #expect(throws: PresetError.self) { try read(key, value) }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
  }
}
