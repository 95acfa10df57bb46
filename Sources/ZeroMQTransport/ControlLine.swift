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

  /// Waits for the coordinator's next word.
  ///
  /// Throws `NodeFailure` when it is a refusal or an abort.
  func next() throws -> ControlMessage {
    let message = try socket.receive()
    return try read(message)
  }

  /// What was said when the abort flag was raised, behind what is no longer wanted.
  func abortReason() -> String? {
    while let frame = try? socket.nextFrame() {
      if case .success(.abort(let reason)) = ControlMessage.reading(frame) { return reason }
    }
    return nil
  }

  func ask(_ request: WeightRequest) throws { try say(.wantWeights(request)) }

  func answer(within limit: Duration) throws -> WeightAnswer? {
    var poller = Poller()
    let readable = poller.add(socket, for: .readable)
    _ = try poller.wait(.after(limit))
    guard poller[readable].contains(.readable) else { return nil }
    let message = try next()
    guard case .weights(let answer) = message else {
      throw NodeFailure(
        reason: "the coordinator said '\(message.name)' where 'weights' belongs", isOwn: true)
    }
    return answer
  }

  private func read(_ message: borrowing Message) throws -> ControlMessage {
    let read = try message.withUnsafeBytes { (bytes) throws(FrameError) in
      try ControlMessage(reading: bytes)
    }
    switch read {
    case .refuse(let reason):
      throw NodeFailure(reason: "the coordinator refused this node: \(reason)", isOwn: false)
    case .abort(let reason): throw NodeFailure(reason: reason, isOwn: false)
    default: return read
    }
  }
}

/// Why a node ended before its run was done.
public struct NodeFailure: Error, Hashable, CustomStringConvertible {
  /// What went wrong, for a person.
  public let reason: String
  /// Whether this node is at fault, and so must tell the coordinator; else it was told.
  public let isOwn: Bool

  /// One sentence.
  public var description: String { reason }
}
