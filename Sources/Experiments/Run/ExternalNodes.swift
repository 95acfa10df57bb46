import Foundation
import Runtime
import Synchronization
import ZeroMQTransport

/// Nodes that others start: they register with one coordinator, serve all its runs, and are sent home in the
/// end.
///
/// Between runs a thread listens, so that nodes can come while the coordinator reads a model or evaluates, and
/// hear that it is there.
public final class ExternalNodes: Sendable {
  /// The control socket.
  public let coordinator: Coordinator
  /// Ends when `close` has been called.
  private let ended = DispatchSemaphore(value: 0)
  private let isClosed = Mutex(false)

  /// Opens the control socket and begins to listen.
  ///
  /// - Parameters:
  ///   - keys: Its own and those of the nodes; `nil` admits everyone.
  ///   - refusal: Told now and then of those who were turned away.
  ///
  /// Throws `RunError.coordinator` when the address cannot be bound.
  public init(
    address: String, keys: CoordinatorKeys? = nil,
    refusal: @escaping @Sendable (Int, String) -> Void = { _, _ in }
  ) throws(RunError) {
    coordinator = try Coordinator(address: address, keys: keys, refusal: refusal)
    let thread = Thread { [coordinator, ended] in
      // A socket that fails between runs fails in the next one, with its reason.
      while (try? coordinator.idle()) == true { Thread.sleep(forTimeInterval: 0.02) }
      ended.signal()
    }
    thread.start()
  }

  /// Sends all nodes home.
  public func close() {
    let isFirst = isClosed.withLock { closed in
      defer { closed = true }
      return !closed
    }
    guard isFirst else { return }
    coordinator.close()
    ended.wait()
  }
}
