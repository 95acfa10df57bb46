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

  /// Runs it, stops a node as soon as the cluster runs, and lets it go on after some seconds.
  private func stopping(
    for seconds: Double?, _ options: [String]
  ) async throws -> (ended: Ended, stopped: Int32) {
    let stopped = Collected<Int32>()
    let ended = try await run(Products.wafer, Self.experiment + options) { process, line in
      guard line.hasPrefix("cluster:"), line.hasSuffix("running"), stopped.all.isEmpty,
        let child = Processes.children(of: process).last
      else { return }
      stopped.append(child)
      kill(child, SIGSTOP)
      guard let seconds else { return }
      Thread.sleep(forTimeInterval: seconds)
      kill(child, SIGCONT)
    }
    let child = try #require(stopped.all.first, "\(ended.errors)")
    #expect(!Processes.isAlive(child), "process \(child) is left")
    return (ended, child)
  }

  @Test("for less than the limit: nothing shows it")
  func short() async throws {
    let (ended, _) = try await stopping(for: 2, ["--silence-limit", "30s"])
    #expect(ended.status == 0, "\(ended.errors)")
    let undisturbed = try await run(Products.wafer, Self.experiment)
    #expect(try Answer(ended) == Answer(undisturbed))
  }

  @Test("for longer: the run ends with its rank and the silence, and so does the node")
  func long() async throws {
    let (ended, _) = try await stopping(for: nil, ["--silence-limit", "2s"])
    #expect(ended.status == 1)
    #expect(ended.errors.contains(/rank [01] has said nothing for [0-9.]+ s while running/))
    #expect(ended.output.isEmpty)
  }

  @Test("for longer, and it is replaced: the same answer")
  func replaced() async throws {
    let (ended, _) = try await stopping(
      for: nil, ["--silence-limit", "2s", "--on-failure", "restart"])
    #expect(ended.status == 0, "\(ended.errors)")
    let undisturbed = try await run(Products.wafer, Self.experiment)
    #expect(try Answer(ended) == Answer(undisturbed))
  }
}
