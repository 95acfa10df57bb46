import Messaging
import Programs

/// Why a rank's part of a run failed: what it was doing, with whom, and what to do.
public enum NodeError: Error, CustomStringConvertible {
  /// A message could not be sent or received.
  case message(MessagePlace, TransportError)
  /// A header that does not fit the program.
  case unexpected(MessagePlace, field: String, found: String, expected: String)
  /// The window names what this rank does not have.
  case window(index: Int, reason: String)
  /// Numbers that the program cannot go on with.
  case numbers(String)
  /// The shard could not be loaded.
  case load(String)
  /// The run was given up elsewhere.
  case aborted

  /// Which message of which stream.
  public struct MessagePlace: Hashable, Sendable {
    /// The rank that speaks.
    public var rank: Rank
    /// The rank at the other end.
    public var peer: Rank
    /// The stream between the two.
    public var stream: Stream
    /// The sequence, by its row of the KV cache.
    public var sequence: Int
    /// Bytes of the payload.
    public var bytes: Int
    /// Whether the rank receives it from the peer, or sends it to it.
    public var isReceive: Bool

    /// Takes each field as it is.
    public init(
      rank: Rank, peer: Rank, stream: Stream, sequence: Int, bytes: Int, isReceive: Bool
    ) {
      self.rank = rank
      self.peer = peer
      self.stream = stream
      self.sequence = sequence
      self.bytes = bytes
      self.isReceive = isReceive
    }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .message(let place, .timeout(let milliseconds)):
      "\(place.rank) waited \(Double(milliseconds) / 1000) s for message \(place.sequence) "
        + "(\(place.bytes) bytes) of stream \(place.stream) "
        + (place.isReceive ? "from" : "to be taken by")
        + " \(place.peer); look at that rank first, or raise --wait-limit for a slow host"
    case .message(let place, let error):
      "\(place.rank), message \(place.sequence) of stream \(place.stream) "
        + "\(place.isReceive ? "from" : "to") \(place.peer): \(error)"
    case .unexpected(let place, let field, let found, let expected):
      "\(place.rank), message \(place.sequence) of stream \(place.stream) from \(place.peer): "
        + "\(field) is \(found), expected \(expected)"
    case .window(let index, let reason): "window \(index): \(reason)"
    case .numbers(let reason): reason
    case .load(let reason): reason
    case .aborted: "the run was aborted"
    }
  }
}
