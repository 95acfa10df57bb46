import Foundation
import Models
import Plots
import Programs

/// The files that hold a run's timeline: those that were asked for, and five in the output folder where
/// there is one.
///
/// Tried before the run, so that an unwritable place is found out before time is spent.
public struct TimelineFiles: Sendable {
  private let traces: [String]
  private let messages: [String]
  private let output: String?

  /// Names in an output folder.
  static let traceName = "trace.json"
  static let messagesName = "messages.csv"
  static let kernelsName = "kernels.csv"
  static let tokensName = "tokens.csv"
  static let requestsName = "requests.csv"

  /// - Parameters:
  ///   - trace: A file for the trace.
  ///   - messages: A file for the table of messages.
  ///   - output: The run's output folder, which is there.
  ///
  /// Throws `ConfigurationError` when a file cannot be written.
  public init(trace: String?, messages: String?, output: String?) throws(ConfigurationError) {
    if let trace { try ResultFiles.probe(trace, option: "--trace") }
    if let messages { try ResultFiles.probe(messages, option: "--messages") }
    func places(_ asked: String?, _ name: String) -> [String] {
      [asked, output.map { "\($0)/\(name)" }].compactMap { $0 }
    }
    traces = places(trace, Self.traceName)
    self.messages = places(messages, Self.messagesName)
    self.output = output
  }

  /// Whether any is wanted.
  public var isAnyWanted: Bool { !traces.isEmpty || !messages.isEmpty }

  /// Writes them, when the run kept a timeline.
  ///
  /// Throws what writing throws: a full disk, a folder that has gone.
  public func write(_ result: ExperimentResult) throws {
    guard let timeline = result.cluster.timeline else { return }
    // One wafer against itself is one half.
    let single = result.experiment.modelled.ranks == 1 ? nil : result.single.timeline
    if !traces.isEmpty {
      try Self.write(ChromeTrace(cluster: timeline, single: single).text, to: traces)
    }
    let table = TimelineTable(timeline: timeline)
    if !messages.isEmpty { try Self.write(table.messages.text, to: messages) }
    if let output {
      try Self.write(table.kernels.text, to: ["\(output)/\(Self.kernelsName)"])
      try Self.write(table.tokens.text, to: ["\(output)/\(Self.tokensName)"])
      try Self.write(table.requests.text, to: ["\(output)/\(Self.requestsName)"])
    }
  }

  private static func write(_ text: String, to paths: [String]) throws {
    for path in paths {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
  }
}

extension Workload {
  /// Steps of which a timeline is kept when nobody says which: the last of the prefill, and two of
  /// decode.
  public var timelineSteps: Range<Int> {
    prefillSteps - 1..<min(steps, prefillSteps + 2)
  }
}
