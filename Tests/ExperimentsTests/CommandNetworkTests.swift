import Foundation
import Testing

@testable import Experiments

/// Exact results of closed forms, through `wafer collective` and `wafer pipeline`, by the evaluator and by
/// real processes.
@Suite("Closed forms, through the command line")
struct CommandNetworkTests {
  struct Row: Sendable, CustomStringConvertible {
    let command: String
    let picoseconds: Int
    /// Whether the numbers themselves are sent between processes too.
    let isSmall: Bool
    var arguments: [String] { command.split(separator: " ").map(String.init) + link }
    var description: String { command }
    private var link: [String] { ["--link-bandwidth", "50GiB/s", "--link-latency", "500ns"] }
  }

  private static let stages = "pipeline --stages 4 --stage-time 1ms --micro-batches"
  static let rows = [
    Row(
      command: "collective --algorithm ring --ranks 8 --bytes 64MiB", picoseconds: 2_194_500_000,
      isSmall: false),
    Row(
      command: "collective --algorithm recursive-doubling --ranks 8 --bytes 16KiB",
      picoseconds: 2_415_528, isSmall: true),
    Row(command: "\(stages) 1 --bytes 1MiB", picoseconds: 4_060_093_750, isSmall: true),
    Row(command: "\(stages) 4 --bytes 1MiB", picoseconds: 7_060_093_750, isSmall: true),
    Row(command: "\(stages) 8 --bytes 1MiB", picoseconds: 11_060_093_750, isSmall: true),
    Row(command: "\(stages) 4 --bytes 100MiB", picoseconds: 15_720_250_000, isSmall: false),
    // ASTRA-sim holds the sending port until delivery.
    Row(
      command: "\(stages) 4 --bytes 100MiB --hold delivery", picoseconds: 15_721_750_000,
      isSmall: false),
  ]

  @Test(
    "every exact result to the picosecond, from the evaluator and from processes", arguments: rows)
  func exact(row: Row) async throws {
    let payload = row.isSmall ? "real" : "phantom"
    for host in [["--transport", "none"], ["--transport", "tcp", "--payload", payload]] {
      let ended = try await run(Products.wafer, row.arguments + host + ["--format", "json"])
      #expect(ended.status == 0, "\(ended.errors)")
      let document = try ended.document
      #expect(document["emulated"]?["total_ps"] == .integer(row.picoseconds), "\(row) \(host)")
      #expect((document["measured"] == .null) == (host[1] == "none"))
    }
  }

  @Test(
    "an all-reduce leaves the same bytes on every rank, whatever the algorithm",
    arguments: ["ring", "recursive-doubling", "rabenseifner", "direct"])
  func digests(algorithm: String) async throws {
    let ended = try await run(
      Products.wafer,
      [
        "collective", "--algorithm", algorithm, "--ranks", "4", "--bytes", "16KiB",
        "--link-bandwidth", "50GiB/s", "--link-latency", "500ns", "--transport", "ipc", "--format",
        "json",
      ])
    #expect(ended.status == 0, "\(ended.errors)")
    guard case .array(let digests) = try ended.document["result_digests"] else {
      Issue.record("no digests")
      return
    }
    #expect(digests.count == 4 && Set(digests).count == 1, "\(digests)")
  }

  @Test("a whole MiB a rank really goes round a ring, and takes what the closed form says")
  func ring() async throws {
    let ended = try await run(
      Products.wafer,
      [
        "collective", "--algorithm", "ring", "--ranks", "8", "--bytes", "1MiB", "--link-bandwidth",
        "50GiB/s", "--link-latency", "500ns", "--transport", "inproc", "--format", "json",
      ])
    #expect(ended.status == 0, "\(ended.errors)")
    let document = try ended.document
    // 14 messages one after the other, of an eighth: 500 ns and 2,441,406 ps.
    #expect(document["emulated"]?["total_ps"] == 41_179_684)
    #expect(document["measured"]?["bytes"] == .integer(8 * 14 * (1 << 17)))
  }
}
