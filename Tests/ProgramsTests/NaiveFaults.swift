import Hardware
import Programs
import Quantities

/// What faults add to one rank's work, written from the text of decision 12 and from nothing else.
struct NaiveFaults {
  private let faults: [Fault]
  private let rank: Int

  init(_ plan: FaultPlan, _ rank: Int) {
    faults = plan.faults.filter { $0.rank.index == rank }
    self.rank = rank
  }

  /// When work that could start at `time` does: after the first outage that it falls into or that falls into it,
  /// looked for anew until there is none.
  func start(_ time: Int64, lasting: (Int64) -> Int64) -> Int64 {
    var start = time
    while true {
      var first: (begins: Int64, ends: Int64)?
      for case .outage(let outage, _) in faults.map(\.kind) {
        let (begins, ends) = (outage.begins.picoseconds, outage.ends.picoseconds)
        guard start < ends, start >= begins || start + lasting(start) > begins else { continue }
        if first.map({ begins < $0.begins }) ?? true { first = (begins, ends) }
      }
      guard let first else { return start }
      start = first.ends
    }
  }

  func longer(_ cost: Cost, startingAt start: Int64) -> Int64 {
    var sum: Int64 = 0
    for fault in faults {
      let slowdown: RankFaults.Slowdown?
      switch fault.kind {
      case .slowdown(let one): slowdown = one
      case .outage(_, let one): slowdown = one
      case .link, .loss: slowdown = nil
      }
      guard let slowdown, Self.holds(slowdown.interval, start) else { continue }
      let base = slowdown.isOfFabricAlone ? cost.fabric : cost.total
      sum += Self.more(base, slowdown.factor)
    }
    return sum
  }

  func slowBytes(_ send: Send, _ departure: Int64) -> Int64 {
    links(send, departure).map { Self.more(send.serialization, $0.serialization) }.reduce(0, +)
  }

  func longWay(_ send: Send, _ departure: Int64) -> Int64 {
    links(send, departure).map(\.latency.picoseconds).reduce(0, +)
  }

  private func links(_ send: Send, _ departure: Int64) -> [RankFaults.SlowLink] {
    faults.compactMap {
      guard case .link(let link) = $0.kind, link.to == send.to,
        Self.holds(link.interval, departure)
      else { return nil }
      return link
    }
  }

  /// One timeout for each time that a message is lost.
  func timeouts(to: Int, _ stream: Stream, _ place: Int) -> [Int64] {
    var all: [Int64] = []
    for case .loss(let loss) in faults.map(\.kind) where loss.to.index == to {
      switch loss.which {
      case .message(let named, let sequence):
        if named == stream, sequence == place { all.append(loss.timeout.picoseconds) }
      case .chance(let chance, let seed):
        let name =
          seed &+ UInt64(rank) &* 0xD1B5_4A32_D192_ED03 &+ UInt64(to) &* 0xABC9_8388_FB8F_AC03
          &+ UInt64(stream.rawValue) &* 0x8CB9_2BA7_2F3D_8DD7
        for draw in 0..<16 {
          var numbers = SplitMix64(seed: name, first: place * 16 + draw)
          guard numbers.next() >> 32 < UInt64(chance) else { break }
          all.append(loss.timeout.picoseconds)
        }
      }
    }
    return all
  }

  private static func holds(_ interval: RankFaults.Interval, _ time: Int64) -> Bool {
    time >= interval.begins.picoseconds && time < interval.ends?.picoseconds ?? .max
  }

  private static func more(_ time: EmulatedTime, _ factor: Rational) -> Int64 {
    Int64((Rational(Int128(time.picoseconds)) * (factor - Rational(1))).rounded)
  }
}
