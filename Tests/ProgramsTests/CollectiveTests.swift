import Hardware
import Quantities
import TestSupport
import Testing

@testable import Programs

/// Executes a collective's program on numbers, as plainly as it can be done.
struct NumberMachine {
  /// numbers[rank][value].
  var numbers: [[[Float]]]

  init(_ window: Window, fill: (_ rank: Int, _ place: Int) -> Float) throws {
    numbers = window.ranks.map { $0.values.map { Array(repeating: .nan, count: $0.elements) } }
    var messages: [NaiveSimulator.StreamName: [[Float]]] = [:]
    var positions = window.ranks.map { _ in 0 }
    var moved = true
    while moved {
      moved = false
      for rank in window.ranks.indices {
        while positions[rank] < window.ranks[rank].instructions.count {
          switch window.ranks[rank].instructions[positions[rank]] {
          case .compute(let work): compute(work, rank, fill)
          case .arrive: Issue.record("a collective with an arrival")
          case .send(let send):
            messages[.init(from: rank, to: send.to.index, stream: send.stream), default: []].append(
              send.values.indices.flatMap { numbers[rank][$0] })
          case .receive(let receive):
            let name = NaiveSimulator.StreamName(
              from: receive.from.index, to: rank, stream: receive.stream)
            guard let message = messages[name]?.first else { break }
            messages[name]!.removeFirst()
            var rest = message[...]
            for value in receive.values.indices {
              numbers[rank][value] = Array(rest.prefix(numbers[rank][value].count))
              rest = rest.dropFirst(numbers[rank][value].count)
            }
            #expect(rest.isEmpty)
            positions[rank] += 1
            moved = true
            continue
          case .receiveSet: break
          }
          if case .receive = window.ranks[rank].instructions[positions[rank]] { break }
          positions[rank] += 1
          moved = true
        }
      }
    }
    #expect(positions == window.ranks.map(\.instructions.count))
  }

  private mutating func compute(_ work: Compute, _ rank: Int, _ fill: (Int, Int) -> Float) {
    switch work.kernel {
    case .fill:
      var place = 0
      for value in work.output.indices {
        for index in numbers[rank][value].indices {
          numbers[rank][value][index] = fill(rank, place)
          place += 1
        }
      }
    case .sum:
      for (out, (a, b)) in zip(work.output.indices, zip(work.input.indices, work.second.indices)) {
        numbers[rank][out] = zip(numbers[rank][a], numbers[rank][b]).map { $0 + $1 }
      }
    case .sumInRankOrder:
      var terms = work.input.indices.map { numbers[rank][$0] }
      terms.insert(numbers[rank][Int(work.second.first)], at: Int(work.argument))
      numbers[rank][Int(work.output.first)] = terms.dropFirst().reduce(terms[0]) {
        zip($0, $1).map { $0 + $1 }
      }
    case .copy:
      for (out, value) in zip(work.output.indices, work.input.indices) {
        numbers[rank][out] = numbers[rank][value]
      }
    default: Issue.record("\(work.kernel) in a collective")
    }
  }

  func result(_ values: Values, _ rank: Int) -> [Float] {
    values.indices.flatMap { numbers[rank][$0] }
  }
}

@Suite("Collectives")
struct CollectiveTests {
  private static let wires = Wires(
    link: Link(
      latency: EmulatedTime(picoseconds: 1000), bandwidth: Rational(1_000_000_000),
      sendOverhead: EmulatedTime(picoseconds: 7), receiveOverhead: EmulatedTime(picoseconds: 3)),
    ranks: 9, activationBytes: 2)

  @Test(
    "every algorithm leaves what its operation says, for every small group and length",
    arguments: CollectiveOperation.allCases)
  func results(operation: CollectiveOperation) throws {
    for algorithm in operation.algorithms {
      for ranks in 1...9 {
        for elements in [1, 2, 5, 8, 9, 31] {
          let program = CollectiveProgram(
            operation, algorithm: algorithm, ranks: ranks, elements: elements, wires: Self.wires)
          var check = ProgramCheck(ranks: ranks)
          try check.check(program.window)
          try check.finish()
          // Whole numbers, so that the order of sums does not matter here.
          let machine = try NumberMachine(program.window) { Float($0 * 100 + $1) }
          for rank in 0..<ranks {
            let expected = Self.expected(operation, rank: rank, ranks: ranks, elements: elements)
            #expect(
              machine.result(program.results[rank], rank) == expected,
              "\(operation) \(algorithm) \(ranks) \(elements) rank \(rank)")
          }
        }
      }
    }
  }

  static func expected(
    _ operation: CollectiveOperation, rank: Int, ranks: Int, elements: Int
  ) -> [Float] {
    func piece(_ index: Int) -> Range<Int> {
      let (size, extra) = elements.quotientAndRemainder(dividingBy: ranks)
      let start = index * size + min(index, extra)
      return start..<start + size + (index < extra ? 1 : 0)
    }
    func own(_ rank: Int, _ place: Int) -> Float { Float(rank * 100 + place) }
    func sum(_ place: Int) -> Float { (0..<ranks).reduce(0) { $0 + own($1, place) } }
    return switch operation {
    case .allReduce: (0..<elements).map(sum)
    case .reduceScatter: piece(rank).map(sum)
    case .allGather: (0..<ranks).flatMap { source in piece(source).map { own(source, $0) } }
    case .allToAll: (0..<ranks).flatMap { source in piece(rank).map { own(source, $0) } }
    case .broadcast: (0..<elements).map { own(0, $0) }
    }
  }

  @Test("an all-reduce leaves the same bits on every rank, whatever the order of its sums")
  func sameBits() throws {
    for algorithm in CollectiveOperation.allReduce.algorithms {
      for ranks in 2...9 {
        let program = CollectiveProgram(
          .allReduce, algorithm: algorithm, ranks: ranks, elements: 23, wires: Self.wires)
        var random = SeededGenerator(seed: UInt64(ranks))
        let numbers = (0..<ranks).map { _ in
          (0..<23).map { _ in
            Float.random(in: -1...1, using: &random) * (Bool.random(using: &random) ? 1e4 : 1e-3)
          }
        }
        let machine = try NumberMachine(program.window) { numbers[$0][$1] }
        let first = machine.result(program.results[0], 0).map(\.bitPattern)
        for rank in 1..<ranks {
          #expect(
            machine.result(program.results[rank], rank).map(\.bitPattern) == first,
            "\(algorithm) \(ranks)")
        }
      }
    }
  }

  @Test("direct sums in rank order, never in the order of arrival")
  func rankOrder() throws {
    // One rank's large number swallows what is added after it: only rank order gives 1.
    let program = CollectiveProgram(
      .allReduce, algorithm: .direct, ranks: 4, elements: 4, wires: Self.wires)
    let terms: [Float] = [1e8, 1, -1e8, 1]
    let machine = try NumberMachine(program.window) { rank, _ in terms[rank] }
    for rank in 0..<4 { #expect(machine.result(program.results[rank], rank) == [1, 1, 1, 1]) }
  }

  @Test("a rank needs scratch for one all-reduce, however many there are")
  func scratchIsShared() {
    for algorithm in CollectiveOperation.allReduce.algorithms {
      let group = (0..<6).map { Rank($0) }
      func valuesAfter(_ times: Int) -> Int {
        var builder = WindowBuilder(ranks: 6, wires: Self.wires)
        let pieces = WindowBuilder.pieces(
          of: 50, operation: .allReduce, algorithm: algorithm, group: 6)
        let values = group.map { builder.allocate(pieces, on: $0) }
        for _ in 0..<times { builder.allReduce(values, group: group, algorithm: algorithm) }
        return builder.ranks.reduce(0) { $0 + $1.values.count }
      }
      #expect(valuesAfter(5) == valuesAfter(1))
    }
  }
}
