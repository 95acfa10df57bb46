import ArgumentParser
import Foundation
import Runtime
import TestSupport
import Testing
import ZeroMQTransport

@testable import Experiments
@testable import wafer_node

/// Nodes that others start, as the processes that they are.
@Suite("Joining a cluster", .serialized)
struct ClusterTests {
  /// The small model of the golden tests, split over two stages and two shards.
  private static let experiment = [
    "--model",
    Fixtures.repository.appendingPathComponent("Tests/Golden/models/llama-q8_0/model.gguf").path,
    "--pp", "2", "--tp", "2", "--prompt-ids", "1,2,3", "--output-tokens", "4", "--format", "json",
  ]

  private struct Outcome {
    var document: JSONValue
    var emulated: String
    var tokens: [JSONValue]
  }

  private static func outcome(_ ended: Ended) throws -> Outcome {
    let document = try ended.document
    return Outcome(
      document: document,
      emulated: try EmulatedDocument(run: document, place: .builtIn).json.document,
      tokens: ["single", "cluster"].map { document[$0]?["tokens"] ?? .null })
  }

  @Test(
    "nodes serve both halves, spares wait, and weights that are sent give the same bytes as a file")
  func streamed() async throws {
    try await Fixtures.withShortFolder { folder in
      let local = try await run(Products.wafer, ["run"] + Self.experiment)
      #expect(local.status == 0, "\(local.errors)")
      let expected = try Self.outcome(local)
      for (round, access) in ["stream", "stream", "automatic"].enumerated() {
        let coordinator = "ipc://\(folder)/coordinator-\(round)"
        async let ended = run(
          Products.wafer,
          ["run"] + Self.experiment + [
            "--external-nodes", "--coordinator", coordinator, "--weights", access, "--transport",
            "tcp",
          ])
        @Sendable func node(_ arguments: [String], _ variables: [String: String]) async throws
          -> Ended
        {
          try await run(
            Products.node,
            ["--coordinator", coordinator, "--cache", "\(folder)/cache"] + arguments,
            variables: variables)
        }
        // One too many, which is there before the run begins.
        async let spare = node([], ["JOB_COMPLETION_INDEX": "4"])
        while try ClusterStatus.ask(coordinator, within: .seconds(60)).members.isEmpty {
          try await Task.sleep(for: .milliseconds(20))
        }
        // Ranks by option, by variable, by scheduler, and one that takes what is free.
        async let third = node(["--rank", "3"], [:])
        async let first = node([], ["WAFER_RANK": "1"])
        async let zeroth = node([], ["SLURM_PROCID": "0"])
        async let any = node([], [:])
        let left = try await [spare, third, first, zeroth, any]
        #expect(left.map(\.status) == Array(repeating: 0, count: 5), "\(left.map(\.errors))")
        let cluster = try await ended
        #expect(cluster.status == 0, "\(cluster.errors)")
        let found = try Self.outcome(cluster)
        #expect(found.emulated == expected.emulated)
        #expect(found.tokens == expected.tokens)
        let measured = found.document["cluster"]?["measured"]
        let weights = measured?["weight_bytes"]
        // First from the coordinator, then from the cache, and in the end from the file that is there.
        #expect(measured?["hosts"] == .integer(1))
        #expect((measured?["weight_bytes_streamed"] == .integer(0)) == (round > 0))
        // Nodes of one host share what both hold, such as norms.
        if round == 2 { #expect(measured?["weight_bytes_cached"] == .integer(0)) }
        if round == 1 { #expect(measured?["weight_bytes_cached"] == weights) }
      }
    }
  }

  @Test("weights are only streamed from a file, to processes")
  func nothingToStream() async throws {
    let synthetic = try await run(Products.wafer, ["run", "--weights", "stream"])
    #expect(synthetic.status == 2)
    #expect(synthetic.errors.contains("'host.weights' is stream, and the model has no file"))
    let threads = try await run(
      Products.wafer,
      ["run"] + Self.experiment + ["--weights", "stream", "--transport", "inproc"])
    #expect(threads.status == 2)
    #expect(threads.errors.contains("needs node processes, and the transport is inproc"))
  }

  @Test("a status that nobody answers is status 1, and what is no address status 2")
  func status() async throws {
    let nobody = try await run(
      Products.wafer,
      ["cluster", "status", "--coordinator", "tcp://127.0.0.1:1", "--wait", "100ms"])
    #expect(nobody.status == 1)
    #expect(nobody.errors.contains("no coordinator answers at tcp://127.0.0.1:1"))
    let wrong = try await run(Products.wafer, ["cluster", "status", "--coordinator", "here"])
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("write tcp://HOST:PORT or ipc://PATH"))
  }

  @Test(
    "a node's options and variables are checked by name",
    arguments: [
      ([], [:], "set WAFER_COORDINATOR"),
      (["--coordinator", "x"], [:], "--coordinator 'x' is no address"),
      ([], ["WAFER_COORDINATOR": "x"], "WAFER_COORDINATOR 'x' is no address"),
      (
        ["--coordinator", "tcp://h:1", "--rank", "1024"], [:],
        "--rank 1024 is not between 0 and 1023"
      ),
      (
        ["--insecure", "--coordinator", "tcp://h:1"], ["SLURM_PROCID": "a"],
        "SLURM_PROCID 'a' is no rank"
      ),
      (
        ["--insecure", "--coordinator", "tcp://h:1", "--ports", "9-8"], [:],
        "--ports '9-8' is no range"
      ),
      (
        ["--insecure", "--coordinator", "tcp://h:1"], ["WAFER_PORTS": "80"],
        "WAFER_PORTS '80' is no range"
      ),
      (
        ["--coordinator", "tcp://h:1", "--silence-limit", "0"], [:], "limits are numbers of seconds"
      ),
    ] as [([String], [String: String], String)])
  func settings(arguments: [String], variables: [String: String], words: String) throws {
    let node = try Node.parse(arguments)
    let error = #expect(throws: (any Error).self) {
      try NodeSettings(node) { variables[$0] }
    }
    #expect(Node.message(for: error!).contains(words), "\(error!)")
  }

  @Test("an option comes before its variable, and WAFER_RANK before the schedulers'")
  func precedence() throws {
    let variables = [
      "WAFER_COORDINATOR": "tcp://a:1", "WAFER_INSECURE": "1", "WAFER_RANK": "5",
      "SLURM_PROCID": "6",
      "WAFER_PORTS": "6000-6001", "WAFER_ADDRESS": "eth0", "WAFER_CACHE": "",
    ]
    let bare = try NodeSettings(Node.parse([])) { variables[$0] }
    #expect(bare.coordinator == "tcp://a:1")
    #expect(bare.options.requestedRank == 5)
    #expect(bare.options.ports == 6000...6001)
    #expect(bare.options.address == "eth0")
    #expect(bare.options.cache == nil)
    let given = try NodeSettings(
      Node.parse(["--coordinator", "tcp://b:2", "--rank", "0", "--address", "h"])
    ) { variables[$0] }
    #expect(given.coordinator == "tcp://b:2")
    #expect(given.options.requestedRank == 0)
    #expect(given.options.address == "h")
  }
}

/// Keys, as their user has them.
@Suite("Keys on the command line", .serialized)
struct KeyCommandTests {
  @Test("a run over secured sockets gives the document of an open one")
  func secured() async throws {
    try await Fixtures.withShortFolder { folder in
      let open = try await run(Products.wafer, ["run", "--transport", "none", "--format", "json"])
      let keys = "\(folder)/keys"
      #expect(try await run(Products.wafer, ["keys", keys]).status == 0)
      let coordinator = "ipc://\(folder)/coordinator"
      async let ended = run(
        Products.wafer,
        [
          "run", "--transport", "tcp", "--external-nodes", "--coordinator", coordinator, "--keys",
          keys, "--format", "json",
        ])
      let nodes = try await withThrowingTaskGroup(of: Ended.self) { group in
        for _ in 0..<4 {
          group.addTask {
            try await run(
              Products.node, ["--coordinator", coordinator],
              variables: ["WAFER_KEY": "\(keys)/node.secret"])
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(nodes.map(\.status) == [0, 0, 0, 0], "\(nodes.map(\.errors))")
      let cluster = try await ended
      #expect(cluster.status == 0, "\(cluster.errors)")
      func emulated(_ ended: Ended) throws -> String {
        try EmulatedDocument(run: ended.document, place: .builtIn).json.document
      }
      #expect(try emulated(cluster) == emulated(open))
    }
  }

  @Test(
    "an address that others reach needs keys, or the word that it is open",
    arguments: [
      ["--external-nodes", "--coordinator", "tcp://0.0.0.0:5599"],
      ["--coordinator", "tcp://192.0.2.1:5599"],
    ])
  func needed(arguments: [String]) async throws {
    let ended = try await run(Products.wafer, ["run"] + arguments)
    #expect(ended.status == 2)
    #expect(ended.errors.contains("can be reached by other hosts, and there are no keys"))
    let node = try await run(Products.node, ["--coordinator", "tcp://192.0.2.1:5599"])
    #expect(node.status == 2)
    #expect(node.errors.contains("there is no key; give --key FILE"))
  }
}
