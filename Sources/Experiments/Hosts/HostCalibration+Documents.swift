import Foundation
import Hardware

extension HostCalibration.Result {
  /// The presets, hosts first.
  ///
  /// - Parameter experiment: What was calibrated with.
  public func presets(of experiment: Experiment) -> [HostPresetText] {
    hosts.map { HostPresetText($0, of: experiment, facts: facts) }
      + links.map { HostPresetText($0, facts: facts) }
  }

  /// The document, `wafer.host-calibration/1`: what was measured, and what the fit makes of it.
  public var json: JSONValue {
    [
      "schema": "wafer.host-calibration/1",
      "host": facts.json,
      "load_average": [
        "before": .optionalNumber(loads.before), "after": .optionalNumber(loads.after),
      ],
      "hosts": .array(hosts.map(\.json)),
      "links": .array(links.map(\.json)),
    ]
  }

  /// For people: each group of steps alike with what was measured and what the fit says.
  public func text(_ style: TextStyle) -> String {
    var text = style.bold(facts.words) + "\n"
    text += HostNoise.sentence(before: loads.before, processors: facts.processors) + "\n\n"
    for host in hosts {
      text += style.bold("\(host.name): kernels, \(host.busy) busy") + "\n"
      var table = Table(
        columns: ["kernel", "count", "tokens", "steps", "measured", "spread", "fitted", "error"])
      for row in host.rows {
        table.append([
          row.observation.kernel.rawValue, "\(row.observation.count)",
          "\(row.observation.tokens)", "\(row.observation.seconds.count)",
          RunTable.seconds(row.observation.quiet),
          HostNoise.percent(row.observation.spread), RunTable.seconds(row.fitted),
          HostNoise.percent(row.error, signed: true),
        ])
      }
      text += table.text(style)
      text +=
        "between two steps: \(RunTable.seconds(host.step)), of \(host.steps.count)\n\n"
    }
    for link in links {
      text += style.bold("\(link.name): messages, \(link.busy) busy") + "\n"
      var table = Table(columns: ["bytes", "messages", "measured", "spread", "sending thread"])
      for row in link.observations {
        table.append([
          "\(row.bytes)", "\(row.hops.count)", RunTable.seconds(row.usual),
          HostNoise.percent(row.spread), RunTable.seconds(row.usualSend),
        ])
      }
      let fit = link.fit
      text +=
        table.text(style)
        + "fitted: \(RunTable.seconds(fit.sendOverhead)) of the sender, "
        + "\(RunTable.seconds(fit.latency)) on the way, "
        + (fit.bandwidth.map { RunTable.bytes($0) + "/s" } ?? "any bandwidth") + "\n\n"
    }
    return text
  }
}

/// How quiet a host was.
enum HostNoise {
  /// What something takes when nothing disturbs it, of sorted times: the lower quartile. What disturbs a host only
  /// makes it slower, and the least may be luck.
  static func quiet(_ sorted: [Double]) -> Double { sorted[(sorted.count - 1) / 4] }

  /// What something takes that differs from time to time by itself, of sorted times: the mean of the middle half.
  /// A run adds up many messages, fast ones and slow ones, so that their mean counts; the quarter that took
  /// longest may have been disturbed.
  static func usual(_ sorted: [Double]) -> Double {
    let middle = sorted[(sorted.count - 1) / 4...(sorted.count - 1) * 3 / 4]
    return middle.reduce(0, +) / Double(middle.count)
  }

  /// From the lower to the upper quartile of sorted times, as a part of the lower.
  static func spread(_ sorted: [Double]) -> Double {
    let low = quiet(sorted)
    return (sorted[(sorted.count - 1) * 3 / 4] - low) / max(low, 1e-12)
  }

  /// One sentence on the load before a measurement.
  static func sentence(before: Double?, processors: Int) -> String {
    guard let before else { return "The system does not say how busy the host was." }
    let load = String(format: "%.2f", before)
    return before > 0.25 * Double(processors)
      ? "The host was not quiet: load average \(load) on \(processors) processors before it began."
      : "The host was quiet: load average \(load) on \(processors) processors before it began."
  }

  static func isQuiet(before: Double?, processors: Int) -> Bool {
    before.map { $0 <= 0.25 * Double(processors) } ?? true
  }

  static func percent(_ part: Double, signed: Bool = false) -> String {
    String(format: signed ? "%+.1f %%" : "%.1f %%", part * 100)
  }
}

extension HostFacts {
  /// As documents have it.
  var json: JSONValue {
    [
      "name": .string(host), "processor": .string(processor),
      "processors": .integer(processors), "date": .string(date),
    ]
  }
}

extension JSONValue {
  /// A number to four digits behind the point; `null` where there is none.
  static func optionalNumber(_ value: Double?) -> JSONValue {
    value.map { .number(String(format: "%.4f", $0)) } ?? .null
  }

  /// A number of nanoseconds, to a thousandth.
  static func nanoseconds(_ seconds: Double) -> JSONValue {
    .number(String(format: "%.3f", seconds * 1e9))
  }
}

extension MeasuredHost {
  /// What the fit says of each group of steps alike.
  struct Row {
    let observation: KernelSurvey.Observation
    let fitted: Double
    var error: Double { fitted / max(observation.quiet, 1e-12) - 1 }
  }

  /// In the order of the kernels, by count, tokens and pairs.
  var rows: [Row] {
    KernelSurvey.Kernel.allCases.flatMap { kernel -> [Row] in
      let observations = of(kernel).sorted {
        ($0.count, $0.tokens, $0.pairs) < ($1.count, $1.tokens, $1.pairs)
      }
      guard !observations.isEmpty else { return [] }
      switch kernel {
      case .attention, .feedForward, .head:
        let fit = matrix(kernel)
        return observations.map { observation in
          let each = fit.points.first { $0.tokens == observation.tokens }?.perWeight ?? 0
          return Row(
            observation: observation,
            fitted: fit.fixed + each * Double(observation.count)
              + fit.pair * Double(observation.pairs))
        }
      case .embedding, .candidates:
        let fit = line(kernel)
        return observations.map {
          Row(observation: $0, fitted: fit.fixed + fit.each * Double($0.count))
        }
      }
    }
  }

  var json: JSONValue {
    [
      "name": .string(name), "busy_processes": .integer(busy),
      "step_overhead_ns": .nanoseconds(step), "steps": .integer(steps.count),
      "kernels": .array(
        rows.map { row in
          [
            "kernel": .string(row.observation.kernel.rawValue),
            "count": .integer(row.observation.count), "tokens": .integer(row.observation.tokens),
            "pairs": .integer(row.observation.pairs),
            "steps": .integer(row.observation.seconds.count),
            "quiet_ns": .nanoseconds(row.observation.quiet),
            "least_ns": .nanoseconds(row.observation.seconds[0]),
            "spread": .optionalNumber(row.observation.spread),
            "fitted_ns": .nanoseconds(row.fitted),
          ]
        }),
    ]
  }
}

extension MeasuredLink {
  var json: JSONValue {
    let fit = fit
    return [
      "name": .string(name), "busy_processes": .integer(busy),
      "send_overhead_ns": .nanoseconds(fit.sendOverhead), "latency_ns": .nanoseconds(fit.latency),
      "bytes_per_second": .optionalNumber(fit.bandwidth),
      "messages": .array(
        observations.map {
          [
            "bytes": .integer($0.bytes), "messages": .integer($0.hops.count),
            "usual_ns": .nanoseconds($0.usual), "least_ns": .nanoseconds($0.hops[0]),
            "spread": .optionalNumber($0.spread),
            "sending_thread_ns": .nanoseconds($0.usualSend),
          ]
        }),
    ]
  }
}
