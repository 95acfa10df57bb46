import DequeModule
import Messaging
import Programs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Nodes as threads of one process: messages are handed over in memory, through the same frames.
///
/// It is a product, not a mock: `--transport inproc` runs on it, and the law is tested on it with
/// hundreds of random experiments.
public final class InProcessNetwork: Sendable {
  private let inboxes: [Inbox]
  /// Longest wait for a message, in milliseconds.
  private let waitLimit: Int
  /// Called before a message is put into its inbox: tests delay and tamper here, on the sender's thread.
  private let intercept: (@Sendable (inout MessageHeader, Rank) -> Void)?

  /// Takes each field as it is.
  public init(
    ranks: Int, waitLimitMilliseconds: Int,
    intercept: (@Sendable (inout MessageHeader, Rank) -> Void)? = nil
  ) {
    inboxes = (0..<ranks).map { _ in Inbox() }
    waitLimit = waitLimitMilliseconds
    self.intercept = intercept
  }

  /// The end that `rank` uses.
  public func transport(for rank: Rank) -> InProcessTransport {
    InProcessTransport(network: self, rank: rank)
  }

  /// Ends every wait, of every rank.
  public func abort() {
    for inbox in inboxes { inbox.abort() }
  }

  fileprivate func deliver(_ message: Inbox.Message, to rank: Rank) {
    var message = message
    if let intercept { intercept(&message.header, rank) }
    inboxes[rank.index].put(message)
  }

  fileprivate func take(
    at rank: Rank, from peer: Rank, stream: Stream
  ) throws(TransportError) -> Inbox.Message {
    try inboxes[rank.index].take(
      Inbox.Source(rank: peer, stream: stream), limitMilliseconds: waitLimit)
  }
}

/// One rank's end of an `InProcessNetwork`.
public final class InProcessTransport: Transport {
  private let network: InProcessNetwork
  private let rank: Rank

  fileprivate init(network: InProcessNetwork, rank: Rank) {
    self.network = network
    self.rank = rank
  }

  /// Hands a message on; see `Transport`.
  public func send(
    _ header: MessageHeader, payload: UnsafeRawBufferPointer, to peer: Rank
  ) throws(TransportError) {
    network.deliver(Inbox.Message(header: header, payload: Array(payload)), to: peer)
  }

  /// Waits for the next message of a stream; see `Transport`.
  public func receive(
    from peer: Rank, stream: Stream, into payload: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> MessageHeader {
    let message = try network.take(at: rank, from: peer, stream: stream)
    guard message.payload.count == payload.count else {
      throw .payload(bytes: message.payload.count, expected: payload.count)
    }
    payload.copyBytes(from: message.payload)
    return message.header
  }
}

/// Messages for one rank, by source and stream, with a reader that may wait.
///
/// A pthread mutex and condition: the standard library has a mutex but nothing to wait on, and the
/// node's data path is a plain thread. `@unchecked Sendable`: all state is guarded by `mutex`.
private final class Inbox: @unchecked Sendable {
  struct Message {
    var header: MessageHeader
    var payload: [UInt8]
  }

  struct Source: Hashable {
    let rank: Rank
    let stream: Stream
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var queues: [Source: Deque<Message>] = [:]
  private var isAborted = false

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func put(_ message: Message) {
    pthread_mutex_lock(mutex)
    queues[Source(rank: message.header.source, stream: message.header.stream), default: []]
      .append(message)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func abort() {
    pthread_mutex_lock(mutex)
    isAborted = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  func take(_ source: Source, limitMilliseconds: Int) throws(TransportError) -> Message {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    deadline.tv_sec += limitMilliseconds / 1000
    deadline.tv_nsec += limitMilliseconds % 1000 * 1_000_000
    if deadline.tv_nsec >= 1_000_000_000 {
      deadline.tv_sec += 1
      deadline.tv_nsec -= 1_000_000_000
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let message = queues[source]?.popFirst() { return message }
      guard !isAborted else { throw .aborted }
      guard pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT else {
        throw .timeout(milliseconds: limitMilliseconds)
      }
    }
  }
}
