/// A program that cannot be run: what is wrong, where, between whom.
public enum ProgramError: Error, Hashable, CustomStringConvertible {
  /// A receive takes another number of elements than the send it meets put in.
  case mismatch(
    window: Int, from: Rank, to: Rank, stream: Stream, sent: Int, received: Int, bytesSent: Int,
    bytesReceived: Int)
  /// No rank can go on.
  case deadlock(window: Int, waiting: [Waiting])
  /// Messages that nobody receives.
  case unreceived(from: Rank, to: Rank, stream: Stream, messages: Int, bytes: Int)
  /// More messages under way on a stream than nodes may queue.
  case overfull(window: Int, from: Rank, to: Rank, stream: Stream, messages: Int, limit: Int)
  /// An instruction names something that the window does not have; without an instruction, it is the
  /// rank's table of values.
  case malformed(window: Int, rank: Rank, instruction: Int?, reason: String)
  /// A result that no instruction computes.
  case output(window: Int, output: Int, reason: String)

  /// A rank that waits for a message which never comes.
  public struct Waiting: Hashable, Sendable {
    /// The rank that waits.
    public var rank: Rank
    /// The rank it waits for.
    public var peer: Rank
    /// The stream it reads.
    public var stream: Stream
    /// Bytes of the message, on the modelled wire.
    public var bytes: Int
  }

  /// Ranks that a message lists; in a deadlock of hundreds the first tell enough.
  private static let listed = 8

  /// What is wrong, where, between whom.
  public var description: String {
    switch self {
    case .mismatch(
      let window, let from, let to, let stream, let sent, let received, let bytesSent,
      let bytesReceived):
      "window \(window): \(from) sends \(sent) elements (\(bytesSent) bytes) on stream \(stream) to "
        + "\(to), which receives \(received) (\(bytesReceived) bytes)"
    case .deadlock(let window, let waiting):
      "window \(window): deadlock: "
        + waiting.prefix(Self.listed).map {
          "\($0.rank) waits for \($0.bytes) bytes on stream \($0.stream) from \($0.peer)"
        }.joined(separator: "; ")
        + (waiting.count > Self.listed ? "; and \(waiting.count - Self.listed) more" : "")
    case .unreceived(let from, let to, let stream, let messages, let bytes):
      "\(from) sends \(messages) messages (\(bytes) bytes) on stream \(stream) to \(to) that are "
        + "never received"
    case .overfull(let window, let from, let to, let stream, let messages, let limit):
      "window \(window): \(from) sends message \(messages) on stream \(stream) to \(to) before the "
        + "first is received; at most \(limit) may be queued"
    case .malformed(let window, let rank, let instruction, let reason):
      "window \(window), \(rank), "
        + (instruction.map { "instruction \($0)" } ?? "table of values") + ": \(reason)"
    case .output(let window, let output, let reason):
      "window \(window), output \(output): \(reason)"
    }
  }
}
