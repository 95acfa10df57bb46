import Messaging
import Quantities

/// How a node's clock stands against the coordinator's: a time of the node's, less `offset`, is at most
/// `bound` from the coordinator's.
public struct ClockEstimate: Hashable, Sendable {
  /// The node's clock less the coordinator's, in nanoseconds.
  public var offset: Int64
  /// In nanoseconds; 0 where both are one clock.
  public var bound: Int64

  /// Takes each field as it is.
  public init(offset: Int64, bound: Int64) {
    self.offset = offset
    self.bound = bound
  }

  /// One clock: processes of one host.
  public static let same = ClockEstimate(offset: 0, bound: 0)
}

/// A node's clock, as exchanges of messages show it.
///
/// A ping is sent at t₀ and answered at t₂, both on the coordinator's clock; the node says t₁ on its own. It read
/// t₁ in between, so that its clock is ahead by at least t₁ − t₂ and at most t₁ − t₀ (Cristian, Probabilistic
/// clock synchronization, 1989): by t₁ − (t₀ + t₂)/2, give or take half the round trip. Clocks drift, so that an
/// exchange says less of times far from it: `drift` is RFC 5905's frequency tolerance.
public struct NodeClock: Hashable, Sendable {
  /// What is added to a bound for each second from the exchange: 15 µs (RFC 5905, PHI).
  static let drift = 15e-6
  /// Exchanges that follow each other at once, when a run begins.
  static let firstExchanges = 8
  /// Exchanges that are kept. When there are more, of each two neighbours the better one stays.
  static let mostExchanges = 256

  private struct Exchange: Hashable, Sendable {
    /// On the node's clock.
    var moment: MeasuredTime
    var estimate: ClockEstimate
  }

  private var kept: [Exchange] = []
  /// Exchanges so far.
  public private(set) var exchanges = 0
  /// Whether it is the coordinator's own clock.
  public var isCoordinators = false

  /// Before the first exchange.
  public init() {}

  /// Takes an exchange: when the ping was sent, when the node saw it, and when its answer came.
  public mutating func add(sent: MeasuredTime, node: MeasuredTime, received: MeasuredTime) {
    // A node may answer a ping that was never sent.
    guard sent <= received else { return }
    exchanges += 1
    let trip = (received - sent).nanoseconds
    let middle = sent.nanoseconds + trip / 2
    kept.append(
      Exchange(
        moment: node,
        estimate: ClockEstimate(offset: node.nanoseconds - middle, bound: trip - trip / 2)))
    guard kept.count > Self.mostExchanges else { return }
    kept = stride(from: 0, to: kept.count, by: 2).map { index in
      let pair = kept[index..<min(index + 2, kept.count)]
      return pair.min { $0.estimate.bound < $1.estimate.bound }!
    }
  }

  /// How it stood at a moment of its own; `nil` before the first exchange.
  public func estimate(at moment: MeasuredTime) -> ClockEstimate? {
    guard !isCoordinators else { return .same }
    return kept.lazy.map { exchange in
      let distance = abs((exchange.moment - moment).nanoseconds)
      let drift = Int64((Double(distance) * Self.drift).rounded(.up))
      return ClockEstimate(
        offset: exchange.estimate.offset, bound: exchange.estimate.bound + drift)
    }.min { $0.bound < $1.bound }
  }

  /// The best that is known of it.
  public var estimate: ClockEstimate {
    if isCoordinators { return .same }
    return kept.map(\.estimate).min { $0.bound < $1.bound }
      ?? ClockEstimate(offset: 0, bound: .max)
  }

  /// A moment of the node's, on the coordinator's clock.
  func translate(_ moment: MeasuredTime) -> MeasuredTime {
    MeasuredTime(nanoseconds: moment.nanoseconds - (estimate(at: moment)?.offset ?? 0))
  }

  func translate(_ report: NodeReport) -> NodeReport {
    var report = report
    report.started = report.started.map(translate)
    report.finished = report.finished.map(translate)
    return report
  }

  func translate(_ report: WindowReport) -> WindowReport {
    guard !isCoordinators else { return report }
    var report = report
    for index in report.outputs.indices {
      report.outputs[index].measured = translate(report.outputs[index].measured)
    }
    for index in report.activities.indices {
      report.activities[index].begin = translate(report.activities[index].begin)
      report.activities[index].end = translate(report.activities[index].end)
    }
    return report
  }
}
