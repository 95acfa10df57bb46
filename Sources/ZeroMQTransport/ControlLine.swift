import Messaging
import Runtime
import ZeroMQ

/// The data path's way to the coordinator: through the control thread.
final class ControlLine: WeightLine {
  private var socket: Socket<Pair>

  init(_ socket: consuming Socket<Pair>) { self.socket = socket }

  /// Says something.
  func say(_ message: ControlMessage) throws(ZeroMQError) { try socket.send(message.encoded()) }

  /// Tells the control thread that nothing follows.
  func end() throws(ZeroMQError) { try socket.send([UInt8]()) }

  /// A word that ended the loading of weights, and was heard there.
  private var kept: ControlMessage?

  /// Waits for the coordinator's next word.
  func next() throws(ZeroMQError) -> Result<ControlMessage, FrameError> {
    if let message = takeKept() { return .success(message) }
    return Self.read(try socket.receive())
  }

  /// The next word if it is here already, else `nil`.
  func waiting() throws(ZeroMQError) -> Result<ControlMessage, FrameError>? {
    if let message = takeKept() { return .success(message) }
    return try socket.nextFrame().map(ControlMessage.reading)
  }

  private func takeKept() -> ControlMessage? {
    defer { kept = nil }
    return kept
  }

  func ask(_ request: WeightRequest) throws { try say(.wantWeights(request)) }

  func answer(within limit: Duration) throws -> WeightAnswer? {
    var poller = Poller()
    let readable = poller.add(socket, for: .readable)
    _ = try poller.wait(.after(limit))
    guard poller[readable].contains(.readable) else { return nil }
    let message = try next().get()
    switch message {
    case .weights(let answer): return answer
    case .refuse, .abort, .again:
      kept = message
      throw NodeError.aborted
    default:
      throw NodeFailure(
        reason: "the coordinator said '\(message.name)' where 'weights' belongs", isOwn: true)
    }
  }

  private static func read(
    _ message: borrowing Message
  ) -> Result<ControlMessage, FrameError> {
    message.withUnsafeBytes { bytes in
      Result { () throws(FrameError) in try ControlMessage(reading: bytes) }
    }
  }
}
