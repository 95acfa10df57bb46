/// Collectives along a binomial tree.
extension WindowBuilder {
  /// Binomial: at distance 2ᵏ, ranks with that bit lowest set hand their sum to the rank without it.
  mutating func treeReduce(_ values: [Values], group: [Rank], region: Int) {
    var distance = 1
    while distance < group.count {
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        send(
          values[index], from: group[index], to: group[index - distance], stream: .collective)
      }
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        receiveAndSum(
          values[index - distance], at: group[index - distance], from: group[index],
          region: region)
      }
      distance *= 2
    }
  }

  /// From the first rank, largest distance first.
  mutating func treeBroadcast(_ values: [Values], group: [Rank]) {
    var distance = 1
    while distance < group.count { distance *= 2 }
    while distance > 1 {
      distance /= 2
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        send(
          values[index - distance], from: group[index - distance], to: group[index],
          stream: .collective)
      }
      for index in stride(from: distance, to: group.count, by: 2 * distance) {
        receive(
          values[index], at: group[index], from: group[index - distance], stream: .collective)
      }
    }
  }
}
