import Hardware
import Models
import Placement
import Quantities
import TestSupport
import Testing

@testable import Programs

@Suite("Model program")
struct ModelProgramTests {
  static func shape(
    layers: Int = 4, width: Int = 24, queryHeads: Int = 8, keyValueHeads: Int = 4,
    feedForwardWidth: Int = 37, vocabulary: Int = 50
  ) -> ModelShape {
    ModelShape(
      name: "small", layers: layers, width: width, queryHeads: queryHeads,
      keyValueHeads: keyValueHeads, headSize: 3, feedForwardWidth: feedForwardWidth,
      vocabulary: vocabulary, contextLength: 100)
  }

  static let link = Link(
    latency: EmulatedTime(picoseconds: 5_000_000), bandwidth: Rational(150_000_000_000))

  /// A price that depends on all a price may depend on.
  @Sendable static func price(_ use: KernelUse, _ batch: Batch) -> Cost {
    let slice = use.slice
    let work = batch.entries.reduce(0) { $0 + $1.count * ($1.start + $1.count) }
    let size =
      switch use.kernel {
      case .cross: use.crossing!.hops * 11 + batch.tokens / use.crossing!.lines
      case .attention: slice.queryHeads.count * 31 + slice.keyValueHeads.count * 17
      case .feedForward: slice.feedForward.count * 13
      case .head, .embed: slice.vocabulary.count * 3
      default: 5
      }
    return Cost(
      compute: EmulatedTime(picoseconds: Int64(size * 1000 + work + use.region.area)),
      fabric: EmulatedTime(picoseconds: Int64(size * 77))
    ).at(speed: use.speed)
  }

  struct Case {
    let program: ModelProgram
    let workload: Workload
    let split: Split
  }

  static func randomCase(seed: UInt64) throws -> Case {
    var random = SeededGenerator(seed: seed)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let layers = number(1...5)
    let split = try Split(
      shape: shape(layers: layers), pipeline: number(1...layers), tensor: number(1...6))
    let batch = number(1...5)
    let workload = Workload(
      promptTokens: number(1...9), outputTokens: number(1...4), batch: batch,
      microBatches: number(1...batch),
      prefillChunk: Bool.random(using: &random) ? number(1...5) : nil)
    let algorithms = CollectiveOperation.allReduce.algorithms.map { CollectiveChoice.fixed($0) }
    let ports = Link.Ports.allCases.randomElement(using: &random)!
    let hold = Link.Hold.allCases.randomElement(using: &random)!
    let link = Link(
      latency: EmulatedTime(picoseconds: Int64(number(0...900_000))),
      bandwidth: Rational(number(1...9) * 1_000_000_000),
      sendOverhead: EmulatedTime(picoseconds: Int64(number(0...9000))),
      receiveOverhead: EmulatedTime(picoseconds: Int64(number(0...9000))), ports: ports,
      hold: hold)
    let topology = Topology.random(ranks: split.ranks, using: &random)
    let regions = randomRegions(of: split, using: &random)
    let wires = Wires(
      link: link,
      overrides: randomOverrides(topology: topology, ranks: split.ranks, using: &random),
      topology: topology, ranks: split.ranks, activationBytes: 2)
    let speeds = randomSpeeds(ranks: split.ranks, using: &random)
    return Case(
      program: ModelProgram(
        split: split, workload: workload, wires: wires,
        collectives: (algorithms + [.automatic]).randomElement(using: &random)!,
        candidateElements: number(1...8), steps: regions, speeds: speeds, price: price),
      workload: workload,
      split: split)
  }

  private static func windows(_ program: ModelProgram) -> [Window] {
    var program = program
    return (0..<program.windowCount).map { program.window($0) }
  }

  @Test("random splits and workloads pass the check, and equal the naive simulator")
  func randomProgramsAreValid() throws {
    for seed in 0..<60 as Range<UInt64> {
      let one = try Self.randomCase(seed: seed)
      let windows = Self.windows(one.program)
      var check = ProgramCheck(ranks: one.split.ranks)
      var evaluator = Evaluator(ranks: one.split.ranks)
      var random = SeededGenerator(seed: seed)
      let small = windows.flatMap(\.ranks).reduce(0) { $0 + $1.instructions.count } < 800
      let naive = small ? try NaiveSimulator(windows, random: &random) : nil
      for (index, window) in windows.enumerated() {
        try check.check(window)
        let outputs = evaluator.run(window)
        for stamp in outputs { #expect(stamp.account.total == stamp.time) }
        if let naive {
          #expect(outputs.map { NaiveSimulator.Moment($0) } == naive.outputs[index], "seed \(seed)")
        }
      }
      try check.finish()
    }
  }

  @Test("what is sent on each link is received on it")
  func conservation() throws {
    for seed in 100..<140 as Range<UInt64> {
      let windows = Self.windows(try Self.randomCase(seed: seed).program)
      var balance: [[Int]: [Int]] = [:]
      for window in windows {
        for (rank, list) in window.ranks.enumerated() {
          for instruction in list.instructions {
            switch instruction {
            case .send(let send):
              let key = [rank, send.to.index, Int(send.stream.rawValue)]
              balance[key, default: [0, 0, 0]][0] += 1
              balance[key]![1] += send.elements
              balance[key]![2] += send.bytes
            case .receive(let receive):
              let key = [receive.from.index, rank, Int(receive.stream.rawValue)]
              balance[key, default: [0, 0, 0]][0] -= 1
              balance[key]![1] -= receive.elements
              balance[key]![2] -= receive.bytes
            case .compute, .receiveSet, .arrive: break
            }
          }
        }
      }
      #expect(balance.values.allSatisfy { $0 == [0, 0, 0] }, "seed \(seed)")
    }
  }

  @Test(
    "every position of every sequence goes through once and in order, and tokens are sampled once")
  func positionsAreCovered() throws {
    for seed in 200..<300 as Range<UInt64> {
      let workload = try Self.randomCase(seed: seed).workload
      var positions: [Int: [Int]] = [:]
      var sampled: [Int: Int] = [:]
      for step in 0..<workload.steps {
        let batches = workload.batches(ofStep: step)
        #expect(batches.count == workload.microBatches)
        for entry in batches.flatMap(\.entries) {
          positions[entry.sequence, default: []] += entry.start..<entry.start + entry.count
          if entry.samples { sampled[entry.sequence, default: 0] += 1 }
        }
      }
      #expect(positions.count == workload.batch)
      for sequence in 0..<workload.batch {
        #expect(positions[sequence] == Array(0..<workload.positions))
        #expect(sampled[sequence] == workload.outputTokens)
      }
    }
  }

  @Test("each rank runs its own layers, once a batch, in order")
  func layersAreCovered() throws {
    for seed in 300..<340 as Range<UInt64> {
      let one = try Self.randomCase(seed: seed)
      for window in Self.windows(one.program) {
        #expect(window.outputs.count == window.batches.count { $0.outputs > 0 })
        for (rank, list) in window.ranks.enumerated() {
          let slice = one.split.slice(ofRank: rank)
          for batch in window.batches.indices {
            for kernel in [Kernel.attention, .feedForward] {
              let layers = list.instructions.compactMap { instruction -> Int? in
                guard case .compute(let work) = instruction, work.kernel == kernel,
                  Int(work.batch) == batch
                else { return nil }
                return Int(work.argument)
              }
              #expect(layers == Array(slice.layers))
            }
          }
        }
      }
    }
  }

  @Test("a window that is priced anew equals one that is compiled alone")
  func draftsAreExact() throws {
    for seed in 400..<430 as Range<UInt64> {
      let program = try Self.randomCase(seed: seed).program
      for (index, window) in Self.windows(program).enumerated() {
        var fresh = program
        let alone = fresh.window(index)
        #expect(alone.ranks == window.ranks && alone.outputs == window.outputs)
        #expect(alone.batches == window.batches && alone.index == index)
      }
    }
  }

  /// The stamps of the first batch's tokens, and of all batches.
  private func tokens(
    pipeline: Int, tensor: Int = 1, workload: Workload, link: Link = Self.link,
    price: @escaping KernelPrice = Self.price
  ) throws -> [[Stamp]] {
    let split = try Split(
      shape: Self.shape(layers: 6), pipeline: pipeline, tensor: tensor)
    var program = ModelProgram(
      split: split, workload: workload,
      wires: Wires(link: link, ranks: split.ranks, activationBytes: 2), candidateElements: 3,
      price: price)
    var check = ProgramCheck(ranks: split.ranks)
    var evaluator = Evaluator(ranks: split.ranks)
    var stamps: [[Stamp]] = []
    for index in 0..<program.windowCount {
      let window = program.window(index)
      try check.check(window)
      stamps.append(evaluator.run(window))
    }
    try check.finish()
    return stamps
  }

  @Test("under pipeline parallelism the compute cancels between single and cluster, exactly")
  func computeCancels() throws {
    let workload = Workload(promptTokens: 7, outputTokens: 4, prefillChunk: 3)
    let single = try tokens(pipeline: 1, workload: workload)
    for pipeline in 2...6 {
      let cluster = try tokens(pipeline: pipeline, workload: workload)
      // Chunks of a prompt overlap in a pipeline; from the first token on nothing does.
      let spans = (3..<single.count).map { step in
        (
          single[step][0].account - single[step - 1][0].account,
          cluster[step][0].account - cluster[step - 1][0].account
        )
      }
      #expect(!spans.isEmpty)
      for (one, many) in spans {
        for entry in [Account.Entry.compute, .fabric, .memory, .regionQueue] {
          #expect(one[entry] == many[entry])
        }
        #expect(one.linkLatency == .zero)
        #expect(many.linkLatency.picoseconds == Int64(pipeline) * 5_000_000)
      }
    }
    let whole = Workload(promptTokens: 7, outputTokens: 4)
    let singleWhole = try tokens(pipeline: 1, workload: whole)
    let clusterWhole = try tokens(pipeline: 3, workload: whole)
    for (one, many) in zip(singleWhole, clusterWhole) {
      for entry in [Account.Entry.compute, .fabric, .memory] {
        #expect(one[0].account[entry] == many[0].account[entry])
      }
    }
  }

  @Test("decode of one sequence: TPOT = Σ C + (P − 1) h(activation) + h(token)")
  func decodeOfOneSequence() throws {
    // A layer takes 2 × 3 µs; embedding 1 µs, head and the rest 2 µs.
    let price: KernelPrice = { use, _ in
      let microseconds: Int64 =
        switch use.kernel {
        case .attention, .feedForward: 3
        case .embed: 1
        case .head: 2
        default: 0
        }
      return Cost(compute: EmulatedTime(picoseconds: microseconds * 1_000_000))
    }
    for pipeline in 2...6 {
      let stamps = try tokens(
        pipeline: pipeline, workload: Workload(promptTokens: 5, outputTokens: 6), price: price)
      // 24 values of 2 bytes and one token of 4 bytes at 150 GB/s.
      let activationHop: Int64 = 5_000_000 + 320
      let tokenHop: Int64 = 5_000_000 + 27
      for (before, after) in zip(stamps, stamps.dropFirst()) {
        #expect(
          (after[0].time - before[0].time).picoseconds
            == 6 * 6_000_000 + 3_000_000 + Int64(pipeline - 1) * activationHop + tokenHop)
      }
    }
  }

  @Test("decode of M sequences in flight: ITL = max(Σ C + Σ h, M max(C, o)) in the steady state")
  func decodeInFlight() throws {
    for stageTime in [1, 10, 40] as [Int64] {
      for microBatches in 1...9 {
        for bandwidth in [150_000_000_000, 2_000_000] {
          // All of a stage's work is in its first layer's attention, the same for every stage.
          let price: KernelPrice = { use, _ in
            use.kernel == .attention
              ? Cost(compute: EmulatedTime(picoseconds: stageTime * 1_000_000)) : .zero
          }
          let link = Link(
            latency: EmulatedTime(picoseconds: 5_000_000), bandwidth: Rational(bandwidth))
          let pipeline = 3
          let stamps = try tokens(
            pipeline: pipeline,
            workload: Workload(
              promptTokens: 1, outputTokens: 40, batch: microBatches, microBatches: microBatches),
            link: link, price: price)
          let occupancy = link.serialization(bytes: 48).picoseconds
          let tokenOccupancy = link.serialization(bytes: 4).picoseconds
          // 6 layers on 3 stages.
          let stage = 2 * stageTime * 1_000_000
          let roundTrip =
            Int64(pipeline) * stage + 2 * (5_000_000 + occupancy) + 5_000_000 + tokenOccupancy
          let last = stamps.count - 1
          for sequence in 0..<microBatches {
            let gap = stamps[last][sequence].time - stamps[last - 1][sequence].time
            #expect(
              gap.picoseconds == max(roundTrip, Int64(microBatches) * max(stage, occupancy)),
              "stage \(stageTime) µs, \(microBatches) sequences, \(bandwidth) B/s")
          }
        }
      }
    }
  }

  @Test("a delay off the critical path changes no output; on it, it changes all that follow")
  func delayedMessages() throws {
    let split = try Split(shape: Self.shape(), pipeline: 2, tensor: 2)
    func outputs(_ delays: [Evaluator.Delay]) -> [EmulatedTime] {
      var program = ModelProgram(
        split: split, workload: Workload(promptTokens: 3, outputTokens: 3),
        wires: Wires(link: Self.link, ranks: 4, activationBytes: 2),
        collectives: .fixed(.direct), candidateElements: 3,
        price: { use, _ in
          // Shard 1 has fewer columns, and is late in everything: the path is its own.
          Cost(
            compute: EmulatedTime(
              picoseconds: use.slice.feedForward.count == 19 ? 1000 : 90_000_000))
        })
      var evaluator = Evaluator(ranks: 4, delays: delays)
      return (0..<program.windowCount).flatMap { evaluator.run(program.window($0)).map(\.time) }
    }
    let plain = outputs([])
    let by = EmulatedTime(picoseconds: 1000)
    // The activations that shard 0 of stage 0 hands to shard 0 of stage 1.
    for sequence in 0..<3 {
      let delay = Evaluator.Delay(
        from: Rank(0), to: Rank(2), stream: .activation, sequence: sequence, by: by)
      #expect(outputs([delay]) == plain)
    }
    // The second token's return to shard 1, the slow one: all later tokens move by as much.
    let moved = outputs([.init(from: Rank(3), to: Rank(1), stream: .token, sequence: 1, by: by)])
    #expect(zip(moved, plain).map { ($0 - $1).picoseconds } == [0, 0, 1000])
  }
}
