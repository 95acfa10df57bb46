import Programs
import Quantities
import Runtime

/// What the ranks of a half did in some steps, in emulated and in measured time.
public struct Timeline: Hashable, Sendable {
  /// Number of ranks.
  public let ranks: Int
  /// In emulated time.
  public let recording: Recording
  /// In measured time, by rank; `nil` without nodes.
  public let measured: Measured?

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
  init(_ recording: Recording, ranks: Int) {
    self.ranks = ranks
    self.recording = recording
    measured = nil
  }

  /// With what nodes reported: `windows[window][rank]`.
  init(
    _ recording: Recording, ranks: Int, reports: [NodeReport], windows: [[WindowReport]]
  ) {
    self.ranks = ranks
    self.recording = recording
    measured = Measured(
      start: reports.compactMap(\.started).min() ?? MeasuredTime(nanoseconds: 0),
      activities: (0..<ranks).map { rank in
        windows.flatMap { window in
          window[rank].activities.map { Activity(window: window[rank].index, activity: $0) }
        }
      })
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
