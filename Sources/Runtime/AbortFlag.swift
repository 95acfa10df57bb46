import Synchronization

/// Raised once, by whoever learns that the run is over; the data path looks at it before every kernel
/// and at every turn of a wait.
public final class AbortFlag: Sendable {
  private let raised = Atomic(false)

  /// A flag that is down.
  public init() {}

  /// Raises it, for good.
  public func raise() { raised.store(true, ordering: .releasing) }

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .acquiring) }
}
