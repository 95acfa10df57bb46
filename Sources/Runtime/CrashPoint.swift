import Programs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A place of a node's work at which its process ends itself without a word, as a crash would end it.
///
/// Tests of recovery need it: a signal from outside hits where the clock happens to stand, and the few
/// microseconds between two instructions are seldom among that.
public struct CrashPoint: Hashable, Sendable {
  /// Whose node.
  public var rank: Rank
  /// Where in its work.
  public var place: Place
  /// A folder that is not there yet. Who makes it crashes, so that the node in its place does not.
  public var marker: String

  /// A place in a node's work.
  public enum Place: Hashable, Sendable {
    /// Before the weights of this number are read, from 0: matrices and vectors, in the order of reading.
    case weights(Int)
    /// Before the instruction of this number, from 0, over all windows.
    case instruction(Int)
  }

  /// Reads `RANK weights|instruction NUMBER MARKER`, such as `2 instruction 100 /tmp/crashed`; `nil` for
  /// anything else.
  public init?(_ text: String) {
    let words = text.split(separator: " ", maxSplits: 3)
    guard words.count == 4, let rank = Int(words[0]), (0..<Rank.maximumCount).contains(rank),
      let number = Int(words[2]), number >= 0
    else { return nil }
    switch words[1] {
    case "weights": place = .weights(number)
    case "instruction": place = .instruction(number)
    default: return nil
    }
    self.rank = Rank(rank)
    marker = String(words[3])
  }

  /// The number of the instruction before which `rank` crashes; beyond all where it does not.
  func instruction(of rank: Rank) -> Int {
    if case .instruction(let number) = place, rank == self.rank { return number }
    return .max
  }

  /// Ends this process, unless one has crashed here before.
  func strike() {
    if mkdir(marker, 0o700) == 0 { kill(getpid(), SIGKILL) }
  }
}
