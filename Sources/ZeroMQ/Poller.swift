import CZeroMQ

/// Waits for several sockets and file descriptors at once.
///
///     var poller = Poller()
///     let data = poller.add(pull, for: .readable)
///     let abort = poller.add(sub, for: .readable)
///     while try poller.wait(.after(.seconds(5))) > 0 {
///       if poller[abort].contains(.readable) { break }
///       if poller[data].contains(.readable) { … }
///     }
///
/// A poller borrows nothing and owns nothing: it watches sockets through their handles. Two rules make
/// that safe. A socket that is closed must be removed first; waiting traps otherwise, rather than touch
/// freed memory. And a socket is watched in the thread that uses it; a poller cannot leave its thread
/// unnoticed, as it is not `Sendable`, but a socket can.
///
/// Waiting allocates nothing: this binding's list is kept from call to call, and libzmq needs none of
/// its own for up to 16 entries.
public struct Poller: ~Copyable {
  /// What can be done without waiting.
  public struct Readiness: OptionSet, Hashable, Sendable {
    /// libzmq's bits.
    public let rawValue: CShort

    /// Readiness from libzmq's bits.
    public init(rawValue: CShort) { self.rawValue = rawValue }

    /// A receive does not wait.
    public static let readable = Self(rawValue: CShort(ZMQ_POLLIN))
    /// A send does not wait.
    public static let writable = Self(rawValue: CShort(ZMQ_POLLOUT))
    /// A file descriptor has an error, or its other end is closed. Sockets never say so.
    public static let failed = Self(rawValue: CShort(ZMQ_POLLERR))
  }

  /// An entry of the poller that made it. It is not used again after it is removed.
  public struct Token: Hashable, Sendable {
    fileprivate let slot: Int
    fileprivate let generation: Int
  }

  private struct Entry {
    /// `nil` for a file descriptor.
    var handle: SocketHandle?
    var generation: Int
    var isUsed: Bool
  }

  /// What libzmq reads and writes. A slot that is not used has file descriptor -1, which it skips.
  private var items: [zmq_pollitem_t] = []
  private var entries: [Entry] = []

  /// A poller that watches nothing yet.
  public init() {}

  /// Watches a socket.
  public mutating func add(
    _ source: borrowing some Pollable & ~Copyable, for readiness: Readiness
  ) -> Token {
    let handle = source.handle
    return add(
      zmq_pollitem_t(socket: handle.pointer, fd: -1, events: readiness.rawValue, revents: 0), handle
    )
  }

  /// Watches a file descriptor, which the caller keeps open until it is removed.
  public mutating func add(fileDescriptor: CInt, for readiness: Readiness) -> Token {
    precondition(fileDescriptor >= 0, "file descriptor \(fileDescriptor) is negative")
    return add(
      zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: readiness.rawValue, revents: 0), nil)
  }

  /// Watches for something else, or, for `[]`, for nothing at the moment.
  public mutating func change(_ token: Token, to readiness: Readiness) {
    check(token)
    items[token.slot].events = readiness.rawValue
    items[token.slot].revents = 0
  }

  /// Watches an entry no longer.
  public mutating func remove(_ token: Token) {
    check(token)
    items[token.slot] = Self.unused
    entries[token.slot] = Entry(handle: nil, generation: token.generation + 1, isUsed: false)
  }

  /// What the last ``wait(_:)`` found for an entry.
  public subscript(token: Token) -> Readiness {
    check(token)
    return Readiness(rawValue: items[token.slot].revents)
  }

  /// Waits until an entry is ready, and returns how many are; 0 when the time is over.
  ///
  /// - Precondition: no watched socket has been closed.
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/terminated``.
  public mutating func wait(_ timeout: Timeout = .never) throws(ZeroMQError) -> Int {
    for slot in entries.indices where entries[slot].handle?.isOpen == false {
      preconditionFailure("entry \(slot) of the poller is a closed socket; remove it before")
    }
    var milliseconds = timeout.milliseconds
    let clock = ContinuousClock()
    let start = clock.now
    while true {
      let count = items.withUnsafeMutableBufferPointer {
        zmq_poll($0.baseAddress, CInt($0.count), Int(milliseconds))
      }
      if count >= 0 { return Int(count) }
      let error = ZeroMQError.last(in: "zmq_poll")
      guard error.code == .interrupted else { throw error }
      // A signal: wait for what is left.
      if case .after(let duration) = timeout {
        milliseconds = (duration - (clock.now - start)).wholeMilliseconds
      }
    }
  }

  private static var unused: zmq_pollitem_t {
    zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0)
  }

  private mutating func add(_ item: zmq_pollitem_t, _ handle: SocketHandle?) -> Token {
    let slot = entries.firstIndex { !$0.isUsed } ?? entries.count
    if slot == entries.count {
      items.append(Self.unused)
      entries.append(Entry(handle: nil, generation: 0, isUsed: false))
    }
    items[slot] = item
    entries[slot].handle = handle
    entries[slot].isUsed = true
    return Token(slot: slot, generation: entries[slot].generation)
  }

  private func check(_ token: Token) {
    precondition(
      entries.indices ~= token.slot && entries[token.slot].isUsed
        && entries[token.slot].generation == token.generation,
      "entry \(token.slot) was removed from the poller, or belongs to another")
  }
}
