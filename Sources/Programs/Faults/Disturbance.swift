import Hardware
import Quantities

/// A rank's faults at work: what they add to its kernels and messages.
///
/// The rules, in the order in which they are applied to a kernel or a message that could start at `t`:
///
/// - An outage: what would start in it waits for its end. What started before and would end after its begin is
///   lost, and done again from its end on. Both are booked as `outage`.
/// - A slower wafer: a kernel that starts in the span takes `cost × (factor − 1)` longer. A slower link: a message
///   that departs in the span takes `serialization × (factor − 1)` longer at the port and `latency` longer on its
///   way. Each product is rounded once, ties to even; what several faults add is added up. Booked as `slowdown`.
/// - A loss: the port waits for the timeout and does all of the message again, overhead and bytes. It holds on to
///   the message until it is through, so that a stream's messages arrive in order. Booked as `resend`.
///
/// The receiver's port sees the undisturbed serialization: what a fault of a link adds is in the arrival.
struct Disturbance: Sendable {
  private let faults: RankFaults
  /// The place in its stream of the next message; kept only where losses ask for it.
  private var places: [StreamName: Int] = [:]

  private struct StreamName: Hashable {
    let to: Rank
    let stream: Stream
  }

  init(_ faults: RankFaults) { self.faults = faults }

  /// Brings a kernel's stamp to where its cost is all that is left to add.
  @inline(never)
  func delay(_ stamp: inout Stamp, _ cost: Cost) {
    let total = cost.total
    skipOutages(&stamp) { total + self.extra(of: cost, at: $0) }
    let extra = self.extra(of: cost, at: stamp.time)
    stamp.time += extra
    stamp.account.slowdown += extra
  }

  /// Sends a message whose values exist and whose port is free, and returns when it left and when its last
  /// byte did.
  mutating func send(
    _ message: Send, _ stamp: inout Stamp
  ) -> (departure: EmulatedTime, sent: EmulatedTime) {
    let timeouts = self.timeouts(message)
    skipOutages(&stamp) { start in
      let once =
        message.overhead + message.serialization + self.extra(of: message, at: start).serialization
      return timeouts.reduce(once) { $0 + $1 + once }
    }
    let departure = stamp.time
    let extra = self.extra(of: message, at: departure)
    let once = message.overhead + message.serialization + extra.serialization
    let resend = timeouts.reduce(EmulatedTime.zero) { $0 + $1 + once }
    let sent = departure + once + resend
    stamp.time = sent + message.latency + extra.latency
    stamp.account.overhead += message.overhead
    stamp.account.linkSerialization += message.serialization
    stamp.account.linkLatency += message.latency
    stamp.account.slowdown += extra.serialization + extra.latency
    stamp.account.resend += resend
    return (departure, sent)
  }

  /// Lets a message that could be taken in wait for the rank.
  @inline(never)
  func receive(_ message: Receive, _ stamp: inout Stamp) {
    // The port works from a serialization before to an overhead after.
    stamp.time = stamp.time - message.serialization
    skipOutages(&stamp) { _ in message.serialization + message.overhead }
    stamp.time += message.serialization
  }

  /// One pass is enough: outages stand in order of their begin, and a wait ends after all earlier begins.
  private func skipOutages(
    _ stamp: inout Stamp, lasting: (EmulatedTime) -> EmulatedTime
  ) {
    for outage in faults.outages where stamp.time < outage.ends {
      guard
        stamp.time >= outage.begins || stamp.time + lasting(stamp.time) > outage.begins
      else { continue }
      stamp.account.outage += outage.ends - stamp.time
      stamp.time = outage.ends
    }
  }

  private func extra(of cost: Cost, at start: EmulatedTime) -> EmulatedTime {
    var extra = EmulatedTime.zero
    for slowdown in faults.slowdowns where slowdown.interval.contains(start) {
      extra += Self.extra(
        of: slowdown.isOfFabricAlone ? cost.fabric : cost.total, factor: slowdown.factor)
    }
    return extra
  }

  private func extra(
    of message: Send, at departure: EmulatedTime
  ) -> (serialization: EmulatedTime, latency: EmulatedTime) {
    var (serialization, latency) = (EmulatedTime.zero, EmulatedTime.zero)
    for link in faults.links where link.to == message.to && link.interval.contains(departure) {
      serialization += Self.extra(of: message.serialization, factor: link.serialization)
      latency += link.latency
    }
    return (serialization, latency)
  }

  /// The timeout of each loss of a message that is about to be sent.
  private mutating func timeouts(_ message: Send) -> [EmulatedTime] {
    guard !faults.losses.isEmpty else { return [] }
    let name = StreamName(to: message.to, stream: message.stream)
    let sequence = places[name, default: 0]
    places[name] = sequence + 1
    return faults.losses.filter { $0.to == message.to }.flatMap { loss in
      let count = loss.count(from: faults.rank, stream: message.stream, sequence: sequence)
      return Array(repeating: loss.timeout, count: count)
    }
  }

  private static func extra(of time: EmulatedTime, factor: Rational) -> EmulatedTime {
    EmulatedTime(
      picoseconds: Int64((Rational(Int128(time.picoseconds)) * (factor - Rational(1))).rounded))
  }
}
