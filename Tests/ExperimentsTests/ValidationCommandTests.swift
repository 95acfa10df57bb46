import Foundation
import Testing

@testable import Experiments

@Suite("wafer validate")
struct ValidationCommandTests {
  @Test("every committed table holds, and has what its reader needs")
  func committed() async throws {
    let ended = try await run(Products.wafer, ["validate", "--format", "json"])
    #expect(ended.status == 0, "\(ended.errors)")
    let document = try ended.document
    #expect(document["schema"] == "wafer.validate/1" && document["holds"] == true)
    guard case .array(let tables) = document["tables"] else {
      Issue.record("no tables")
      return
    }
    let names = tables.map { $0["name"] }
    #expect(names == Fixtures.presets.validationTables.map { .string($0) })
    for case .array(let rows) in tables.map({ $0["rows"] ?? .null }) {
      #expect(!rows.isEmpty)
      for row in rows {
        #expect(row["source"] != .string("") && row["holds"] != .boolean(false), "\(row)")
        #expect(
          (row["role"] == "calibrated" && row["metric"] != "ratio")
            == (row["leave_one_out_error_percent"] != .null), "\(row["name"] as Any)")
      }
    }
  }

  @Test("a table for people has each row, its summary and numbered sources")
  func text() async throws {
    let ended = try await run(Products.wafer, ["validate", "waferllm-decode"])
    #expect(ended.status == 0, "\(ended.errors)")
    for part in [
      "CodeLLaMA-34B on 540", "left out", "held out: largest error", "scaled", "[1] WaferLLM",
      "12 of 12 within what is allowed", "no stated tolerance is broken",
    ] {
      #expect(ended.output.contains(part), "\(part) is missing in\n\(ended.output)")
    }
  }

  @Test("a broken tolerance gives status 1 and says which row of which line")
  func broken() async throws {
    try await Fixtures.withShortFolder { folder in
      let file = Fixtures.presets.folder + "/validation/network-reference.yaml"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let changed = text.replacing("2415528 ps", with: "2415529 ps")
        .replacing("validation: network-reference", with: "validation: mine")
      let path = folder + "/mine.yaml"
      try changed.write(toFile: path, atomically: true, encoding: .utf8)
      let line =
        try #require(
          changed.split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains("name: recursive doubling") }) + 1
      let ended = try await run(Products.wafer, ["validate", path])
      #expect(ended.status == 1)
      #expect(
        ended.errors.contains("\(path):\(line): mine, recursive doubling, 16 KiB: predicted"),
        "\(ended.errors)")
      #expect(ended.output.contains("exact BROKEN"))

      let wrong = try await run(Products.wafer, ["validate", path + ".yaml"])
      #expect(wrong.status == 2 && wrong.output.isEmpty, "\(wrong.errors)")
    }
  }
}
