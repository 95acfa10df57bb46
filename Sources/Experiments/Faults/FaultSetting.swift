import Hardware
import Programs
import Quantities

/// One fault as an experiment file has it: its kind, and a value for every key of that kind.
public struct FaultSetting: Hashable, Sendable {
  /// What goes wrong.
  public let kind: Kind
  /// By key; defaults included, keys that mean "none" left out.
  let values: [String: Value]

  /// What may go wrong.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// A link is slower or longer for a while.
    case link
    /// Messages are lost, and sent again after a timeout.
    case loss
    /// A wafer computes more slowly for a while.
    case straggler
    /// A wafer is lost, and a spare takes its place.
    case wafer
    /// PEs of a wafer die, and its spare ones take their places.
    case pes
  }

  /// A value of a key.
  enum Value: Hashable, Sendable {
    case count(Int)
    case time(EmulatedTime)
    case number(Rational)
    /// Bytes a second.
    case bandwidth(Rational)
    case word(String)
  }

  /// What a spare wafer has to load.
  enum Reload: String, CaseIterable {
    /// The rank's weights; its KV cache is taken as mirrored on the spare.
    case weights
    /// The KV cache too, from a copy: all of the room that the experiment gives it, whether it is filled or not.
    case all = "weights-and-cache"
  }

  /// Keys of a kind: those that it must have, those that it may have, and what these are otherwise.
  var keys: (required: [String], optional: [String]) { Self.keys(kind) }

  static func keys(_ kind: Kind) -> (required: [String], optional: [String]) {
    switch kind {
    case .link: (["from", "to"], ["begins", "ends", "latency", "bandwidth_factor"])
    case .loss: (["from", "to", "timeout"], ["stream", "sequence", "probability", "seed"])
    case .straggler: (["rank", "factor"], ["begins", "ends"])
    case .wafer: (["rank", "at", "bandwidth"], ["detection", "reload"])
    case .pes: (["rank", "at", "count", "repair"], ["seed"])
    }
  }

  /// Longest time that a fault names. It leaves room for thousands of them below the largest emulated time,
  /// 106 days.
  private static let times = SettingKey.Kind.quantity(.time, Rational(0)...Rational(3600))
  /// Longest time that a fault adds to every message: many of them must not go beyond the largest emulated time.
  private static let additions = SettingKey.Kind.quantity(.time, Rational(0)...Rational(1))
  private static let ranks = SettingKey.Kind.count(0...Rank.maximumCount - 1)

  /// Every key of every kind, in the order in which they are written.
  static let fields: [SettingKey.ItemField] = [
    .init("kind", .choice(Kind.allCases.map(\.rawValue)), isRequired: true),
    .init("rank", ranks), .init("from", ranks), .init("to", ranks),
    .init("begins", times), .init("ends", times), .init("at", times),
    .init("latency", additions),
    .init("bandwidth_factor", .decimal(Rational(1, over: 1000)...Rational(1))),
    .init("factor", .decimal(Rational(1)...Rational(1000))),
    .init("timeout", additions),
    .init("stream", .choice(Stream.allCases.map(\.description))),
    .init("sequence", .count(0...1_000_000_000)),
    .init("probability", .decimal(Rational(0)...Rational(1))),
    .init("detection", times),
    .init(
      "bandwidth", .quantity(.bandwidth, Rational(1_000_000)...Rational(1_000_000_000_000_000))),
    .init("reload", .choice(Reload.allCases.map(\.rawValue))),
    .init("count", .count(1...1_000_000)),
    .init("repair", times),
    .init("seed", .count(0...Int.max)),
  ]

  // MARK: Reading

  func count(_ key: String) -> Int? {
    if case .count(let count)? = values[key] { count } else { nil }
  }

  func time(_ key: String) -> EmulatedTime? {
    if case .time(let time)? = values[key] { time } else { nil }
  }

  func number(_ key: String) -> Rational? {
    switch values[key] {
    case .number(let number), .bandwidth(let number): number
    default: nil
    }
  }

  func word(_ key: String) -> String? {
    if case .word(let word)? = values[key] { word } else { nil }
  }

  var interval: RankFaults.Interval {
    RankFaults.Interval(from: time("begins") ?? .zero, until: time("ends"))
  }

  // MARK: Writing

  private var pairs: [(key: String, text: String)] {
    Self.fields.compactMap { field in
      guard let value = values[field.name] else { return nil }
      let text: String =
        switch value {
        case .count(let count): "\(count)"
        case .time(let time): time.written
        case .number(let number): number.decimal ?? "\(number.approximation)"
        case .bandwidth(let bandwidth): bandwidth.writtenAsBandwidth
        case .word(let word): word
        }
      return (field.name, text)
    }
  }

  /// As a mapping of a file has it, without its braces.
  var written: String {
    (["kind: \(kind.rawValue)"] + pairs.map { "\($0.key): \($0.text)" }).joined(separator: ", ")
  }

  /// As a table has it: `straggler, rank 1, factor 2`.
  public var words: String {
    ([kind.rawValue] + pairs.map { "\($0.key) \($0.text)" }).joined(separator: ", ")
  }

  /// Kind and keys; times in picoseconds.
  var json: JSONValue {
    var members: [String: JSONValue] = ["kind": .string(kind.rawValue)]
    for (key, value) in values {
      switch value {
      case .count(let count): members[key] = .integer(count)
      case .time(let time): members["\(key)_ps"] = .picoseconds(time)
      case .number(let number): members[key] = .exact(number)
      case .bandwidth(let bandwidth): members["\(key)_bytes_per_second"] = .exact(bandwidth)
      case .word(let word): members[key] = .string(word)
      }
    }
    return .object(members)
  }
}
