import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Raised by whoever learns that the run is over; the data path looks at it before every kernel and at every
/// turn of a wait.
public final class AbortFlag: Sendable {
  private let raised = Atomic(false)

  /// A flag that is down.
  public init() {}

  /// Raises it.
  public func raise() { raised.store(true, ordering: .releasing) }

  /// Lowers it, for another run. Who raises it says why first, so that whoever has heard the reason may be
  /// here a moment too early, and waits for that moment.
  public func lower() {
    while !raised.exchange(false, ordering: .acquiringAndReleasing) { sched_yield() }
  }

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .acquiring) }
}
