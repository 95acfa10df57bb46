import Messaging
import Programs
import Runtime
import ZeroMQ

/// Data messages over ZeroMQ: a PUSH to each peer this rank sends to, a PULL for each it hears from.
///
/// One socket a peer, because a socket with several peers answers "which came first", and nothing here
/// may ask that. Messages of a stream that is not wanted yet are parked, so that every receive gets
/// the stream it names. Waiting blocks in libzmq, in slices, so that an abort is seen soon.
public final class SocketTransport: Transport {
  private let context: Context
  private let limits: Limits
  private let abortFlag: AbortFlag
  private let keys: CurveKeyPair?
  private var sources: [Rank: Source] = [:]
  private var destinations: [Rank: Destination] = [:]
  private let header = UnsafeMutableRawBufferPointer.allocate(
    byteCount: MessageHeader.byteCount, alignment: 8)

  /// Bounds of waits and queues.
  public struct Limits: Hashable, Sendable {
    /// Longest wait for a message, or for room in a peer's queue.
    public var wait: Duration
    /// Messages under way to or from one peer. Both ends have a queue.
    public var queue: Int
    /// Bytes of the largest payload; libzmq drops a peer that announces more.
    public var largestPayload: Int

    /// Takes each field as it is.
    public init(wait: Duration, queue: Int, largestPayload: Int) {
      self.wait = wait
      self.queue = queue
      self.largestPayload = largestPayload
    }
  }

  /// How long a wait in libzmq lasts before the abort flag is looked at: short for a person, long
  /// against the 20 µs of a message.
  private static let slice = Duration.milliseconds(100)

  /// What CURVE adds to a frame (ZeroMQ RFC 26: 8 bytes of command, 8 of nonce, 1 of flags, 16 of the box).
  private static let curveOverhead = 33
  /// More than the longest frame of its handshake, INITIATE: 257 bytes and the properties.
  private static let curveHandshake = 512

  /// Messages parked for one peer: as many as its queue may hold.
  private final class Source {
    var socket: Socket<Pull>
    var parked: [Stream: [(header: MessageHeader, payload: [UInt8])]] = [:]
    var parkedCount = 0

    init(_ socket: consuming Socket<Pull>) { self.socket = socket }
  }

  private final class Destination {
    var socket: Socket<Push>

    init(_ socket: consuming Socket<Push>) { self.socket = socket }
  }

  /// - Parameter keys: This rank's, in a secured cluster. Who may connect is then for the context's
  ///   authenticator to say.
  public init(
    context: Context, limits: Limits, abortFlag: AbortFlag, keys: CurveKeyPair? = nil
  ) {
    self.keys = keys
    self.context = context
    self.limits = limits
    self.abortFlag = abortFlag
  }

  deinit { header.deallocate() }

  private var options: SocketOptions {
    SocketOptions {
      $0.sendQueueLimit = limits.queue
      $0.receiveQueueLimit = limits.queue
      $0.sendTimeout = .after(Self.slice)
      $0.receiveTimeout = .after(Self.slice)
      let largest = max(limits.largestPayload, MessageHeader.byteCount)
      $0.maximumMessageSize =
        keys == nil ? largest : max(largest + Self.curveOverhead, Self.curveHandshake)
    }
  }

  /// Makes the place where `peer` reaches this rank, and returns it with port and address filled in.
  public func bind(_ endpoint: Endpoint, for peer: Rank) throws(ZeroMQError) -> Endpoint {
    var options = options
    if let keys {
      options.security = .curveServer(keys)
      options.authenticationDomain = "data"
    }
    var socket = try Socket<Pull>(in: context, options: options)
    let resolved = try socket.bind(endpoint)
    sources[peer] = Source(socket)
    return resolved
  }

  /// Makes the place where `peer` reaches this rank, at a free port of those that the host offers, and returns
  /// the port.
  ///
  /// Throws `NodeFailure` when all ports are taken, and `ZeroMQError`.
  public func bind(at address: HostAddress, for peer: Rank) throws -> UInt16 {
    guard let ports = address.ports else {
      return try bind(.tcp(host: address.bound, port: 0), for: peer).port!
    }
    for port in ports {
      do {
        return try bind(.tcp(host: address.bound, port: port), for: peer).port!
      } catch {
        guard error.code == .addressInUse else { throw error }
      }
    }
    throw NodeFailure(
      reason:
        "all ports from \(ports.lowerBound) to \(ports.upperBound) are taken; a node needs one for "
        + "each peer that sends to it", isOwn: true)
  }

  /// Reaches for `peer`. It may not be there yet.
  ///
  /// - Parameter key: The peer's, in a secured cluster: nobody else can answer in its place.
  public func connect(
    _ endpoint: Endpoint, to peer: Rank, key: CurvePublicKey? = nil
  ) throws(ZeroMQError) {
    var options = options
    if let keys, let key { options.security = .curveClient(keys, server: key) }
    var socket = try Socket<Push>(in: context, options: options)
    try socket.connect(endpoint)
    destinations[peer] = Destination(socket)
  }

  /// Hands a message on; see `Transport`.
  public func send(
    _ header: MessageHeader, payload: UnsafeRawBufferPointer, to peer: Rank
  ) throws(TransportError) {
    guard let destination = destinations[peer] else {
      throw .unreachable("this node has no connection to \(peer)")
    }
    header.write(into: self.header)
    // libzmq looks for room at the first frame; where it is taken, the second is too.
    try waiting { () throws(ZeroMQError) in
      try destination.socket.send(
        UnsafeRawBufferPointer(self.header), payload.isEmpty ? [] : .more)
    }
    guard !payload.isEmpty else { return }
    try waiting { () throws(ZeroMQError) in try destination.socket.send(payload) }
  }

  /// Waits for the next message of a stream; see `Transport`.
  public func receive(
    from peer: Rank, stream: Stream, into payload: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> MessageHeader {
    guard let source = sources[peer] else {
      throw .unreachable("this node has no endpoint for \(peer)")
    }
    if source.parked[stream]?.isEmpty == false {
      let (header, parked) = source.parked[stream]!.removeFirst()
      source.parkedCount -= 1
      guard parked.count == payload.count else {
        throw .payload(bytes: parked.count, expected: payload.count)
      }
      payload.copyBytes(from: parked)
      return header
    }
    while true {
      let header = try receiveHeader(source)
      guard header.stream != stream else {
        try receivePayload(of: header, from: source, into: payload)
        return header
      }
      guard source.parkedCount < limits.queue else {
        throw .overfull(messages: source.parkedCount)
      }
      var parked = [UInt8](repeating: 0, count: min(header.payloadBytes, limits.largestPayload))
      let outcome = parked.withUnsafeMutableBytes { bytes in
        Result { () throws(TransportError) in
          try receivePayload(of: header, from: source, into: bytes)
        }
      }
      try outcome.get()
      source.parked[header.stream, default: []].append((header, parked))
      source.parkedCount += 1
    }
  }

  private func receiveHeader(_ source: Source) throws(TransportError) -> MessageHeader {
    var count = 0
    try waiting { () throws(ZeroMQError) in count = try source.socket.receive(into: header) }
    let found: MessageHeader
    do {
      found = try MessageHeader(
        reading: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(header)[..<count]))
    } catch {
      throw .frame(error)
    }
    guard source.socket.hasMore == (found.payloadBytes > 0) else {
      throw .frames(source.socket.hasMore ? 2 : 1)
    }
    return found
  }

  private func receivePayload(
    of header: MessageHeader, from source: Source, into payload: UnsafeMutableRawBufferPointer
  ) throws(TransportError) {
    guard header.payloadBytes == payload.count else {
      throw .payload(bytes: header.payloadBytes, expected: payload.count)
    }
    guard header.payloadBytes > 0 else { return }
    var count = 0
    try waiting { () throws(ZeroMQError) in count = try source.socket.receive(into: payload) }
    guard count == payload.count else {
      throw .payload(bytes: count, expected: payload.count)
    }
    guard !source.socket.hasMore else { throw .frames(3) }
  }

  /// Repeats a call that waits in slices until it succeeds, the run is aborted, or the limit is over.
  private func waiting(_ call: () throws(ZeroMQError) -> Void) throws(TransportError) {
    var start: ContinuousClock.Instant?
    while true {
      do {
        try call()
        return
      } catch {
        switch error.code {
        case .again:
          guard !abortFlag.isRaised else { throw .aborted }
          let now = ContinuousClock.now
          let began = start ?? now - Self.slice
          start = began
          guard now - began < limits.wait else {
            throw .timeout(milliseconds: Int(limits.wait / .milliseconds(1)))
          }
        case .terminated: throw .aborted
        default: throw .unreachable("\(error)")
        }
      }
    }
  }
}
