import Dispatch
import Foundation
import Synchronization

/// Remembers the first signal that asks the run to end, so that the coordinator ends its nodes in order.
///
/// A later one ends the process at once, as an impatient person expects.
final class Interruption: Sendable {
  /// Signals that come together are one wish: a terminal that closes signals its whole group, and so do its shell,
  /// `timeout` and `sudo` once more.
  private static let together = Duration.seconds(1)

  private let first = Mutex<(name: String, time: ContinuousClock.Instant)?>(nil)

  /// Why the run should be given up; `nil` while it should not.
  var reason: String? { first.withLock { first in first.map { "interrupted by \($0.name)" } } }

  /// Takes SIGINT, SIGTERM and SIGHUP from now on.
  func install() {
    for (signal, name) in [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")] {
      Foundation.signal(signal, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
      source.setEventHandler { [self] in
        if isRepeated(name, now: .now) { Foundation.exit(CommandStatus.failed.rawValue) }
      }
      source.activate()
      // Sources live as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }

  /// Takes a signal. Returns whether another came before, and not just now.
  private func isRepeated(_ name: String, now: ContinuousClock.Instant) -> Bool {
    first.withLock { first in
      guard let before = first else {
        first = (name, now)
        return false
      }
      return now - before.time > Self.together
    }
  }
}
