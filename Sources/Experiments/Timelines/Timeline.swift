import Models
import Programs
import Quantities
import Runtime
import Serving

/// What the ranks of a half did in some steps, in emulated and in measured time.
public struct Timeline: Hashable, Sendable {
  /// Number of ranks.
  public let ranks: Int
  /// In emulated time.
  public let recording: Recording
  /// In measured time, by rank; `nil` without nodes.
  public let measured: Measured?
  /// When tokens came to be, in order of window; of all steps, at most as many as events are recorded.
  public let tokens: [Token]

  /// What became of each request, in emulated time; empty when none came over time.
  public let requests: [ServingLog.Answer]

  /// A sampled token.
  public struct Token: Hashable, Sendable {
    /// Its sequence, or the request that it answers.
    public let sequence: Int
    /// Place among the sequence's tokens, from 0.
    public let index: Int
    /// When it came to be, in emulated time.
    public let time: EmulatedTime
    /// When it came to be on this host, from the start of the run; `nil` without nodes.
    public var measured: MeasuredTime?
  }

  /// What nodes did on this host.
  public struct Measured: Hashable, Sendable {
    /// The first instruction of any rank: measured times are told from here.
    public let start: MeasuredTime
    /// activities[rank], in their order.
    public let activities: [[Activity]]
  }

  /// What a node did in a window.
  public struct Activity: Hashable, Sendable {
    /// The window's index.
    public let window: Int
    /// What it was, and when.
    public let activity: MeasuredActivity
  }

  /// A message by which both clocks know it.
  struct MessageName: Hashable {
    let from: Rank
    let to: Rank
    let stream: Stream
    let sequence: Int
  }

  /// In emulated time alone.
  init(_ recording: Recording, of program: EvaluatedProgram.Summary) {
    ranks = program.ranks
    self.recording = recording
    measured = nil
    requests = program.log?.answers ?? []
    tokens = Self.tokens(program, most: recording.limits.events)
  }

  /// With what nodes reported: `windows[window][rank]`.
  init(
    _ recording: Recording, of program: EvaluatedProgram.Summary, reports: [NodeReport],
    windows: [[WindowReport]], batches: (Int, Int) -> Batch
  ) {
    let ranks = program.ranks
    self.ranks = ranks
    self.recording = recording
    requests = program.log?.answers ?? []
    let start = reports.compactMap(\.started).min() ?? MeasuredTime(nanoseconds: 0)
    // Each sequence's tokens come in the order of windows, on the same rank.
    var times: [Int: [MeasuredTime]] = [:]
    for report in windows.joined() {
      for output in report.outputs {
        for entry in batches(report.index, output.batch).entries where entry.samples {
          times[entry.request, default: []].append(output.measured - start)
        }
      }
    }
    tokens = Self.tokens(program, most: recording.limits.events).map { token in
      var token = token
      if let own = times[token.sequence], token.index < own.count {
        token.measured = own[token.index]
      }
      return token
    }
    measured = Measured(
      start: start,
      activities: (0..<ranks).map { rank in
        windows.flatMap { window in
          window[rank].activities.map { Activity(window: window[rank].index, activity: $0) }
        }
      })
  }

  private static func tokens(_ program: EvaluatedProgram.Summary, most: Int) -> [Token] {
    var counts: [Int: Int] = [:]
    var tokens: [Token] = []
    for output in program.outputs {
      for entry in output.batch?.entries ?? [] where entry.samples && tokens.count < most {
        tokens.append(
          Token(
            sequence: entry.request, index: counts[entry.request, default: 0],
            time: output.stamp.time))
        counts[entry.request, default: 0] += 1
      }
    }
    return tokens
  }

  /// When each message was sent, and when it was received, on this host's clock, from the start of the
  /// run.
  var measuredMessages: [MessageName: (sent: MeasuredTime?, received: MeasuredTime?)] {
    guard let measured else { return [:] }
    var times: [MessageName: (sent: MeasuredTime?, received: MeasuredTime?)] = [:]
    for (rank, activities) in measured.activities.enumerated() {
      for item in activities {
        switch item.activity.kind {
        case .kernel: break
        case .send(let peer, let stream, let sequence):
          let name = MessageName(from: Rank(rank), to: peer, stream: stream, sequence: sequence)
          times[name, default: (nil, nil)].sent = item.activity.begin - measured.start
        case .receive(let peer, let stream, let sequence):
          let name = MessageName(from: peer, to: Rank(rank), stream: stream, sequence: sequence)
          times[name, default: (nil, nil)].received = item.activity.end - measured.start
        }
      }
    }
    return times
  }
}

extension Recording.Message {
  var name: Timeline.MessageName {
    Timeline.MessageName(from: from, to: send.to, stream: send.stream, sequence: sequence)
  }
}
