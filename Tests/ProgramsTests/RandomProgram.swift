import Hardware
import Programs
import Quantities
import TestSupport

/// Programs that make no sense but are valid: computes on several regions, messages on all streams,
/// sets, ports, both hold modes, nothing-sized messages, and small numbers so that times tie often.
///
/// A program is written in one global order in which every send stands before its receive, so it
/// cannot deadlock; ranks only keep their own part of that order.
struct RandomProgram {
  private(set) var windows: [Window] = []
  private var random: SeededGenerator
  private var tables: [[ValuePlace]]
  private var instructions: [[Instruction]]
  private var underWay: [(from: Int, to: Int, stream: Stream, elements: Int, cost: EmulatedTime)] =
    []
  private let rankCount: Int

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    rankCount = Int.random(in: 1...6, using: &random)
    tables = Array(repeating: [], count: rankCount)
    instructions = Array(repeating: [], count: rankCount)
    for rank in 0..<rankCount {
      for _ in 0..<Int.random(in: 1...5, using: &random) { _ = allocate(number(0...4), on: rank) }
      instructions[rank].append(
        .compute(
          Compute(
            .fill, input: .none, output: Values(first: 0, count: tables[rank].count),
            cost: cost())))
    }
    let windowCount = number(1...3)
    for window in 0..<windowCount {
      for _ in 0..<number(0...60) { act() }
      if window == windowCount - 1 { while !underWay.isEmpty { receive() } }
      close(index: window)
    }
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  /// Often zero, often the same.
  private mutating func time() -> EmulatedTime {
    EmulatedTime(picoseconds: [0, 0, 10, 10, 20, 30, 7][number(0...6)])
  }

  private mutating func cost() -> Cost {
    Cost(compute: time(), fabric: time(), memory: time())
  }

  private mutating func allocate(_ elements: Int, on rank: Int) -> Values {
    tables[rank].append(
      ValuePlace(buffer: tables[rank].count, offset: 0, elements: elements))
    return Values(first: tables[rank].count - 1, count: 1)
  }

  private mutating func someValues(on rank: Int) -> Values {
    let first = number(0...tables[rank].count - 1)
    return Values(first: first, count: number(0...min(3, tables[rank].count - first)))
  }

  private mutating func act() {
    switch number(0...9) {
    case 0...2: compute()
    case 3...6: if rankCount > 1 { send() } else { compute() }
    default: if underWay.isEmpty { compute() } else { receive() }
    }
  }

  private mutating func compute() {
    let rank = number(0...rankCount - 1)
    instructions[rank].append(
      .compute(
        Compute(
          .stage, region: number(0...2), input: someValues(on: rank),
          second: someValues(on: rank), output: someValues(on: rank), cost: cost())))
  }

  private mutating func send() {
    let from = number(0...rankCount - 1)
    let to = (from + number(1...rankCount - 1)) % rankCount
    let values = someValues(on: from)
    let elements = values.indices.reduce(0) { $0 + tables[from][$1].elements }
    let stream = Stream.allCases[number(0...3)]
    let serialization = time()
    instructions[from].append(
      .send(
        Send(
          to: Rank(to), stream: stream, port: Int32(number(0...1)),
          holdsPortUntilDelivery: number(0...3) == 0, values: values, elements: elements,
          bytes: 2 * elements, overhead: time(), serialization: serialization, latency: time())))
    underWay.append((from, to, stream, elements, serialization))
  }

  /// Takes the oldest message of a random stream, or a set of messages for one rank.
  private mutating func receive() {
    let to = underWay[number(0...underWay.count - 1)].to
    let count = number(0...2) == 0 ? number(1...4) : 1
    var members: [Instruction] = []
    var written = Set<Int32>()
    while members.count < count, let picked = pick(to: to) {
      let message = underWay.remove(at: picked)
      let target = target(of: message.elements, on: to, except: written)
      written.insert(target.first)
      members.append(
        .receive(
          Receive(
            from: Rank(message.from), stream: message.stream, port: Int32(number(0...1)),
            values: target, elements: message.elements,
            bytes: 2 * message.elements, serialization: message.cost, overhead: time())))
    }
    if count > 1 { instructions[to].append(.receiveSet(count: members.count)) }
    instructions[to] += members
  }

  /// A message for a rank that is the oldest of its stream.
  private mutating func pick(to: Int) -> Int? {
    let heads = underWay.indices.filter { index in
      underWay[index].to == to
        && !underWay[..<index].contains {
          ($0.from, $0.to, $0.stream) == (underWay[index].from, to, underWay[index].stream)
        }
    }
    return heads.randomElement(using: &random)
  }

  /// A value that is there already, or a new one.
  private mutating func target(
    of elements: Int, on rank: Int, except written: Set<Int32>
  ) -> Values {
    let alike = tables[rank].indices.filter {
      tables[rank][$0].elements == elements && !written.contains(Int32($0))
    }
    guard number(0...3) > 0, let found = alike.randomElement(using: &random) else {
      return allocate(elements, on: rank)
    }
    return Values(first: found, count: 1)
  }

  private mutating func close(index: Int) {
    let outputs = (0..<rankCount).map { rank in
      Window.Output(rank: Rank(rank), value: number(0...tables[rank].count - 1), batch: 0)
    }
    windows.append(
      Window(
        index: index, batches: [],
        ranks: (0..<rankCount).map {
          RankWindow(values: tables[$0], instructions: instructions[$0])
        }, outputs: outputs))
    instructions = Array(repeating: [], count: rankCount)
  }
}
