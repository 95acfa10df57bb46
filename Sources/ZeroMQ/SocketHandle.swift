import CZeroMQ
import Synchronization

/// An open socket as a ``Poller`` sees it. It can be watched, and nothing else.
///
/// The socket's owner closes it; pollers and monitors may outlive it and then find it closed.
public final class SocketHandle: Sendable {
  private struct State {
    var isOpen = true
    /// The monitor that libzmq reports to, if any.
    var monitor: UInt64?
  }

  /// `nonisolated(unsafe)`: the pointer itself never changes. What it points to is used by one thread
  /// at a time, since every operation needs exclusive access to the one `Socket` that owns it.
  nonisolated(unsafe) let pointer: UnsafeMutableRawPointer
  /// Keeps the context alive as long as the socket.
  let context: Context
  private let state = Mutex(State())

  init(_ type: CInt, in context: Context) throws(ZeroMQError) {
    pointer = try context.makeSocket(type)
    self.context = context
  }

  deinit { close() }

  /// Whether the socket has not been closed yet.
  public var isOpen: Bool { state.withLock { $0.isOpen } }

  func close() {
    state.withLock { state in
      guard state.isOpen else { return }
      stopMonitor(&state)
      state.isOpen = false
      // Fails only for a pointer that is no socket, which `isOpen` rules out.
      zmq_close(pointer)
    }
  }

  /// Has libzmq report this socket's events to a PAIR bound to `endpoint`, in place of any earlier
  /// monitor.
  func startMonitor(_ id: UInt64, at endpoint: Endpoint, events: CInt) throws(ZeroMQError) {
    try state.withLock { (state) throws(ZeroMQError) in
      stopMonitor(&state)
      guard zmq_socket_monitor(pointer, endpoint.rawValue, events) == 0 else {
        throw .last(in: "zmq_socket_monitor", endpoint: endpoint)
      }
      state.monitor = id
    }
  }

  /// Ends monitoring, if it still belongs to `id`.
  func stopMonitor(_ id: UInt64) {
    state.withLock { if $0.monitor == id { stopMonitor(&$0) } }
  }

  /// libzmq's I/O thread waits for ever in an event that nobody can receive any more (libzmq issue
  /// 3575), so monitoring always ends before either end is closed.
  private func stopMonitor(_ state: inout State) {
    guard state.isOpen, state.monitor != nil else { return }
    zmq_socket_monitor(pointer, nil, 0)
    state.monitor = nil
  }
}

/// What a ``Poller`` can watch: a ``Socket``, or a value built on one.
public protocol Pollable: ~Copyable {
  /// The socket to watch.
  var handle: SocketHandle { get }
}
