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

  /// A stamp as a message carried it; `nil` when the account does not add up to the time.
  public init?(time: EmulatedTime, account: Account) {
    guard account.total == time else { return nil }
    self.time = time
    self.account = account
  }
}
