import Dispatch
import Foundation
import Synchronization

/// Remembers the first signal that asks the run to end, so that the coordinator ends its nodes in order.
///
/// A second one ends the process at once, as an impatient person expects.
final class Interruption: Sendable {
  private let received = Mutex<String?>(nil)

  /// Why the run should be given up; `nil` while it should not.
  var reason: String? { received.withLock { $0 } }

  /// Takes SIGINT, SIGTERM and SIGHUP from now on.
  func install() {
    for (signal, name) in [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")] {
      Foundation.signal(signal, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
      source.setEventHandler { [self] in
        let isSecond = received.withLock { reason in
          defer { reason = reason ?? "interrupted by \(name)" }
          return reason != nil
        }
        if isSecond { Foundation.exit(CommandStatus.failed.rawValue) }
      }
      source.activate()
      // Sources live as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }
}
