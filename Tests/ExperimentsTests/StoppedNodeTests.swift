import Foundation
import TestSupport
import Testing

@testable import Experiments

#if canImport(Glibc)
  import Glibc
#endif

/// A node that is stopped, as a debugger or an overloaded host stops it, and goes on later or never.
@Suite("Nodes that are stopped", .serialized)
struct StoppedNodeTests {
  /// A second or two of work in steps of tens of microseconds.
  private static let experiment = [
    "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "1", "--payload", "phantom",
    "--output-tokens", "3000", "--transport", "tcp", "--format", "json",
  ]

  /// A node program whose first process is stopped after a second, from outside, and goes on after some more.
  private static func stoppingProgram(in folder: String, for seconds: Int?) throws -> String {
    let goingOn = seconds.map { "sleep \($0); kill -CONT $$" } ?? ":"
    return try Products.nodeProgram(
      in: folder,
      beforeFirst: "(sleep 1; kill -STOP $$ && echo $$ >'\(folder)/stopped'; \(goingOn)) &")
  }

  /// Runs it with a node that is stopped for some seconds, or for good.
  private func stopping(for seconds: Int?, _ options: [String]) async throws -> Ended {
    try await Fixtures.withShortFolder { folder in
      let ended = try await run(
        Products.wafer,
        options + ["--node-program", try Self.stoppingProgram(in: folder, for: seconds)])
      let text = try String(contentsOfFile: "\(folder)/stopped", encoding: .utf8)
      let stopped = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
      #expect(!Processes.isAlive(stopped), "process \(stopped) is left")
      return ended
    }
  }

  @Test("for less than the limit: nothing shows it")
  func short() async throws {
    let ended = try await stopping(for: 2, Self.experiment + ["--silence-limit", "60s"])
    #expect(ended.status == 0, "\(ended.errors)")
    let undisturbed = try await run(Products.wafer, Self.experiment)
    #expect(try Answer(ended) == Answer(undisturbed))
  }

  @Test("for longer: the run ends with its rank and the silence, and so does the node")
  func long() async throws {
    // Far more work than it does until then.
    let ended = try await stopping(
      for: nil, Self.experiment + ["--output-tokens", "500000", "--silence-limit", "10s"])
    #expect(ended.status == 1)
    #expect(ended.errors.contains(/rank [01] has said nothing for [0-9.]+ s while [a-z]+/))
    #expect(ended.output.isEmpty)
  }

  @Test("for longer, and it is replaced: the same answer")
  func replaced() async throws {
    let ended = try await stopping(
      for: nil, Self.experiment + ["--silence-limit", "10s", "--on-failure", "restart"])
    #expect(ended.status == 0, "\(ended.errors)")
    let undisturbed = try await run(Products.wafer, Self.experiment)
    #expect(try Answer(ended) == Answer(undisturbed))
  }
}
