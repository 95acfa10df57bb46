import Foundation
import Hardware
import Models
import Programs
import Quantities
import TestSupport
import Testing

@testable import Experiments

struct ConfigurationResolveTests {
  @Test("nothing set gives the embedded default: a real synthetic model on 2 × 2 over tcp")
  func embeddedDefault() throws {
    let experiment = try Fixtures.resolve()
    #expect(experiment.host.model == .synthetic("small"))
    #expect(experiment.modelled.pipeline == 2)
    #expect(experiment.modelled.tensor == 2)
    #expect(experiment.modelled.device.name == "wse-3")
    #expect(experiment.modelled.workload.promptTokens == 16)
    #expect(experiment.modelled.workload.outputTokens == 16)
    #expect(experiment.host.transport == .tcp)
    #expect(experiment.host.payload == .real)
    #expect(experiment.warnings.isEmpty)
  }

  @Test("the wafer's own link and its link preset are the same link")
  func ownLink() throws {
    var own = try Fixtures.resolve().modelled.link
    let preset = try Fixtures.resolve("link: wse3-io\n").modelled.link
    own.name = preset.name
    #expect(own == preset)
  }

  @Test("the ready experiments resolve; two-by-two is the embedded default")
  func readyExperiments() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.experiments)
    #expect(files.count >= 3)
    for file in files.sorted() {
      let settings = try Settings(file: "\(Fixtures.experiments)/\(file)")
      let experiment = try Fixtures.resolver.resolve(settings)
      #expect(experiment.summary != nil)
      if file == "two-by-two.yaml" {
        var written = experiment.modelled
        let embedded = try Fixtures.resolve().modelled
        written.link.name = embedded.link.name
        #expect(written == embedded)
      }
    }
  }

  @Test("later layers win: default, file, option, --set")
  func precedence() throws {
    let file = "workload: {batch: 3, output_tokens: 3}\nplan: {tensor: 1}\nseed: 3\n"
    var settings = try Fixtures.settings(file)
    var options = Settings()
    try options.set("workload.batch", to: .plain("5"), at: .option("--batch"))
    try options.set("seed", to: .plain("5"), at: .option("--seed"))
    settings.merge(options)
    try settings.set(argument: "seed=7")
    try settings.set(argument: "seed=8")
    let experiment = try Fixtures.resolver.resolve(settings)
    #expect(experiment.modelled.pipeline == 2)
    #expect(experiment.modelled.tensor == 1)
    #expect(experiment.modelled.workload.outputTokens == 3)
    #expect(experiment.modelled.workload.batch == 5)
    #expect(experiment.modelled.seed == 8)
  }

  @Test(
    "of text, ids and a number of tokens, the later layer's prompt holds; two in one are an error")
  func promptAlternatives() throws {
    let file = "model: /model.gguf\nworkload: {prompt: abc}\n"
    #expect(try Fixtures.resolve(file).host.prompt == .text("abc", tokens: [97, 98, 99]))
    #expect(try Fixtures.resolve(file).modelled.workload.promptTokens == 3)
    #expect(
      try Fixtures.resolve(file, set: ["workload.prompt_ids=5,6"]).host.prompt == .tokens([5, 6]))
    #expect(
      try Fixtures.resolve(file, set: ["workload.prompt_ids=5", "workload.prompt_tokens=9"])
        .host.prompt == .drawn(9))
    let both = try #require(
      Fixtures.error("workload: {prompt_ids: [1], prompt_tokens: 3}\n"))
    #expect(both.problem.contains("excludes 'workload.prompt_ids'"))
  }

  /// Settings that are each right and together impossible, with the key at fault and a word of the
  /// message.
  static let contradictions: [(arguments: [String], key: String, word: String)] = [
    (["plan.pipeline=9"], "plan.pipeline", "8 layers"),
    (["plan.tensor=9"], "plan.tensor", "8 query heads"),
    (["plan.layers=4,5"], "plan.layers", "add up to 8"),
    (["plan.layers=8"], "plan.layers", "2 positive numbers"),
    (["model=llama-3.1-405b", "plan.pipeline=126", "plan.tensor=9"], "plan.pipeline", "1024"),
    (["workload.micro_batches=2"], "workload.micro_batches", "batch of 1"),
    (["workload.prompt_ids=1,4096"], "workload.prompt_ids", "0 to 4095"),
    (["workload.prompt=hello"], "workload.prompt", "tokenizer"),
    (["model=/model.gguf", "workload.prompt="], "workload.prompt", "no tokens"),
    (["hardware.grid=763"], "hardware.grid", "762x1172"),
    (["hardware.name=wse3"], "hardware.name", "wse-3"),
    (["hardware.calibration=waferllm"], "hardware.calibration", "waferllm-wse2"),
    (["link.name=wse3"], "link.name", "wse3-io"),
    (["model=lama-3.1-8b"], "model.name", "llama-3.1-8b"),
    (["model=synthetic-smal"], "model.name", "synthetic-small"),
    (["model=synthetic-smollm2"], "model.name", "smollm2-135m"),
    (["model=missing.gguf"], "model.name", "missing.gguf"),
    (["sampling.top_p=0.5"], "sampling.top_p", "--top-k"),
    (
      ["sampling.temperature=1", "sampling.top_k=9", "sampling.candidates=8"],
      "sampling.candidates", "top-k of 9"
    ),
    (["model=llama-3.1-8b", "host.payload=real"], "host.payload", "synthetic-llama-3.1-8b"),
    (["host.transport=none", "host.payload=real"], "host.payload", "--transport"),
    (["host.payload=phantom", "host.logits=a.safetensors"], "host.logits", "real"),
  ]

  @Test("what contradicts itself names the key at fault and the way out", arguments: contradictions)
  func contradiction(arguments: [String], key: String, word: String) throws {
    let error = try #require(Fixtures.error(set: arguments))
    #expect(error.key == key)
    #expect(error.description.contains(word), "\(error)")
    #expect(error.place == .set(arguments.first { $0.hasPrefix(key) } ?? arguments[0]))
  }

  @Test("a model file that is not there, or is no model, is an error with key and file")
  func realFiles() throws {
    let resolver = ExperimentResolver(presets: Fixtures.presets)
    let noModel = "\(Fixtures.experiments)/two-by-two.yaml"
    for path in ["/nowhere/model.gguf", noModel, "\(Fixtures.experiments)/"] {
      let error = #expect(throws: ConfigurationError.self) {
        try resolver.resolve(try Fixtures.settings(set: ["model=\(path)"]))
      }
      #expect(error?.key == "model.name")
      #expect(error?.description.contains(path) == true)
      #expect(error?.remedy?.contains("llama-3.1-8b") == true)
    }
  }

  @Test("a payload is real where there are weights to compute with")
  func payloads() throws {
    let expected: [(String, Payload)] = [
      ("synthetic-small", .real), ("synthetic-smollm2-135m", .real), ("llama-3.1-8b", .phantom),
      ("/model.gguf", .real),
    ]
    for (model, payload) in expected {
      #expect(try Fixtures.resolve(set: ["model=\(model)"]).host.payload == payload)
      #expect(
        try Fixtures.resolve(set: ["model=\(model)", "host.transport=none"]).host.payload
          == .phantom)
      #expect(
        try Fixtures.resolve(set: ["model=\(model)", "host.payload=phantom"]).host.payload
          == .phantom)
    }
  }

  @Test("candidates are one, or top-k where tokens are drawn from it")
  func candidates() throws {
    func count(_ arguments: String...) throws -> Int {
      try Fixtures.resolve(set: arguments).modelled.candidates
    }
    #expect(try count() == 1)
    #expect(try count("sampling.top_k=9") == 1)
    #expect(try count("sampling.temperature=1") == 1)
    #expect(try count("sampling.temperature=1", "sampling.top_k=9") == 9)
    #expect(try count("sampling.candidates=256") == 256)
  }

  @Test("a context beyond the model's is a warning")
  func longContext() throws {
    #expect(try Fixtures.resolve(set: ["workload.prompt_tokens=2033"]).warnings.isEmpty)
    let warnings = try Fixtures.resolve(set: ["workload.prompt_tokens=2034"]).warnings
    #expect(warnings.count == 1 && warnings[0].contains("2049"))
  }

  @Test("a resolved experiment, written as a file, resolves to itself")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 20)
    let pools: [(String, [String])] = [
      ("model.name", ["llama-3.1-8b", "synthetic-smollm2-135m", "/model.gguf", "qwen2-72b"]),
      ("summary", ["\"a \\\"quoted\\\" text: # no comment\"", "ünïcode \\n", "'true'"]),
      ("hardware.name", ["wse-1", "wse-2", "wse-3-turbo"]),
      ("hardware.clock", ["0.875 GHz", "1.000000001 GHz"]),
      ("hardware.grid", ["600", "300x500"]), ("hardware.hypothetical_sram", ["true"]),
      ("link.name", ["ideal", "100gbe"]), ("link.latency", ["0.5 us", "1 s", "0.0001 ps"]),
      ("link.bandwidth", ["infinite", "1 kB/s", "50 GiB/s", "0.3 Tb/s"]),
      ("link.send_overhead", ["3 ns"]), ("link.ports", ["per-peer"]), ("link.hold", ["delivery"]),
      ("plan.pipeline", ["1", "3", "8"]), ("plan.tensor", ["1", "3", "8"]),
      ("workload.prompt_tokens", ["1", "1000"]), ("workload.output_tokens", ["1", "77"]),
      ("workload.batch", ["4", "9"]), ("workload.prefill_chunk", ["3"]),
      ("collective", ["ring", "rabenseifner"]), ("widths.weights", ["int4", "fp8"]),
      ("widths.activations", ["fp32"]), ("sampling.temperature", ["0.7", "2"]),
      ("sampling.top_k", ["40"]), ("pricing.gqa", ["published-no-gqa"]),
      ("seed", ["9223372036854775807"]), ("host.transport", ["none", "ipc"]),
      ("host.wait_limit", ["1.5 s"]), ("host.output", ["results/a b"]),
    ]
    for _ in 0..<16 {
      var arguments: [String] = []
      for (key, values) in pools where Bool.random(using: &random) {
        arguments.append("\(key)=\(values.randomElement(using: &random)!)")
      }
      let experiment: Experiment
      do { experiment = try Fixtures.resolve(set: arguments) } catch {
        // The small model's eight heads and layers do not suit every draw.
        #expect(["plan.tensor", "plan.pipeline"].contains(error.key), "\(error)")
        continue
      }
      let again = try Fixtures.resolve(experiment.yaml)
      #expect(again == experiment, "\(arguments)")
      #expect(again.yaml == experiment.yaml)
      #expect(again.json.document == experiment.json.document)
    }
  }

  @Test("the modelled part of the document has no path and no fact of the host")
  func modelledIsPure() throws {
    let one = try Fixtures.resolve(set: ["model=/model.gguf", "host.transport=none"])
    let other = try Fixtures.resolve(
      set: [
        "model=/model.gguf", "host.transport=ipc",
        "host.output=out", "workload.prompt=abcdefghijklmnop", "sampling.temperature=1",
      ])
    #expect(one.modelled.json.document == other.modelled.json.document)
    #expect(one.host.json.document != other.host.json.document)
    #expect(!one.modelled.json.document.contains("/model"))
    #expect(!one.modelled.json.document.contains("gguf"))
    #expect(one.json["modelled"]?["model"]?["name"] == "from-file")
    #expect(one.json["modelled"]?["link"]?["latency_ps"] == 5_000_000)
    #expect(one.json["modelled"]?["workload"]?["prefill_chunk_tokens"] == 16)
  }

  @Test("a result can name the version of each preset it was made with")
  func provenance() throws {
    let sources = try Fixtures.resolve(set: ["model=llama-3.1-8b", "link=ideal"]).presets
    #expect(
      sources.map(\.file) == [
        "models/llama-3.1-8b.yaml", "hardware/wse-3.yaml", "calibration/waferllm-wse2.yaml",
        "links/ideal.yaml",
      ])
    #expect(sources.allSatisfy { $0.sha256.count == 64 })
    #expect(Set(sources.map(\.sha256)).count == 4)
  }
}
