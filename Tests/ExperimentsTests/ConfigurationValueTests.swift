import Hardware
import Models
import Programs
import Quantities
import Testing

@testable import Experiments

struct ConfigurationValueTests {
  /// Every key with values that are none of its own.
  static let wrong: [(key: String, values: [String])] = ExperimentSchema.keys.compactMap { key in
    switch key.kind {
    case .name: (key.name, ["\"\"", "[a, b]"])
    case .text: (key.name, ["[a, b]"])
    case .quantity, .quantityOrInfinite:
      (key.name, ["5", "five us", "5 parsecs", "-1 us", "1e18 s", "1e18 GB/s", "[1 us]", "all"])
    case .count(let range):
      (
        key.name,
        ["x", "1.5", "-1", "\"2\"", "[1]", "1e3", "99999999999999999999"]
          + (range.lowerBound > 0 ? ["0"] : [])
      )
    case .counts: (key.name, ["[1, x]", "[]", "[1, \"2\"]", "[-1]", "1,,2", "one", "[1.5]"])
    case .decimal: (key.name, ["x", "-1", "\"0.5\"", "1000000", "[1]", "nan", "inf"])
    case .choice: (key.name, ["qwertz", "[a]"])
    case .sides: (key.name, ["4", "0x2", "x", "3x", "3x4x5", "-3x2", "2000x1", "[3]"])
    case .items: (key.name, ["x", "[a]", "[[1]]", "{rank: 1}", "\"{rank: 1}\"", "3"])
    case .grid: (key.name, ["0", "x", "3x", "3x4x5", "-3", "1e3", "20000", "[3]"])
    }
  }

  @Test("a value that is none of the key's is an error with file, line and key", arguments: wrong)
  func wrongValue(key: String, values: [String]) throws {
    for value in values {
      let yaml = "---\n" + Fixtures.yaml(key, value)
      let error = try #require(Fixtures.error(yaml), "\(key): \(value) was accepted")
      #expect(error.place == .file("test.yaml", line: key.contains(".") ? 3 : 2), "\(error)")
      #expect(error.key == key, "\(error)")
      #expect(!error.problem.isEmpty)
    }
  }

  @Test("a value that is missing is an error with its line", arguments: ["", "~", "null"])
  func missingValue(text: String) throws {
    for key in ExperimentSchema.keys {
      let error = try #require(Fixtures.error(Fixtures.yaml(key.name, text)))
      #expect(error.key == key.name)
      #expect(error.problem == "has no value")
    }
  }

  static let quantities = ExperimentSchema.keys.filter {
    switch $0.kind {
    case .quantity, .quantityOrInfinite: true
    default: false
    }
  }.map(\.name)

  @Test("a quantity without its unit says which units there are", arguments: quantities)
  func withoutUnit(key: String) throws {
    let error = try #require(Fixtures.error(set: ["\(key)=5"]))
    #expect(error.key == key)
    #expect(error.description.contains("has no unit"))
    #expect(error.description.contains("Such as"))
  }

  static let choices = ExperimentSchema.keys.filter {
    if case .choice = $0.kind { true } else { false }
  }

  @Test("a misspelt word names the nearest and all that are allowed", arguments: choices)
  func misspeltWord(key: SettingKey) throws {
    guard case .choice(let words) = key.kind else { return }
    for word in words {
      let error = try #require(Fixtures.error(set: ["\(key.name)=\(word)zz"]))
      #expect(error.nearest.map(words.contains) == true || error.nearest == key.word)
      for allowed in words { #expect(error.remedy!.contains(allowed)) }
    }
    #expect(try #require(Fixtures.error(set: ["collective=rign"])).nearest == "ring")
  }

  @Test("values are read exactly")
  func exactValues() throws {
    let experiment = try Fixtures.resolve(
      """
      model: llama-3.1-8b
      hardware: {name: wse-2, clock: 0.85 GHz, grid: 660}
      link: {name: ideal, latency: 1.5us, bandwidth: 1.2 Tb/s, send_overhead: 7 ps, hold: delivery}
      plan: {pipeline: 3, tensor: 4, layers: [10, 11, 11]}
      workload: {prompt_tokens: 9, output_tokens: 5, batch: 6, micro_batches: 3, prefill_chunk: 4}
      collective: tree
      widths: {weights: int4, kv_cache: fp8, activations: fp32}
      sampling: {temperature: 0.7, top_k: 40, top_p: 0.9}
      pricing: {embedding_and_head: false, gqa: published-no-gqa}
      seed: 42
      host: {transport: inproc, wait_limit: 2.5 s}
      """)
    let modelled = experiment.modelled
    #expect(modelled.waferDevice.wafer.clock.numerator == 850_000_000)
    #expect(modelled.waferDevice.grid.written == "660x660")
    #expect(modelled.link.latency.picoseconds == 1_500_000)
    #expect(modelled.link.bandwidth?.numerator == 150_000_000_000)
    #expect(modelled.link.sendOverhead.picoseconds == 7)
    #expect(modelled.link.hold == .delivery)
    #expect(modelled.layersPerStage == [10, 11, 11])
    #expect(modelled.ranks == 12)
    #expect(modelled.workload.steps == 3 + 4)
    #expect(modelled.collectives.written == "tree")
    #expect(modelled.widths.weights.bits == 4)
    #expect(modelled.widths.keyValues.bits == 8)
    #expect(modelled.widths.activations.bits == 32)
    #expect(modelled.candidates == 40)
    #expect(!modelled.countsEmbeddingAndHead)
    #expect(!modelled.countsGroupedQuery)
    #expect(modelled.seed == 42)
    #expect(modelled.memory.tokensInFlight == 8)
    #expect(modelled.memory.context == 13)
    #expect(experiment.host.payload == .phantom)
    #expect(experiment.host.waitLimit.nanoseconds == 2_500_000_000)
    #expect(
      try Fixtures.resolve("link: {name: wse3-io, bandwidth: infinite}").modelled.link.bandwidth
        == nil)
    #expect(
      try Fixtures.resolve("hardware: {grid: 300x200}").modelled.waferDevice.grid.written
        == "300x200")
  }
}
