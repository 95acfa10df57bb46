import Hardware
import Models
import Quantities

extension DevicePlan {
  /// The parts of a plan's document that devices answer; a plan may have others beside them.
  public var members: [String: JSONValue] {
    [
      "question": question.json,
      "devices": .array(answers.map(\.json)),
    ]
  }
}

extension PlanQuestion {
  /// What was asked, and what it moves.
  public var json: JSONValue {
    [
      "model": .string(shape.name),
      "weights": .integer(shape.weights),
      "widths": [
        "weights": .string(widths.weights.rawValue),
        "kv_cache": .string(widths.keyValues.rawValue),
        "activations": .string(widths.activations.rawValue),
      ],
      "context": .integer(context),
      "batch": .integer(batch),
      "bytes_per_token": .rounded(bytesPerToken, digits: 3),
      "flops_per_token": .rounded(flopsPerToken, digits: 3),
    ]
  }
}

extension DeviceAnswer {
  /// One device's answer. What no figure gives is null.
  var json: JSONValue {
    [
      "name": .string(name),
      "kind": .string(kind.rawValue),
      "devices_for_weights": .integer(devicesForWeights),
      "devices_for_all": devicesForAll.map { .integer($0) } ?? .null,
      "devices": devices.map { .integer($0) } ?? .null,
      "bound": bound.map {
        [
          "total_ps": .picoseconds($0.total),
          "roofline_ps": .picoseconds($0.roofline),
          "bound_by": .string($0.term.rawValue),
          "terms_ps": [
            "compute": .picoseconds($0.compute), "memory": .picoseconds($0.memory),
            "collective_floor": .picoseconds($0.collectives), "link": .picoseconds($0.link),
          ],
        ]
      } ?? .null,
      "priced": priced.map {
        [
          "total_ps": .picoseconds($0.total),
          "account_ps": [
            "compute": .picoseconds($0.cost.compute), "fabric": .picoseconds($0.cost.fabric),
            "memory": .picoseconds($0.cost.memory), "link": .picoseconds($0.link),
          ],
        ]
      } ?? .null,
      "tokens_per_second": Self.rounded(tokensPerSecond),
      "share_of_peak": Self.rounded(shareOfPeak),
      "joules_per_token": Self.rounded(joulesPerToken),
      "power_w": Self.rounded(power),
      "price_usd": Self.rounded(price),
      "notes": .array(notes.map { .string($0) }),
      "assumed": .array(assumed.map { .string($0) }),
    ]
  }

  private static func rounded(_ value: Rational?) -> JSONValue {
    value.map { .rounded($0, digits: 6) } ?? .null
  }
}
