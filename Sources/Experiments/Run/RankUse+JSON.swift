import Programs
import Quantities

extension RankUse {
  /// How the rank used its time, and which part of `total` each of its resources worked; part of the
  /// emulated document.
  func json(of total: EmulatedTime) -> JSONValue {
    func resources(_ name: String, _ busy: [EmulatedTime]) -> JSONValue {
      .array(
        busy.enumerated().filter { $0.element > .zero }.map { index, time in
          [
            name: .integer(index), "busy_ps": .picoseconds(time),
            "utilisation": .share(time, of: total),
          ]
        })
    }
    return [
      "rank": .integer(rank.index),
      "end_ps": .picoseconds(end),
      "busy_ps": .picoseconds(computing + sending),
      "computing_ps": .picoseconds(computing),
      "sending_ps": .picoseconds(sending),
      "stalled_ps": .picoseconds(stalled.total),
      "stalled_peer_late_ps": .picoseconds(stalled.peerLate),
      "stalled_in_flight_ps": [
        "queue": .picoseconds(stalled.queue),
        "serialization": .picoseconds(stalled.serialization),
        "latency": .picoseconds(stalled.latency),
        "overhead": .picoseconds(stalled.overhead),
      ],
      "idle_ps": .picoseconds(idle),
      "regions": resources("region", regions),
      "egress": resources("port", egress),
      "ingress": resources("port", ingress),
    ]
  }
}

extension JSONValue {
  /// A part of a time, to nine digits; 0 of nothing.
  static func share(_ part: EmulatedTime, of whole: EmulatedTime) -> JSONValue {
    guard whole > .zero else { return .integer(0) }
    return .rounded(
      Rational(Int128(part.picoseconds), over: Int128(whole.picoseconds)), digits: 9)
  }
}
