import Hardware
import Models
import Programs
import Quantities
import Serving

/// What a half of an experiment took in emulated time.
public struct EmulatedResult: Hashable, Sendable {
  /// Mean over sequences of the time of the first token.
  public var timeToFirstToken: EmulatedTime
  /// Mean over sequences of (last − first)/(tokens − 1); `nil` where there is one token.
  public var timePerOutputToken: EmulatedTime?
  /// Time of the last token of all, and its account.
  public var total: Stamp
  /// Tokens sampled, over all sequences.
  public var tokens: Int
  /// What crossed each link.
  public var links: [Traffic.Link]
  /// How each rank used its time, by rank; empty when the evaluation was not observed.
  public var ranks: [RankUse]
  /// As the users of a service and its owner see it; `nil` of one batch.
  public var serving: ServingMetrics?
  /// Number of wafers.
  public var wafers: Int
  /// Energy over tokens; all wafers draw their power all the time.
  public var joulesPerToken: Rational

  /// Tokens of all sequences over the total time.
  public var tokensPerSecond: Double {
    total.time > .zero ? Double(tokens) / total.time.seconds : 0
  }

  /// The pipeline's bubble of a service: of the time in which it had requests, the part in which its wafers'
  /// regions did nothing, over all regions that ever worked. `nil` of one batch, and unobserved.
  public var pipelineBubble: Rational? {
    let regions = ranks.flatMap(\.regions).filter { $0 > .zero }
    guard let occupied = serving?.occupied, occupied > .zero, !regions.isEmpty else { return nil }
    let busy = regions.reduce(EmulatedTime.zero, +)
    return Rational(1)
      - Rational(
        Int128(busy.picoseconds), over: Int128(occupied.picoseconds) * Int128(regions.count))
  }

  /// - Parameters:
  ///   - power: Watts of one rank's device.
  ///   - goal: What a request of a service should meet.
  init(
    _ program: EvaluatedProgram.Summary, power: Rational,
    goal: ServingMetrics.Goal = ServingMetrics.Goal()
  ) {
    if let log = program.log {
      let metrics = ServingMetrics(log, goal: goal)
      serving = metrics
      timeToFirstToken = metrics.timeToFirstToken?.mean ?? .zero
      timePerOutputToken = metrics.timePerOutputToken?.mean
      total = log.answers.map(\.last).max { $0.time < $1.time } ?? .zero
      tokens = metrics.tokens
    } else {
      (timeToFirstToken, timePerOutputToken, total, tokens) = Self.times(program.outputs)
    }
    links = program.traffic.links
    ranks = program.uses
    wafers = program.ranks
    joulesPerToken =
      tokens == 0
      ? Rational(0)
      : Energy.joules(watts: power * Rational(program.ranks), over: total.time)
        / Rational(tokens)
  }

  private static func times(
    _ outputs: [EvaluatedProgram.Output]
  ) -> (first: EmulatedTime, perToken: EmulatedTime?, total: Stamp, tokens: Int) {
    var first: [Int: EmulatedTime] = [:]
    var last: [Int: EmulatedTime] = [:]
    var counts: [Int: Int] = [:]
    var total = Stamp.zero
    for output in outputs {
      if output.stamp.time > total.time { total = output.stamp }
      for entry in output.batch?.entries ?? [] where entry.samples {
        if first[entry.sequence] == nil { first[entry.sequence] = output.stamp.time }
        last[entry.sequence] = output.stamp.time
        counts[entry.sequence, default: 0] += 1
      }
    }
    let sequences = first.keys.sorted()
    let gaps = sequences.compactMap { sequence -> Rational? in
      let count = counts[sequence]!
      guard count > 1 else { return nil }
      return Rational(last[sequence]! - first[sequence]!) / Rational(count - 1)
    }
    return (
      mean(sequences.map { Rational(first[$0]!) }), gaps.isEmpty ? nil : mean(gaps), total,
      counts.values.reduce(0, +)
    )
  }

  /// The mean, rounded to the nearest picosecond, ties to even.
  private static func mean(_ values: [Rational]) -> EmulatedTime {
    guard !values.isEmpty else { return .zero }
    let sum = values.reduce(Rational(0), +)
    return EmulatedTime(picoseconds: Int64((sum / Rational(values.count)).rounded))
  }
}

extension Rational {
  fileprivate init(_ time: EmulatedTime) { self.init(Int128(time.picoseconds)) }
}
