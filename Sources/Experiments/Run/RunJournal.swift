import Foundation
import Models
import Programs
import Quantities
import Runtime
import Synchronization

/// What a run that has not ended yet has done, in its output folder as `unfinished.json`: runs of a half that are
/// whole, and, where the run failed, how far it came and why.
///
/// A half that is whole need not be run again: its emulated part is evaluated anew, which takes little, and what was
/// measured and sampled is here. A half that was interrupted is run from its beginning, since every number and every
/// time of it is made the way it is always made; its tokens so far must then come again.
public final class RunJournal: Sendable {
  /// The name of the file in the output folder.
  public static let fileName = "unfinished.json"

  private let path: String
  private let state: Mutex<State>

  private struct State {
    var contents: Contents
    /// Runs of halves that were finished before this process began, and not taken up yet.
    var kept: [Finished]
    /// How far an earlier run came with the half in which it ended.
    var before: Stopped?
    /// Tokens of the half that runs, by window and place in its outputs.
    var tokens: [Int: [Int: [Int32]]] = [:]
  }

  private struct Contents: Codable {
    var schema = "wafer.unfinished/1"
    /// Of the resolved experiment, without what may change between two attempts.
    var experiment: String
    var finished: [Finished] = []
    var stopped: Stopped?
  }

  /// A whole run of a half on nodes.
  struct Finished: Codable {
    var half: String
    var measured: MeasuredResult
    var tokens: [[Int32]]
    var nodes: [ControlMessage.Hello]
  }

  /// A half that was not.
  private struct Stopped: Codable {
    var half: String
    var reason: String
    /// Windows whose tokens were reported.
    var windows: Int
    /// Of each window in turn, and of its batches; empty when payloads are phantom.
    var tokens: [[Int32]]
  }

  /// Begins a journal, or takes up one.
  ///
  /// - Parameters:
  ///   - folder: The output folder, which is there.
  ///   - resumes: Whether an earlier run of the same experiment is gone on with.
  ///
  /// Throws `ConfigurationError` when there is nothing to go on with, or it is another experiment's.
  public init(
    _ experiment: Experiment, in folder: String, resumes: Bool
  ) throws(ConfigurationError) {
    path = "\(folder)/\(Self.fileName)"
    let identity = Self.identity(of: experiment)
    var state = State(contents: Contents(experiment: identity), kept: [])
    if resumes {
      let earlier = try Self.read(path)
      guard earlier.experiment == identity else {
        throw ConfigurationError(
          .option("--resume"), "'\(path)' is of another experiment",
          remedy: "Give the options of the run that was interrupted, or another --output")
      }
      state.contents.finished = earlier.finished
      state.kept = earlier.finished
      state.before = earlier.stopped
    }
    self.state = Mutex(state)
  }

  private static func read(_ path: String) throws(ConfigurationError) -> Contents {
    do {
      return try JSONDecoder().decode(
        Contents.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw ConfigurationError(
        .option("--resume"), "'\(path)' has no run that was interrupted",
        remedy: "Leave --resume out to begin one")
    }
  }

  /// What an experiment is, but for how it is watched over and where it is written.
  private static func identity(of experiment: Experiment) -> String {
    guard case .object(var host) = experiment.host.json else { preconditionFailure("no object") }
    for key in ["on_failure", "wait_limit_ns", "output", "weights"] { host[key] = nil }
    let whole: JSONValue = ["modelled": experiment.modelled.json, "host": .object(host)]
    return SHA256.hexadecimal(whole.document.utf8)
  }

  /// The next whole run of a half that an earlier process left; `nil` when there is none.
  func take(_ half: ExperimentRun.HalfName) -> Finished? {
    state.withLock { state in
      state.kept.firstIndex { $0.half == half.rawValue }.map { state.kept.remove(at: $0) }
    }
  }

  /// Takes note of what a node reports.
  func saw(_ report: WindowReport) {
    guard !report.outputs.isEmpty else { return }
    state.withLock { state in
      for output in report.outputs {
        state.tokens[report.index, default: [:]][output.batch] = output.tokens
      }
    }
  }

  /// A half has run to its end.
  ///
  /// Throws `RunError` when it did not begin with the tokens that an interrupted run of it had made, and what
  /// writing throws.
  func finished(_ result: HalfResult) throws {
    try state.withLock { state in
      if let before = state.before, before.half == result.name.rawValue {
        let again = Self.flat(state.tokens).prefix(before.tokens.count)
        guard Array(again) == before.tokens else {
          throw RunError.coordinator(
            "the run that was interrupted had made other tokens than this one; is it the same model?"
          )
        }
        state.before = nil
      }
      state.tokens = [:]
      state.contents.finished.append(
        Finished(
          half: result.name.rawValue, measured: result.measured!, tokens: result.tokens,
          nodes: result.nodes))
      try write(state.contents)
    }
  }

  /// A half has ended before its end. What cannot be written is lost: the run's own error is what matters.
  func stopped(_ half: ExperimentRun.HalfName, because error: any Error) {
    state.withLock { state in
      let tokens = Self.flat(state.tokens)
      state.contents.stopped = Stopped(
        half: half.rawValue, reason: "\(error)", windows: state.tokens.count, tokens: tokens)
      try? write(state.contents)
    }
  }

  /// The result is written: nothing is unfinished.
  public func end() { unlink(path) }

  private static func flat(_ tokens: [Int: [Int: [Int32]]]) -> [[Int32]] {
    tokens.sorted { $0.key < $1.key }.flatMap { window in
      window.value.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  private func write(_ contents: Contents) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try encoder.encode(contents).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
