import Quantities

/// What a published figure measures, and so how it is written, predicted and printed.
public enum ValidationMetric: String, CaseIterable, Hashable, Sendable {
  /// 1/TPOT of one sequence.
  case decodeRate = "decode-tokens-per-second"
  /// Tokens of the prompt over TTFT.
  case prefillRate = "prefill-tokens-per-second"
  /// Output tokens over the time of the prefill and of as many decode steps, each on a grid of its own.
  case endToEndRate = "end-to-end-tokens-per-second"
  /// Time per output token after the first.
  case timePerOutputToken = "tpot"
  /// Time to first token.
  case timeToFirstToken = "ttft"
  /// What the last token spent between wafers.
  case linkTime = "link-time"
  /// The same over the time of the token.
  case linkShare = "link-share"
  /// Time of one collective over wafers.
  case collectiveTime = "collective-time"
  /// Time of micro-batches through plain stages.
  case pipelineTime = "pipeline-time"
  /// Time of one vector-matrix product on a wafer's mesh.
  case productTime = "gemv-time"
  /// One row's prediction over another's.
  case ratio

  /// The key of a row that holds what is predicted.
  var subject: String {
    switch self {
    case .decodeRate, .prefillRate, .endToEndRate, .timePerOutputToken, .timeToFirstToken,
      .linkTime, .linkShare:
      "experiment"
    case .collectiveTime: "collective"
    case .pipelineTime: "pipeline"
    case .productTime: "gemv"
    case .ratio: "ratio"
    }
  }

  /// How its figures are written.
  public enum Unit: Hashable, Sendable {
    /// Tokens a second, without unit.
    case rate
    /// A time with its unit.
    case time
    /// A part of a whole, in percent.
    case share
    /// A plain number.
    case number
  }

  /// How its figures are written.
  public var unit: Unit {
    switch self {
    case .decodeRate, .prefillRate, .endToEndRate: .rate
    case .timePerOutputToken, .timeToFirstToken, .linkTime, .collectiveTime, .pipelineTime,
      .productTime:
      .time
    case .linkShare: .share
    case .ratio: .number
    }
  }
}

extension ValidationMetric.Unit {
  /// Reads a figure: tokens a second, seconds, a part of 1, a plain number; `nil` when it is none.
  func parse(_ text: String) -> Rational? {
    switch self {
    case .rate, .number: Rational(decimal: text).flatMap { $0 >= Rational(0) ? $0 : nil }
    case .time: try? Dimension.time.parse(text)
    case .share: Percent.parse(text)
    }
  }

  /// What would be right, for error messages.
  var expectation: String {
    switch self {
    case .rate: "tokens a second, such as 2699.9"
    case .time: "a time with its unit, such as 1.2 us"
    case .share: "a share in percent, such as 0.9 %"
    case .number: "a plain number, such as 1.2"
    }
  }

  /// As people read it: a rate to a tenth, a time to its last picosecond.
  func text(_ value: Rational) -> String {
    switch self {
    case .rate: Self.decimal(value, digits: 1)
    case .number: Self.decimal(value, digits: 4)
    case .time: Self.time(value)
    case .share: Percent.text(value)
    }
  }

  private static func time(_ seconds: Rational) -> String {
    let units = [("s", 1), ("ms", 1000), ("us", 1_000_000), ("ns", 1_000_000_000)]
    let (name, parts) =
      units.first { seconds * Rational($0.1) >= Rational(1) } ?? ("ps", 1_000_000_000_000)
    let digits = 12 - (String(parts).count - 1)
    return decimal(seconds * Rational(parts), digits: digits) + " " + name
  }

  private static func decimal(_ value: Rational, digits: Int) -> String {
    guard case .number(let text) = JSONValue.rounded(value, digits: digits) else {
      preconditionFailure("a rounded number is a number")
    }
    return text
  }

  /// The end of a key of a document.
  var suffix: String {
    switch self {
    case .rate: "tokens_per_second"
    case .time: "ps"
    case .share: "percent"
    case .number: "ratio"
    }
  }

  /// As a document holds it, under a key with that suffix.
  func json(_ value: Rational) -> JSONValue {
    switch self {
    case .rate, .number: .rounded(value, digits: 6)
    case .time:
      .rounded(value * Rational(Int128(EmulatedTime.picosecondsPerSecond)), digits: 3)
    case .share: .rounded(value * Rational(100), digits: 6)
    }
  }
}

/// Parts of 1 that are written in percent.
enum Percent {
  /// Reads `1.5 %` or `1.5%`, at least 0, exactly; `nil` when it is no such thing.
  static func parse(_ text: String) -> Rational? {
    guard text.last == "%" else { return nil }
    var number = text.dropLast()
    while number.last == " " { number.removeLast() }
    guard let value = Rational(decimal: number), value >= Rational(0) else { return nil }
    return value / Rational(100)
  }

  /// As a file writes it, with at most two digits after the point: `1.5 %`.
  static func text(_ value: Rational) -> String {
    guard case .number(let digits) = JSONValue.rounded(value * Rational(100), digits: 2) else {
      preconditionFailure("a rounded number is a number")
    }
    return digits + " %"
  }

  /// An error with its sign and two digits after the point: `+0.40 %`; `0 %` where there is none at all.
  static func error(_ value: Rational) -> String {
    guard value != Rational(0) else { return "0 %" }
    let hundredths = (value * Rational(10_000)).rounded
    let digits = String(hundredths.magnitude + 100).suffix(2)
    let sign = value < Rational(0) ? "-" : "+"
    return "\(sign)\(hundredths.magnitude / 100).\(digits) %"
  }
}
