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

/// What tells this host from others.
public enum HostIdentity {
  /// Its name.
  public static var name: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// One start of one kernel: processes with the same boot have one monotonic clock, containers too. Its
  /// name where the system does not say.
  public static var boot: String {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return name }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 64)
    guard fgets(&line, Int32(line.count), file) != nil else { return name }
    return String(
      decoding: line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Bytes of its memory.
  public static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }
}
