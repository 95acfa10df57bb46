import Plots
import Programs
import Quantities

/// What one point of a sweep gave.
public struct SweepRow: Sendable {
  /// Place in the grid, from 0.
  public let point: Int
  /// One an axis.
  public let values: [String]
  /// What became of it.
  public let outcome: Outcome

  /// What became of a point.
  public enum Outcome: Sendable {
    /// It was evaluated, and run on nodes where that was asked for.
    case done(EvaluatedComparison, Measurement?)
    /// There is no such experiment, for this reason: the model has fewer layers than stages, or does not
    /// fit.
    case impossible(String)
  }

  /// A run on nodes.
  public enum Measurement: Sendable {
    case done(single: MeasuredResult, cluster: MeasuredResult)
    /// The run failed, for this reason.
    case failed(String)
  }

  /// Whether nodes failed.
  var hasFailed: Bool {
    if case .done(_, .failed) = outcome { true } else { false }
  }

  /// Names of the columns, in the order of `rows.csv`.
  public static func columns(of axes: [SweepAxis], measures: Bool) -> [String] {
    ["point"] + axes.flatMap(\.columns) + ["status", "reason"] + emulatedColumns
      + (measures ? measuredColumns : [])
  }

  private static let emulatedColumns =
    [
      "ttft_ps", "tpot_ps", "total_ps", "tokens_per_second", "tokens_per_second_per_wafer",
      "joules_per_token", "single_total_ps", "slowdown", "extra_ps",
    ] + Account.Entry.allCases.map { "extra_\($0.rawValue)_ps" } + [
      "hypothetical", "single_hypothetical", "warnings",
    ]

  private static let measuredColumns = [
    "measured_ttft_ns", "measured_tpot_ns", "measured_total_ns", "measured_single_total_ns",
    "measured_slowdown", "measured_oversubscribed",
  ]

  /// The values of all columns but the axes', by their names; null where there is none.
  public var members: [String: JSONValue] {
    var members: [String: JSONValue] = ["point": .integer(point)]
    for column in Self.emulatedColumns { members[column] = .null }
    switch outcome {
    case .impossible(let reason):
      members["status"] = "impossible"
      members["reason"] = .string(reason)
    case .done(let comparison, let measurement):
      members["status"] = "done"
      members["reason"] = .null
      members.merge(Self.members(comparison)) { $1 }
      switch measurement {
      case .failed(let reason):
        members["status"] = "measurement-failed"
        members["reason"] = .string(reason)
      case .done(let single, let cluster):
        members.merge(Self.members(single, cluster)) { $1 }
      case nil: break
      }
    }
    return members
  }

  private static func members(_ comparison: EvaluatedComparison) -> [String: JSONValue] {
    let cluster = comparison.cluster
    let single = comparison.single
    var members: [String: JSONValue] = [
      "single_total_ps": .picoseconds(single.emulated.total.time),
      "slowdown": .ratio(cluster.emulated.total.time, over: single.emulated.total.time),
      "extra_ps": .picoseconds(comparison.extra),
      "hypothetical": .boolean(cluster.isHypothetical),
      "single_hypothetical": .boolean(single.isHypothetical),
      "warnings": .integer(comparison.warnings.count),
    ]
    let emulated = cluster.emulated.json
    for key in [
      "ttft_ps", "tpot_ps", "total_ps", "tokens_per_second", "tokens_per_second_per_wafer",
      "joules_per_token",
    ] { members[key] = emulated[key] }
    for entry in Account.Entry.allCases {
      members["extra_\(entry.rawValue)_ps"] = .picoseconds(comparison.extraAccount[entry])
    }
    return members
  }

  private static func members(_ single: MeasuredResult, _ cluster: MeasuredResult)
    -> [String: JSONValue]
  {
    [
      "measured_ttft_ns": .integer(cluster.timeToFirstToken.nanoseconds),
      "measured_tpot_ns": cluster.timePerOutputToken.map { .integer($0.nanoseconds) } ?? .null,
      "measured_total_ns": .integer(cluster.total.nanoseconds),
      "measured_single_total_ns": .integer(single.total.nanoseconds),
      "measured_slowdown": .rounded(
        Rational(
          Int128(cluster.total.nanoseconds), over: Int128(max(single.total.nanoseconds, 1))),
        digits: 6),
      "measured_oversubscribed": .boolean(cluster.isOversubscribed),
    ]
  }

  /// The row as a document: as `members`, and the axes by the names of their keys.
  public func json(_ axes: [SweepAxis], measures: Bool) -> JSONValue {
    var members = members
    if measures {
      for column in Self.measuredColumns where members[column] == nil { members[column] = .null }
    }
    for (axis, value) in zip(axes, values) {
      for (column, text) in axis.fields(of: value) { members[column] = .string(text) }
    }
    return .object(members)
  }

  /// A row of `rows.csv`: the values of `json`, in the order of the columns.
  static func csv(_ json: JSONValue, columns: [String]) -> String {
    columns.map { RowField.text(json[$0] ?? .null) }.joined(separator: ",") + "\n"
  }
}

/// Fields of a CSV file, as RFC 4180 has them.
enum RowField {
  /// A value as a field: as JSON writes it, text without quotes where it needs none, nothing for null.
  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: ""
    case .boolean(let value): value ? "true" : "false"
    case .number(let literal): literal
    case .string(let string): text(string)
    case .array, .object: preconditionFailure("a field of a table is one value")
    }
  }

  /// A text; a line's end becomes a space, so that a row is a line.
  static func text(_ text: String) -> String {
    let line = text.split(separator: "\n").joined(separator: " ")
    return Plots.CSV.quoted(line)
  }
}
