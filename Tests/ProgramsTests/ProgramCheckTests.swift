import Hardware
import Models
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Program check")
struct ProgramCheckTests {
  // MARK: Small programs by hand

  private static let value = Values(first: 0, count: 1)

  private static func fill(_ values: Values = value) -> Instruction {
    .compute(Compute(.fill, input: .none, output: values))
  }

  private static func send(
    to: Int, _ stream: Programs.Stream = .activation, elements: Int = 4, bytes: Int? = nil
  ) -> Instruction {
    .send(
      Send(
        to: Rank(to), stream: stream, port: 0, holdsPortUntilDelivery: false, values: value,
        elements: elements, bytes: bytes ?? 2 * elements, overhead: .zero, serialization: .zero,
        latency: .zero))
  }

  private static func receive(
    from: Int, _ stream: Programs.Stream = .activation, elements: Int = 4, bytes: Int? = nil
  ) -> Instruction {
    .receive(
      Receive(
        from: Rank(from), stream: stream, port: 0, values: value, elements: elements,
        bytes: bytes ?? 2 * elements, serialization: .zero, overhead: .zero))
  }

  private static func window(
    _ lists: [Instruction]..., elements: [Int] = [], outputs: [Window.Output] = [],
    batches: [Batch] = [], index: Int = 0
  ) -> Window {
    Window(
      index: index, batches: batches,
      ranks: lists.enumerated().map { rank, list in
        let size = rank < elements.count ? elements[rank] : 4
        return RankWindow(
          values: [ValuePlace(buffer: 0, offset: 0, elements: size)], instructions: list)
      }, outputs: outputs)
  }

  private static func error(_ windows: Window...) -> ProgramError? {
    var check = ProgramCheck(ranks: windows[0].ranks.count)
    do {
      for window in windows { try check.check(window) }
      try check.finish()
      return nil
    } catch {
      return error
    }
  }

  /// Why a rank's own list is malformed, with its instruction.
  private static func reason(_ window: Window) -> (instruction: Int?, reason: String)? {
    guard case .malformed(_, _, let instruction, let reason) = error(window) else { return nil }
    return (instruction, reason)
  }

  @Test("a plain exchange passes")
  func valid() {
    #expect(
      Self.error(
        Self.window(
          [Self.fill(), Self.send(to: 1), Self.receive(from: 1)],
          [Self.fill(), Self.send(to: 0), Self.receive(from: 0)])) == nil)
  }

  @Test("another number of elements is found, with both numbers")
  func elementMismatch() throws {
    let error = try #require(
      Self.error(
        Self.window(
          [Self.fill(), Self.send(to: 1, elements: 4)], [Self.receive(from: 0, elements: 5)],
          elements: [4, 5])))
    #expect(
      error.description == "window 0: rank 0 sends 4 elements (8 bytes) on stream activation to "
        + "rank 1, which receives 5 (10 bytes)")
  }

  @Test("another number of elements is found even when the bytes agree")
  func elementMismatchOfEqualBytes() {
    #expect(
      Self.error(
        Self.window(
          [Self.fill(), Self.send(to: 1, elements: 4, bytes: 8)],
          [Self.receive(from: 0, elements: 2, bytes: 8)], elements: [4, 2]))
        == .mismatch(
          window: 0, from: Rank(0), to: Rank(1), stream: .activation, sent: 4, received: 2,
          bytesSent: 8, bytesReceived: 8))
  }

  @Test("one byte apart is found")
  func byteMismatch() {
    #expect(
      Self.error(
        Self.window(
          [Self.fill(), Self.send(to: 1, bytes: 8)], [Self.receive(from: 0, bytes: 9)]))
        == .mismatch(
          window: 0, from: Rank(0), to: Rank(1), stream: .activation, sent: 4, received: 4,
          bytesSent: 8, bytesReceived: 9))
  }

  @Test("a message that nobody receives is found in the end, and only then")
  func missingReceive() {
    #expect(
      Self.error(Self.window([Self.fill(), Self.send(to: 1, .token)], []))
        == .unreceived(from: Rank(0), to: Rank(1), stream: .token, messages: 1, bytes: 8))
    #expect(
      Self.error(
        Self.window([Self.fill(), Self.send(to: 1)], []),
        Self.window([], [Self.receive(from: 0)], index: 1)) == nil)
  }

  @Test("a message that nobody sends: the deadlock names rank, peer, stream and bytes")
  func missingSend() throws {
    let error = try #require(Self.error(Self.window([], [Self.receive(from: 0, .collective)])))
    #expect(
      error.description
        == "window 0: deadlock: rank 1 waits for 8 bytes on stream collective from rank 0")
  }

  @Test("two ranks that first receive, then send, wait for each other")
  func crossedReceives() {
    let error = Self.error(
      Self.window(
        [Self.fill(), Self.receive(from: 1), Self.send(to: 1)],
        [Self.fill(), Self.receive(from: 0), Self.send(to: 0)]))
    #expect(
      error
        == .deadlock(
          window: 0,
          waiting: [
            .init(rank: Rank(0), peer: Rank(1), stream: .activation, bytes: 8),
            .init(rank: Rank(1), peer: Rank(0), stream: .activation, bytes: 8),
          ]))
  }

  @Test("a deadlock of many ranks lists the first and counts the rest")
  func longDeadlock() throws {
    let lists = (0..<20).map { _ in [Instruction]() }
    var window = Window(index: 3, batches: [], ranks: lists.map { RankWindow(instructions: $0) })
    for rank in 0..<20 {
      window.ranks[rank].values = [ValuePlace(buffer: 0, offset: 0, elements: 4)]
      window.ranks[rank].instructions = [Self.receive(from: (rank + 1) % 20)]
    }
    let text = try #require(Self.error(window)).description
    #expect(text.hasPrefix("window 3: deadlock: rank 0 waits for 8 bytes"))
    #expect(text.hasSuffix("; and 12 more"))
  }

  @Test("a rank has no messages for itself, nor for ranks that are not there")
  func peers() {
    for peer in [0, 2, -1] {
      #expect(
        Self.reason(Self.window([Self.fill(), Self.send(to: peer)], []))?.instruction == 1)
      #expect(Self.reason(Self.window([Self.receive(from: peer)], []))?.instruction == 0)
    }
  }

  @Test("values beyond the table are found")
  func ranges() {
    for values in [
      Values(first: 1, count: 1), Values(first: 0, count: 2), Values(first: -1, count: 1),
      Values(first: 0, count: -1), Values(first: Int(Int32.max), count: Int(Int32.max)),
    ] {
      #expect(Self.reason(Self.window([Self.fill(values)]))?.instruction == 0)
    }
  }

  @Test("regions, ports, batches, costs and bytes out of range are found")
  func outOfRange() {
    func change(_ instruction: Instruction, _ body: (inout Compute) -> Void) -> Instruction {
      guard case .compute(var work) = instruction else { return instruction }
      body(&work)
      return .compute(work)
    }
    let negative = EmulatedTime(picoseconds: -1)
    for bad in [
      change(Self.fill()) { $0.region = -1 }, change(Self.fill()) { $0.region = 1024 },
      change(Self.fill()) { $0.cost.compute = negative },
      change(Self.fill()) { $0.cost.fabric = negative },
      change(Self.fill()) { $0.cost.memory = negative },
    ] { #expect(Self.reason(Self.window([bad]))?.instruction == 0) }
    let batch = Batch(entries: [.init(sequence: 0, start: 0, count: 1, samples: true)])
    for index in [-1, 1] as [Int32] {
      let bad = change(Self.fill()) { $0.batch = index }
      #expect(Self.reason(Self.window([bad], batches: [batch]))?.instruction == 0)
    }
    func send(_ body: (inout Send) -> Void) -> Instruction {
      guard case .send(var send) = Self.send(to: 1) else { return Self.fill() }
      body(&send)
      return .send(send)
    }
    for bad in [
      send { $0.port = -1 }, send { $0.port = 1024 }, send { $0.overhead = negative },
      send { $0.serialization = negative }, send { $0.latency = negative },
      send { $0.bytes = -1 }, send { $0.elements = 3 }, send { $0.elements = -1 },
    ] { #expect(Self.reason(Self.window([Self.fill(), bad], []))?.instruction == 1) }
    func receive(_ body: (inout Receive) -> Void) -> Instruction {
      guard case .receive(var receive) = Self.receive(from: 1) else { return Self.fill() }
      body(&receive)
      return .receive(receive)
    }
    for bad in [
      receive { $0.port = -1 }, receive { $0.port = 1024 }, receive { $0.overhead = negative },
      receive { $0.serialization = negative }, receive { $0.bytes = -1 },
      receive { $0.elements = 5 },
    ] { #expect(Self.reason(Self.window([bad], []))?.instruction == 0) }
  }

  @Test("sets that are empty, cut short, nested, or hold anything but receives are found")
  func sets() {
    let sends = [Self.fill(), Self.send(to: 0), Self.send(to: 0)]
    let receive = Self.receive(from: 1)
    #expect(Self.error(Self.window([.receiveSet(count: 1), receive, receive], sends)) == nil)
    for (list, place) in [
      ([.receiveSet(count: 0), receive, receive], 0),
      ([.receiveSet(count: -1), receive, receive], 0),
      ([.receiveSet(count: 3), receive, receive], 0),
      ([.receiveSet(count: .max), receive, receive], 0),
      ([receive, receive, .receiveSet(count: 1)], 2),
      ([.receiveSet(count: 2), receive, Self.fill(), receive], 2),
      ([.receiveSet(count: 2), .receiveSet(count: 1), receive], 1),
    ] as [([Instruction], Int)] {
      #expect(Self.reason(Self.window(list, sends))?.instruction == place)
    }
  }

  @Test("two receives of a set do not write one value: times would decide what is in it")
  func setsWriteApart() {
    func window(_ written: [Int]) -> Window {
      var window = Self.window(
        [.receiveSet(count: 2)]
          + written.map { value in
            guard case .receive(var receive) = Self.receive(from: 1) else { return Self.fill() }
            receive.values = Values(first: value, count: 1)
            return .receive(receive)
          }, [Self.fill(), Self.send(to: 0), Self.send(to: 0)])
      window.ranks[0].values.append(ValuePlace(buffer: 1, offset: 0, elements: 4))
      return window
    }
    #expect(Self.error(window([0, 1])) == nil)
    #expect(Self.reason(window([1, 1]))?.instruction == 2)
  }

  @Test("a value that nothing wrote is not read, but for the prompt's tokens")
  func unwritten() {
    #expect(Self.reason(Self.window([Self.send(to: 1)], []))?.instruction == 0)
    for (kernel, isAllowed) in [(Kernel.embed, true), (.attention, false), (.accept, false)] {
      let read = Instruction.compute(Compute(kernel, input: Self.value, output: .none))
      #expect((Self.error(Self.window([read])) == nil) == isAllowed)
    }
    let second = Instruction.compute(
      Compute(.embed, input: .none, second: Self.value, output: .none))
    #expect(Self.error(Self.window([second])) != nil)
  }

  @Test("a value keeps what it holds from window to window while it is described alike")
  func described() {
    let write = Self.window([Self.fill()])
    let read = Instruction.compute(Compute(.stage, input: Self.value, output: .none))
    #expect(Self.error(write, Self.window([read], index: 1)) == nil)
    #expect(Self.error(write, Self.window([read], elements: [5], index: 1)) != nil)
    // Not even an embedding may read what was another value.
    let embed = Instruction.compute(Compute(.embed, input: Self.value, output: .none))
    #expect(Self.error(write, Self.window([embed], elements: [5], index: 1)) != nil)
    // A table that shrinks forgets.
    var empty = Self.window([], index: 1)
    empty.ranks[0].values = []
    #expect(Self.error(write, empty) == nil)
    #expect(Self.error(write, empty, Self.window([read], index: 2)) != nil)
    #expect(Self.error(write, empty, Self.window([Self.fill(), read], index: 2)) == nil)
  }

  @Test("values that share elements are found")
  func overlaps() {
    func error(_ places: [(buffer: Int, offset: Int, elements: Int)]) -> ProgramError? {
      Self.error(
        Window(
          index: 0, batches: [],
          ranks: [
            RankWindow(
              values: places.map {
                ValuePlace(buffer: $0.buffer, offset: $0.offset, elements: $0.elements)
              })
          ]))
    }
    #expect(error([(0, 0, 4), (0, 4, 0), (0, 4, 3), (1, 0, 9)]) == nil)
    for places in [
      [(0, 0, 4), (0, 3, 4)], [(1, 0, 4), (0, 0, 4)], [(0, 0, -1)], [(0, -1, 4)], [(-1, 0, 4)],
      [(0, .max, 1)],
    ] {
      #expect(error(places.map { (buffer: $0.0, offset: $0.1, elements: $0.2) }) != nil)
    }
  }

  @Test("kernels that go number by number have as many numbers on every side")
  func sizes() {
    let sizes = [4, 4, 5, 4]
    func error(_ work: Compute) -> ProgramError? {
      let all = Values(first: 0, count: 4)
      return Self.error(
        Window(
          index: 0, batches: [],
          ranks: [
            RankWindow(
              values: sizes.enumerated().map {
                ValuePlace(buffer: $0.offset, offset: 0, elements: $0.element)
              }, instructions: [Self.fill(all), .compute(work)])
          ]))
    }
    func run(_ first: Int, _ count: Int = 1) -> Values { Values(first: first, count: count) }
    for (work, isValid) in [
      (Compute(.sum, input: run(0), second: run(1), output: run(3)), true),
      (Compute(.sum, input: run(0), second: run(2), output: run(3)), false),
      (Compute(.sum, input: run(0, 2), second: run(1), output: run(3)), false),
      (Compute(.copy, input: run(0), output: run(1)), true),
      (Compute(.copy, input: run(0), output: run(2)), false),
      (Compute(.residual, input: run(0), second: run(1), output: run(0)), true),
      (Compute(.residual, input: run(0), second: run(2), output: run(0)), false),
      (
        Compute(.sumInRankOrder, argument: 2, input: run(0, 2), second: run(3), output: run(3)),
        true
      ),
      (
        Compute(.sumInRankOrder, argument: 3, input: run(0, 2), second: run(3), output: run(3)),
        false
      ),
      (
        Compute(.sumInRankOrder, argument: -1, input: run(0, 2), second: run(3), output: run(3)),
        false
      ),
      (
        Compute(.sumInRankOrder, argument: 0, input: run(1, 2), second: run(3), output: run(3)),
        false
      ),
    ] {
      #expect((error(work) == nil) == isValid, "\(work)")
    }
  }

  @Test("an output that nothing computes is found")
  func outputs() {
    let good = Window.Output(rank: Rank(0), value: 0, batch: 0)
    #expect(Self.error(Self.window([Self.fill()], [], outputs: [good])) == nil)
    for bad in [
      Window.Output(rank: Rank(1), value: 0, batch: 0), .init(rank: Rank(0), value: 1, batch: 0),
      .init(rank: Rank(2), value: 0, batch: 0), .init(rank: Rank(0), value: -1, batch: 0),
    ] {
      guard
        case .output(0, 1, _) = Self.error(Self.window([Self.fill()], [], outputs: [good, bad]))
      else {
        Issue.record("\(bad) passed")
        continue
      }
    }
  }

  // MARK: Bounded queues

  private static let limit = ProgramCheck.maximumUnderWay

  @Test("a sender far ahead of its receiver waits, and the program passes")
  func backPressure() {
    let count = 3 * Self.limit
    #expect(
      Self.error(
        Self.window(
          [Self.fill()] + Array(repeating: Self.send(to: 1), count: count),
          Array(repeating: Self.receive(from: 0), count: count))) == nil)
  }

  @Test("a program that needs longer queues than there are is found, at the first too long")
  func overfull() {
    for count in [Self.limit - 1, Self.limit, Self.limit + 1] {
      // The receiver wants the token first, which is sent last.
      let error = Self.error(
        Self.window(
          [Self.fill()] + Array(repeating: Self.send(to: 1), count: count)
            + [Self.send(to: 1, .token)],
          [Self.receive(from: 0, .token)] + Array(repeating: Self.receive(from: 0), count: count)))
      #expect(
        error
          == (count <= Self.limit
            ? nil
            : .overfull(
              window: 0, from: Rank(0), to: Rank(1), stream: .activation,
              messages: Self.limit + 1, limit: Self.limit)))
    }
  }

  @Test("a full queue behind a missing message is reported as the missing message")
  func fullBehindDeadlock() {
    let count = Self.limit + 1
    let error = Self.error(
      Self.window(
        [Self.fill()] + Array(repeating: Self.send(to: 1), count: count),
        [Self.receive(from: 2)] + Array(repeating: Self.receive(from: 0), count: count), []))
    #expect(
      error
        == .deadlock(
          window: 0, waiting: [.init(rank: Rank(1), peer: Rank(2), stream: .activation, bytes: 8)]))
  }

  // MARK: Mutations

  /// A mutation is harmless exactly when the naive simulator, which shares nothing with the check, still
  /// finds everything in range and written, runs every rank to its end with equal sizes on both sides
  /// of each message, and has no message left. The check must agree in both directions.
  @Test("a random mutation of a valid program is found, or the naive simulator proves it harmless")
  func mutations() throws {
    var found = 0
    var harmless = 0
    for seed in 0..<1500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed &* 31 &+ 5)
      var windows = RandomProgram(seed: seed % 120).windows
      let what = Self.mutate(&windows, using: &random)
      let isHarmless: Bool
      do throws(NaiveSimulator.Problem) {
        try NaiveSimulator.inspect(windows)
        _ = try NaiveSimulator(windows, random: &random)
        isHarmless = true
      } catch {
        isHarmless = false
      }
      var check = ProgramCheck(ranks: windows[0].ranks.count)
      var problem: ProgramError?
      do throws(ProgramError) {
        for window in windows { try check.check(window) }
        try check.finish()
      } catch { problem = error }
      #expect(
        (problem == nil) == isHarmless, "seed \(seed): \(what), \(String(describing: problem))")
      if isHarmless { harmless += 1 } else { found += 1 }
    }
    // The test would be worth nothing if nearly all mutations fell on one side.
    #expect(found > 300 && harmless > 300, "\(found) found, \(harmless) harmless")
  }
}
