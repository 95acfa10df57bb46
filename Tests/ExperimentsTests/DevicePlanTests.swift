import Foundation
import Hardware
import Models
import Quantities
import Testing

@testable import Experiments

@Suite("What devices answer to a plan")
struct DevicePlanTests {
  private func shape(_ name: String) throws -> ModelShape {
    try Fixtures.presets.model(name, at: .option("test")).value
  }

  private func answer(
    _ device: String, to question: PlanQuestion, devices: Int? = nil
  ) throws -> DeviceAnswer {
    let plan = try DevicePlan(
      question, names: [device], devices: devices, presets: Fixtures.presets)
    return try #require(plan.answers.first)
  }

  @Test(
    "wafers by weights alone",
    arguments: [
      ("llama-3.1-8b", NumberFormat.bf16, 1), ("llama-3.1-70b", .bf16, 4),
      ("llama-3.1-405b", .bf16, 19), ("deepseek-v3", .fp8, 16), ("deepseek-v3", .bf16, 31),
    ])
  func wafers(model: String, weights: NumberFormat, count: Int) throws {
    let question = PlanQuestion(shape: try shape(model), weights: weights, context: 1)
    #expect(try answer("wse-3", to: question).devicesForWeights == count)
  }

  @Test("every preset answers, wafers first, and a repeated plan is the same bytes")
  func all() throws {
    let question = PlanQuestion(shape: try shape("llama-3.1-8b"), context: 2048)
    let plan = try DevicePlan(question, names: [], devices: nil, presets: Fixtures.presets)
    let names =
      Fixtures.presets.names(of: .wafer) + Fixtures.presets.names(of: .accelerator)
    #expect(plan.answers.map(\.name) == names)
    for answer in plan.answers {
      let bound = try #require(answer.bound)
      let priced = try #require(answer.priced)
      #expect(bound.total <= priced.total, "\(answer.name)")
      #expect(bound.roofline <= bound.total)
      #expect(try #require(answer.devices) >= answer.devicesForWeights)
    }
    let again = try DevicePlan(question, names: [], devices: nil, presets: Fixtures.presets)
    let document = JSONValue.object(plan.members).document
    #expect(JSONValue.object(again.members).document == document)
    let text = plan.text(TextStyle(width: 100, hasColour: false))
    for name in names { #expect(text.contains(name)) }
  }

  @Test("70B on four H100s: bound by memory, 10.5 ms of roofline, 15.8 ms as priced")
  func h100() throws {
    let question = PlanQuestion(shape: try shape("llama-3.1-70b"), context: 2048)
    let answer = try answer("h100", to: question, devices: 4)
    let bound = try #require(answer.bound)
    #expect(answer.devicesForWeights == 2)
    #expect(bound.term == .memory)
    #expect(abs(bound.roofline.seconds / 0.0104 - 1) < 0.02, "\(bound.roofline.seconds)")
    // 162 floors of 22.7 us.
    #expect(bound.collectives.picoseconds == 162 * 22_700_000)
    let priced = try #require(answer.priced).total.seconds
    #expect(abs(priced / 0.0158 - 1) < 0.03, "\(priced)")
    #expect(answer.power == Rational(2800) && answer.price == Rational(120_000))
    let joules = try #require(answer.joulesPerToken)
    #expect(abs(joules.approximation - 2800 * priced) < 1e-6)
  }

  @Test("70B on four wafers: four hops of 5 us, below 2 % of the token")
  func hops() throws {
    let question = PlanQuestion(shape: try shape("llama-3.1-70b"), context: 4096)
    let answer = try answer("wse-3", to: question)
    #expect(answer.devices == 4)
    let bound = try #require(answer.bound)
    // And three activations of 16 KiB and a token of 4 B at 150 GB/s: 327,706.7 ps.
    #expect(bound.link.picoseconds == 20_000_000 + 327_707)
    #expect(bound.term == .link)
    let priced = try #require(answer.priced)
    // Each message is rounded to a picosecond by itself.
    #expect(priced.link.picoseconds - bound.link.picoseconds <= 2)
    #expect(priced.link.seconds / priced.total.seconds < 0.02)
    #expect(answer.price == Rational(1_800_000))
  }

  @Test(
    "experts and latent attention are priced on wafers",
    arguments: [("mixtral-8x7b", NumberFormat.bf16, 3), ("deepseek-v3", .fp8, 16)])
  func experts(model: String, weights: NumberFormat, atLeast: Int) throws {
    let question = PlanQuestion(shape: try shape(model), weights: weights, context: 4096)
    let wafer = try answer("wse-3", to: question)
    #expect(wafer.devicesForWeights == atLeast)
    #expect(try #require(wafer.devices) >= atLeast)
    let priced = try #require(wafer.priced)
    #expect(priced.total > (try #require(wafer.bound)).total)
    #expect(priced.cost.compute > .zero && priced.cost.fabric > .zero)
    #expect(wafer.notes.contains { $0.contains("priced as PP") })
  }

  @Test("deepseek-v3 on accelerators moves its active weights")
  func activeExperts() throws {
    let question = PlanQuestion(shape: try shape("deepseek-v3"), weights: .fp8, context: 4096)
    let accelerator = try answer("h200", to: question)
    #expect(accelerator.priced != nil && accelerator.devices == 5)
    // 37 G of 671 G weights act on a token, of a byte each; the cache and the vectors are little.
    let gigabytes = question.bytesPerToken.approximation / 1e9
    #expect(gigabytes > 36 && gigabytes < 38, "\(gigabytes)")
  }

  @Test("fewer devices than hold the model are marked")
  func hypothetical() throws {
    let question = PlanQuestion(shape: try shape("llama-3.1-70b"), context: 4096)
    let one = try answer("h100", to: question, devices: 1)
    #expect(one.devices == 1 && one.devicesForAll == 2)
    #expect(one.notes.contains { $0.contains("hypothetical") })
    #expect(one.bound?.collectives == .zero && one.bound?.link == .zero)
  }

  @Test("what no source gives is said beside the answer")
  func assumed() throws {
    let question = PlanQuestion(shape: try shape("llama-3.1-8b"), context: 1)
    #expect(try answer("groq-lpu", to: question).assumed.contains("collective_floor"))
    #expect(try answer("h100", to: question).assumed == ["compute_efficiency"])
  }

  @Test("the claims come out as they are made")
  func claims() throws {
    let claims = try PlanClaims(presets: Fixtures.presets).claims
    func value(_ word: String) throws -> Double {
      try #require(claims.first { $0.statement.contains(word) }).value.approximation
    }
    #expect(try value("140 GB") == 140)
    #expect(try value("400B") == 3479)
    #expect(try value("671B") == 5835)
    #expect(abs(try value("at batch 1") - 140) < 1)
    #expect(abs(try value("less than 1 %") - 0.41) < 0.01)
    #expect(try value("reaches 5 %") == 13)
    #expect(try value("reaches 7 %") == 18)
    #expect(
      claims.filter { $0.unit == "wafers" }.map(\.value) == [1, 4, 19, 16, 31].map { Rational($0) })
    #expect(claims.contains { $0.arithmetic.contains("400 x 10^9 x 2 B / 0.2300 GB = 3478.3") })
    #expect(claims.contains { $0.arithmetic.contains("70 x 10^9 weights x 2 B = 140 GB") })
  }

  @Test("a kind of preset that shares its folder is known by its file")
  func sharedFolder() throws {
    try Fixtures.withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: "\(folder)/hardware", withIntermediateDirectories: true)
      for (name, first) in [
        ("a", "preset: wafer"), ("b", "preset: accelerator # a chip"), ("c", "prest: wafer"),
      ] {
        try "# a comment\n\(first)\nname: \(name)\n".write(
          toFile: "\(folder)/hardware/\(name).yaml", atomically: true, encoding: .utf8)
      }
      let library = PresetLibrary(folder: folder)
      // A file that says no kind belongs to each, so that reading it tells what is wrong.
      #expect(library.names(of: .wafer) == ["a", "c"])
      #expect(library.names(of: .accelerator) == ["b", "c"])
      let error = #expect(throws: ConfigurationError.self) {
        try library.accelerator("c", at: .option("test"))
      }
      #expect(error?.key == "prest" && error?.nearest == "preset")
    }
  }

  @Test("a model that the forward pass does not compute is phantom, and refused for real")
  func notComputable() throws {
    let arguments = ["model=synthetic-mixtral-8x7b"]
    #expect(try Fixtures.resolve(set: arguments).host.payload == .phantom)
    let error = Fixtures.error(set: arguments + ["host.payload=real"])
    #expect(error?.key == "host.payload")
    #expect(error?.description.contains("experts") == true)
  }
}
