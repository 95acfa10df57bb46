import Foundation
import Models
import Programs
import Quantities

extension HostValidation.Row {
  /// A measured time of the repetitions, beside its prediction.
  struct Comparison {
    /// Seconds.
    let predicted: Double
    /// Seconds of each repetition, sorted.
    let measured: [Double]

    /// The middle one; of two the lower.
    var median: Double { measured[(measured.count - 1) / 2] }
    /// (predicted − median)/median.
    var error: Double { predicted / median - 1 }
    /// (predicted − least)/least: what disturbs a host only makes it slower.
    var errorOfLeast: Double { predicted / measured[0] - 1 }
    /// From the least to the most, as a part of the median.
    var spread: Double { (measured.last! - measured[0]) / median }
  }

  /// `nil` where there is one token.
  var timePerOutputToken: Comparison? {
    guard let predicted = predicted.timePerOutputToken else { return nil }
    return Comparison(
      predicted: predicted.seconds,
      measured: measured.compactMap { $0.timePerOutputToken?.seconds }.sorted())
  }

  var timeToFirstToken: Comparison {
    Comparison(
      predicted: predicted.timeToFirstToken.seconds,
      measured: measured.map(\.timeToFirstToken.seconds).sorted())
  }

  /// Whether more processes computed than there are processors.
  var isOversubscribed: Bool { measured.contains(where: \.isOversubscribed) }

  var json: JSONValue {
    [
      "pipeline": .integer(plan.pipeline), "tensor": .integer(plan.tensor),
      "preset": .string(preset), "oversubscribed": .boolean(isOversubscribed),
      "warnings": .array(warnings.map { .string($0) }),
      "predicted": [
        "ttft_ps": .picoseconds(predicted.timeToFirstToken),
        "tpot_ps": predicted.timePerOutputToken.map { .picoseconds($0) } ?? .null,
        "total_ps": .picoseconds(predicted.total.time),
        "account_ps": predicted.total.account.json,
      ],
      "measured": .array(measured.map(\.json)),
      "ttft": timeToFirstToken.json, "tpot": timePerOutputToken?.json ?? .null,
    ]
  }
}

extension HostValidation.Row.Comparison {
  var json: JSONValue {
    [
      "predicted_ns": .nanoseconds(predicted), "median_ns": .nanoseconds(median),
      "least_ns": .nanoseconds(measured[0]), "most_ns": .nanoseconds(measured.last!),
      "spread": .optionalNumber(spread), "error": .optionalNumber(error),
      "error_of_least": .optionalNumber(errorOfLeast),
    ]
  }
}

extension HostValidation.Result {
  /// What speaks against the measurement, in words; empty when nothing does.
  public var doubts: [String] {
    var doubts: [String] = []
    if !HostNoise.isQuiet(before: loads.before, processors: facts.processors) {
      doubts.append(HostNoise.sentence(before: loads.before, processors: facts.processors))
    }
    for row in rows {
      if row.isOversubscribed {
        doubts.append(
          "\(row.plan) has more processes than the host has processors: it measures the host, not the "
            + "communication.")
      }
      for (name, comparison) in [("TTFT", row.timeToFirstToken), ("TPOT", row.timePerOutputToken)] {
        guard let comparison, comparison.spread > Self.calmSpread else { continue }
        doubts.append(
          "\(row.plan): \(name) of \(comparison.measured.count) repetitions spreads over "
            + "\(HostNoise.percent(comparison.spread)) of its median.")
      }
    }
    return doubts
  }

  /// A spread beyond this says more of the host's other work than of a prediction.
  private static let calmSpread = 0.1

  /// The document, `wafer.host-validation/1`.
  public var json: JSONValue {
    [
      "schema": "wafer.host-validation/1",
      "host": facts.json,
      "load_average": [
        "before": .optionalNumber(loads.before), "after": .optionalNumber(loads.after),
      ],
      "model": .string(model),
      "workload": [
        "prompt_tokens": .integer(experiment.modelled.workload.promptTokens),
        "output_tokens": .integer(experiment.modelled.workload.outputTokens),
        "batch": .integer(experiment.modelled.workload.batch),
        "micro_batches": .integer(experiment.modelled.workload.microBatches),
      ],
      "transport": .string(experiment.host.transport.rawValue),
      "precision": .string(experiment.host.precision.rawValue),
      "quiet": .boolean(doubts.isEmpty),
      "doubts": .array(doubts.map { .string($0) }),
      "plans": .array(rows.map(\.json)),
    ]
  }

  /// For people.
  public func text(_ style: TextStyle) -> String {
    var table = Table(
      columns: [
        "plan", "", "predicted", "measured", "error", "least", "error of least", "spread",
        "priced by",
      ])
    for row in rows {
      for (name, comparison) in [("TTFT", row.timeToFirstToken), ("TPOT", row.timePerOutputToken)] {
        guard let comparison else { continue }
        table.append([
          "\(row.plan)", name, RunTable.seconds(comparison.predicted),
          RunTable.seconds(comparison.median), HostNoise.percent(comparison.error, signed: true),
          RunTable.seconds(comparison.measured[0]),
          HostNoise.percent(comparison.errorOfLeast, signed: true),
          HostNoise.percent(comparison.spread), row.preset,
        ])
      }
    }
    let workload = experiment.modelled.workload
    let warnings = rows.flatMap(\.warnings).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    return style.bold(
      "\(model) on processes of \(facts.host), over \(experiment.host.transport.rawValue)") + "\n"
      + style.wrapped(
        "\(facts.words); \(workload.batch) sequence\(workload.batch == 1 ? "" : "s") of "
          + "\(workload.promptTokens) prompt and \(workload.outputTokens) output tokens; medians of "
          + "\(rows[0].measured.count) repetitions\n") + "\n" + table.text(style)
      + style.wrapped(
        warnings.map { style.warning("warning: ") + $0 + "\n" }.joined()
          + doubts.map { style.warning("not quiet: ") + $0 + "\n" }.joined())
  }
}
