import CHost

/// Keeps a thread on one processor.
///
/// A node's data thread sleeps at every exchange. Each time it is woken, the scheduler may put it beside
/// the thread that woke it, or beside another node's, and both then share one processor while another
/// idles. So nodes that have a processor each stay on it. libzmq's own threads are left where the
/// scheduler wants them.
public enum ProcessorAffinity {
  /// Number of processors that the calling thread may run on.
  public static var allowedProcessors: Int { Int(wafer_allowed_processors()) }

  /// Keeps the calling thread on the `index`-th of the allowed processors.
  ///
  /// - Returns: whether it is so now; not where there are fewer, or the system refuses.
  @discardableResult
  public static func pin(toAllowed index: Int) -> Bool { wafer_pin_thread(Int32(index)) }
}
