import Foundation
import Runtime

/// What stands beside measured figures: where and when, and how quiet it was.
public struct HostFacts: Hashable, Sendable {
  /// The host's name.
  public let host: String
  /// The processor, as the system calls it.
  public let processor: String
  /// Processors that this process may use.
  public let processors: Int
  /// The day, as year-month-day in UTC.
  public let date: String

  /// Of this host, now.
  public static var here: HostFacts {
    let now = Date().ISO8601Format(.iso8601(timeZone: TimeZone(secondsFromGMT: 0)!))
    return HostFacts(
      host: ProcessInfo.processInfo.hostName, processor: processorName,
      processors: ProcessorAffinity.allowedProcessors, date: String(now.prefix(10)))
  }

  /// As a figure's source begins.
  public var words: String {
    "\(date), \(host), \(processor), \(processors) processor\(processors == 1 ? "" : "s"), WaferCluster "
      + Tool.version
  }

  /// Processes that ran or wanted to, over the last minute; `nil` where the system does not say.
  public static var loadAverage: Double? {
    var loads = [0.0]
    return getloadavg(&loads, 1) == 1 ? loads[0] : nil
  }

  private static var processorName: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":", maxSplits: 1).last
      .map { $0.trimmingCharacters(in: .whitespaces) }
    return name.flatMap { $0.isEmpty ? nil : $0 } ?? "unknown processor"
  }
}
