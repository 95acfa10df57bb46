import Quantities
import Serving

extension ServingMetrics {
  /// As every document has it; part of the emulated document.
  var json: JSONValue {
    [
      "requests": .integer(requests),
      "tokens": .integer(tokens),
      "duration_ps": .picoseconds(duration),
      "occupied_ps": .picoseconds(occupied),
      "requests_per_second": .rounded(requestsPerSecond, digits: 6),
      "tokens_per_second": .rounded(tokensPerSecond, digits: 3),
      "good_requests": .integer(good),
      "goodput_per_second": .rounded(goodput, digits: 6),
      "mean_in_system": .rounded(meanInSystem, digits: 6),
      "ttft": timeToFirstToken?.json ?? .null,
      "tpot": timePerOutputToken?.json ?? .null,
      "itl": interTokenLatency?.json ?? .null,
      "e2el": endToEnd?.json ?? .null,
      "queue": queueTime?.json ?? .null,
    ]
  }

  /// As a table, beside those of another half.
  static func table(_ halves: [(name: String, metrics: ServingMetrics)], _ style: TextStyle)
    -> String
  {
    var table = Table(columns: ["requests", "mean", "p50", "p90", "p99", "most", ""])
    for (name, metrics) in halves {
      for (title, times) in [
        ("TTFT", metrics.timeToFirstToken), ("TPOT", metrics.timePerOutputToken),
        ("ITL", metrics.interTokenLatency), ("E2EL", metrics.endToEnd),
        ("queue", metrics.queueTime),
      ] {
        guard let times else { continue }
        table.append(
          ["\(name), \(title)"]
            + [times.mean, times.p50, times.p90, times.p99, times.most].map(RunTable.time) + [""])
      }
    }
    var text = table.text(style)
    for (name, metrics) in halves {
      text +=
        "\(name): \(metrics.requests) requests and \(metrics.tokens) tokens in "
        + "\(RunTable.time(metrics.duration)), \(RunTable.number(metrics.tokensPerSecond.approximation)) "
        + "tokens/s; \(metrics.good) requests within the limits, "
        + "\(RunTable.number(metrics.goodput.approximation)) a second; "
        + "\(RunTable.number(metrics.meanInSystem.approximation)) in the system on average\n"
    }
    return text
  }
}

extension TimeDistribution {
  /// Mean and percentiles in picoseconds.
  var json: JSONValue {
    [
      "mean_ps": .picoseconds(mean), "p50_ps": .picoseconds(p50), "p90_ps": .picoseconds(p90),
      "p99_ps": .picoseconds(p99), "max_ps": .picoseconds(most),
    ]
  }
}
