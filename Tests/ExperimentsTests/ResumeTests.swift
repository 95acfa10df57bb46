import Foundation
import TestSupport
import Testing

@testable import Experiments

/// A run that ended too early leaves what it had, marked as unfinished, and can be gone on with.
@Suite("Resuming a run", .serialized)
struct ResumeTests {
  private static func arguments(_ folder: String) -> [String] {
    [
      "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "1", "--transport", "tcp",
      "--prompt-tokens", "8", "--output-tokens", "200", "--format", "json", "--output", folder,
    ]
  }

  /// Runs until rank 0 crashes, in the cluster, which runs first, or in the single wafer: there it has more to do
  /// than in the cluster, and crashes at what it never comes to there.
  private func interrupted(_ folder: String, at half: String) async throws -> Ended {
    let cluster = try ProgramLength.ofRanks(
      set: [
        "model=synthetic-tiny", "plan.pipeline=2", "plan.tensor=1", "workload.prompt_tokens=8",
        "workload.output_tokens=200",
      ])[0]
    let number = half == "cluster" ? cluster.total / 2 : cluster.total
    return try await run(
      Products.wafer, Self.arguments(folder),
      variables: ["WAFER_CRASH_AT": "0 instruction \(number) \(folder)-crashed-\(half)"])
  }

  private static func unfinished(_ folder: String) throws -> JSONValue {
    try JSONDecoder().decode(
      JSONValue.self,
      from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(RunJournal.fileName)")))
  }

  @Test("a finished half is kept, and gone on from", arguments: ["cluster", "single"])
  func resumes(half: String) async throws {
    try await Fixtures.withShortFolder { root in
      let folder = "\(root)/out"
      let broken = try await interrupted(folder, at: half)
      #expect(broken.status == 1)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder) == [RunJournal.fileName],
        "no result, not even an empty one")
      let left = try Self.unfinished(folder)
      guard case .array(let finished)? = left["finished"] else {
        Issue.record("nothing is kept: \(left)")
        return
      }
      // The cluster runs first.
      #expect(finished.count == (half == "single" ? 1 : 0))
      #expect(left["stopped"]?["half"] == .string(half))
      guard case .string(let reason)? = left["stopped"]?["reason"] else {
        Issue.record("no reason: \(left)")
        return
      }
      #expect(reason.contains("ended in the middle of the run"))

      let resumed = try await run(Products.wafer, Self.arguments(folder) + ["--resume"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("cluster: finished before") == (half == "single"))
      let whole = try await run(Products.wafer, Self.arguments("\(root)/whole"))
      #expect(try Answer(resumed) == Answer(whole))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(RunJournal.fileName)"))
    }
  }

  @Test("tokens that do not come again are an error, not a result")
  func otherTokens() async throws {
    try await Fixtures.withShortFolder { root in
      let folder = "\(root)/out"
      #expect(try await interrupted(folder, at: "cluster").status == 1)
      let path = "\(folder)/\(RunJournal.fileName)"
      var left = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
          as? [String: Any])
      var stopped = try #require(left["stopped"] as? [String: Any])
      stopped["tokens"] = [[-1]]
      left["stopped"] = stopped
      try JSONSerialization.data(withJSONObject: left).write(to: URL(fileURLWithPath: path))
      let resumed = try await run(Products.wafer, Self.arguments(folder) + ["--resume"])
      #expect(resumed.status == 1)
      #expect(resumed.errors.contains("had made other tokens"), "\(resumed.errors)")
    }
  }

  @Test("nothing to go on with, another experiment, no folder: wrong input")
  func wrong() async throws {
    try await Fixtures.withShortFolder { root in
      let none = try await run(Products.wafer, Self.arguments("\(root)/none") + ["--resume"])
      #expect(none.status == 2)
      #expect(none.errors.contains("has no run that was interrupted"), "\(none.errors)")

      let folder = "\(root)/out"
      #expect(try await interrupted(folder, at: "cluster").status == 1)
      let other = try await run(
        Products.wafer, Self.arguments(folder) + ["--resume", "--seed", "12"])
      #expect(other.status == 2)
      #expect(other.errors.contains("is of another experiment"), "\(other.errors)")

      let nowhere = try await run(Products.wafer, ["run", "--resume"])
      #expect(nowhere.status == 2)
      #expect(nowhere.errors.contains("has no folder to find the run in"), "\(nowhere.errors)")
    }
  }
}
