import CZeroMQ
import Synchronization

/// The connections of a socket as they come and go.
///
/// A socket has one monitor at a time: a new one ends the one before, which then reads
/// ``MonitorEvent/Kind/stopped``. Closing the socket does the same. It may be read in another thread than
/// the socket's.
public struct Monitor: ~Copyable, Pollable {
  private var events: Socket<Pair>
  private let monitored: SocketHandle
  private let id: UInt64

  /// Names the `inproc` endpoints of monitors, which a context shares.
  private static let count = Atomic<UInt64>(0)

  /// Begins to watch `socket`. Events from before are not seen, so begin before bind or connect.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated`` or
  ///   ``ZeroMQError/Code/tooManySockets``: a monitor takes two sockets of the context.
  public init<Kind>(
    _ socket: borrowing Socket<Kind>, receiveTimeout: Timeout = .never
  ) throws(ZeroMQError) {
    let id = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
    let endpoint = Endpoint.inproc("zeromq-swift-monitor-\(id)")
    let options = SocketOptions {
      $0.linger = .immediate
      $0.receiveTimeout = receiveTimeout
    }
    var events = try Socket<Pair>(in: socket.handle.context, options: options)
    // libzmq's I/O thread waits when this queue is full, and with it every socket of the context. So
    // this one queue has no bound of its own; what bounds it is how often connections can change.
    try events.handle.set(ZMQ_RCVHWM, 0, "ZMQ_RCVHWM")
    try socket.handle.startMonitor(id, at: endpoint, events: ZMQ_EVENT_ALL)
    do throws(ZeroMQError) {
      try events.connect(endpoint)
    } catch {
      socket.handle.stopMonitor(id)
      throw error
    }
    self.events = events
    self.id = id
    monitored = socket.handle
  }

  deinit { monitored.stopMonitor(id) }

  /// What pollers know of this monitor.
  public var handle: SocketHandle { events.handle }

  /// Waits for the next event.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/again`` when none comes in the time given,
  ///   ``ZeroMQError/Code/terminated``, or ``ZeroMQError/Code/protocolError`` when libzmq sends
  ///   something that is no event.
  public mutating func receive(_ flags: ReceiveFlags = []) throws(ZeroMQError) -> MonitorEvent {
    let header = try events.receive(flags)
    let endpoint = header.hasMore ? try events.receive().copyBytes() : []
    try events.dropRemainingParts()
    guard let event = MonitorEvent(header: header, endpoint: endpoint) else {
      throw ZeroMQError(
        .protocolError, in: "zmq_msg_recv", endpoint: events.lastEndpoint,
        detail: "a monitor event of \(header.byteCount) bytes; it has 6")
    }
    return event
  }
}
