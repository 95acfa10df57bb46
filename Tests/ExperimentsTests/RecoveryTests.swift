import Foundation
import Runtime
import TestSupport
import Testing
import ZeroMQTransport

@testable import Experiments

#if canImport(Glibc)
  import Glibc
#endif

/// Runs that lose nodes and go on: the same tokens and the same emulated times as undisturbed ones.
@Suite("Recovery", .serialized)
struct RecoveryTests {
  private static let experiment = [
    "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "2", "--prompt-tokens", "8",
    "--output-tokens", "60", "--transport", "tcp", "--format", "json",
  ]

  private static func restarts(_ ended: Ended) throws -> Int {
    try ["single", "cluster"].reduce(0) { sum, half in
      guard case .number(let text)? = try ended.document[half]?["measured"]?["restarts"] else {
        return sum
      }
      return sum + (Int(text) ?? 0)
    }
  }

  /// A node program whose first process is killed after a while, from outside and without a word.
  private static func dyingProgram(in folder: String, after seconds: String) throws -> String {
    try Products.nodeProgram(in: folder, beforeFirst: "(sleep \(seconds); kill -KILL $$) &")
  }

  @Test(
    "a node that is killed is replaced, whatever it was at, and nothing shows it but the count",
    arguments: ["0", "0.02", "0.05", "0.1", "0.2", "0.4"])
  func killed(seconds: String) async throws {
    let undisturbed = try Answer(try await run(Products.wafer, Self.experiment))
    try await Fixtures.withShortFolder { folder in
      let temporary = "\(folder)/t"
      try FileManager.default.createDirectory(
        atPath: temporary, withIntermediateDirectories: true)
      let ended = try await run(
        Products.wafer,
        Self.experiment + [
          "--on-failure", "restart", "--node-program",
          try Self.dyingProgram(in: folder, after: seconds),
        ], temporary: temporary)
      #expect(ended.status == 0, "\(seconds): \(ended.errors)")
      #expect(try Answer(ended) == undisturbed)
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
      // A node that has told everything may die; one that has only begun may not.
      let restarts = try Self.restarts(ended)
      #expect(restarts == (ended.errors.contains("restart 1") ? 1 : 0))
      if seconds == "0" { #expect(restarts == 1, "\(ended.errors)") }
    }
  }

  @Test("a spare takes the place of a node of other hosts, and survivors keep their ranks")
  func spare() async throws {
    let undisturbed = try Answer(try await run(Products.wafer, Self.experiment))
    try await Fixtures.withShortFolder { folder in
      let coordinator = "ipc://\(folder)/coordinator"
      let processes = Collected<(rank: Int, process: Int32)>()
      async let ended = run(
        Products.wafer,
        Self.experiment + [
          "--on-failure", "restart", "--external-nodes", "--coordinator", coordinator,
          "--silence-limit", "3s",
        ]
      ) { _, line in
        guard line == "cluster: 4 nodes running", processes.all.isEmpty,
          let status = try? ClusterStatus.ask(coordinator, within: .seconds(20))
        else { return }
        processes.append(
          contentsOf: status.members.compactMap { member in
            member.rank.map { ($0, member.hello.process) }
          })
        // Nobody sees its end but by its silence.
        if let second = processes.all.first(where: { $0.rank == 2 }) {
          kill(second.process, SIGKILL)
        }
      }
      let nodes = try await withThrowingTaskGroup(of: Ended.self) { group in
        for _ in 0..<5 {
          group.addTask { try await run(Products.node, ["--coordinator", coordinator]) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let cluster = try await ended
      #expect(cluster.status == 0, "\(cluster.errors)")
      #expect(try Answer(cluster) == undisturbed)
      if processes.all.contains(where: { $0.rank == 2 }), try Self.restarts(cluster) == 1 {
        #expect(nodes.count { $0.status == nil } == 1)
        #expect(nodes.count { $0.status == 0 } == 4, "\(nodes.map(\.errors))")
      }
    }
  }

  @Test("a node that never stays ends the run when the restarts are used up")
  func hopeless() async throws {
    let ended = try await run(
      Products.wafer, Self.experiment + ["--on-failure", "restart", "--node-program", "/bin/false"])
    #expect(ended.status == 1)
    #expect(ended.errors.contains("restart \(RestartPolicy.mostRestarts)"))
    #expect(ended.errors.contains(/wafer: node process [0-9]+ ended before it registered/))
  }

  @Test("threads of one process cannot be replaced")
  func threads() async throws {
    let ended = try await run(
      Products.wafer, ["run", "--on-failure", "restart", "--transport", "inproc"])
    #expect(ended.status == 2)
    #expect(ended.errors.contains("'host.on_failure' is restart, which needs node processes"))
  }
}
