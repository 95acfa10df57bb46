import Foundation
import Hardware
import Quantities
import Testing

@testable import Experiments

@Suite("Files of published figures")
struct ValidationFileTests {
  static let text = """
    validation: test
    summary: two figures
    defaults:
      mark: published
      source: a paper
      role: held-out
      collective: {latency: 500 ns, bandwidth: 50 GiB/s}
    rows:
      - name: ring
        metric: collective-time
        collective: {operation: all-reduce, algorithm: ring, ranks: 8, bytes: 64 MiB}
        published: 2194500 ns
        tolerance: 0 %
      - name: decode
        metric: decode-tokens-per-second
        experiment:
          model: llama-3.1-8b
          hardware: {name: wse-2, grid: 420}
        published: 2699.9
        band: [2000, 3000]
        remarks: [scaled]
    """

  static func table(_ text: String) throws(ConfigurationError) -> ValidationTable {
    try ValidationFile(yaml: try StrictYAML(path: "folder/test.yaml", text: text), sha256: "")
      .table()
  }

  @Test("a table is read with its defaults under its rows")
  func read() throws {
    let table = try Self.table(Self.text)
    #expect(table.name == "test" && table.summary == "two figures" && table.rows.count == 2)
    let ring = table.rows[0]
    #expect(ring.place == .file("folder/test.yaml", line: 9))
    #expect(ring.published == Rational(21_945, over: 10_000_000))
    #expect(ring.allowed == .tolerance(Rational(0)) && ring.role == .heldOut)
    guard case .collective(let collective) = ring.subject else {
      Issue.record("\(ring.subject)")
      return
    }
    #expect(collective.ranks == 8 && collective.elements == 16 << 20)
    #expect(collective.link.latency == EmulatedTime(picoseconds: 500_000))
    let decode = table.rows[1]
    #expect(decode.allowed == .band(Rational(2000), Rational(3000)))
    #expect(decode.remarks == [.scaled] && decode.source == "a paper")
  }

  /// A change of the text above, the key at fault, its line, and what is nearest.
  static let broken: [(from: String, to: String, key: String, line: Int?, nearest: String?)] = [
    ("validation: test", "validation: toast", "validation", 1, nil),
    ("summary: two", "sumary: two", "sumary", 2, "summary"),
    ("summary: two figures\n", "", "summary", nil, nil),
    ("  mark: published", "  mark: publishd", "mark", 4, "published"),
    ("  role: held-out", "  role: heldout", "role", 6, "held-out"),
    ("  source: a paper\n", "", "rows[0].source", 8, nil),
    (
      "    metric: collective-time", "    metric: colective-time", "rows[0].metric", 10,
      "collective-time"
    ),
    ("ranks: 8, ", "", "rows[0].collective.ranks", 11, nil),
    ("ranks: 8", "rank: 8", "rows[0].collective.rank", 11, "ranks"),
    ("ranks: 8", "ranks: 0", "rows[0].collective.ranks", 11, nil),
    ("algorithm: ring", "algorithm: rings", "rows[0].collective.algorithm", 11, "ring"),
    (
      "all-reduce, algorithm: ring", "broadcast, algorithm: ring", "rows[0].collective.algorithm",
      11, nil
    ),
    ("64 MiB", "64", "rows[0].collective.bytes", 11, nil),
    ("64 MiB", "6 B", "rows[0].collective.bytes", 11, nil),
    ("published: 2194500 ns", "published: 2194500", "rows[0].published", 12, nil),
    ("published: 2194500 ns", "published: 0 ns", "rows[0].published", 12, nil),
    ("    published: 2194500 ns\n", "", "rows[0].published", 9, nil),
    ("tolerance: 0 %", "tolerance: 0", "rows[0].tolerance", 13, nil),
    ("tolerance: 0 %", "tolerence: 0 %", "rows[0].tolerence", 13, "tolerance"),
    ("name: decode", "name: ring", "name", 14, nil),
    ("model: llama", "modle: llama", "modle", 17, "model"),
    ("published: 2699.9", "published: 2699.9 ms", "rows[1].published", 19, nil),
    ("band: [2000, 3000]", "band: [3000, 2000]", "rows[1].band", 20, nil),
    ("band: [2000, 3000]", "band: [2000]", "rows[1].band", 20, nil),
    ("remarks: [scaled]", "remarks: [scald]", "rows[1].remarks", 21, "scaled"),
    ("remarks: [scaled]", "tolerance: 1 %", "rows[1].tolerance", 21, nil),
    ("remarks: [scaled]", "prefill: {model: llama-3.1-8b}", "rows[1].prefill", 21, nil),
    ("remarks: [scaled]", "gemv: {side: 3}", "rows[1].gemv", 21, nil),
  ]

  @Test("a broken table names file, line, key and the nearest", arguments: broken)
  func errors(from: String, to: String, key: String, line: Int?, nearest: String?) throws {
    let text = Self.text.replacing(from, with: to, maxReplacements: 1)
    #expect(text != Self.text)
    let error = #expect(throws: ConfigurationError.self) { try Self.table(text) }
    // A key of the defaults is reported where it stands, under the name it has there.
    #expect(error?.key == key || error?.key == "rows[0].\(key)", "\(error as Any)")
    #expect(error?.place == .file("folder/test.yaml", line: line), "\(error as Any)")
    #expect(error?.nearest == nearest, "\(error as Any)")
  }

  @Test("a ratio names two rows of its table")
  func ratios() throws {
    let row = """

        - name: quotient
          metric: ratio
          ratio: {of: ring, to: rong}
          published: 1
      """
    let error = #expect(throws: ConfigurationError.self) { try Self.table(Self.text + row) }
    #expect(error?.nearest == "ring" && error?.key == "ratio")
    let table = try Self.table(Self.text + row.replacing("rong", with: "decode"))
    #expect(table.rows[2].subject == .ratio(of: "ring", to: "decode"))
  }

  @Test("a table that is not there names the nearest")
  func unknown() {
    let error = #expect(throws: ConfigurationError.self) {
      try Fixtures.presets.validationTable("waferllm-decod", at: .option("TABLE"))
    }
    #expect(error?.nearest == "waferllm-decode")
  }
}
