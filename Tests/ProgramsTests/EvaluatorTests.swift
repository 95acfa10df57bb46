import Programs
import Quantities
import TestSupport
import Testing

@Suite("Evaluator")
struct EvaluatorTests {
  private static let seeds: Range<UInt64> = 0..<400

  @Test("the evaluator equals the naive simulator on random programs, accounts included")
  func equalsNaiveSimulator() throws {
    for seed in Self.seeds {
      let program = RandomProgram(seed: seed)
      var random = SeededGenerator(seed: seed + 1)
      let naive = try NaiveSimulator(program.windows, random: &random)
      try expectEqual(program.windows, naive, "seed \(seed)")
    }
  }

  @Test("what order ranks are looked at in makes no difference")
  func orderMakesNoDifference() throws {
    for seed in Self.seeds.prefix(60) {
      let program = RandomProgram(seed: seed)
      var random = SeededGenerator(seed: seed)
      let first = try NaiveSimulator(program.windows, random: &random)
      for _ in 0..<3 {
        let again = try NaiveSimulator(program.windows, random: &random)
        #expect(again.outputs == first.outputs && again.values == first.values, "seed \(seed)")
      }
    }
  }

  @Test("renaming the ranks renames the results, so the walk's order does not show")
  func relabelled() throws {
    for seed in Self.seeds.prefix(100) {
      // Sets break ties by source rank, so only programs without them keep their times.
      let windows = RandomProgram(seed: seed).windows.map { window in
        var window = window
        for rank in window.ranks.indices {
          window.ranks[rank].instructions.removeAll {
            if case .receiveSet = $0 { true } else { false }
          }
        }
        return window
      }
      var random = SeededGenerator(seed: seed)
      let names = Array(windows[0].ranks.indices).shuffled(using: &random)
      let renamed = windows.map { rename($0, names) }
      var evaluator = Evaluator(ranks: names.count)
      var other = Evaluator(ranks: names.count)
      for (window, twin) in zip(windows, renamed) {
        #expect(evaluator.run(window) == other.run(twin), "seed \(seed)")
      }
    }
  }

  private func rename(_ window: Window, _ names: [Int]) -> Window {
    var renamed = window
    for (old, new) in names.enumerated() {
      renamed.ranks[new] = window.ranks[old]
      for (place, instruction) in window.ranks[old].instructions.enumerated() {
        switch instruction {
        case .send(var send):
          send.to = Rank(names[send.to.index])
          renamed.ranks[new].instructions[place] = .send(send)
        case .receive(var receive):
          receive.from = Rank(names[receive.from.index])
          renamed.ranks[new].instructions[place] = .receive(receive)
        case .compute, .receiveSet, .arrive: break
        }
      }
    }
    for index in renamed.outputs.indices {
      renamed.outputs[index].rank = Rank(names[window.outputs[index].rank.index])
    }
    return renamed
  }

  @Test("a delayed message changes every time as the naive simulator says")
  func delays() throws {
    for seed in Self.seeds.prefix(200) {
      let program = RandomProgram(seed: seed)
      var random = SeededGenerator(seed: seed + 7)
      var sent: [NaiveSimulator.StreamName: Int] = [:]
      for window in program.windows {
        for (rank, list) in window.ranks.enumerated() {
          for case .send(let send) in list.instructions {
            sent[.init(from: rank, to: send.to.index, stream: send.stream), default: 0] += 1
          }
        }
      }
      let names = sent.keys.sorted {
        ($0.from, $0.to, $0.stream.rawValue) < ($1.from, $1.to, $1.stream.rawValue)
      }
      guard let name = names.randomElement(using: &random) else { continue }
      let sequence = Int.random(in: 0..<sent[name]!, using: &random)
      let by = [1, 15, 1000].randomElement(using: &random)!
      let naive = try NaiveSimulator(
        program.windows, delays: [name: [sequence: Int64(by)]], random: &random)
      let delay = Evaluator.Delay(
        from: Rank(name.from), to: Rank(name.to), stream: name.stream, sequence: sequence,
        by: EmulatedTime(picoseconds: Int64(by)))
      try expectEqual(program.windows, naive, delays: [delay], "seed \(seed)")
    }
  }

  @Test("traffic counts every send, its bytes, and the time its port worked")
  func traffic() {
    for seed in Self.seeds.prefix(100) {
      let program = RandomProgram(seed: seed)
      var evaluator = Evaluator(ranks: program.windows[0].ranks.count)
      var expected: [[Int]: (messages: Int, bytes: Int, busy: Int64)] = [:]
      for window in program.windows {
        _ = evaluator.run(window)
        for (rank, list) in window.ranks.enumerated() {
          for case .send(let send) in list.instructions {
            var total = expected[[rank, send.to.index]] ?? (0, 0, 0)
            total.messages += 1
            total.bytes += send.bytes
            total.busy += (send.overhead + send.serialization).picoseconds
            expected[[rank, send.to.index]] = total
          }
        }
      }
      let links = evaluator.traffic.links
      #expect(links.count == expected.count)
      for link in links {
        let total = expected[[link.from.index, link.to.index]]!
        #expect(link.total.messages == total.messages)
        #expect(link.total.bytes == total.bytes)
        #expect(link.total.busy.picoseconds == total.busy)
      }
    }
  }

  @Test("the number of instructions is that of the program")
  func instructionCount() {
    for seed in Self.seeds.prefix(50) {
      let program = RandomProgram(seed: seed)
      var evaluator = Evaluator(ranks: program.windows[0].ranks.count)
      for window in program.windows { _ = evaluator.run(window) }
      let expected = program.windows.flatMap(\.ranks).reduce(0) { $0 + $1.instructions.count }
      #expect(evaluator.instructions == expected)
    }
  }

  @Test("a copy of an evaluator goes its own way")
  func copies() {
    for seed in Self.seeds.prefix(50) {
      let program = RandomProgram(seed: seed)
      var evaluator = Evaluator(ranks: program.windows[0].ranks.count)
      var earlier: [(Evaluator, Int)] = []
      var results: [[Stamp]] = []
      for (index, window) in program.windows.enumerated() {
        earlier.append((evaluator, index))
        results.append(evaluator.run(window))
      }
      for (copy, index) in earlier {
        var copy = copy
        #expect(copy.run(program.windows[index]) == results[index])
      }
    }
  }

  /// Holds outputs window by window, and all values in the end, against the naive simulator's.
  private func expectEqual(
    _ windows: [Window], _ naive: NaiveSimulator, delays: [Evaluator.Delay] = [],
    _ comment: Comment
  ) throws {
    var check = ProgramCheck(ranks: windows[0].ranks.count)
    var evaluator = Evaluator(ranks: windows[0].ranks.count, delays: delays)
    for (index, window) in windows.enumerated() {
      try check.check(window)
      let outputs = evaluator.run(window)
      #expect(outputs.map { NaiveSimulator.Moment($0) } == naive.outputs[index], comment)
    }
    try check.finish()
    for (rank, clock) in evaluator.clocks.enumerated() {
      for (index, stamp) in clock.values.enumerated() {
        #expect(stamp.account.total == stamp.time, comment)
        #expect(
          NaiveSimulator.Moment(stamp) == naive.values[rank][index] ?? .init(), comment)
      }
    }
  }
}
