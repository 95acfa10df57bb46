import Foundation
import Synchronization
import Testing
import ZeroMQ

/// Options under which nothing waits for ever: a test that would hang fails instead.
func bounded(_ change: (inout SocketOptions) -> Void = { _ in }) -> SocketOptions {
  SocketOptions {
    $0.sendTimeout = .after(.seconds(20))
    $0.receiveTimeout = .after(.seconds(20))
    $0.linger = .immediate
    change(&$0)
  }
}

/// The error code `body` throws; fails the test when it throws none.
func code(of body: () throws(ZeroMQError) -> Void) throws -> ZeroMQError.Code {
  let thrown: ZeroMQError?
  do throws(ZeroMQError) {
    try body()
    thrown = nil
  } catch {
    thrown = error
  }
  return try #require(thrown).code
}

/// A folder that is gone after `body`.
func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
  let path = NSTemporaryDirectory() + "zeromq-\(UUID().uuidString.prefix(8))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  try body(path)
}

extension Socket where Kind: ReceivingKind {
  /// The next part as text.
  mutating func receiveText() throws(ZeroMQError) -> String {
    try String(decoding: receive().copyBytes(), as: UTF8.self)
  }
}

extension Monitor {
  /// Drops events until one is as `isWanted` says.
  mutating func wait(until isWanted: (MonitorEvent.Kind) -> Bool) throws -> MonitorEvent {
    while true {
      let event = try receive()
      if isWanted(event.kind) { return event }
    }
  }
}

/// Counts across threads.
final class Counter: Sendable {
  private let value = Mutex(0)
  func increment() { value.withLock { $0 += 1 } }
  var count: Int { value.withLock { $0 } }
}
