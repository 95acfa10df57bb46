import Quantities

/// What goes wrong on one rank, in its own emulated time: its share of a `FaultPlan`.
///
/// Every fault is a rule of the rank's own clock and of the places of its own messages in their streams. So
/// the evaluator and a node apply it alike, and nothing is decided while the program runs.
public struct RankFaults: Hashable, Sendable {
  /// The rank.
  public var rank: Rank
  /// Links that are slower or longer for a while, from this rank on.
  public var links: [SlowLink] = []
  /// Messages of this rank that are lost on their way.
  public var losses: [Loss] = []
  /// When its kernels are slower.
  public var slowdowns: [Slowdown] = []
  /// When it does nothing, in order of their begin.
  public private(set) var outages: [Outage] = []

  /// None.
  public init(of rank: Rank = Rank(0)) { self.rank = rank }

  /// Whether nothing goes wrong.
  public var isEmpty: Bool {
    links.isEmpty && losses.isEmpty && slowdowns.isEmpty && outages.isEmpty
  }

  /// Adds a time without the rank; the order of those that begin together is that in which they were added.
  public mutating func add(_ outage: Outage) {
    // From the end, where the place is when they come in order.
    let before = outages.lastIndex { $0.begins <= outage.begins }
    outages.insert(outage, at: before.map { $0 + 1 } ?? 0)
  }

  /// A span of emulated time: from `begins` on, before `ends`.
  public struct Interval: Hashable, Sendable {
    /// The first picosecond of it.
    public var begins: EmulatedTime
    /// The first picosecond after it; `nil` for one without end.
    public var ends: EmulatedTime?

    /// Without end unless given.
    public init(from begins: EmulatedTime, until ends: EmulatedTime? = nil) {
      self.begins = begins
      self.ends = ends
    }

    /// Whether an instant lies in it.
    public func contains(_ instant: EmulatedTime) -> Bool {
      instant >= begins && ends.map { instant < $0 } ?? true
    }
  }

  /// A link that is worse for messages that depart in a span.
  public struct SlowLink: Hashable, Sendable {
    /// Its other end.
    public var to: Rank
    /// When a message has to depart to meet it.
    public var interval: Interval
    /// Added to the message's latency.
    public var latency: EmulatedTime
    /// How many times as long the bytes take; at least 1.
    public var serialization: Rational

    /// Takes each field as it is.
    public init(
      to: Rank, interval: Interval, latency: EmulatedTime = .zero,
      serialization: Rational = Rational(1)
    ) {
      self.to = to
      self.interval = interval
      self.latency = latency
      self.serialization = serialization
    }
  }

  /// Messages to one rank that are lost, and sent again after a timeout.
  public struct Loss: Hashable, Sendable {
    /// Whom they do not reach.
    public var to: Rank
    /// From the moment when the last byte left until the port begins again.
    public var timeout: EmulatedTime
    /// Which of them.
    public var which: Which

    /// Which messages are lost.
    public enum Which: Hashable, Sendable {
      /// One, by its stream and its place in it, from 0: once.
      case message(Stream, sequence: Int)
      /// Each try with a chance of so many in 2³², by a seed.
      case chance(UInt32, seed: UInt64)
    }

    /// Takes each field as it is.
    public init(to: Rank, timeout: EmulatedTime, which: Which) {
      self.to = to
      self.timeout = timeout
      self.which = which
    }

    /// Most losses of one message by one rule of chance; it then passes, so that every program ends. At one loss
    /// in two, one message of 65,536 gets there.
    public static let mostInARow = 16

    /// How often a message is lost before it passes: a pure function of the rule and of the message's name.
    func count(from: Rank, stream: Stream, sequence: Int) -> Int {
      switch which {
      case .message(let named, let place): return named == stream && place == sequence ? 1 : 0
      case .chance(let chance, let seed):
        // Odd numbers that have nothing to do with each other keep links and streams apart.
        let name =
          seed &+ UInt64(from.index) &* 0xD1B5_4A32_D192_ED03
          &+ UInt64(to.index) &* 0xABC9_8388_FB8F_AC03
          &+ UInt64(stream.rawValue) &* 0x8CB9_2BA7_2F3D_8DD7
        var numbers = SplitMix64(seed: name, first: sequence * Self.mostInARow)
        var lost = 0
        while lost < Self.mostInARow, UInt32(truncatingIfNeeded: numbers.next() >> 32) < chance {
          lost += 1
        }
        return lost
      }
    }
  }

  /// Kernels that take longer when they start in a span.
  public struct Slowdown: Hashable, Sendable {
    /// When a kernel has to start to meet it.
    public var interval: Interval
    /// How many times as long it takes; at least 1.
    public var factor: Rational
    /// Whether only communication between PEs is slower, as around dead ones.
    public var isOfFabricAlone: Bool

    /// Of the whole kernel unless said otherwise.
    public init(interval: Interval, factor: Rational, isOfFabricAlone: Bool = false) {
      self.interval = interval
      self.factor = factor
      self.isOfFabricAlone = isOfFabricAlone
    }
  }

  /// A span in which the rank does nothing.
  public struct Outage: Hashable, Sendable {
    /// What starts from then on waits, and what is under way is lost.
    public var begins: EmulatedTime
    /// How long.
    public var lasts: EmulatedTime

    /// When the rank works again.
    public var ends: EmulatedTime { begins + lasts }

    /// Takes each field as it is.
    public init(begins: EmulatedTime, lasts: EmulatedTime) {
      self.begins = begins
      self.lasts = lasts
    }
  }
}
