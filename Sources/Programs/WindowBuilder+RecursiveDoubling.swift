/// All-reduces of log₂ p exchanges with partners at doubling distances (Thakur, Rabenseifner, Gropp,
/// IJHPCA 19(1) 2005).
extension WindowBuilder {
  /// The largest power of two that is not above a count.
  static func powerOfTwo(notAbove count: Int) -> Int {
    var power = 1
    while power * 2 <= count { power *= 2 }
    return power
  }

  /// Ranks beyond the largest power of two first hand their vector to a partner, and get the result
  /// back in the end.
  private mutating func folded(
    _ values: [Values], group: [Rank], region: Int, body: (inout WindowBuilder, Int) -> Void
  ) {
    let core = Self.powerOfTwo(notAbove: group.count)
    for extra in core..<group.count {
      let partner = extra - core
      send(values[extra], from: group[extra], to: group[partner], stream: .collective)
    }
    for extra in core..<group.count {
      let partner = extra - core
      receiveAndSum(values[partner], at: group[partner], from: group[extra], region: region)
    }
    body(&self, core)
    for extra in core..<group.count {
      let partner = extra - core
      send(values[partner], from: group[partner], to: group[extra], stream: .collective)
    }
    for extra in core..<group.count {
      let partner = extra - core
      receive(values[extra], at: group[extra], from: group[partner], stream: .collective)
    }
  }

  /// The whole vector each time.
  mutating func recursiveDoubling(_ values: [Values], group: [Rank], region: Int) {
    folded(values, group: group, region: region) { builder, core in
      var distance = 1
      while distance < core {
        for index in 0..<core {
          builder.send(
            values[index], from: group[index], to: group[index ^ distance], stream: .collective)
        }
        for index in 0..<core {
          builder.receiveAndSum(
            values[index], at: group[index], from: group[index ^ distance], region: region)
        }
        distance *= 2
      }
    }
  }

  /// Halves that shrink while they are summed, then grow while they are gathered.
  mutating func rabenseifner(_ values: [Values], group: [Rank], region: Int) {
    folded(values, group: group, region: region) { builder, core in
      // Halving: of the range of pieces it still sums, a rank keeps the half that its own is in.
      var distance = core / 2
      while distance >= 1 {
        func kept(_ index: Int) -> Range<Int> {
          let start = index & ~(distance - 1)
          return start..<start + distance
        }
        for index in 0..<core {
          let peer = index ^ distance
          builder.send(
            values[index][kept(peer)], from: group[index], to: group[peer], stream: .collective)
        }
        for index in 0..<core {
          builder.receiveAndSum(
            values[index][kept(index)], at: group[index], from: group[index ^ distance],
            region: region)
        }
        distance /= 2
      }
      // Doubling: the ranges grow back, now with whole sums.
      distance = 1
      while distance < core {
        func owned(_ index: Int) -> Range<Int> {
          let start = index & ~(distance - 1)
          return start..<start + distance
        }
        for index in 0..<core {
          builder.send(
            values[index][owned(index)], from: group[index], to: group[index ^ distance],
            stream: .collective)
        }
        for index in 0..<core {
          let peer = index ^ distance
          builder.receive(
            values[index][owned(peer)], at: group[index], from: group[peer], stream: .collective)
        }
        distance *= 2
      }
    }
  }
}
