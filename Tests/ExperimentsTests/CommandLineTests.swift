import Foundation
import Testing

@testable import Experiments

/// The contract of the command line, held against the real program.
@Suite("The command line")
struct CommandLineTests {
  /// A command line that is wrong, and what its message must hold.
  struct Wrong: Sendable, CustomStringConvertible {
    let arguments: [String]
    let words: [String]
    init(_ arguments: String, _ words: String...) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.words = words
    }
    var description: String { arguments.joined(separator: " ") }
  }

  static let wrong = [
    Wrong("run --promt-tokens 4", "--promt-tokens", "--prompt-tokens"),
    Wrong("run --set plan.pipelin=2", "plan.pipelin", "the nearest is 'plan.pipeline'"),
    Wrong("run --set plan.pipeline", "plan.pipeline", "="),
    Wrong("run --set link.hold=deliver", "link.hold", "delivery"),
    Wrong("run --link-latency 5", "--link-latency", "unit"),
    Wrong("run --link-bandwidth 150Gb", "--link-bandwidth"),
    Wrong("run --pp 9", "--pp", "8 layers"),
    Wrong("run --tp 16 --pp 1", "--tp", "8"),
    Wrong("run --pp 0", "--pp", "1"),
    Wrong("run --batch 2 --micro-batches 3", "--micro-batches", "more than the batch of 2"),
    Wrong("run not-there.yaml", "not-there.yaml", "does not exist"),
    Wrong("run --model not-there.gguf", "not-there.gguf"),
    Wrong("run --model llama-3.1-8", "the nearest is 'llama-3.1-8b'"),
    Wrong("run --hardware wse3", "the nearest is 'wse-3'"),
    Wrong("run --transport udp", "none", "inproc", "ipc", "tcp"),
    Wrong("run --transport none --payload real", "--payload", "--transport inproc"),
    Wrong("run --payload real --model llama-3.1-8b", "--payload", "synthetic-llama-3.1-8b"),
    Wrong("run --format yaml", "--format"),
    Wrong("run --node-program /not-there", "--node-program", "/not-there"),
    Wrong("run --external-nodes", "--coordinator tcp://HOST:PORT"),
    Wrong("run --coordinator 127.0.0.1:5555", "tcp://HOST:PORT"),
    Wrong("run --registration-limit 5", "--registration-limit", "unit"),
    Wrong("run --output /proc/none", "--output", "/proc/none"),
    Wrong("run --logits /proc/none", "--logits", "/proc/none"),
    Wrong("run --trace /proc/none", "--trace", "/proc/none"),
    Wrong("run --messages /proc/none", "--messages", "/proc/none"),
    Wrong("run --trace-steps 0-1", "--trace-steps", "--trace FILE.json"),
    Wrong("run --trace /dev/null --trace-steps 3-1", "--trace-steps", "from 0 to 15"),
    Wrong("run --trace /dev/null --trace-steps 0-16", "--trace-steps", "from 0 to 15"),
    Wrong("report /proc/none", "/proc/none", "is not a folder", "wafer run --output"),
    Wrong("report /proc", "result.json", "sweep.json"),
    Wrong("run --transport inproc --coordinator tcp://127.0.0.1:1", "--coordinator", "ipc"),
    Wrong("rum", "rum"),
    Wrong(
      "collective --algorithm rings --ranks 8 --bytes 1KiB --link-bandwidth 1GB/s --link-latency 1us",
      "--algorithm", "the nearest is 'ring'"),
    Wrong(
      "collective --operation all-to-all --algorithm ring --ranks 8 --bytes 1KiB "
        + "--link-bandwidth 1GB/s --link-latency 1us",
      "--algorithm", "does not make an all-to-all"),
    Wrong(
      "collective --algorithm ring --ranks 8 --bytes 5B --link-bandwidth 1GB/s --link-latency 1us",
      "--bytes", "multiple of 4 B"),
    Wrong(
      "collective --algorithm ring --ranks 0 --bytes 4B --link-bandwidth 1GB/s --link-latency 1us",
      "--ranks", "1"),
    Wrong("pipeline --stages 2 --stage-time 1ms", "--bytes"),
    Wrong("generate --batch 2", "--batch"),
    Wrong("generate --transport none", "--transport"),
    Wrong("show --emulated not-there.json", "not-there.json", "does not exist"),
    Wrong("models llama-3.1-8", "llama-3.1-8b"),
    Wrong("yield --density 0.001", "--density", "unit", "/mm2"),
    Wrong("yield --density 0.001/mm2,x", "--density", "'x'"),
    Wrong("yield --density 1/mm2", "--density", "0.1 /mm2"),
    Wrong("yield --die-area 814", "--die-area", "unit", "mm2"),
    Wrong("yield --clustering 0", "--clustering", "none", "0.05"),
    Wrong("yield --wafers 0", "--wafers", "1"),
    Wrong("yield --seed -1", "--seed"),
    Wrong("yield --column-budget 13", "--column-budget", "from 0 to 12"),
    Wrong("yield --hardware wse-1", "--hardware", "wse-3"),
    Wrong("hardware h10", "the nearest is 'h100'", "wse-3"),
    Wrong("plan", "--model"),
    Wrong("plan --model llama-3.1-8b --pp 33", "--pp", "32 layers"),
    Wrong("plan --model llama-3.1-8b --mapping blocks:2", "--mapping", "blocks-N"),
    Wrong("plan --model llama-3.1-8b --pareto --mapping whole", "--mapping", "region-per-layer"),
    Wrong("plan --model llama-3.1-8b --pareto --grid 9x9", "--grid", "--pareto"),
    Wrong("plan --model llama-3.1-8b --pareto --batch 1,x", "--batch", "is 'x'"),
    Wrong("plan --model llama-3.1-8b --csv f.csv", "--csv", "--pareto"),
    Wrong("plan --model llama-3.1-8b --pp 1 --devices 1", "--devices", "--pp"),
    Wrong("plan --model llama-3.1-8b --hardware h100 --tp 2", "h100", "only a wafer"),
    Wrong(
      "plan --model llama-3.1-8b --hardware wse-3 --hardware wse-2 --svg f.svg", "--svg",
      "2 devices"),
    Wrong(
      "plan --model llama-3.1-8b --pp 1 --mapping whole-mesh --grid 420x420 --svg f.svg",
      "What would fit: PP "),
    Wrong(
      "plan --model smollm2-135m --mapping whole-mesh --grid 100x100 --svg /proc/none/f.svg",
      "--svg", "/proc/none"),
    Wrong("plan --model llama-3.1-8", "--model", "the nearest is 'llama-3.1-8b'"),
    Wrong("plan --model llama-3.1-8b --hardware wse-33", "--hardware", "the nearest is 'wse-3'"),
    Wrong("plan --model llama-3.1-8b --weights fp7", "--weights", "int4"),
    Wrong("plan --model llama-3.1-8b --context 0", "--context", "1"),
    Wrong("plan --model llama-3.1-8b --batch 1e3", "--batch", "10000"),
    Wrong("run --payload real --model synthetic-mixtral-8x7b", "--payload", "--payload phantom"),
  ]

  @Test("wrong input ends with status 2 and says what would be right", arguments: wrong)
  func wrongInput(_ wrong: Wrong) async throws {
    let ended = try await run(Products.wafer, wrong.arguments)
    #expect(ended.status == 2, "\(ended.errors)")
    #expect(ended.output.isEmpty)
    for word in wrong.words { #expect(ended.errors.contains(word), "\(ended.errors)") }
  }

  @Test("a misspelt key of a file is said with its line and the nearest key")
  func misspeltKey() async throws {
    try await Fixtures.withShortFolder { folder in
      let file = "\(folder)/experiment.yaml"
      try "plan:\n  pipelines: 2\n".write(toFile: file, atomically: true, encoding: .utf8)
      let ended = try await run(Products.wafer, ["run", file])
      #expect(ended.status == 2)
      #expect(ended.errors.contains("\(file):2: "), "\(ended.errors)")
      #expect(ended.errors.contains("the nearest is 'plan.pipeline'"), "\(ended.errors)")
    }
  }

  @Test("a file that is no model is said with its path")
  func noModel() async throws {
    try await Fixtures.withShortFolder { folder in
      let file = "\(folder)/model.gguf"
      try "not a model at all".write(toFile: file, atomically: true, encoding: .utf8)
      let ended = try await run(Products.wafer, ["run", "--model", file])
      #expect(ended.status == 2)
      #expect(ended.errors.contains(file), "\(ended.errors)")
    }
  }

  @Test("the node's own command line is held to the same contract")
  func node() async throws {
    for (arguments, word) in [
      ([], "--coordinator"), (["--coordinator", "127.0.0.1:1"], "tcp://HOST:PORT"),
      (["--coordinator", "tcp://127.0.0.1:1", "--silence-limit", "0"], "at least 1"),
      (["--coordinator", "tcp://127.0.0.1:1", "--rank", "1024"], "1023"),
    ] {
      let ended = try await run(Products.node, arguments)
      #expect(ended.status == 2)
      #expect(ended.errors.contains(word), "\(ended.errors)")
    }
    let help = try await run(Products.node, ["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("--silence-limit") && help.errors.isEmpty)
  }

  @Test(
    "help teaches, on standard output, with status 0",
    arguments: [
      "", "run", "generate", "collective", "pipeline", "yield", "show", "models", "hardware",
      "links",
      "calibrations",
    ])
  func help(command: String) async throws {
    let ended = try await run(
      Products.wafer, (command.isEmpty ? [] : [command]) + ["--help"])
    #expect(ended.status == 0)
    #expect(ended.output.contains("USAGE: wafer"))
    #expect(ended.errors.isEmpty)
  }

  @Test("'wafer run' without arguments runs a synthetic model on 2 x 2 processes over tcp")
  func defaults() async throws {
    let ended = try await run(Products.wafer, ["run", "--format", "json"])
    #expect(ended.status == 0, "\(ended.errors)")
    let document = try ended.document
    #expect(document["schema"] == "wafer.run/1")
    #expect(document["experiment"]?["host"]?["transport"] == "tcp")
    #expect(document["experiment"]?["host"]?["payload"] == "real")
    #expect(document["single"]?["nodes"] == 1)
    #expect(document["cluster"]?["nodes"] == 4)
    guard case .array(let nodes) = document["provenance"]?["nodes"] else {
      Issue.record("no nodes in the provenance")
      return
    }
    #expect(nodes.count == 4)
    #expect(ended.errors.contains("cluster: 4 nodes running"), "progress goes to standard error")
  }

  @Test("without --format json a table is printed")
  func table() async throws {
    let ended = try await run(
      Products.wafer, ["run", "--model", "synthetic-tiny", "--transport", "inproc"])
    #expect(ended.status == 0, "\(ended.errors)")
    for words in ["emulated, cluster", "where the last token's time went", "the same tokens"] {
      #expect(ended.output.contains(words), "\(ended.output)")
    }
  }

  @Test("logits of both halves are written as [positions, vocabulary], and the result as a file")
  func files() async throws {
    try await Fixtures.withShortFolder { folder in
      let arguments = [
        "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "2", "--output-tokens", "3",
        "--format", "json",
      ]
      let ended = try await run(
        Products.wafer,
        arguments + ["--logits", "\(folder)/logits.safetensors", "--output", "\(folder)/out"])
      #expect(ended.status == 0, "\(ended.errors)")
      let file = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/logits.safetensors"))
      let count = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try JSONDecoder().decode(JSONValue.self, from: file[8..<8 + count])
      for name in ["single", "cluster"] {
        #expect(header[name]?["shape"] == [3, 1024])
        #expect(header[name]?["dtype"] == "F32")
      }
      #expect(file.count == 8 + count + 2 * 3 * 1024 * 4)
      #expect(try ended.document["comparison"]?["tokens_equal"] == true)
      #expect(
        try String(contentsOfFile: "\(folder)/out/result.json", encoding: .utf8) == ended.output)

      // The emulated document does not know the transport.
      let shown = try await run(
        Products.wafer, ["show", "--emulated", "\(folder)/out/result.json"])
      #expect(shown.status == 0)
      let alone = try await run(Products.wafer, arguments + ["--transport", "none"])
      let expected = try EmulatedDocument(run: alone.document, place: .builtIn).json.document
      #expect(shown.output == expected)
      #expect(shown.output.contains("total_ps") && !shown.output.contains("measured"))
    }
  }

  @Test("'wafer generate' prints a token at a time, and as many as it is asked for")
  func generate() async throws {
    let arguments = [
      "generate", "--model", "synthetic-tiny", "--pp", "2", "--tp", "1", "--output-tokens", "5",
    ]
    let ended = try await run(Products.wafer, arguments)
    #expect(ended.status == 0, "\(ended.errors)")
    let tokens = ended.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    #expect(tokens.count == 5)
    let again = try await run(
      Products.wafer, arguments + ["--transport", "inproc", "--format", "json"])
    #expect(try again.document["tokens"] == .array(tokens.map { .integer($0) }))
  }
}
