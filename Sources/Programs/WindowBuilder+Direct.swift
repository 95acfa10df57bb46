/// Collectives in which every rank sends to every other: one latency, all pieces through one port.
extension WindowBuilder {
  /// Each rank gets the others' parts of its own piece as one set, and sums them in rank order.
  mutating func directReduceScatter(_ values: [Values], group: [Rank], region: Int) {
    let count = group.count
    for index in 0..<count {
      for step in 1..<count {
        let peer = (index + step) % count
        send(values[index][peer], from: group[index], to: group[peer], stream: .collective)
      }
    }
    for index in 0..<count {
      let own = values[index][index]
      let scratch = scratch(like: own, copies: count - 1, on: group[index])
      let members = (0..<count - 1).map { place in
        (values: scratch[place], from: group[place < index ? place : place + 1])
      }
      receiveSet(members, at: group[index], stream: .collective)
      compute(
        Compute(
          .sumInRankOrder, argument: index, region: region, input: scratch, second: own,
          output: own),
        on: group[index])
    }
  }

  /// Every rank gives its own piece to all others: an all-gather's pieces, or the candidates of a
  /// vocabulary's shards.
  mutating func exchange(_ values: [Values], group: [Rank], stream: Stream) {
    let count = group.count
    for index in 0..<count {
      for step in 1..<count {
        let peer = (index + step) % count
        send(values[index][index], from: group[index], to: group[peer], stream: stream)
      }
    }
    for index in 0..<count {
      receiveFromAll(values[index], at: index, group: group, stream: stream)
    }
  }

  /// Receives into place i the message of the i-th rank, for every other rank.
  mutating func receiveFromAll(
    _ values: Values, at index: Int, group: [Rank], stream: Stream
  ) {
    let members = group.indices.filter { $0 != index }.map {
      (values: values[$0], from: group[$0])
    }
    receiveSet(members, at: group[index], stream: stream)
  }
}
