import Messaging
import Quantities
import Runtime

extension FuzzTarget {
  /// Bytes before a data message that say how long its first frame is, since a message is two frames.
  static let lengthBytes = 2

  /// A data message, as a node's transport checks it.
  static func frame(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    var reader = ByteReader(bytes)
    guard let length = try? Int(reader.get(UInt16.self)) else { return .rejected("no frame") }
    let start = lengthBytes
    let end = start + min(length, bytes.count - start)
    let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    let header: MessageHeader
    do { header = try MessageHeader(reading: frame) } catch { return .rejected("\(error)") }
    var written = [UInt8](repeating: 0, count: MessageHeader.byteCount)
    written.withUnsafeMutableBytes { header.write(into: $0) }
    precondition(written.elementsEqual(frame), "a header is written as it was read")
    guard bytes.count - end == header.payloadBytes else {
      return .rejected("a payload of another size than its header says")
    }
    return .accepted
  }

  /// A control message, which must come out the same when it is written and read again.
  static func control(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    let message: ControlMessage
    do { message = try ControlMessage(reading: bytes) } catch { return .rejected("\(error)") }
    let written = message.encoded()
    switch ControlMessage.reading(written) {
    case .success(let again): precondition(again.encoded() == written, "\(message.name) changed")
    case .failure(let error):
      preconditionFailure("\(message.name) is written so that it cannot be read: \(error)")
    }
    if case .pong(let pong) = message {
      var clock = NodeClock()
      clock.add(sent: pong.ping.sent, node: pong.node, received: MonotonicClock.now)
      _ = clock.estimate(at: pong.node)
    }
    return .accepted
  }
}
