import Foundation
import Hardware
import Models
import Quantities

/// Statements about devices that are often made, each worked out from presets with its arithmetic.
public struct PlanClaims: Hashable, Sendable {
  /// In the order in which they are told.
  public let claims: [Claim]

  /// One statement.
  public struct Claim: Hashable, Sendable {
    /// What is claimed.
    public let statement: String
    /// How it is worked out, with the numbers in it.
    public let arithmetic: String
    /// What comes out.
    public let value: Rational
    /// Of what.
    public let unit: String
  }

  /// Works the claims out.
  ///
  /// Throws `ConfigurationError` when a preset that they are about is not there or cannot be read.
  public init(presets: PresetLibrary) throws(ConfigurationError) {
    let place = Place.option("--explain")
    let chip = try presets.accelerator("groq-lpu", at: place).value
    let a100 = try presets.accelerator("a100", at: place).value
    let wafer = try presets.wafer("wse-3", at: place).value
    var shapes: [ModelShape] = []
    for name in ["llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b", "deepseek-v3"] {
      shapes.append(try presets.model(name, at: place).value)
    }
    claims =
      [Self.moved(shapes[1])]
      + [400, 671].map { Self.chips(billions: $0, chip) } + Self.peak(a100, shapes[0])
      + [
        (shapes[0], 16), (shapes[1], 16), (shapes[2], 16), (shapes[3], 8), (shapes[3], 16),
      ].map { Self.wafers($0, bits: $1, wafer) }
  }

  private static func moved(_ shape: ModelShape) -> Claim {
    let read = Int(shape.activeWeights(sequences: 1))
    return Claim(
      statement: "70B at 16 bit moves 140 GB a token at batch 1",
      arithmetic: "70 x 10^9 weights x 2 B = 140 GB; \(shape.name) has "
        + "\(gigas(shape.weights)) G and reads all but the embedding's: \(gigas(read)) G x 2 B = "
        + "\(gigas(2 * read)) GB",
      value: Rational(140), unit: "GB")
  }

  private static func chips(billions: Int, _ chip: Accelerator) -> Claim {
    let exact = Rational(billions * 2) / (Rational(chip.memory) / Rational(1_000_000_000))
    let whole = (exact.numerator + exact.denominator - 1) / exact.denominator
    return Claim(
      statement: "\(billions)B at 16 bit needs thousands of SRAM chips (\(chip.name))",
      arithmetic: "\(billions) x 10^9 x 2 B / \(gigas(chip.memory)) GB = "
        + String(format: "%.1f", exact.approximation) + ", so \(whole)",
      value: Rational(whole), unit: "chips")
  }

  /// The context of the claims about a peak: short, so that weights alone matter.
  private static let shortContext = 16

  private static func peak(_ device: Accelerator, _ shape: ModelShape) -> [Claim] {
    func answer(_ batch: Int) -> (share: Rational, arithmetic: String) {
      let question = PlanQuestion(shape: shape, context: shortContext, batch: batch)
      let answer = DeviceAnswer(device, to: question, devices: 1)
      let flops = RunTable.number(Double(question.step.flops) / 1e9)
      return (
        answer.shareOfPeak!,
        "batch \(batch): \(flops) GFLOP in \(RunTable.time(answer.priced!.total)) of "
          + "\(RunTable.number(device.peak.approximation / 1e12)) TFLOP/s = "
          + DevicePlan.percent(answer.shareOfPeak!)
      )
    }
    /// The smallest batch that reaches so much of the peak, and the one before.
    func batch(reaching percent: Int) -> Claim {
      let least = Rational(percent) / Rational(100)
      // More sequences only raise the share while weights dominate, which they do far beyond this.
      let batch = (1...1000).first { answer($0).share >= least }!
      return Claim(
        statement: "\(device.name) reaches \(percent) % of its peak at a batch of \(batch)",
        arithmetic: answer(batch - 1).arithmetic + "; " + answer(batch).arithmetic,
        value: Rational(batch), unit: "sequences")
    }
    let one = answer(1)
    return [
      Claim(
        statement: "\(device.name) decodes \(shape.name) at less than 1 % of its peak at batch 1",
        arithmetic: one.arithmetic, value: one.share * Rational(100), unit: "%"),
      batch(reaching: 5), batch(reaching: 7),
    ]
  }

  private static func wafers(_ shape: ModelShape, bits: Int, _ wafer: Wafer) -> Claim {
    let need = MemoryNeed(
      shape: shape, memory: MemoryPlan(weightBits: bits, context: 1))
    let count = need.devicesForWeights(bytes: wafer.sram)
    let exact = Rational(need.weights) / Rational(8 * wafer.sram)
    return Claim(
      statement: "\(shape.name) at \(bits) bit needs \(count) \(wafer.name) by weights alone",
      arithmetic: "\(gigas(shape.weights)) G x \(bits / 8) B / \(gigas(wafer.sram)) GB = "
        + String(format: "%.2f", exact.approximation) + ", so \(count)",
      value: Rational(count), unit: "wafers")
  }

  private static func gigas(_ count: Int) -> String { RunTable.number(Double(count) / 1e9) }
}

extension PlanClaims {
  /// The claims as a list, each with its arithmetic below it.
  public func text(_ style: TextStyle) -> String {
    style.bold("Claims") + "\n"
      + claims.map { "\($0.statement)\n  \($0.arithmetic)\n" }.joined()
  }

  /// The claims of a document.
  public var json: JSONValue {
    .array(
      claims.map {
        [
          "statement": .string($0.statement), "arithmetic": .string($0.arithmetic),
          "value": .rounded($0.value, digits: 6), "unit": .string($0.unit),
        ]
      })
  }
}
