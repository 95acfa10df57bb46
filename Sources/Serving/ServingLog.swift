import Programs
import Quantities

/// What became of each request of a service, in emulated time.
public struct ServingLog: Hashable, Sendable {
  /// What was asked.
  public let requests: [Request]
  /// One a request.
  public private(set) var answers: [Answer]
  /// Time from each token of a request to its next, over all requests.
  public private(set) var gaps: [EmulatedTime] = []

  /// A request's way through the service.
  public struct Answer: Hashable, Sendable {
    /// When it came.
    public var arrived = EmulatedTime.zero
    /// When its prompt was first given to the model.
    public var admitted = EmulatedTime.zero
    /// When its first token was sampled.
    public var first = Stamp.zero
    /// When its last token so far was sampled.
    public var last = Stamp.zero
    /// Tokens sampled.
    public var tokens = 0

    /// From its coming until the model began with it.
    public var queueTime: EmulatedTime { admitted - arrived }
    /// From its coming to its first token.
    public var timeToFirstToken: EmulatedTime { first.time - arrived }
    /// From its coming to its last token.
    public var endToEnd: EmulatedTime { last.time - arrived }
    /// (last − first)/(tokens − 1), nearest picosecond; `nil` of a single token.
    public var timePerOutputToken: EmulatedTime? {
      guard tokens > 1 else { return nil }
      let span = Int128((last.time - first.time).picoseconds)
      return EmulatedTime(
        picoseconds: Int64(Rational(span, over: Int128(tokens - 1)).rounded))
    }
    /// Where the time from its coming to its last token was spent; adds up to `endToEnd`. It is the difference
    /// of two accounts, so that an entry may be negative: what a request waited for may have been idle before
    /// it came.
    public var account: Account {
      var account = last.account
      account.idle -= arrived
      return account
    }
  }

  init(requests: [Request]) {
    self.requests = requests
    answers = Array(repeating: Answer(), count: requests.count)
  }

  mutating func take(_ request: Int, arrived: EmulatedTime, admitted: EmulatedTime) {
    answers[request].arrived = arrived
    answers[request].admitted = admitted
  }

  mutating func sample(_ request: Int, at stamp: Stamp) {
    if answers[request].tokens == 0 {
      answers[request].first = stamp
    } else {
      gaps.append(stamp.time - answers[request].last.time)
    }
    answers[request].last = stamp
    answers[request].tokens += 1
  }
}

/// A distribution of times: the mean, and percentiles by nearest rank (the smallest value such that at least so
/// many percent are not above it), which are values that occurred.
public struct TimeDistribution: Hashable, Sendable {
  /// Values.
  public let count: Int
  /// Nearest picosecond, ties to even.
  public let mean: EmulatedTime
  /// Percentiles.
  public let p50: EmulatedTime, p90: EmulatedTime, p99: EmulatedTime
  /// The largest.
  public let most: EmulatedTime

  /// Of some times; `nil` of none.
  public init?(_ times: [EmulatedTime]) {
    guard !times.isEmpty else { return nil }
    let sorted = times.sorted()
    let sum = times.reduce(Int128(0)) { $0 + Int128($1.picoseconds) }
    count = times.count
    mean = EmulatedTime(
      picoseconds: Int64(Rational(sum, over: Int128(times.count)).rounded))
    func rank(_ percent: Int) -> EmulatedTime {
      sorted[max((times.count * percent + 99) / 100, 1) - 1]
    }
    (p50, p90, p99, most) = (rank(50), rank(90), rank(99), sorted[sorted.count - 1])
  }
}

/// A service as its users and its owner see it.
public struct ServingMetrics: Hashable, Sendable {
  /// Answered requests, and tokens sampled for them.
  public let requests: Int, tokens: Int
  /// From the start to the last token.
  public let duration: EmulatedTime
  /// From a request's coming to its first token.
  public let timeToFirstToken: TimeDistribution?
  /// Of each request's tokens after the first.
  public let timePerOutputToken: TimeDistribution?
  /// Every gap between two tokens of a request.
  public let interTokenLatency: TimeDistribution?
  /// From a request's coming to its last token.
  public let endToEnd: TimeDistribution?
  /// From a request's coming until the model began with it.
  public let queueTime: TimeDistribution?
  /// Requests that met both limits.
  public let good: Int
  /// Mean number of requests that had come and were not answered, over the duration: the area under it over
  /// time, taken event by event. By Little's law (1961) it is the sum of the residence times over the duration.
  public let meanInSystem: Rational
  /// Time in which at least one request had come and was not answered.
  public let occupied: EmulatedTime

  /// Limits that a request should meet.
  public struct Goal: Hashable, Sendable {
    /// Most time to the first token.
    public var timeToFirstToken: EmulatedTime?
    /// Most time per output token after it.
    public var timePerOutputToken: EmulatedTime?

    /// Limits; `nil` is none.
    public init(timeToFirstToken: EmulatedTime? = nil, timePerOutputToken: EmulatedTime? = nil) {
      self.timeToFirstToken = timeToFirstToken
      self.timePerOutputToken = timePerOutputToken
    }

    func isMet(by answer: ServingLog.Answer) -> Bool {
      timeToFirstToken.map { answer.timeToFirstToken <= $0 } ?? true
        && timePerOutputToken.map { limit in
          answer.timePerOutputToken.map { $0 <= limit } ?? true
        } ?? true
    }
  }

  /// Of a service that has answered everything.
  public init(_ log: ServingLog, goal: Goal = Goal()) {
    let answers = log.answers
    requests = answers.count
    tokens = answers.reduce(0) { $0 + $1.tokens }
    duration = answers.map(\.last.time).max() ?? .zero
    timeToFirstToken = TimeDistribution(answers.map(\.timeToFirstToken))
    timePerOutputToken = TimeDistribution(answers.compactMap(\.timePerOutputToken))
    interTokenLatency = TimeDistribution(log.gaps)
    endToEnd = TimeDistribution(answers.map(\.endToEnd))
    queueTime = TimeDistribution(answers.map(\.queueTime))
    good = answers.count { goal.isMet(by: $0) }
    (meanInSystem, occupied) = Self.inSystem(answers, duration: duration)
  }

  private static func inSystem(
    _ answers: [ServingLog.Answer], duration: EmulatedTime
  ) -> (mean: Rational, occupied: EmulatedTime) {
    guard duration > .zero else { return (Rational(0), .zero) }
    let changes =
      (answers.map { (time: $0.arrived, by: 1) } + answers.map { (time: $0.last.time, by: -1) })
      .sorted { $0.time < $1.time }
    var area = Int128(0)
    var inside = 0
    var before = EmulatedTime.zero
    var occupied = EmulatedTime.zero
    for change in changes {
      if inside > 0 { occupied += change.time - before }
      area += Int128(inside) * Int128((change.time - before).picoseconds)
      inside += change.by
      before = change.time
    }
    return (Rational(area, over: Int128(duration.picoseconds)), occupied)
  }

  /// Something counted, a second of the duration.
  private func perSecond(_ count: Int) -> Rational {
    guard duration > .zero else { return Rational(0) }
    return Rational(
      Int128(count) * Int128(EmulatedTime.picosecondsPerSecond),
      over: Int128(duration.picoseconds))
  }

  /// Tokens sampled a second.
  public var tokensPerSecond: Rational { perSecond(tokens) }
  /// Requests answered a second.
  public var requestsPerSecond: Rational { perSecond(requests) }
  /// Goodput: requests a second that met the limits.
  public var goodput: Rational { perSecond(good) }
}
