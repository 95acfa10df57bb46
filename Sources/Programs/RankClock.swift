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
  private var regionFree: [EmulatedTime] = []
  private var egressFree: [EmulatedTime] = []
  private var ingressFree: [EmulatedTime] = []

  public init() {}

  /// Makes room for a window: its values, and whatever resources its instructions name.
  public mutating func prepare(for window: RankWindow) {
    if values.count < window.values.count {
      values.append(
        contentsOf: repeatElement(.zero, count: window.values.count - values.count))
    }
    for instruction in window.instructions {
      switch instruction {
      case .compute(let compute): Self.grow(&regionFree, toHold: compute.region)
      case .send(let send): Self.grow(&egressFree, toHold: send.port)
      case .receive(let receive): Self.grow(&ingressFree, toHold: receive.port)
      case .receiveSet: break
      }
    }
  }

  private static func grow(_ resources: inout [EmulatedTime], toHold index: Int32) {
    while resources.count <= Int(index) { resources.append(.zero) }
  }

  /// The latest of some values, the first of them when they tie.
  @inline(__always)
  private func latest(_ inputs: Values, _ second: Values) -> Int? {
    var found: Int?
    for index in inputs.indices where found == nil || values[index].time > values[found!].time {
      found = index
    }
    for index in second.indices where found == nil || values[index].time > values[found!].time {
      found = index
    }
    return found
  }

  /// Runs a kernel on its region.
  @inline(__always)
  public mutating func compute(_ work: Compute) {
    var stamp = latest(work.input, work.second).map { values[$0] } ?? .zero
    let region = Int(work.region)
    let wait = regionFree[region] - stamp.time
    if wait > .zero {
      stamp.time += wait
      stamp.account.regionQueue += wait
    }
    stamp.time += work.cost.total
    stamp.account.compute += work.cost.compute
    stamp.account.fabric += work.cost.fabric
    stamp.account.memory += work.cost.memory
    regionFree[region] = stamp.time
    for index in work.output.indices { values[index] = stamp }
  }

  /// Puts a message on its way.
  ///
  /// - Returns: when it left, and the stamp it carries: its arrival.
  @inline(__always)
  public mutating func send(_ message: Send) -> (departure: EmulatedTime, arrival: Stamp) {
    var stamp = latest(message.values, .none).map { values[$0] } ?? .zero
    let port = Int(message.port)
    let wait = egressFree[port] - stamp.time
    if wait > .zero {
      stamp.time += wait
      stamp.account.portQueue += wait
    }
    let departure = stamp.time
    stamp.time += message.overhead + message.serialization
    if !message.holdsPortUntilDelivery { egressFree[port] = stamp.time }
    stamp.time += message.latency
    if message.holdsPortUntilDelivery { egressFree[port] = stamp.time }
    stamp.account.overhead += message.overhead
    stamp.account.linkSerialization += message.serialization
    stamp.account.linkLatency += message.latency
    return (departure, stamp)
  }

  /// Takes a message that carried `arrival` through the ingress port.
  @inline(__always)
  public mutating func receive(_ message: Receive, arrival: Stamp) {
    var stamp = arrival
    let port = Int(message.port)
    let wait = ingressFree[port] - (arrival.time - message.serialization)
    if wait > .zero {
      stamp.time += wait
      stamp.account.portQueue += wait
    }
    ingressFree[port] = stamp.time
    stamp.time += message.overhead
    stamp.account.overhead += message.overhead
    for index in message.values.indices { values[index] = stamp }
  }

  /// The order in which the messages of a set are served: by arrival, then by source.
  public static func serviceOrder(_ set: [(from: Rank, arrival: Stamp)]) -> [Int] {
    set.indices.sorted {
      (set[$0].arrival.time, set[$0].from, $0) < (set[$1].arrival.time, set[$1].from, $1)
    }
  }

  /// When everything of this rank is done: the latest time at which a resource becomes free.
  public var end: EmulatedTime {
    (regionFree + egressFree + ingressFree).max() ?? .zero
  }
}
