import Experiments
import Foundation

/// Lines for the person at the terminal. They go to standard error, so that standard output stays a
/// document.
enum Diagnostics {
  /// Prints a warning.
  static func warn(_ text: String) {
    let style = TextStyle.of(descriptor: STDERR_FILENO)
    FileHandle.standardError.write(Data((style.warning("warning: ") + text + "\n").utf8))
  }

  /// Says what is going on.
  static func progress(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
