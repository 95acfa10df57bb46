import Experiments
import Quantities

extension Draw {
  /// Every key of an experiment, with values that it may have, of its kind, and some that it may not.
  static let settings: [(name: String, values: [String])] = ExperimentSchema.keys.map { key in
    let word = key.word.map { [$0] } ?? []
    let values: [String] =
      switch key.kind {
      case .name: names[key.name] ?? ["no-such-preset", "a/b", "x.json"]
      case .text: ["a text", "\"\"", "12"]
      case .quantity(let dimension, _), .quantityOrInfinite(let dimension, _):
        dimension.units.flatMap { unit in
          ["1", "0", "0.3", "1e18", "1e-18", "2500", "-1", "0.000001"].map { "\($0) \(unit.name)" }
        } + ["infinite", "5", "5 parsecs"]
      case .count(let range):
        [
          "\(range.lowerBound)", "\(range.lowerBound + 1)", "\(min(range.upperBound, 12))",
          "\(range.upperBound)", "\(range.lowerBound &- 1)", "\(range.upperBound &+ 1)", "3",
        ]
      case .counts: ["[1, 2]", "1,3", "[2]", "[]", "[0]", "[a]", "4", "[\"1\", 2]"]
      case .decimal: ["0", "1", "0.5", "0.001", "1e-18", "1e18", "100", "0.95"]
      case .choice(let words): words + ["no-such-word"]
      case .grid: ["660", "750x994", "0", "1x", "10001x1", "x", "1x2x3"]
      case .sides: ["2x1", "1x1", "4x2", "0x1", "9999999999x9999999999"]
      case .items: items
      }
    return (key.name, word + values)
  }

  private static let names = [
    "model.name": [
      "synthetic-tiny", "synthetic-small", "llama-3.1-8b", "llama-3.1-405b", "deepseek-v3",
      "mixtral-8x7b", "no-such-model", "./model.gguf",
    ],
    "hardware.name": ["wse-2", "wse-3", "h100", "a100", "no-such-wafer"],
    "hardware.mapping": ["whole-mesh", "region-per-layer", "blocks-2", "blocks-0", "fastest", "x"],
    "link.name": ["wse3-io", "hardware", "no-such-link"],
  ]

  private static let items = [
    "[{rank: 0, speed: 0.5}]", "[{rank: 1, speed: 1e-18}]", "[{from: 0, to: 1, latency: 5us}]",
    "[{from: 1, to: 0, bandwidth: 1GB/s}]", "[{from: 0, to: 0, latency: 1s}]",
    "[{rank: 0, speed: 0.5}, {rank: 0, speed: 2}]", "[{rank: 1023, speed: 1}]", "[{rank: 0}]",
    "[{from: 0, to: 1}]", "[{rank: 0, speed: 0.1234567}]", "[1]", "[]", "[{a: 1}]", "{rank: 0}",
  ]
}
