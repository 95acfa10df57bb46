import Hardware
import Programs
import Quantities

/// Figures of their own for some links of a topology: none, for half of all seeds.
public func randomOverrides(
  topology: Topology, ranks: Int, using random: inout some RandomNumberGenerator
) -> [LinkOverride] {
  guard ranks > 1, Bool.random(using: &random) else { return [] }
  var overrides: [LinkOverride] = []
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    let from = Rank(Int.random(in: 0..<ranks, using: &random))
    let to = Rank(Int.random(in: 0..<ranks, using: &random))
    guard topology.joins(from, to, ranks: ranks),
      !overrides.contains(where: { $0.ends == .init(from: from, to: to) })
    else { continue }
    func time() -> EmulatedTime? {
      Bool.random(using: &random)
        ? nil : EmulatedTime(picoseconds: Int64.random(in: 0...9_000_000, using: &random))
    }
    overrides.append(
      LinkOverride(
        from: from, to: to, latency: time(),
        bandwidth: Bool.random(using: &random)
          ? nil : Rational(Int.random(in: 1_000_000...1 << 36, using: &random)),
        sendOverhead: time(), receiveOverhead: time()))
  }
  return overrides
}

/// A speed for each rank: 1 for most, and for all of half of the seeds.
public func randomSpeeds(ranks: Int, using random: inout some RandomNumberGenerator) -> [Rational] {
  guard Bool.random(using: &random) else { return Array(repeating: Rational(1), count: ranks) }
  let speeds = [Rational(1), Rational(1), Rational(4, over: 5), Rational(1, over: 3), Rational(2)]
  return (0..<ranks).map { _ in speeds.randomElement(using: &random)! }
}

extension Cost {
  /// What it costs at a speed: each entry rounded once.
  public func at(speed: Rational) -> Cost {
    func scaled(_ time: EmulatedTime) -> EmulatedTime {
      EmulatedTime(picoseconds: Int64((Rational(Int128(time.picoseconds)) / speed).rounded))
    }
    return Cost(compute: scaled(compute), fabric: scaled(fabric), memory: scaled(memory))
  }
}
