import Foundation
import Models
import Programs
import Quantities

extension WhatIf {
  /// The document, `wafer.whatif/1`.
  public var json: JSONValue {
    [
      "schema": "wafer.whatif/1",
      "experiment": experiment.json,
      "base": Self.times(base),
      "parameters": .array(
        parameters.map { parameter in
          [
            "name": .string(parameter.name), "value": .string(parameter.value),
            "changes": .array(parameter.changes.map { change(of: $0) }),
          ]
        }),
      "provenance": [
        "tool_version": .string(Provenance.toolVersion), "presets": experiment.presetsJSON,
      ],
      "warnings": .array(warnings.map { .string($0) }),
    ]
  }

  private static func times(_ result: EmulatedResult) -> JSONValue {
    let json = result.json
    return .object(
      Dictionary(
        uniqueKeysWithValues: ["ttft_ps", "tpot_ps", "total_ps", "tokens_per_second"].map {
          ($0, json[$0]!)
        }))
  }

  private func change(of change: Change) -> JSONValue {
    let result = change.result
    var members: [String: JSONValue] = [
      "change": .string(change.kind), "value": .string(change.value),
      "extra_ttft_ps": .picoseconds(result.timeToFirstToken - base.timeToFirstToken),
      "extra_total_ps": .picoseconds(result.total.time - base.total.time),
      "tokens_per_second_ratio": .ratio(base.total.time, over: result.total.time),
    ]
    if let now = result.timePerOutputToken, let before = base.timePerOutputToken {
      members["extra_tpot_ps"] = .picoseconds(now - before)
    } else {
      members["extra_tpot_ps"] = .null
    }
    guard case .object(let times) = Self.times(result) else { return .null }
    return .object(members.merging(times) { $1 })
  }

  /// A line a change, and what is worth most.
  public func text(_ style: TextStyle) -> String {
    let modelled = experiment.modelled
    let head =
      style.bold(
        "\(modelled.shape.name) on \(modelled.ranks) \(modelled.device.name) "
          + "(PP \(modelled.pipeline) x TP \(modelled.tensor))")
      + "\nas it is: TTFT \(RunTable.time(base.timeToFirstToken))"
      + (base.timePerOutputToken.map { ", TPOT \(RunTable.time($0))" } ?? "")
      + ", \(RunTable.number(base.tokensPerSecond)) tokens/s\n\n"
    var table = Table(columns: ["parameter", "change", "TTFT", "TPOT", "tokens/s"])
    for parameter in parameters {
      for (place, change) in parameter.changes.enumerated() {
        table.append([
          place == 0 ? parameter.name : "", "\(parameter.value) > \(change.value)",
          Self.change(change.result.timeToFirstToken, base.timeToFirstToken),
          change.result.timePerOutputToken.flatMap { now in
            base.timePerOutputToken.map { Self.change(now, $0) }
          } ?? "-",
          // As many tokens in another time.
          Self.change(base.total.time, change.result.total.time),
        ])
      }
    }
    return head + table.text(style)
  }

  /// A share of what it was, signed.
  private static func change(_ now: EmulatedTime, _ before: EmulatedTime) -> String {
    guard before > .zero else { return "-" }
    let share = Double((now - before).picoseconds) / Double(before.picoseconds) * 100
    return now == before ? "0" : String(format: "%+.2f %%", share)
  }
}
