import Foundation
import Models
import Programs
import Quantities
import Runtime

/// What a half of an experiment really took on this host.
public struct MeasuredResult: Hashable, Codable, Sendable {
  /// Mean over sequences of the time from the start to the first token.
  public var timeToFirstToken: MeasuredTime
  /// Mean over sequences of (last − first)/(tokens − 1); `nil` where there is one token.
  public var timePerOutputToken: MeasuredTime?
  /// Gaps between the tokens of a sequence, of all sequences; `nil` where each has one token.
  public var interTokenLatency: MeasuredDistribution?
  /// From the first instruction of any rank to the last token.
  public var total: MeasuredTime
  /// Payload bytes and messages between nodes, on the host's wire.
  public var bytes: Int
  /// Messages between nodes.
  public var messages: Int
  /// Resident size of the largest node, weights and KV cache of all nodes.
  public var peakResidentBytes: Int
  /// Weights that all nodes hold.
  public var weightBytes: Int
  /// KV caches of all nodes when full.
  public var cacheBytes: Int
  /// More busy threads than processors: then it measures the host, not the communication.
  public var isOversubscribed: Bool
  /// Hosts that nodes ran on; 1 for threads of this process.
  public var hosts: Int
  /// How far times of two nodes may be from each other's, because their hosts have clocks of their own; 0
  /// on one host, `nil` where it is not known. A TPOT is a difference of one node's times, and has no such
  /// doubt.
  public var clockBound: MeasuredTime?
  /// What the slowest node took to load its slices.
  public var loading: MeasuredTime
  /// Bytes of weights that the coordinator sent, to all nodes.
  public var streamedBytes: Int
  /// Bytes of weights that hosts had from an earlier run.
  public var cachedBytes: Int
  /// How often the run was run again because a node was lost; times are those of the last.
  public var restarts = 0

  /// - Parameters:
  ///   - nodes: Who they were, by rank; empty for threads of this process.
  ///   - clocks: How well each node's clock is known, by rank.
  init(
    _ reports: [NodeReport], _ windows: [[WindowReport]], nodes: [ControlMessage.Hello],
    clocks: [ClockEstimate], batches: (Int, Int) -> Batch
  ) {
    let start = reports.compactMap(\.started).min() ?? MeasuredTime(nanoseconds: 0)
    var first: [Int: MeasuredTime] = [:]
    var last: [Int: MeasuredTime] = [:]
    var counts: [Int: Int] = [:]
    var gaps: [MeasuredTime] = []
    var end = start
    for report in windows.joined() {
      for output in report.outputs {
        end = max(end, output.measured)
        for entry in batches(report.index, output.batch).entries where entry.samples {
          if first[entry.request] == nil { first[entry.request] = output.measured }
          if let before = last[entry.request] { gaps.append(output.measured - before) }
          last[entry.request] = output.measured
          counts[entry.request, default: 0] += 1
        }
      }
    }
    let sequences = first.keys.sorted()
    func mean(_ values: [Double]) -> MeasuredTime? {
      values.isEmpty
        ? nil
        : MeasuredTime(
          nanoseconds: Int64((values.reduce(0, +) / Double(values.count)).rounded()))
    }
    timeToFirstToken =
      mean(sequences.map { Double((first[$0]! - start).nanoseconds) }) ?? end - start
    timePerOutputToken = mean(
      sequences.compactMap { sequence in
        let count = counts[sequence]!
        guard count > 1 else { return nil }
        return Double((last[sequence]! - first[sequence]!).nanoseconds) / Double(count - 1)
      })
    interTokenLatency = MeasuredDistribution(gaps)
    total = end - start
    bytes = reports.reduce(0) { $0 + $1.payloadBytesSent }
    messages = reports.reduce(0) { $0 + $1.messagesSent }
    peakResidentBytes = reports.map(\.peakResidentBytes).max() ?? 0
    weightBytes = reports.reduce(0) { $0 + $1.weightBytes }
    cacheBytes = reports.reduce(0) { $0 + $1.cacheBytes }
    // Each node has one thread that computes; libzmq's own only moves bytes.
    let byHost = Dictionary(grouping: nodes, by: \.boot)
    isOversubscribed =
      nodes.isEmpty
      ? reports.count > ProcessInfo.processInfo.activeProcessorCount
      : byHost.values.contains { nodes in nodes.count > nodes.map(\.processors).min()! }
    hosts = max(1, byHost.count)
    // The first instruction is one node's, the last token another's.
    let bounds = clocks.map(\.bound).sorted(by: >).prefix(2)
    clockBound =
      bounds.contains(.max) ? nil : MeasuredTime(nanoseconds: bounds.reduce(0, +))
    loading = reports.map(\.loading).max() ?? MeasuredTime(nanoseconds: 0)
    streamedBytes = reports.reduce(0) { $0 + $1.streamedBytes }
    cachedBytes = reports.reduce(0) { $0 + $1.cachedBytes }
  }
}
