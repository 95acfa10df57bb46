import Messaging
import Programs
import Quantities

/// How an activity travels: what it was, which kernel or stream, whom or which layer, batch, sequence,
/// begin and end.

extension MeasuredActivity {
  /// Bytes of one in a frame.
  static let byteCount = 1 + 1 + 4 + 4 + 8 * 3
}

extension ByteWriter {
  mutating func put(_ activity: MeasuredActivity) {
    switch activity.kind {
    case .kernel(let kernel, let argument, let batch):
      put(UInt8(0))
      put(kernel.rawValue)
      put(argument)
      put(batch)
      put(Int64(0))
    case .send(let peer, let stream, let sequence):
      put(UInt8(1))
      put(message: stream, with: peer, sequence)
    case .receive(let peer, let stream, let sequence):
      put(UInt8(2))
      put(message: stream, with: peer, sequence)
    }
    put(activity.begin.nanoseconds)
    put(activity.end.nanoseconds)
  }

  private mutating func put(message stream: Stream, with peer: Rank, _ sequence: Int) {
    put(stream.rawValue)
    put(UInt32(peer.index))
    put(Int32(0))
    put(count: sequence)
  }
}

extension ByteReader {
  mutating func activity() throws(FrameError) -> MeasuredActivity {
    let start = offset
    let kind: MeasuredActivity.Kind
    switch try get(UInt8.self) {
    case 0:
      let kernel: Kernel = try choice()
      kind = .kernel(kernel, argument: try get(), batch: try get())
      _ = try get(Int64.self)
    case 1:
      let (stream, peer, sequence) = try message()
      kind = .send(to: peer, stream: stream, sequence: sequence)
    case 2:
      let (stream, peer, sequence) = try message()
      kind = .receive(from: peer, stream: stream, sequence: sequence)
    case let other: throw .value(offset: start, "\(other) is no activity")
    }
    return MeasuredActivity(
      kind, begin: try instant(), end: try instant())
  }

  private mutating func message() throws(FrameError) -> (Stream, Rank, Int) {
    let stream: Stream = try choice()
    let peer = try nodeRank()
    _ = try get(Int32.self)
    return (stream, peer, try count())
  }
}
