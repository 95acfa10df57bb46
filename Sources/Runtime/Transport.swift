import Messaging
import Programs

/// How a node's data path hands messages to other ranks and takes theirs.
///
/// One thread uses it. Between two ranks each stream is a FIFO; a receive names the rank and the stream
/// it wants, and never sees another.
public protocol Transport: AnyObject {
  /// Hands a message on. Does not wait for the receiver, beyond a bounded queue.
  func send(
    _ header: MessageHeader, payload: UnsafeRawBufferPointer, to peer: Rank
  ) throws(TransportError)

  /// Waits for the next message of a stream and puts its payload into `payload`.
  ///
  /// Throws when it does not come within the transport's limit, the run is aborted, or the message is
  /// not what a message must be.
  func receive(
    from peer: Rank, stream: Stream, into payload: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> MessageHeader
}

/// Why a message could not be sent or received.
public enum TransportError: Error, Hashable, CustomStringConvertible {
  /// Nothing came, or the peer's queue stayed full, for the limit of a wait.
  case timeout(milliseconds: Int)
  /// The run was given up elsewhere.
  case aborted
  /// The peer cannot be reached, or the run has no connection to it.
  case unreachable(String)
  /// A frame that is not what it should be.
  case frame(FrameError)
  /// A payload frame of another size than its place.
  case payload(bytes: Int, expected: Int)
  /// A message of one frame, or of more than two.
  case frames(Int)
  /// More messages of streams that nobody reads yet than may be kept.
  case overfull(messages: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .timeout(let milliseconds): "nothing for \(Double(milliseconds) / 1000) s"
    case .aborted: "the run was aborted"
    case .unreachable(let what): what
    case .frame(let error): error.description
    case .payload(let bytes, let expected):
      "a payload of \(bytes) bytes where \(expected) belong"
    case .frames(let count):
      "a message of \(count) frames; a data message has a header and a payload"
    case .overfull(let messages): "\(messages) messages of streams that are not read"
    }
  }
}
