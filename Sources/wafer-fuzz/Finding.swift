import FuzzTargets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keeps the input that ends the process, or that never ends: a signal handler writes it to a file.
///
/// All that a handler needs is made before, in memory of its own: in it, nothing may be allocated.
enum Finding {
  /// Larger inputs are cut in the file.
  private static let mostBytes = 1 << 20
  /// Seconds that one input may take; the slowest that is known takes a few.
  private static let patience: UInt32 = 60
  /// Bytes of the stack for handlers, since a finding may be that the stack is used up.
  private static let stackBytes = 1 << 16
  /// Most memory of the process: a header that asks for more than it should ends it here.
  private static let mostMemory: UInt = 8 << 30

  // Written before the input is read, by the one thread that there is, and read in its handlers.
  nonisolated(unsafe) private static let bytes = UnsafeMutablePointer<UInt8>.allocate(
    capacity: mostBytes)
  nonisolated(unsafe) private static var count = 0
  nonisolated(unsafe) private static var seed: UInt64 = 0
  nonisolated(unsafe) private static var inputs = 0
  nonisolated(unsafe) private static var inputsBefore = -1
  nonisolated(unsafe) private static var path = UnsafeMutablePointer<CChar>(bitPattern: 1)!
  nonisolated(unsafe) private static var words = UnsafeMutablePointer<CChar>(bitPattern: 1)!

  /// The input that is read next.
  static func set(_ input: [UInt8], seed: UInt64) {
    count = min(input.count, mostBytes)
    input.withUnsafeBufferPointer {
      if let start = $0.baseAddress { bytes.update(from: start, count: count) }
    }
    self.seed = seed
    inputs += 1
  }

  /// Sets up the handlers.
  static func watch(target: FuzzTarget, folder: String) {
    let file = "\(folder)/finding-\(target.rawValue)-\(getpid())"
    path = strdup(file)
    words = strdup("\nfinding; replay it with: wafer-fuzz \(target.rawValue) \(file)\n")
    bytes.initialize(repeating: 0, count: mostBytes)
    #if !LIBFUZZER
      // The sanitizer reserves terabytes of addresses for itself.
      var limit = rlimit(rlim_cur: mostMemory, rlim_max: mostMemory)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    #endif
    var stack = stack_t()
    stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: stackBytes, alignment: 16)
    stack.ss_size = stackBytes
    sigaltstack(&stack, nil)
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      handle(number) { number in
        Finding.write()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    handle(SIGALRM) { _ in
      if Finding.inputs == Finding.inputsBefore {
        Finding.write()
        _exit(3)
      }
      Finding.inputsBefore = Finding.inputs
      alarm(Finding.patience)
    }
    alarm(patience)
  }

  private static func handle(_ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    action.sa_flags = Int32(SA_ONSTACK)
    sigaction(number, &action, nil)
  }

  private static func write() {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    _ = Glibc.write(file, bytes, count)
    close(file)
    _ = Glibc.write(2, words, strlen(words))
  }
}
