import Foundation

/// How text looks where it goes: how wide it may be, and whether it may have colour.
public struct TextStyle: Hashable, Sendable {
  /// Characters of a line.
  public var width: Int
  /// Whether escape sequences are understood and wanted.
  public var hasColour: Bool

  /// A style of these properties.
  public init(width: Int, hasColour: Bool) {
    self.width = width
    self.hasColour = hasColour
  }

  /// What suits a file descriptor: colour on a terminal only, and not when `NO_COLOR` is set or `TERM`
  /// is `dumb`; the width of the terminal, else `COLUMNS`, else 100.
  public static func of(
    descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> TextStyle {
    let isTerminal = isatty(descriptor) == 1
    var size = winsize()
    let width =
      isTerminal && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
      ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 100
    let refusesColour =
      !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
    return TextStyle(
      width: min(max(width, 40), 10_000), hasColour: isTerminal && !refusesColour)
  }

  /// Of standard output.
  public static var standardOutput: TextStyle { of(descriptor: STDOUT_FILENO) }

  /// The text with no line wider than `width`, but those of a single word.
  public func wrapped(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard Self.visibleCount(line) > width else { return String(line) }
      var lines = [""]
      for word in line.split(separator: " ") {
        let last = lines[lines.count - 1]
        if last.isEmpty {
          lines[lines.count - 1] = String(word)
        } else if Self.visibleCount(last) + 1 + Self.visibleCount(word) <= width {
          lines[lines.count - 1] += " " + word
        } else {
          lines.append(String(word))
        }
      }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// Characters that take room: those of escape sequences, which end in a letter, do not.
  private static func visibleCount(_ text: some StringProtocol) -> Int {
    var isEscape = false
    var count = 0
    for character in text {
      if character == "\u{1B}" {
        isEscape = true
      } else if isEscape {
        isEscape = !character.isLetter
      } else {
        count += 1
      }
    }
    return count
  }

  /// The text in bold.
  public func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

  /// The text in a colour that warns.
  public func warning(_ text: String) -> String {
    hasColour ? "\u{1B}[33m\(text)\u{1B}[0m" : text
  }

  /// The text in a colour that says something failed.
  public func failure(_ text: String) -> String {
    hasColour ? "\u{1B}[31m\(text)\u{1B}[0m" : text
  }
}
