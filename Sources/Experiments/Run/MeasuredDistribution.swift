import Histogram
import Quantities

/// How times that were measured are distributed, from an HDR histogram: its size does not grow with the
/// number of tokens.
///
/// Three significant digits: a percentile is at most 0.1 % above a time that occurred. The longest is kept
/// exactly.
public struct MeasuredDistribution: Hashable, Codable, Sendable {
  /// How many times there are, at least 1.
  public let count: Int
  /// Half of them are at most this long.
  public let p50: MeasuredTime
  /// 90 % of them are at most this long.
  public let p90: MeasuredTime
  /// 99 % of them are at most this long.
  public let p99: MeasuredTime
  /// The longest.
  public let most: MeasuredTime

  /// The distribution of some times; `nil` when there are none. Times below zero, which a monotonic clock does
  /// not give, count as zero.
  public init?(_ times: some Sequence<MeasuredTime>) {
    // It grows with the longest time: from 1 ns to an hour it has some 30,000 counts.
    var histogram = Histogram<UInt32>(numberOfSignificantValueDigits: .three)
    for time in times { histogram.record(UInt64(max(0, time.nanoseconds))) }
    guard histogram.totalCount > 0 else { return nil }
    func percentile(_ value: Double) -> MeasuredTime {
      // A bucket is told by its upper end, which may lie above the longest time.
      MeasuredTime(
        nanoseconds: Int64(min(histogram.valueAtPercentile(value), histogram.maxRecorded)))
    }
    count = Int(histogram.totalCount)
    p50 = percentile(50)
    p90 = percentile(90)
    p99 = percentile(99)
    most = percentile(100)
  }
}
