import CZeroMQ
import Synchronization

/// The home of sockets: libzmq's threads, and the names of `inproc` endpoints.
///
/// One a process is usual. It may be shared by any number of threads, each with its own sockets.
/// Every socket keeps its context alive, so letting go of the context before its sockets is safe:
/// the last of them to go ends it.
public final class Context: Sendable {
  /// `nonisolated(unsafe)`: libzmq's contexts are thread-safe, and the pointer itself never changes.
  nonisolated(unsafe) private let pointer: UnsafeMutableRawPointer
  /// Once true, libzmq frees the context, and nothing may touch the pointer again.
  private let isTerminated = Mutex(false)

  /// Makes a context.
  ///
  /// - Parameters:
  ///   - ioThreads: libzmq's threads for sockets that leave the process. One carries about 1 GB/s;
  ///     none is enough for `inproc` alone.
  ///   - maximumSockets: the most sockets open at once, in this context.
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/tooManySockets`` when the process has no file
  ///   descriptors left, ``ZeroMQError/Code/invalidArgument`` when libzmq allows fewer sockets.
  public init(ioThreads: Int = 1, maximumSockets: Int = 1023) throws(ZeroMQError) {
    precondition(0...1024 ~= ioThreads, "a context with \(ioThreads) I/O threads; 0 ... 1024 are")
    precondition(
      1...Int(CInt.max) ~= maximumSockets, "a context of \(maximumSockets) sockets; 1 or more are")
    guard let pointer = zmq_ctx_new() else { throw .last(in: "zmq_ctx_new") }
    self.pointer = pointer
    try Self.set(ZMQ_IO_THREADS, to: CInt(ioThreads), "ZMQ_IO_THREADS", of: pointer)
    try Self.set(ZMQ_MAX_SOCKETS, to: CInt(maximumSockets), "ZMQ_MAX_SOCKETS", of: pointer)
  }

  deinit { terminate() }

  private static func set(
    _ option: CInt, to value: CInt, _ name: String, of pointer: UnsafeMutableRawPointer
  ) throws(ZeroMQError) {
    guard zmq_ctx_set(pointer, option, value) == 0 else {
      throw .last(in: "zmq_ctx_set(\(name) = \(value))")
    }
  }

  /// Makes every blocking call on this context's sockets, now and later, throw
  /// ``ZeroMQError/Code/terminated``, and returns at once.
  ///
  /// This is how one thread tells the others to leave. Safe to call from any thread, more than once.
  public func shutdown() {
    // The only error libzmq documents is a bad pointer, which `isTerminated` rules out.
    isTerminated.withLock { if !$0 { zmq_ctx_shutdown(pointer) } }
  }

  /// As ``shutdown()``, then waits until every socket of this context is closed, in whatever thread,
  /// and has sent what its linger time allows.
  ///
  /// Called in a thread that still holds one of the sockets, it therefore never returns.
  public func terminate() {
    let isFirst = isTerminated.withLock { isTerminated in
      defer { isTerminated = true }
      return !isTerminated
    }
    guard isFirst else { return }
    // A signal interrupts the wait, not the termination.
    while zmq_ctx_term(pointer) != 0, zmq_errno() == ZeroMQError.Code.interrupted.rawValue {}
  }

  /// A new socket's pointer. The lock keeps `terminate` from freeing the context meanwhile.
  func makeSocket(_ type: CInt) throws(ZeroMQError) -> UnsafeMutableRawPointer {
    try isTerminated.withLock { (isTerminated) throws(ZeroMQError) -> SocketPointer in
      guard !isTerminated else { throw ZeroMQError(.terminated, in: "zmq_socket") }
      guard let socket = zmq_socket(pointer, type) else { throw .last(in: "zmq_socket") }
      return SocketPointer(socket)
    }.pointer
  }
}

/// A pointer on its way out of a lock.
///
/// `@unchecked Sendable`: libzmq allows a socket to move between threads that synchronise.
private struct SocketPointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
}
