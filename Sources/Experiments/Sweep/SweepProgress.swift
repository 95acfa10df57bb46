/// How far a sweep is, for a person.
public struct SweepProgress: Hashable, Sendable {
  /// Rows that are there, those of an earlier call included.
  public var done: Int
  /// Rows that were there at the start.
  public var before: Int
  /// All rows.
  public var all: Int
  /// Since the start.
  public var seconds: Double

  /// Takes each field as it is.
  public init(done: Int, before: Int, all: Int, seconds: Double) {
    self.done = done
    self.before = before
    self.all = all
    self.seconds = seconds
  }

  /// Seconds that the rest takes if it goes on so; `nil` before the first row.
  public var secondsLeft: Double? {
    done > before ? seconds / Double(done - before) * Double(all - done) : nil
  }

  /// A bar of at most `width` characters, with an estimate.
  public func bar(width: Int) -> String {
    let tail = " \(words)"
    let room = max(0, min(width - tail.count - 2, 40))
    guard room >= 4 else { return String(words.prefix(width)) }
    let filled = all > 0 ? room * done / all : room
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: ".", count: room - filled) + "]" + tail
  }

  /// Without the bar, for a log.
  public var words: String {
    let share = all > 0 ? 100 * done / all : 100
    let left = secondsLeft.map { ", \(Self.clock($0)) left" } ?? ""
    return "\(done) of \(all) points, \(share) %\(done < all ? left : ", \(Self.clock(seconds))")"
  }

  /// Minutes and seconds, or hours and minutes.
  static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return whole < 3600
      ? "\(whole / 60):\(two(whole % 60)) min" : "\(whole / 3600):\(two(whole / 60 % 60)) h"
  }
}
