import Quantities

/// When the requests of a service come.
public enum Arrivals: Hashable, Sendable {
  /// All at the start.
  case together
  /// Of so many users, each of whom asks again so long after an answer is complete.
  case closedLoop(users: Int, pause: EmulatedTime)
  /// Independent of each other and of the service: gaps are exponential. Requests a second.
  case poisson(rate: Rational)
  /// As they were seen elsewhere.
  case trace([TraceRow])

  /// Their requests, in the order in which open ones come.
  ///
  /// Lengths and times are drawn from separate streams of the seed, so that another rate has the same
  /// requests at other times.
  ///
  /// - Parameter count: Requests; a trace has its own.
  public func requests(
    count: Int, prompt: (distribution: LengthDistribution, mean: Int),
    output: (distribution: LengthDistribution, mean: Int), seed: UInt64
  ) -> [Request] {
    if case .trace(let rows) = self {
      return rows.map {
        Request(
          coming: .at($0.time), promptTokens: $0.promptTokens, outputTokens: $0.outputTokens)
      }
    }
    var lengths = SplitMix64(seed: seed ^ 0x6C65_6E67_7468_735F)
    var gaps = SplitMix64(seed: seed ^ 0x6172_7269_7661_6C73)
    var last = EmulatedTime.zero
    return (0..<count).map { index in
      Request(
        coming: coming(index, &last, &gaps),
        promptTokens: prompt.distribution.draw(mean: prompt.mean, from: &lengths),
        outputTokens: output.distribution.draw(mean: output.mean, from: &lengths))
    }
  }

  private func coming(
    _ index: Int, _ last: inout EmulatedTime, _ gaps: inout SplitMix64
  ) -> Request.Coming {
    switch self {
    case .together, .trace: return .at(.zero)
    case .closedLoop(let users, let pause):
      return index < users ? .at(.zero) : .after(request: index - users, pause: pause)
    case .poisson(let rate):
      let picoseconds = Double(EmulatedTime.picosecondsPerSecond) / rate.approximation
      last += EmulatedTime(picoseconds: Int64((gaps.exponential() * picoseconds).rounded()))
      return .at(last)
    }
  }
}

/// A request of a trace.
public struct TraceRow: Hashable, Sendable {
  /// Since the trace's first request.
  public var time: EmulatedTime
  /// Tokens of the prompt.
  public var promptTokens: Int
  /// Tokens that were generated.
  public var outputTokens: Int

  /// A row of these fields.
  public init(time: EmulatedTime, promptTokens: Int, outputTokens: Int) {
    self.time = time
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }
}

/// What is wrong with a trace, and where.
public struct TraceError: Error, Hashable, CustomStringConvertible {
  /// Line of the file, from 1.
  public let line: Int
  /// What is wrong there.
  public let problem: String

  /// One sentence.
  public var description: String { "line \(line): \(problem)" }
}
