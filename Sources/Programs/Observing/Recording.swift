import Quantities

/// What each rank did and when, as far as it was asked for.
///
/// It is for people and their tools: nothing is computed from it. Instructions that take no time are
/// left out.
public struct Recording: Hashable, Sendable {
  /// What is kept.
  public let limits: Limits
  /// Kernels, in the order in which they were evaluated.
  public private(set) var kernels: [Kernel] = []
  /// Messages, in the order in which they were sent.
  public private(set) var messages: [Message] = []
  /// Kernels and messages of the asked windows that found no room.
  public private(set) var dropped = 0

  /// Which windows are kept, and how many events at most.
  public struct Limits: Hashable, Sendable {
    /// Windows, by index.
    public var windows: Range<Int>
    /// Most kernels and messages together. An event takes some 250 bytes here; in a trace a kernel takes
    /// 270 and a message 730.
    public var events: Int

    /// 100,000 events: 25 MB of memory, and a trace of at most 75 MB, which a browser still opens.
    public static let mostEvents = 100_000

    /// These windows.
    public init(windows: Range<Int>, events: Int = Limits.mostEvents) {
      self.windows = windows
      self.events = events
    }
  }

  /// A kernel on a region.
  public struct Kernel: Hashable, Sendable {
    /// The window it belongs to.
    public let window: Int
    /// Who ran it.
    public let rank: Rank
    /// What was run, where, on which batch.
    public let work: Compute
    /// When it began.
    public let start: EmulatedTime
    /// When it ended.
    public let end: EmulatedTime
  }

  /// A message from rank to rank.
  public struct Message: Hashable, Sendable {
    /// The window in which it was sent.
    public let window: Int
    /// Who sent it.
    public let from: Rank
    /// What was sent, at which price.
    public let send: Send
    /// Place in its stream, from 0.
    public let sequence: Int
    /// When its values existed.
    public let ready: EmulatedTime
    /// When it left: from then on its egress port works for it.
    public let departure: EmulatedTime
    /// When its last byte is there.
    public let arrival: EmulatedTime
    /// How it was received; `nil` when that was not recorded.
    public internal(set) var receipt: Receipt?

    /// Waiting for the egress port.
    public var egressQueue: EmulatedTime { departure - ready }
  }

  /// The other end of a message.
  public struct Receipt: Hashable, Sendable {
    /// The receiver's ingress port.
    public let port: Int32
    /// Time of that port for the bytes.
    public let serialization: EmulatedTime
    /// When the port was through with it.
    public let served: EmulatedTime
    /// When it existed as values.
    public let exists: EmulatedTime
    /// When the receiver had done everything before it.
    public let awaitedFrom: EmulatedTime

    /// How long the receiver stalled for it.
    public var stall: EmulatedTime { max(exists, awaitedFrom) - awaitedFrom }
  }

  init(_ limits: Limits) { self.limits = limits }

  private var hasRoom: Bool { kernels.count + messages.count < limits.events }

  mutating func add(_ kernel: Kernel) {
    guard hasRoom else { return dropped += 1 }
    kernels.append(kernel)
  }

  /// Keeps a message and returns its number; `nil` when there is no room.
  mutating func add(_ message: Message) -> Int? {
    guard hasRoom else {
      dropped += 1
      return nil
    }
    messages.append(message)
    return messages.count - 1
  }

  mutating func complete(_ number: Int, _ receipt: Receipt) { messages[number].receipt = receipt }
}
