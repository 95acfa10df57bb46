import Hardware

extension WindowDraft {
  /// A kernel that stands for several, and how often it has each of their prices.
  struct JoinedInstruction {
    let rank: Int32
    let place: Int32
    var prices: [(price: Int32, count: Int)]
  }

  /// Makes kernels of one region that follow each other, each needing nothing but what those before it made,
  /// one kernel of all their costs.
  ///
  /// No time, account or use of a resource changes: within such a chain the region is free exactly when the
  /// next kernel's input exists, so that none waits, and costs are sums of entries that are rounded each for
  /// itself. What is inside a chain no longer has a time of its own. Such a window is for evaluators alone.
  mutating func join() {
    var prices: [[Int32: Int32]] = Array(repeating: [:], count: window.ranks.count)
    for instruction in priced {
      prices[Int(instruction.rank)][instruction.place] = instruction.price
    }
    priced = []
    for rank in window.ranks.indices {
      var chain = Chain()
      var list: [Instruction] = []
      var places: [Int: Int] = [:]
      for (place, instruction) in window.ranks[rank].instructions.enumerated() {
        let price = prices[rank][Int32(place)]
        if case .compute(let work) = instruction {
          if chain.takes(work) {
            chain.add(work, price)
          } else {
            close(&chain, on: rank, into: &list)
            chain = Chain(work, price)
          }
        } else {
          close(&chain, on: rank, into: &list)
          places[place] = list.count
          list.append(instruction)
        }
      }
      close(&chain, on: rank, into: &list)
      window.ranks[rank].instructions = list
      for index in arrivals.indices where arrivals[index].rank == rank {
        arrivals[index].place = places[arrivals[index].place]!
      }
    }
  }

  private mutating func close(_ chain: inout Chain, on rank: Int, into list: inout [Instruction]) {
    guard let work = chain.joined else { return }
    if !chain.prices.isEmpty {
      joined.append(
        JoinedInstruction(
          rank: Int32(rank), place: Int32(list.count),
          prices: chain.prices.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }
    list.append(.compute(work))
    chain = Chain()
  }

  /// Kernels that are to be one.
  private struct Chain {
    private var first: Compute?
    private var last: Compute?
    private var length = 0
    /// Values that the chain made.
    private var made: Set<Int> = []
    /// How often it has each price.
    private(set) var prices: [Int32: Int] = [:]

    init() {}

    init(_ work: Compute, _ price: Int32?) {
      first = work
      add(work, price)
    }

    /// Whether a kernel begins when the chain ends, whatever happens elsewhere: it works on the same region, all
    /// that it needs was made by the chain, and some of it last.
    func takes(_ work: Compute) -> Bool {
      guard let last, last.region == work.region, last.batch == work.batch else { return false }
      let inputs = Array(work.input.indices) + Array(work.second.indices)
      return inputs.allSatisfy(made.contains)
        && inputs.contains { last.output.indices.contains($0) }
    }

    mutating func add(_ work: Compute, _ price: Int32?) {
      last = work
      length += 1
      made.formUnion(work.output.indices)
      if let price { prices[price, default: 0] += 1 }
    }

    /// The one kernel; `nil` of an empty chain. Only an embedding may read what nothing wrote, so that one stays
    /// one; of all others neither the kind nor the sizes matter any more.
    var joined: Compute? {
      guard var work = first, let last else { return nil }
      guard length > 1 else { return work }
      if work.kernel != .embed { work.kernel = .stage }
      work.output = last.output
      return work
    }
  }
}
