import Foundation
import Testing

@testable import Experiments

@Suite("wafer calibrate --host, wafer validate --host", .serialized)
struct HostCommandTests {
  @Test("input that cannot be is refused with status 2, and says what would be right")
  func wrongInput() async throws {
    try await Fixtures.withShortFolder { folder in
      let tiny = ["--model", "synthetic-tiny"]
      let cases: [(arguments: [String], words: [String])] = [
        (["calibrate"], ["--hardware: is missing", "--host"]),
        (["calibrate", "--host"] + tiny, ["--output: is missing"]),
        (
          ["calibrate", "--host", "--hardware", "wse-2", "--output", folder],
          ["--hardware: is given beside --host"]
        ),
        (
          ["calibrate", "--hardware", "wse-2", "--tokens", "8"],
          ["--tokens: is given without --host"]
        ),
        (
          ["calibrate", "--host", "--output", folder, "--name", "a/b"],
          ["--name: is 'a/b', which is no name of a file"]
        ),
        (
          ["calibrate", "--host", "--output", folder, "--busy", "99999"] + tiny,
          ["--busy", "99999"]
        ),
        (["calibrate", "--host", "--output", folder, "--tokens", "0"] + tiny, ["--tokens", "1"]),
        (
          ["calibrate", "--host", "--output", folder, "--model", "llama-3.1-8b"],
          ["has no weights", "synthetic-llama-3.1-8b"]
        ),
        (["validate", "--host", folder + "/none"] + tiny, ["--host", "is no folder of presets"]),
        (["validate", "--host", folder], ["--host", "is no folder of presets"]),
        (["validate", "--plans", "1x1"], ["--plans: is given without --host"]),
        (["validate", "products", "--host", folder], ["TABLE: 'products' is given beside --host"]),
      ]
      for (arguments, words) in cases {
        let ended = try await run(Products.wafer, arguments)
        #expect(ended.status == 2, "\(arguments): \(ended.errors)")
        for word in words {
          #expect(ended.errors.contains(word), "\(arguments): \(ended.errors)")
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test("a folder of wafers holds no measured host, and says how to make one")
  func noHost() async throws {
    let ended = try await run(
      Products.wafer, ["validate", "--host", Fixtures.presets.folder, "--model", "synthetic-tiny"])
    #expect(ended.status == 2)
    #expect(ended.errors.contains("holds no measured host"), "\(ended.errors)")
    #expect(ended.errors.contains("wafer calibrate --host"), "\(ended.errors)")
  }

  @Test("a host is measured, becomes presets that price runs, and is validated on real processes")
  func endToEnd() async throws {
    try await Fixtures.withShortFolder { folder in
      let common = ["--model", "synthetic-tiny", "--name", "here", "--format", "json"]
      let calibrated = try await run(
        Products.wafer,
        ["calibrate", "--host", "--output", folder, "--tokens", "4", "--repetitions", "1"]
          + ["--busy", "1"] + common)
      #expect(calibrated.status == 0, "\(calibrated.errors)")
      try checkCalibration(try calibrated.document)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/hardware")
          == ["here-1.yaml"])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/links").sorted()
          == ["here-1-ipc.yaml", "here-1-tcp.yaml"])

      // The preset prices a run like any device, and its warnings say what it was not measured for.
      let evaluated = try await run(
        Products.wafer,
        [
          "run", "--configs", folder, "--hardware", "here-1", "--model", "synthetic-tiny",
          "--prompt-tokens", "16", "--pp",
          "1", "--tp", "2", "--transport", "none", "--format", "json",
        ])
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let document = try evaluated.document
      try checkAccount(document["cluster"]?["emulated"])
      #expect(document["cluster"]?["layout"]?["busy_processes"] == 1)
      #expect(document["experiment"]?["modelled"]?["hardware"]?["name"] == "here-1")
      #expect(evaluated.errors.contains("measured with 1 busy, and up to 2 processes"))
      #expect(evaluated.errors.contains("widths.activations=fp32"))

      let validated = try await run(
        Products.wafer,
        ["validate", "--host", folder, "--plans", "1x1,2x1,1x2", "--repetitions", "3"]
          + ["--prompt-tokens", "3", "--output-tokens", "3"] + common)
      #expect(validated.status == 0, "\(validated.errors)")
      try checkValidation(try validated.document, plans: [[1, 1], [2, 1], [1, 2]])

      let unsuited = try await run(
        Products.wafer,
        ["validate", "--host", folder, "--plans", "9x1", "--model", "synthetic-tiny"])
      #expect(unsuited.status == 2)
      #expect(unsuited.errors.contains("PP 9 x TP 1 does not suit synthetic-tiny"))
      let wrong = try await run(
        Products.wafer,
        ["validate", "--host", folder, "--plans", "2y1", "--model", "synthetic-tiny"])
      #expect(wrong.status == 2 && wrong.errors.contains("'2y1' is no plan"))
      let other = try await run(
        Products.wafer,
        ["validate", "--host", folder, "--name", "her", "--model", "synthetic-tiny"])
      #expect(
        other.status == 2 && other.errors.contains("the nearest is 'here'"), "\(other.errors)")
    }
  }

  private func checkCalibration(_ document: JSONValue) throws {
    #expect(document["schema"] == "wafer.host-calibration/1")
    let host = try #require(document["hosts"]?.list?.first)
    #expect(host["name"] == "here-1" && host["busy_processes"] == 1)
    let kernels = try #require(host["kernels"]?.list)
    let names = Set(kernels.compactMap { $0["kernel"]?.string })
    #expect(names == ["attention", "feedForward", "head", "embedding", "candidates"])
    // Prompts of 2, 3 and 4 tokens and decodes; shards of a half beside the whole.
    let attention = kernels.filter { $0["kernel"] == "attention" }
    #expect(Set(attention.compactMap { $0["tokens"]?.whole }) == [1, 2, 3, 4])
    #expect(Set(attention.compactMap { $0["count"]?.whole }).count == 2)
    let links = try #require(document["links"]?.list)
    #expect(links.compactMap { $0["name"]?.string } == ["here-1-tcp", "here-1-ipc"])
    for link in links {
      let sizes = link["messages"]?.list?.compactMap { $0["bytes"]?.whole }
      #expect(sizes == MessageSurvey.sizes)
    }
  }

  /// Entries add up to the total, exactly.
  private func checkAccount(_ emulated: JSONValue?) throws {
    let account = try #require(emulated?["account_ps"])
    guard case .object(let entries) = account else { return }
    let sum = entries.values.reduce(0) { $0 + (Int($1.words) ?? 0) }
    #expect(emulated?["total_ps"] == .integer(sum))
    #expect(sum > 0)
  }

  private func checkValidation(_ document: JSONValue, plans: [[Int]]) throws {
    #expect(document["schema"] == "wafer.host-validation/1")
    #expect(document["model"] == "synthetic-tiny" && document["transport"] == "tcp")
    let doubts = try #require(document["doubts"]?.list)
    #expect(document["quiet"] == .boolean(doubts.isEmpty))
    let rows = try #require(document["plans"]?.list)
    #expect(rows.compactMap { $0["pipeline"]?.whole } == plans.map { $0[0] })
    #expect(rows.compactMap { $0["tensor"]?.whole } == plans.map { $0[1] })
    for row in rows {
      try checkAccount(row["predicted"])
      #expect(row["preset"] == "here-1")
      let measured = try #require(row["measured"]?.list)
      #expect(measured.count == 3)
      // Three tokens have two gaps.
      #expect(measured.allSatisfy { $0["itl_ns"]?["count"] == 2 })
      for (key, source) in [("ttft", "ttft_ns"), ("tpot", "tpot_ns")] {
        let comparison = try #require(row[key])
        func number(_ name: String) throws -> Double {
          try #require(Double(comparison[name]?.words ?? ""))
        }
        let times = measured.compactMap { Double($0[source]?.words ?? "") }.sorted()
        #expect(try number("median_ns") == times[1])
        #expect(try number("least_ns") == times[0] && number("most_ns") == times[2])
        let error = try number("predicted_ns") / times[1] - 1
        let stated = try number("error")
        #expect(abs(stated - error) < 1e-3)
      }
      // One process was busy when the preset was measured; two shards are.
      let isWarned = row["warnings"]?.list?.isEmpty == false
      #expect(isWarned == (row["tensor"] == 2))
    }
  }
}
