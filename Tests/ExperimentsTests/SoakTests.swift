import Foundation
import TestSupport
import Testing

@testable import Experiments

#if canImport(Glibc)
  import Glibc
#endif

/// Requests without a break over four processes: memory stays flat, and no descriptor is lost.
/// `WAFER_SOAK_SECONDS` is how long, about; `scripts/test-long soak` takes an hour.
@Suite("Soak", .serialized)
struct SoakTests {
  private static var seconds: Int {
    ProcessInfo.processInfo.environment["WAFER_SOAK_SECONDS"].flatMap { Int($0) } ?? 120
  }

  private static func service(requests: Int) -> [String] {
    [
      "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "2", "--transport", "tcp",
      "--payload", "real", "--arrivals", "closed-loop", "--users", "4", "--batch", "4",
      "--requests", "\(requests)", "--prompt-tokens", "16", "--output-tokens", "64",
      "--format", "json",
    ]
  }

  /// A process at one time.
  private struct Sample: Sendable {
    var resident: Int
    var descriptors: Int

    init?(_ process: Int32) {
      guard
        let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8),
        let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
        let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")
      else { return nil }
      resident = pages * sysconf(Int32(_SC_PAGESIZE))
      descriptors = open.count
    }
  }

  @Test("memory of nodes is flat, that of the coordinator grows by what it keeps of tokens")
  func soak() async throws {
    // How fast this machine is just now, from a short one.
    let began = ContinuousClock.now
    var requests = 20
    #expect(try await run(Products.wafer, Self.service(requests: requests)).status == 0)
    var used = (ContinuousClock.now - began) / .seconds(1)
    var last = used
    // Half of what would fit, in the first place: other tests run beside this one and come and go. A rate that was
    // wrong, either way, is measured again by each run.
    repeat {
      let left = max(0, Double(Self.seconds) - used)
      requests = max(40, Int(Double(requests) / last * left / (used == last ? 2 : 1)))
      let start = ContinuousClock.now
      try await watch(requests: requests)
      last = (ContinuousClock.now - start) / .seconds(1)
      used += last
    } while used < 0.9 * Double(Self.seconds)
  }

  /// One run, looked at until its end.
  private func watch(requests: Int) async throws {
    // On a thread of its own: other tests keep those of the concurrency runtime busy for longer than this takes.
    let (status, all) = try await NodeProcesses.onThread {
      try Self.watched(Self.service(requests: requests))
    }
    #expect(status == 0)
    try #require(all.count >= 8, "\(all.count) samples of \(requests) requests")
    // Warm after a quarter; the last sample may be of a node that leaves.
    let (early, late) = (all[all.count / 4], all[all.count - 2])
    #expect(early.keys.sorted() == late.keys.sorted())
    for (process, before) in early.sorted(by: { $0.key < $1.key }) {
      let after = try #require(late[process])
      let grown = after.resident - before.resident
      print(
        "soak: \(process == 0 ? "coordinator" : "node"), \(requests) requests, "
          + "\(before.resident >> 10) KiB then \(after.resident >> 10) KiB, "
          + "\(before.descriptors) descriptors then \(after.descriptors)")
      #expect(after.descriptors <= before.descriptors)
      let tokens = requests * 64
      // The nodes keep nothing of a token; the coordinator its times and its token, of both clocks, a rank.
      #expect(grown <= (process == 0 ? tokens * Self.bytesPerToken : 1 << 20), "\(grown) bytes")
    }
  }

  /// Runs the coordinator, and looks five times a second at it (0) and its nodes while it has four.
  private static func watched(_ arguments: [String]) throws -> (Int32, [[Int32: Sample]]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Products.wafer)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["WAFER_CONFIGS": Fixtures.presets.folder]
    ) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    var samples: [[Int32: Sample]] = []
    while process.isRunning {
      let nodes = Processes.children(of: process.processIdentifier)
      var all: [Int32: Sample] = [:]
      for one in nodes { all[one] = Sample(one) }
      all[0] = Sample(process.processIdentifier)
      if nodes.count == 4, all.count == 5 { samples.append(all) }
      Thread.sleep(forTimeInterval: 0.2)
    }
    return (process.terminationStatus, samples)
  }

  /// What the coordinator may keep of a token: reports of four ranks with times of both clocks, and the token.
  private static let bytesPerToken = 1024
}
