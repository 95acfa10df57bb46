import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Raised by whoever learns that the run is over; the data path looks at it before every kernel and at every
/// turn of a wait.
public final class AbortFlag: Sendable {
  /// How often it was raised and not lowered: a run may be ended twice, by its coordinator and by its silence.
  private let raised = Atomic(0)

  /// A flag that is down.
  public init() {}

  /// Raises it.
  public func raise() { raised.add(1, ordering: .releasing) }

  /// Takes one raising back, for another run. Who raises it says why first, so that whoever has heard the reason
  /// may be here a moment too early, and waits for that moment.
  public func lower() {
    while raised.load(ordering: .acquiring) == 0 { sched_yield() }
    // Only one thread lowers it.
    raised.subtract(1, ordering: .acquiringAndReleasing)
  }

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .acquiring) > 0 }
}
