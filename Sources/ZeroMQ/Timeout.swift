/// How long to wait.
///
/// libzmq writes this as milliseconds where 0 and -1 mean something else; here the three cases have
/// names. A duration is rounded up to a whole millisecond, so that a short wait never becomes none.
public enum Timeout: Hashable, Sendable {
  /// Not at all.
  case immediate
  /// At most this long.
  case after(Duration)
  /// As long as it takes.
  case never

  /// What libzmq's options and `zmq_poll` take.
  var milliseconds: CInt {
    switch self {
    case .immediate: 0
    case .after(let duration): duration.wholeMilliseconds
    case .never: -1
    }
  }
}

extension Duration {
  /// Rounded up, and kept within 0 ... `CInt.max` (almost 25 days).
  var wholeMilliseconds: CInt {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < Int64(CInt.max) / 1000 else { return CInt.max }
    let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
    let rest = (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
    return CInt(seconds * 1000 + rest)
  }
}
