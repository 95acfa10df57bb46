import Foundation
import Synchronization

/// A thread with a result: what blocks must not block a thread of the concurrency runtime.
final class Worker<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(_ body: @escaping @Sendable () throws -> Value) {
    Thread { [self] in
      let outcome = Result { try body() }
      result.withLock { $0 = outcome }
      ended.signal()
    }.start()
  }

  /// Waits for the end of the thread; called once. Throws what its body threw.
  func join() throws -> Value {
    ended.wait()
    return try result.withLock { $0! }.get()
  }
}
