import Foundation
import Quantities

/// Two results held against each other: which keys of their experiments differ, and how their times and
/// the accounts of these do. The differences of an account's entries add up to that of the times, exactly.
public struct ResultComparison: Sendable {
  /// What the results are called.
  public let names: (a: String, b: String)
  /// Keys of the experiments whose values differ, dotted, in order.
  public let keys: [KeyDifference]
  /// Every half that both results have.
  public let halves: [Half]

  /// A key of the experiments, `null` where a result has none of it.
  public struct KeyDifference: Hashable, Sendable {
    /// Dotted.
    public let key: String
    /// What the first result has.
    public let a: JSONValue
    /// What the second one has.
    public let b: JSONValue
  }

  /// One half of both results.
  public struct Half: Sendable {
    /// `cluster`, `single`, `best_single`, or `emulated` where a result has no halves.
    public let name: String
    /// What the first result gave.
    public let a: Times
    /// What the second one gave.
    public let b: Times

    /// How much later the last token of B came.
    public var extra: EmulatedTime { b.total - a.total }
    /// Where the difference was spent; adds up to `extra`.
    public var extraAccount: Account { b.account - a.account }
  }

  /// Times of a half of a result.
  public struct Times: Hashable, Sendable {
    /// `nil` where the document has none.
    public let timeToFirstToken: EmulatedTime?
    /// `nil` where the document has none.
    public let timePerOutputToken: EmulatedTime?
    /// Of the last token.
    public let total: EmulatedTime
    /// Of the last token; adds up to `total`.
    public let account: Account
    /// As the document has it; `nil` where it has none.
    public let tokensPerSecond: JSONValue?
    /// Nanoseconds; `nil` without nodes.
    public let measuredTotal: Int64?
  }

  /// Reads two results: documents of `--format json`, or the folders of `--output`.
  ///
  /// Throws `ConfigurationError` when one cannot be read, is no result, has an account that does not add
  /// up, or when they have no half in common.
  public init(_ a: String, _ b: String) throws(ConfigurationError) {
    try self.init(
      names: (a, b), documents: (try Self.read(a), try Self.read(b)))
  }

  init(names: (a: String, b: String), documents: (JSONValue, JSONValue))
    throws(ConfigurationError)
  {
    self.names = names
    keys =
      Self.differences(
        documents.0["experiment"]?["modelled"] ?? .null,
        documents.1["experiment"]?["modelled"] ?? .null, under: "modelled")
      + Self.differences(
        documents.0["experiment"]?["host"] ?? .null,
        documents.1["experiment"]?["host"] ?? .null, under: "host")
    var halves: [Half] = []
    for name in ["cluster", "single", "best_single"] {
      guard let first = documents.0[name], let second = documents.1[name], first != .null,
        second != .null
      else { continue }
      halves.append(
        Half(
          name: name, a: try Times(first, name, names.a), b: try Times(second, name, names.b)))
    }
    if halves.isEmpty, documents.0["emulated"] != nil, documents.1["emulated"] != nil {
      halves = [
        Half(
          name: "emulated", a: try Times(documents.0, "", names.a),
          b: try Times(documents.1, "", names.b))
      ]
    }
    guard !halves.isEmpty else {
      throw ConfigurationError(
        .file(names.b, line: nil), "has no emulated times that \(names.a) has too",
        remedy: "Give two results of 'wafer run', or two of 'wafer collective' or 'wafer pipeline'")
    }
    self.halves = halves
  }

  // MARK: Reading

  private static func read(_ path: String) throws(ConfigurationError) -> JSONValue {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let file = isFolder.boolValue ? "\(path)/result.json" : path
    let remedy =
      "Give a file that 'wafer run --format json' wrote, or the folder of a run's --output"
    guard isThere, let data = try? Data(contentsOf: URL(fileURLWithPath: file)) else {
      let what = FileManager.default.fileExists(atPath: file) ? "cannot be read" : "does not exist"
      throw ConfigurationError(.file(file, line: nil), what, remedy: remedy)
    }
    guard let document = try? JSONDecoder().decode(JSONValue.self, from: data) else {
      throw ConfigurationError(.file(file, line: nil), "is not JSON", remedy: remedy)
    }
    guard document["schema"]?.string?.hasPrefix("wafer.") ?? false else {
      throw ConfigurationError(
        .file(file, line: nil), key: "schema", "is not that of a result", remedy: remedy)
    }
    return document
  }

  /// Values that differ, key by key. Lists are compared whole.
  static func differences(_ a: JSONValue, _ b: JSONValue, under name: String) -> [KeyDifference] {
    guard a != b else { return [] }
    guard case .object(let first) = a, case .object(let second) = b else {
      return [KeyDifference(key: name, a: a, b: b)]
    }
    return Set(first.keys).union(second.keys).sorted().flatMap { key in
      differences(first[key] ?? .null, second[key] ?? .null, under: "\(name).\(key)")
    }
  }
}

extension ResultComparison.Times {
  /// - Parameters:
  ///   - half: What holds `emulated`.
  ///   - name: The half's key, for errors.
  ///   - path: The result's file, for errors.
  init(_ half: JSONValue, _ name: String, _ path: String) throws(ConfigurationError) {
    let place = Place.file(path, line: nil)
    let prefix = name.isEmpty ? "" : "\(name)."
    guard let emulated = half["emulated"], let total = emulated["total_ps"]?.integer else {
      throw ConfigurationError(
        place, key: "\(prefix)emulated.total_ps", "is missing",
        remedy: "Give a result of 'wafer run'")
    }
    var account = Account()
    for entry in Account.Entry.allCases {
      // Documents from before there were faults have no entries for them.
      if Account.Entry.ofFaults.contains(entry), emulated["account_ps"]?[entry.rawValue] == nil {
        continue
      }
      guard let value = emulated["account_ps"]?[entry.rawValue]?.integer else {
        throw ConfigurationError(
          place, key: "\(prefix)emulated.account_ps.\(entry.rawValue)", "is missing",
          remedy: "Give a result of 'wafer run'")
      }
      account[entry] = EmulatedTime(picoseconds: value)
    }
    guard account.total.picoseconds == total else {
      throw ConfigurationError(
        place, key: "\(prefix)emulated.account_ps",
        "adds up to \(account.total.picoseconds) ps, and the total is \(total) ps",
        remedy: "The file was changed; run the experiment again")
    }
    self.total = EmulatedTime(picoseconds: total)
    self.account = account
    timeToFirstToken = emulated["ttft_ps"]?.integer.map { EmulatedTime(picoseconds: $0) }
    timePerOutputToken = emulated["tpot_ps"]?.integer.map { EmulatedTime(picoseconds: $0) }
    tokensPerSecond = emulated["tokens_per_second"]
    measuredTotal = half["measured"]?["total_ns"]?.integer
  }
}
