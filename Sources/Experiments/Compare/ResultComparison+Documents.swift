import Foundation
import Quantities

extension ResultComparison {
  /// The document, `wafer.compare/1`.
  public var json: JSONValue {
    .object(
      Dictionary(
        uniqueKeysWithValues: [
          ("schema", "wafer.compare/1"),
          ("a", .string(names.a)),
          ("b", .string(names.b)),
          (
            "experiment_differences",
            .array(keys.map { ["key": .string($0.key), "a": $0.a, "b": $0.b] })
          ),
        ] + halves.map { ($0.name, $0.json) }))
  }

  /// Tables: keys, then times and account of each half.
  public func text(_ style: TextStyle) -> String {
    ([style.bold("B against A") + "\nA: \(names.a)\nB: \(names.b)\n", keyTable(style)]
      + halves.map { $0.text(style) }).joined(separator: "\n")
  }

  private func keyTable(_ style: TextStyle) -> String {
    guard !keys.isEmpty else { return "The experiments are the same.\n" }
    var table = Table(columns: ["what differs", "A", "B"])
    for key in keys {
      table.append([
        key.key.replacingOccurrences(of: "modelled.", with: ""), Self.words(key.a),
        Self.words(key.b),
      ])
    }
    return table.text(style)
  }

  private static func words(_ value: JSONValue) -> String {
    switch value {
    case .null: "-"
    case .string(let text): text
    default: value.line
    }
  }
}

extension ResultComparison.Half {
  fileprivate var json: JSONValue {
    func times(_ times: ResultComparison.Times) -> JSONValue {
      [
        "ttft_ps": times.timeToFirstToken.map { .picoseconds($0) } ?? .null,
        "tpot_ps": times.timePerOutputToken.map { .picoseconds($0) } ?? .null,
        "total_ps": .picoseconds(times.total),
        "tokens_per_second": times.tokensPerSecond ?? .null,
        "account_ps": times.account.json,
        "measured_total_ns": times.measuredTotal.map { .integer($0) } ?? .null,
      ]
    }
    func difference(_ a: EmulatedTime?, _ b: EmulatedTime?) -> JSONValue {
      guard let a, let b else { return .null }
      return .picoseconds(b - a)
    }
    return [
      "a": times(a), "b": times(b), "ratio": .ratio(b.total, over: a.total),
      "extra_ttft_ps": difference(a.timeToFirstToken, b.timeToFirstToken),
      "extra_tpot_ps": difference(a.timePerOutputToken, b.timePerOutputToken),
      "extra_ps": .picoseconds(extra), "extra_account_ps": extraAccount.json,
    ]
  }

  fileprivate func text(_ style: TextStyle) -> String {
    var table = Table(columns: [name.replacingOccurrences(of: "_", with: " "), "A", "B", "B - A"])
    func add(_ what: String, _ a: EmulatedTime?, _ b: EmulatedTime?) {
      guard let a, let b else { return }
      table.append([
        what, RunTable.time(a), RunTable.time(b), RunTable.time(b - a, signed: true),
      ])
    }
    add("TTFT", a.timeToFirstToken, b.timeToFirstToken)
    add("TPOT", a.timePerOutputToken, b.timePerOutputToken)
    add("total", a.total, b.total)
    for entry in Account.Entry.allCases
    where a.account[entry] != .zero || b.account[entry] != .zero {
      add(
        "  " + entry.rawValue.replacingOccurrences(of: "_", with: " "), a.account[entry],
        b.account[entry])
    }
    if let first = a.tokensPerSecond?.double, let second = b.tokensPerSecond?.double {
      table.append([
        "tokens/s", RunTable.number(first), RunTable.number(second),
        (second > first ? "+" : "") + RunTable.number(second - first),
      ])
    }
    if let first = a.measuredTotal, let second = b.measuredTotal {
      table.append([
        "measured total", RunTable.seconds(Double(first) / 1e9),
        RunTable.seconds(Double(second) / 1e9),
        (second > first ? "+" : "") + RunTable.seconds(Double(second - first) / 1e9),
      ])
    }
    return table.text(style)
  }
}
