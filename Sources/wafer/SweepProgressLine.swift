import Experiments
import Foundation

/// A sweep's progress on standard error: a bar that is drawn anew on a terminal, a line now and then
/// elsewhere.
final class SweepProgressLine {
  private let before: Int
  private let all: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var shown: ContinuousClock.Instant?
  private var isDrawn = false

  /// Between two drawings of a bar, and between two lines of a log.
  private static let barInterval = Duration.milliseconds(100)
  private static let lineInterval = Duration.seconds(10)

  /// - Parameter before: Rows that an earlier call left.
  init(before: Int, all: Int) {
    self.before = before
    self.all = all
    start = clock.now
    if before > 0 { Diagnostics.progress("\(before) of \(all) points are there already") }
  }

  /// So many rows are there.
  func show(_ done: Int) {
    let now = clock.now
    let interval = isTerminal ? Self.barInterval : Self.lineInterval
    guard done == all || shown.map({ now - $0 >= interval }) ?? isTerminal else {
      if shown == nil { shown = now }
      return
    }
    shown = now
    let progress = SweepProgress(
      done: done, before: before, all: all, seconds: (now - start) / .seconds(1))
    guard isTerminal else { return Diagnostics.progress(progress.words) }
    let width = TextStyle.of(descriptor: STDERR_FILENO).width
    // Back to the line's begin, and nothing left of what was longer.
    write("\r" + progress.bar(width: width - 1) + "\u{1B}[K")
    isDrawn = true
  }

  /// Leaves the bar, so that what follows has a line of its own.
  func end() {
    if isDrawn { write("\n") }
    isDrawn = false
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
