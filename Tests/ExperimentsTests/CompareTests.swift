import Foundation
import Quantities
import Testing

@testable import Experiments

@Suite("Two results compared")
struct CompareTests {
  private static func document(_ arguments: String...) async throws -> JSONValue {
    let settings = try Fixtures.settings(set: arguments + SweepTests.base).evaluated
    let run = ExperimentRun(
      try Fixtures.resolver.resolve(settings), launch: NodeLaunch(program: nil, coordinator: nil))
    return RunDocument(try await run.run(), text: nil).json
  }

  @Test("the differences of the accounts add up to those of the times, exactly, and keys are named")
  func addsUp() async throws {
    let a = try await Self.document("plan.tensor=1")
    let b = try await Self.document("plan.tensor=4", "link.latency=2 us", "workload.batch=3")
    let comparison = try ResultComparison(names: ("a", "b"), documents: (a, b))
    #expect(comparison.halves.map(\.name).prefix(2) == ["cluster", "single"])
    for half in comparison.halves {
      #expect(half.extraAccount.total == half.extra)
      #expect(half.extra == half.b.total - half.a.total)
    }
    let keys = comparison.keys.map(\.key)
    #expect(
      keys.contains("modelled.plan.tensor") && keys.contains("modelled.link.latency_ps")
        && keys.contains("modelled.workload.batch"), "\(keys)")
    #expect(!keys.contains { $0.hasPrefix("modelled.model") }, "\(keys)")
    let same = try ResultComparison(names: ("a", "a"), documents: (a, a))
    #expect(same.keys.isEmpty && same.halves.allSatisfy { $0.extra == .zero })
  }

  @Test("a folder and a file are read, and what is no result is an error that names it")
  func files() async throws {
    let a = try await Self.document()
    try Fixtures.withFolder { path in
      let file = "\(path)/result.json"
      try Data(a.document.utf8).write(to: URL(fileURLWithPath: file))
      #expect(try ResultComparison(path, file).halves.count >= 2)
      func error(_ b: String) -> String {
        do {
          _ = try ResultComparison(path, b)
          return ""
        } catch { return "\(error)" }
      }
      #expect(error("\(path)/none").contains("does not exist"))
      let other = "\(path)/other.json"
      for (text, word) in [
        ("{", "is not JSON"), ("{}", "schema"), ("{\"schema\": \"wafer.run/1\"}", "no emulated"),
      ] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: other))
        #expect(error(other).contains(word), "\(error(other))")
      }
      // An account that was changed by a picosecond.
      let compute = try #require(a["cluster"]?["emulated"]?["account_ps"]?["compute"]?.integer)
      let changed = a.document.replacing(
        "\"compute\": \(compute)", with: "\"compute\": \(compute + 1)")
      try Data(changed.utf8).write(to: URL(fileURLWithPath: other))
      #expect(error(other).contains("adds up to"), "\(error(other))")
    }
  }
}
