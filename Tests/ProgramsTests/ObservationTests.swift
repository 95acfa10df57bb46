import Hardware
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Observation")
struct ObservationTests {
  private static let seeds: Range<UInt64> = 0..<300
  private static let all = Recording.Limits(windows: 0..<Int.max)

  /// Evaluates a program under observation.
  private func observe(
    _ windows: [Window], recording: Recording.Limits? = all, delays: [Evaluator.Delay] = []
  ) -> (evaluator: Evaluator, observation: Observation) {
    let ranks = windows[0].ranks.count
    var evaluator = Evaluator(ranks: ranks, delays: delays)
    var observation = Observation(ranks: ranks, recording: recording)
    for window in windows { _ = evaluator.run(window, observing: &observation) }
    return (evaluator, observation)
  }

  @Test("an observer changes no time")
  func changesNothing() {
    for seed in Self.seeds {
      let windows = RandomProgram(seed: seed).windows
      var plain = Evaluator(ranks: windows[0].ranks.count)
      var seen = plain
      var observation = Observation(ranks: windows[0].ranks.count, recording: Self.all)
      for window in windows {
        #expect(plain.run(window) == seen.run(window, observing: &observation), "seed \(seed)")
      }
      #expect(plain.clocks.map(\.digest) == seen.clocks.map(\.digest), "seed \(seed)")
    }
  }

  @Test("a rank's time is what it computed, sent and stalled, to the picosecond")
  func division() {
    for seed in Self.seeds {
      let (evaluator, observation) = observe(RandomProgram(seed: seed).windows)
      for (clock, use) in zip(evaluator.clocks, observation.uses) {
        #expect(use.end == clock.end, "seed \(seed)")
        #expect(use.computing + use.sending + use.stalled.total + use.idle == clock.end)
        // Nothing but messages keeps these programs from going on.
        #expect(use.idle == .zero, "seed \(seed)")
      }
    }
  }

  @Test("every send is recorded once, with the times of its clock, and every receive completes one")
  func messages() throws {
    for seed in Self.seeds {
      let windows = RandomProgram(seed: seed).windows
      let recording = try #require(observe(windows).observation.recording)
      let sends = windows.flatMap(\.ranks).flatMap(\.instructions).filter {
        if case .send = $0 { true } else { false }
      }
      #expect(recording.messages.count == sends.count && recording.dropped == 0)
      for message in recording.messages {
        let send = message.send
        #expect(message.ready <= message.departure)
        #expect(
          message.arrival
            == message.departure + send.overhead + send.serialization + send.latency)
        let receipt = try #require(message.receipt)
        #expect(receipt.served >= message.arrival && receipt.exists >= receipt.served)
      }
      // The stalls of all messages are the stalls of their receivers.
      let uses = observe(windows).observation.uses
      for use in uses {
        let stalls = recording.messages.filter { $0.send.to == use.rank }.compactMap {
          $0.receipt?.stall
        }
        #expect(stalls.reduce(.zero, +) == use.stalled.total, "seed \(seed)")
      }
    }
  }

  @Test("kernels of a region never overlap, and are its working time")
  func kernels() throws {
    for seed in Self.seeds {
      let (_, observation) = observe(RandomProgram(seed: seed).windows)
      let recording = try #require(observation.recording)
      for use in observation.uses {
        for (region, busy) in use.regions.enumerated() {
          let kernels = recording.kernels.filter {
            $0.rank == use.rank && $0.work.region == Int32(region)
          }
          #expect(kernels.reduce(.zero) { $0 + ($1.end - $1.start) } == busy, "seed \(seed)")
          for (a, b) in zip(kernels, kernels.dropFirst()) { #expect(a.end <= b.start) }
        }
      }
    }
  }

  @Test("egress and ingress work as long as the traffic says")
  func ports() {
    for seed in Self.seeds {
      let windows = RandomProgram(seed: seed).windows
      let (evaluator, observation) = observe(windows)
      for use in observation.uses {
        let held = windows.flatMap { $0.ranks[use.rank.index].instructions }.reduce(
          EmulatedTime.zero
        ) { sum, instruction in
          guard case .send(let send) = instruction, send.holdsPortUntilDelivery else { return sum }
          return sum + send.latency
        }
        let busy = evaluator.traffic.links.filter { $0.from == use.rank }
          .reduce(held) { $0 + $1.total.busy }
        #expect(use.egress.reduce(.zero, +) == busy, "seed \(seed)")
      }
    }
  }

  // MARK: By hand

  /// Rank 0 computes for 100 ps and sends; rank 1 computes for `own` and receives.
  private func pair(own: Int64, delay: Int64 = 0) -> RankUse {
    let value = [ValuePlace(buffer: 0, offset: 0, elements: 1)]
    let one = Values(first: 0, count: 1)
    func compute(_ time: Int64) -> Instruction {
      .compute(
        Compute(
          .stage, input: .none, output: one,
          cost: Cost(compute: EmulatedTime(picoseconds: time))))
    }
    func time(_ picoseconds: Int64) -> EmulatedTime { EmulatedTime(picoseconds: picoseconds) }
    let send = Send(
      to: Rank(1), stream: .activation, port: 0, holdsPortUntilDelivery: false, values: one,
      elements: 1, bytes: 2, overhead: time(10), serialization: time(20), latency: time(50))
    let receive = Receive(
      from: Rank(0), stream: .activation, port: 0, values: one, elements: 1, bytes: 2,
      serialization: time(20), overhead: time(5))
    let window = Window(
      index: 0, batches: [],
      ranks: [
        RankWindow(values: value, instructions: [compute(100), .send(send)]),
        RankWindow(values: value, instructions: [compute(own), .receive(receive)]),
      ])
    let delays =
      delay == 0
      ? []
      : [
        Evaluator.Delay(
          from: Rank(0), to: Rank(1), stream: .activation, sequence: 0, by: time(delay))
      ]
    return observe([window], delays: delays).observation.uses[1]
  }

  /// Peer late, overhead, serialization, latency, queue.
  private func parts(_ stall: RankUse.Stall) -> [Int64] {
    [stall.peerLate, stall.overhead, stall.serialization, stall.latency, stall.queue]
      .map(\.picoseconds)
  }

  @Test("a stall is split where the message was meanwhile, and begins where the rank is through")
  func split() {
    // It leaves at 100, is on the wire from 110 to 130, arrives at 180 and exists at 185.
    #expect(parts(pair(own: 30).stalled) == [70, 15, 20, 50, 0])
    #expect(parts(pair(own: 105).stalled) == [0, 10, 20, 50, 0])
    #expect(parts(pair(own: 125).stalled) == [0, 5, 5, 50, 0])
    #expect(parts(pair(own: 170).stalled) == [0, 5, 0, 10, 0])
    #expect(parts(pair(own: 183).stalled) == [0, 2, 0, 0, 0])
    #expect(parts(pair(own: 400).stalled) == [0, 0, 0, 0, 0])
    // A message that a test holds up is in flight so much longer.
    #expect(parts(pair(own: 30, delay: 1000).stalled) == [70, 15, 20, 1050, 0])
  }

  @Test("the second of two messages through one ingress port queues there, and the stall says so")
  func queue() {
    let value = [ValuePlace(buffer: 0, offset: 0, elements: 1)]
    let one = Values(first: 0, count: 1)
    let twenty = EmulatedTime(picoseconds: 20)
    let send = Instruction.send(
      Send(
        to: Rank(2), stream: .activation, port: 0, holdsPortUntilDelivery: false, values: one,
        elements: 1, bytes: 2, overhead: .zero, serialization: twenty, latency: twenty))
    let receives = [0, 1].map { source in
      Instruction.receive(
        Receive(
          from: Rank(source), stream: .activation, port: 0, values: one, elements: 1, bytes: 2,
          serialization: twenty, overhead: .zero))
    }
    let window = Window(
      index: 0, batches: [],
      ranks: [
        RankWindow(values: value, instructions: [send]),
        RankWindow(values: value, instructions: [send]),
        RankWindow(values: value, instructions: [.receiveSet(count: 2)] + receives),
      ])
    let use = observe([window]).observation.uses[2]
    #expect(parts(use.stalled) == [0, 0, 20, 20, 20])
    #expect(use.ingress == [EmulatedTime(picoseconds: 40)])
  }

  @Test("a rank is idle until a request is taken in, and no longer")
  func idle() {
    let value = [ValuePlace(buffer: 0, offset: 0, elements: 1)]
    let one = Values(first: 0, count: 1)
    let cost = Cost(compute: EmulatedTime(picoseconds: 10))
    func arrive(_ arrived: Int64, _ admitted: Int64) -> Instruction {
      .arrive(
        Arrive(
          one,
          at: Arrival(
            arrived: EmulatedTime(picoseconds: arrived),
            admitted: EmulatedTime(picoseconds: admitted))))
    }
    let work = Instruction.compute(Compute(.stage, input: one, output: one, cost: cost))
    let window = Window(
      index: 0, batches: [],
      ranks: [
        RankWindow(
          values: value, instructions: [arrive(100, 130), work, arrive(90, 90), work])
      ])
    let use = observe([window]).observation.uses[0]
    #expect(use.idle.picoseconds == 130 && use.computing.picoseconds == 20)
    #expect(use.end.picoseconds == 150 && use.stalled.total == .zero)
  }

  @Test("a recording keeps the windows it was asked for, and no more events than it may")
  func limits() throws {
    var hasSeenDrops = false
    for seed in Self.seeds {
      let windows = RandomProgram(seed: seed).windows
      let all = try #require(observe(windows).observation.recording)
      let second = try #require(
        observe(windows, recording: .init(windows: 1..<2)).observation.recording)
      #expect(second.kernels == all.kernels.filter { $0.window == 1 })
      #expect(second.messages == all.messages.filter { $0.window == 1 })
      let few = try #require(
        observe(windows, recording: .init(windows: 0..<Int.max, events: 10)).observation.recording)
      let total = all.kernels.count + all.messages.count
      #expect(few.kernels.count + few.messages.count == min(10, total))
      #expect(few.dropped == max(0, total - 10))
      hasSeenDrops = hasSeenDrops || few.dropped > 0
      #expect(few.messages.allSatisfy { $0.receipt != nil })
    }
    #expect(hasSeenDrops)
  }
}
