import Quantities

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The host's monotonic clock. Processes of one host share it; hosts do not.
public enum MonotonicClock {
  /// Nanoseconds since an arbitrary start that all processes of the host share.
  public static var now: MeasuredTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MeasuredTime(
      nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }
}

/// What the operating system says of this process's memory.
public enum ProcessMemory {
  /// Largest resident size so far, in bytes. On Linux `ru_maxrss` is in KiB.
  public static var peakResidentBytes: Int {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    return usage.ru_maxrss * 1024
  }
}
