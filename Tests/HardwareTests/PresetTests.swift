import Hardware
import Models
import Quantities
import Testing

@Suite("Committed presets")
struct PresetTests {
  @Test("every file is read, is called as its preset, and every figure has a source")
  func allFiles() throws {
    func check<Value: PresetValue>(
      _ kind: String, _: Value.Type, preset: String? = nil
    ) throws {
      let names = try ConfigFiles.names(kind, preset: preset)
      #expect(!names.isEmpty)
      for name in names {
        let preset: Preset<Value> = try ConfigFiles.preset(kind, name)
        #expect(preset.name == name)
        #expect(!preset.summary.isEmpty)
        for written in preset.figures {
          #expect(!written.figure.source.isEmpty, "\(kind)/\(name): \(written.key.name)")
        }
      }
    }
    try check("hardware", Wafer.self, preset: "wafer")
    try check("hardware", Accelerator.self, preset: "accelerator")
    try check("links", Link.self)
    try check("models", ModelShape.self)
    try check("calibration", Calibration.Coefficients.self)
  }

  @Test("a device is described by at most ten keys; others are for its dies and for comparison")
  func fewNumbers() {
    #expect(Wafer.keys.count { $0.isRequired } <= 10)
    #expect(Accelerator.keys.count { $0.isRequired } <= 10)
  }

  @Test("every wafer names a calibration that is there")
  func calibrations() throws {
    let known = try ConfigFiles.names("calibration")
    for name in try ConfigFiles.names("hardware", preset: "wafer") {
      #expect(known.contains(try ConfigFiles.wafer(name).calibration))
    }
  }

  @Test(
    "the link preset of a wafer and the wafer's own figures agree",
    arguments: [("wse-2", "wse2-io"), ("wse-3", "wse3-io"), ("wse-3-turbo", "wse3-turbo-io")])
  func linksOfWafers(wafer: String, link: String) throws {
    let own = try ConfigFiles.wafer(wafer).link
    let preset = try ConfigFiles.preset("links", link, as: Link.self).value
    #expect(preset.latency == own.latency)
    #expect(preset.bandwidth == own.bandwidth)
  }

  @Test("the figures of WSE-3 are those of its sources")
  func wse3() throws {
    let wafer = try ConfigFiles.wafer("wse-3")
    #expect(wafer.mesh == Rectangle(columns: 762, rows: 1172))
    #expect(wafer.clock == Rational(1_100_000_000))
    #expect(wafer.sramPerPE == 49152)
    #expect(wafer.offWaferBandwidth == Rational(150_000_000_000))
    #expect(wafer.offWaferLatency.picoseconds == 5_000_000)
    #expect(wafer.power == Rational(25_000))
  }

  @Test("1,000 tokens a second on four wafers of 25 kW are 100 joules a token")
  func energy() throws {
    let wafer = try ConfigFiles.wafer("wse-3")
    let token = EmulatedTime(picoseconds: 1_000_000_000)
    #expect(wafer.joules(wafers: 4, over: token) == Rational(100))
  }

  @Test(
    "shapes have the parameters that their names promise, in billions",
    arguments: [
      ("llama-3.1-8b", 8.03), ("llama-3.1-70b", 70.55), ("llama-3.1-405b", 405.85),
      ("llama-2-13b", 13.02), ("qwen2-72b", 72.7), ("smollm2-135m", 0.1345),
    ])
  func parameters(name: String, billions: Double) throws {
    let shape = try ConfigFiles.preset("models", name, as: ModelShape.self).value
    let attention = shape.width * shape.headSize * 2 * (shape.queryHeads + shape.keyValueHeads)
    let layer = attention + 3 * shape.width * shape.feedForwardWidth
    let tables = (shape.tiedHead ? 1 : 2) * shape.vocabulary * shape.width
    let total = Double(shape.layers * layer + tables) / 1e9
    #expect(abs(total / billions - 1) < 0.001, "\(total)")
  }
}

@Suite("Reading a preset")
struct PresetErrorTests {
  private static let good: [String: Figure<String>] = [
    "latency": Figure("5 us", .published, source: "a"),
    "bandwidth": Figure("150 GB/s", .published, source: "b"),
  ]

  private func problem(changing key: String, to value: String?) -> PresetError? {
    var figures = Self.good
    figures[key] = value.map { Figure($0, .assumed, source: "test") }
    do throws(PresetError) {
      _ = try Preset<Link>(name: "test", summary: "", figures: figures)
      return nil
    } catch {
      return error
    }
  }

  @Test("absent optional keys take their defaults, and figures keep their text")
  func defaults() throws {
    let preset = try Preset<Link>(name: "test", summary: "s", figures: Self.good)
    #expect(preset.value.ports == .shared && preset.value.hold == .serialization)
    #expect(preset.value.sendOverhead == .zero)
    #expect(preset.figures.map(\.key.name) == ["latency", "bandwidth"])
    #expect(preset.figures[1].figure == Figure("150 GB/s", .published, source: "b"))
  }

  @Test("an unknown key is named, with those that there are")
  func unknownKey() throws {
    let error = try #require(problem(changing: "latencey", to: "5 us"))
    #expect(error.key == "latencey")
    #expect(error.description.contains("latency, bandwidth"))
  }

  @Test("a missing key is named, with what it means")
  func missingKey() throws {
    let error = try #require(problem(changing: "latency", to: nil))
    #expect(error.key == "latency")
    #expect(error.problem == .missingKey(meaning: Link.keys[0].meaning))
  }

  @Test("a quantity without its unit is refused")
  func missingUnit() throws {
    let error = try #require(problem(changing: "latency", to: "5"))
    guard case .quantity(let quantity) = error.problem else {
      Issue.record("\(error)")
      return
    }
    #expect(quantity.problem == .missingUnit)
  }

  @Test(
    "values outside their range or choice are refused",
    arguments: [
      ("latency", "2 s"), ("bandwidth", "1 B/s"), ("ports", "many"), ("hold", "Delivery"),
      ("latency", "infinite"),
    ])
  func badValues(key: String, value: String) throws {
    let error = try #require(problem(changing: key, to: value))
    #expect(error.key == key)
    #expect(error.description.contains("'\(value)'"))
  }

  @Test("'infinite' is a bandwidth")
  func infinite() throws {
    #expect(problem(changing: "bandwidth", to: "infinite") == nil)
    let link = try ConfigFiles.preset("links", "ideal", as: Link.self).value
    #expect(link.bandwidth == nil)
    #expect(link.serialization(bytes: 1 << 40) == .zero)
  }

  @Test("heads that do not divide are refused in a model's shape")
  func heads() throws {
    var figures = Dictionary(
      uniqueKeysWithValues: try ConfigFiles.preset("models", "llama-2-13b", as: ModelShape.self)
        .figures.map { ($0.key.name, $0.figure) })
    figures["key_value_heads"] = Figure("7", .assumed, source: "test")
    #expect {
      try Preset<ModelShape>(name: "test", summary: "", figures: figures)
    } throws: { error in
      (error as? PresetError)?.description.contains("divisor of the 40 query heads") == true
    }
  }

  @Test("Llama 3.1's scaling needs its four numbers")
  func scaling() throws {
    let preset = try ConfigFiles.preset("models", "llama-3.1-8b", as: ModelShape.self)
    #expect(
      preset.value.rotary.scaling
        == .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 8192))
    var figures = Dictionary(
      uniqueKeysWithValues: preset.figures.map { ($0.key.name, $0.figure) })
    figures["rotary_factor"] = nil
    #expect {
      try Preset<ModelShape>(name: "test", summary: "", figures: figures)
    } throws: { error in
      (error as? PresetError)?.key == "rotary_factor"
    }
  }
}
