/// A line of PEs with the groups of its two-tree all-reduce.
///
/// With G groups of g = P/G PEs, values run down a chain of g/2 PEs from both sides to each group's
/// root, then down a chain over G/2 roots that lie g hops apart, and the sum returns by a broadcast
/// from the centre over P/2 hops (WaferLLM, OSDI'25). Counts are doubled so that they are whole.
struct MeshLine: Hashable, Sendable {
  /// PEs of the line, P.
  let length: Int
  /// Groups, G; they divide the line.
  let groups: Int
  /// Hops by which a way along the whole line is longer, where repair passes over dead PEs.
  let extraHops: Int

  /// Uses the published configuration of this length, else the largest divisor of P that is at most
  /// √P, which is what 10 of the 11 published ones are.
  init(length: Int, published: [Int: Int], extraHops: Int = 0) {
    self.length = length
    self.extraHops = extraHops
    groups = published[length] ?? Self.nearSquareDivisor(of: length)
  }

  /// Twice the steps of the chains of one all-reduce: g + G.
  var doubledChainSteps: Int { length / groups + groups }

  /// Twice the hops of one all-reduce: G·(g − 1) + P, and the extra hops of the line, all of which are
  /// taken to lie on its critical way.
  var doubledHops: Int { groups * (length / groups - 1) + length + 2 * extraHops }

  /// Most elements of a vector of `size` that one PE of the line holds, p(size) = ⌈size/P⌉.
  @inline(__always)
  func share(_ size: Int) -> Int { (size + length - 1) / length }

  /// Σ p(i) for i in `1...size`: every P sizes the share grows by one.
  func sumOfShares(through size: Int) -> Int {
    let (full, rest) = size.quotientAndRemainder(dividingBy: length)
    return length * full * (full + 1) / 2 + rest * (full + 1)
  }

  static func nearSquareDivisor(of length: Int) -> Int {
    var best = 1
    var candidate = 1
    while candidate * candidate <= length {
      if length % candidate == 0 { best = candidate }
      candidate += 1
    }
    return best
  }
}
