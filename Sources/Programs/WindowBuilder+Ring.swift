/// Collectives around a ring: p − 1 steps of a piece each, all ports busy throughout.
extension WindowBuilder {
  /// Step s: rank r sends piece r − s and adds its own to the piece r − s − 1 that it receives. In the
  /// end rank r holds piece r + 1, or with `shift` −1 piece r.
  mutating func ringReduceScatter(
    _ values: [Values], group: [Rank], region: Int, shift: Int = 0
  ) {
    let count = group.count
    func piece(_ index: Int) -> Int { (index + shift + 2 * count) % count }
    for step in 0..<count - 1 {
      for index in 0..<count {
        send(
          values[index][piece(index - step)], from: group[index],
          to: group[(index + 1) % count], stream: .collective)
      }
      for index in 0..<count {
        receiveAndSum(
          values[index][piece(index - step - 1)], at: group[index],
          from: group[(index + count - 1) % count], region: region)
      }
    }
  }

  /// Step s: rank r hands on the piece that it got last, starting with the one it owns.
  mutating func ringAllGather(
    _ values: [Values], group: [Rank], firstOwned: (Int) -> Int
  ) {
    let count = group.count
    func piece(_ index: Int, _ step: Int) -> Int { (firstOwned(index) - step + 2 * count) % count }
    for step in 0..<count - 1 {
      for index in 0..<count {
        send(
          values[index][piece(index, step)], from: group[index],
          to: group[(index + 1) % count], stream: .collective)
      }
      for index in 0..<count {
        let previous = (index + count - 1) % count
        receive(
          values[index][piece(previous, step)], at: group[index], from: group[previous],
          stream: .collective)
      }
    }
  }
}
