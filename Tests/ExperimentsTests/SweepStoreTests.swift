import Foundation
import TestSupport
import Testing

@testable import Experiments

@Suite("The folder of a sweep")
struct SweepStoreTests {
  private static func open(_ path: String, _ sweep: Sweep) throws(ConfigurationError)
    -> SweepStore
  {
    try SweepStore(
      path, sweep: sweep.json(command: ["wafer", "sweep"]), columns: sweep.columns,
      rows: sweep.grid.count)
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  /// A folder with all rows.
  private static func whole(_ path: String, _ sweep: Sweep, _ rows: [JSONValue]) throws {
    let folder = try open(path, sweep)
    for row in rows { try folder.append(row) }
  }

  @Test(
    "rows that were cut anywhere are written again, and all others stay: the bytes are the same")
  func resumes() async throws {
    let sweep = try SweepTests.sweep("pp=1,2", "link-latency=1us,2us,3us")
    let rows = try await SweepTests.rows(sweep)
    try Fixtures.withFolder { path in
      try Self.whole("\(path)/a", sweep, rows)
      let table = try Self.text("\(path)/a/rows.csv")
      let lines = try Self.text("\(path)/a/rows.jsonl")
      #expect(table.split(separator: "\n").count == 7 && lines.split(separator: "\n").count == 6)
      for (tableBytes, lineBytes) in [
        (table.utf8.count, lines.utf8.count), (0, 0), (10, lines.utf8.count), (table.utf8.count, 0),
        (table.utf8.count / 2, lines.utf8.count), (table.utf8.count - 1, lines.utf8.count / 3),
      ] {
        try Self.whole("\(path)/b", sweep, rows)
        try table.utf8.prefix(tableBytes).data.write(to: URL(fileURLWithPath: "\(path)/b/rows.csv"))
        try lines.utf8.prefix(lineBytes).data.write(
          to: URL(fileURLWithPath: "\(path)/b/rows.jsonl"))
        let folder = try Self.open("\(path)/b", sweep)
        #expect(folder.finished == Array(rows.prefix(folder.finished.count)))
        #expect(tableBytes < table.utf8.count || lineBytes > 0 || folder.finished.isEmpty)
        for row in rows.dropFirst(folder.finished.count) { try folder.append(row) }
        #expect(try Self.text("\(path)/b/rows.csv") == table)
        #expect(try Self.text("\(path)/b/rows.jsonl") == lines)
        try FileManager.default.removeItem(atPath: "\(path)/b")
      }
    }
  }

  @Test(
    "a folder of another sweep, of rows without one, and a place that cannot be written are errors")
  func refused() throws {
    let sweep = try SweepTests.sweep("pp=1,2")
    let other = try SweepTests.sweep("pp=1,2,4")
    try Fixtures.withFolder { path in
      _ = try Self.open(path, sweep)
      let error = #expect(throws: ConfigurationError.self) { try Self.open(path, other) }
      #expect("\(error!)".contains("another sweep: its axes differ"), "\(error!)")
      _ = try Self.open(path, sweep)
    }
    try Fixtures.withFolder { path in
      try Data().write(to: URL(fileURLWithPath: "\(path)/rows.csv"))
      let error = #expect(throws: ConfigurationError.self) { try Self.open(path, sweep) }
      #expect("\(error!)".contains("no sweep.json"), "\(error!)")
    }
    let error = #expect(throws: ConfigurationError.self) { try Self.open("/proc/none", sweep) }
    #expect("\(error!)".contains("--output"), "\(error!)")
  }

  @Test("a row of another point is no row of this sweep")
  func strangeRow() async throws {
    let sweep = try SweepTests.sweep("pp=1,2")
    let rows = try await SweepTests.rows(sweep)
    try Fixtures.withFolder { path in
      try Self.whole(path, sweep, [rows[0], rows[0]])
      let error = #expect(throws: ConfigurationError.self) { try Self.open(path, sweep) }
      #expect("\(error!)".contains("line 2"), "\(error!)")
    }
  }

  @Test("the command goes on where it was interrupted, and ends with the same files")
  func commandResumes() async throws {
    let folder = TemporaryFolder()
    let arguments = [
      "sweep", "--pp", "2", "--output-tokens", "2", "--over", "tp=1,2", "--over",
      "link-latency=1us,2us", "--output",
    ]
    let first = try await run(Products.wafer, arguments + ["\(folder.path)/a", "--format", "json"])
    #expect(first.status == 0, "\(first.errors)")
    let document = try first.document
    #expect(document["schema"] == "wafer.sweep/1")
    let table = try Self.text("\(folder.path)/a/rows.csv")
    // As if it had been stopped within the third row.
    let kept = table.split(separator: "\n", omittingEmptySubsequences: false).prefix(3)
    try (kept.joined(separator: "\n") + "\n2,1").write(
      toFile: "\(folder.path)/a/rows.csv", atomically: true, encoding: .utf8)
    let second = try await run(
      Products.wafer, arguments + ["\(folder.path)/a", "--format", "json"])
    #expect(second.status == 0 && second.errors.contains("2 of 4 points are there"), "\(second)")
    #expect(try Self.text("\(folder.path)/a/rows.csv") == table)
    #expect(try second.document["rows"] == document["rows"])
    let other = try await run(
      Products.wafer, arguments + ["\(folder.path)/a", "--over", "batch=1,2"])
    #expect(other.status == 2 && other.errors.contains("another sweep"), "\(other.errors)")
    removeAll(folder.path)
  }

  /// What commands left there, which the folder does not know of.
  private func removeAll(_ path: String) {
    try? FileManager.default.removeItem(atPath: "\(path)/a")
  }

  @Test("measured points have measured columns, and the others none")
  func measured() async throws {
    let ended = try await run(
      Products.wafer,
      [
        "sweep", "--output-tokens", "2", "--tp", "1", "--over", "link-latency=1us,2us,3us",
        "--measure-every", "2", "--transport", "inproc", "--format", "json",
      ])
    #expect(ended.status == 0, "\(ended.errors)")
    guard case .array(let rows) = try ended.document["rows"] else {
      return #expect(Bool(false), "no rows")
    }
    #expect(rows.map { $0["measured_total_ns"]?.integer != nil } == [true, false, true])
    let none = try await run(
      Products.wafer, ["sweep", "--over", "tp=1,2", "--measure", "--transport", "none"])
    #expect(none.status == 2 && none.errors.contains("--measure"), "\(none.errors)")
  }
}

extension Sequence<UInt8> {
  fileprivate var data: Data { Data(self) }
}
