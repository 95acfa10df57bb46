import Hardware
import Programs
import Quantities

/// A few faults of every kind, at times of at most `most` picoseconds, at which small programs are under way.
public func randomFaults(
  topology: Topology, ranks: Int, most: Int64 = 20_000_000,
  using random: inout some RandomNumberGenerator
) -> FaultPlan {
  func time(_ most: Int64) -> EmulatedTime {
    EmulatedTime(picoseconds: Int64.random(in: 0...most, using: &random))
  }
  func interval() -> RankFaults.Interval {
    let begins = time(most)
    return RankFaults.Interval(
      from: begins, until: Bool.random(using: &random) ? nil : begins + time(most))
  }
  let factors = [Rational(1), Rational(3, over: 2), Rational(7, over: 3), Rational(10)]
  var faults: [Fault] = []
  for _ in 0..<Int.random(in: 1...6, using: &random) {
    let rank = Rank(Int.random(in: 0..<ranks, using: &random))
    let to = (0..<ranks).map { Rank($0) }.filter { topology.joins(rank, $0, ranks: ranks) }
      .randomElement(using: &random)
    switch (Int.random(in: 0..<6, using: &random), to) {
    case (0, let to?):
      faults.append(
        Fault(
          rank,
          .link(
            RankFaults.SlowLink(
              to: to, interval: interval(), latency: time(most / 4),
              serialization: factors.randomElement(using: &random)!))))
    case (1, let to?):
      faults.append(
        Fault(
          rank,
          .loss(
            RankFaults.Loss(
              to: to, timeout: time(most / 4),
              which: .chance(
                .random(in: 0...1 << 30, using: &random), seed: random.next())))))
    case (2, let to?):
      faults.append(
        Fault(
          rank,
          .loss(
            RankFaults.Loss(
              to: to, timeout: time(most / 4),
              which: .message(
                Stream.allCases.randomElement(using: &random)!,
                sequence: Int.random(in: 0...3, using: &random))))))
    case (3, _):
      let outage = RankFaults.Outage(begins: time(most), lasts: time(most / 2))
      let afterwards = RankFaults.Slowdown(
        interval: RankFaults.Interval(from: outage.ends),
        factor: factors.randomElement(using: &random)!, isOfFabricAlone: true)
      faults.append(Fault(rank, .outage(outage, afterwards: afterwards)))
    case (4, _):
      faults.append(
        Fault(
          rank,
          .outage(
            RankFaults.Outage(begins: time(most), lasts: time(most / 2)), afterwards: nil)))
    default:
      faults.append(
        Fault(
          rank,
          .slowdown(
            RankFaults.Slowdown(
              interval: interval(), factor: factors.randomElement(using: &random)!))))
    }
  }
  return FaultPlan(faults)
}
