import Hardware
import Quantities

/// The emulated time of one rank: when each of its values exists, and when each of its resources is
/// free.
///
/// These are the rules of emulated time, in one place. The evaluator applies them to all ranks at once
/// from messages it passes itself; a node applies them to its own rank, from the messages it really
/// receives. That both come to the same picosecond is what the project stands on.
public struct RankClock: Sendable {
  /// When each value exists. Grows with the windows' tables of values.
  public private(set) var values: [Stamp] = []
  /// When everything that the rank did so far is done: the latest time at which a value came to be or
  /// a port was free again.
  public private(set) var end = EmulatedTime.zero
  private var regions = Resources()
  private var egress = Resources()
  private var ingress = Resources()
  /// `nil` where nothing is disturbed, which costs a kernel or a message one branch.
  private var disturbance: Disturbance?

  /// A clock at the start of an experiment.
  ///
  /// - Parameter faults: The rank's own.
  public init(faults: RankFaults = RankFaults()) {
    disturbance = faults.isEmpty ? nil : Disturbance(faults)
  }

  /// Makes room for a window's values. A value keeps its time from window to window.
  public mutating func prepare(for window: RankWindow) {
    if values.count < window.values.count {
      values.append(
        contentsOf: repeatElement(.zero, count: window.values.count - values.count))
    }
  }

  /// Of every time and account: two clocks that saw the same program are equal exactly when this is.
  public var digest: UInt64 {
    var digest = Digest()
    for stamp in values {
      for entry in Account.Entry.allCases { digest.add(stamp.account[entry].picoseconds) }
    }
    digest.add(end.picoseconds)
    return digest.value
  }

  /// Runs a kernel on its region, and returns when it ends.
  @discardableResult
  @inline(__always)
  public mutating func compute(_ work: Compute) -> EmulatedTime {
    var stamp = latest(work.input, work.second)
    stamp.wait(until: regions[work.region], at: \.regionQueue)
    if disturbance != nil { disturbance!.delay(&stamp, work.cost) }
    stamp.time += work.cost.total
    stamp.account.compute += work.cost.compute
    stamp.account.fabric += work.cost.fabric
    stamp.account.memory += work.cost.memory
    regions[work.region] = stamp.time
    set(work.output, to: stamp)
    return stamp.time
  }

  /// Lets values exist from an arrival on.
  @inline(__always)
  public mutating func arrive(_ work: Arrive) {
    set(work.values, to: Stamp(work.arrival))
  }

  /// When a region of the wafer has done what it was given so far.
  public func regionIsFree(_ region: Int32) -> EmulatedTime { regions[region] }

  /// When all of a message's values exist.
  @inline(__always)
  func ready(_ message: Send) -> EmulatedTime { latest(message.values, .none).time }

  /// Puts a message on its way.
  ///
  /// - Returns: when it left, and the stamp it carries: its arrival.
  @inline(__always)
  public mutating func send(_ message: Send) -> (departure: EmulatedTime, arrival: Stamp) {
    var stamp = latest(message.values, .none)
    stamp.wait(until: egress[message.port], at: \.portQueue)
    if disturbance != nil { return sendDisturbed(message, stamp) }
    let departure = stamp.time
    let sent = departure + message.overhead + message.serialization
    stamp.time = sent + message.latency
    stamp.account.overhead += message.overhead
    stamp.account.linkSerialization += message.serialization
    stamp.account.linkLatency += message.latency
    let free = message.holdsPortUntilDelivery ? stamp.time : sent
    egress[message.port] = free
    end = max(end, free)
    return (departure, stamp)
  }

  /// Puts a message on its way on a rank that has faults.
  @inline(never)
  private mutating func sendDisturbed(
    _ message: Send, _ ready: Stamp
  ) -> (departure: EmulatedTime, arrival: Stamp) {
    var stamp = ready
    let (departure, sent) = disturbance!.send(message, &stamp)
    let free = message.holdsPortUntilDelivery ? stamp.time : sent
    egress[message.port] = free
    end = max(end, free)
    return (departure, stamp)
  }

  /// Takes a message that carried `arrival` through the ingress port, and returns when its values exist.
  @discardableResult
  @inline(__always)
  public mutating func receive(_ message: Receive, arrival: Stamp) -> EmulatedTime {
    var stamp = arrival
    // Cut-through: the port is needed from the first byte on, a serialization before the arrival.
    stamp.wait(until: ingress[message.port] + message.serialization, at: \.portQueue)
    if disturbance != nil { disturbance!.receive(message, &stamp) }
    ingress[message.port] = stamp.time
    stamp.time += message.overhead
    stamp.account.overhead += message.overhead
    set(message.values, to: stamp)
    return stamp.time
  }

  /// The order in which the messages of a set are served: by arrival, then by source.
  public static func serviceOrder(_ set: [(from: Rank, arrival: Stamp)]) -> [Int] {
    let places = set.enumerated().map {
      SetMember(arrival: $0.element.arrival.time, from: $0.element.from, place: $0.offset)
    }
    return places.sorted().map(\.place)
  }

  /// What decides when a message of a set is served.
  struct SetMember: Comparable {
    let arrival: EmulatedTime
    let from: Rank
    /// Place in the set; two messages of one stream that arrive together keep their order.
    let place: Int

    @inline(__always)
    static func < (a: Self, b: Self) -> Bool {
      if a.arrival != b.arrival { return a.arrival < b.arrival }
      if a.from != b.from { return a.from < b.from }
      return a.place < b.place
    }
  }

  /// The latest of some values, the first of them when they tie; the start when there are none.
  @inline(__always)
  private func latest(_ inputs: Values, _ second: Values) -> Stamp {
    var found = -1
    var time = EmulatedTime(picoseconds: .min)
    for index in inputs.indices where values[index].time > time {
      found = index
      time = values[index].time
    }
    for index in second.indices where values[index].time > time {
      found = index
      time = values[index].time
    }
    return found < 0 ? .zero : values[found]
  }

  @inline(__always)
  private mutating func set(_ written: Values, to stamp: Stamp) {
    for index in written.indices { values[index] = stamp }
    end = max(end, stamp.time)
  }
}

/// When each resource of one kind is free. A resource that was never used is free from the start.
private struct Resources {
  private var free: [EmulatedTime] = []

  subscript(index: Int32) -> EmulatedTime {
    @inline(__always)
    get { Int(index) < free.count ? free[Int(index)] : .zero }
    @inline(__always)
    set {
      if Int(index) >= free.count { grow(toHold: Int(index)) }
      free[Int(index)] = newValue
    }
  }

  @inline(never)
  private mutating func grow(toHold index: Int) {
    free.append(contentsOf: repeatElement(.zero, count: index + 1 - free.count))
  }
}

extension Stamp {
  /// Of what came at an arrival: idle before, in the queue for a region until it was taken in.
  @inline(__always)
  init(_ arrival: Arrival) {
    self.init()
    time = arrival.admitted
    account.idle = arrival.arrived
    account.regionQueue = arrival.admitted - arrival.arrived
  }

  /// Goes on to `instant` when that is later, and books the wait.
  @inline(__always)
  mutating func wait(
    until instant: EmulatedTime, at entry: WritableKeyPath<Account, EmulatedTime>
  ) {
    let wait = instant - time
    if wait > .zero {
      time = instant
      account[keyPath: entry] += wait
    }
  }
}
