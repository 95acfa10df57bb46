import Quantities

/// A time and the account of how it came to be. The account's entries add up to the time.
public struct Stamp: Hashable, Sendable {
  /// When.
  public internal(set) var time: EmulatedTime
  /// How it came to be; adds up to `time`.
  public internal(set) var account: Account

  /// The start of the experiment.
  public static var zero: Stamp { Stamp() }

  init() {
    time = .zero
    account = Account()
  }

  /// A stamp as a message carried it; `nil` when the account does not add up to the time, or has an entry
  /// before the start.
  public init?(time: EmulatedTime, account: Account) {
    // Entry by entry, since those of a hostile message may leave the range of time.
    var total: Int64 = 0
    for entry in Account.Entry.allCases {
      let (sum, overflow) = total.addingReportingOverflow(account[entry].picoseconds)
      guard !overflow, account[entry] >= .zero else { return nil }
      total = sum
    }
    guard total == time.picoseconds else { return nil }
    self.time = time
    self.account = account
  }
}
