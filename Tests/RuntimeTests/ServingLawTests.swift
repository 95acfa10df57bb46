import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Runtime
import Serving
import Tensors
import TestSupport
import Testing
import Transformer

/// A small random service of a synthetic model, with made-up prices.
struct RandomService: Sendable, CustomStringConvertible {
  let base: RandomExperiment
  let requests: [Request]
  let limits: Scheduler.Limits

  init(seed: UInt64) {
    base = RandomExperiment(seed: seed)
    var random = SplitMix64(seed: seed)
    let slots = 1 + random.index(below: 3)
    let chunks = random.index(below: 2) == 1
    let arrivals: Arrivals =
      switch random.index(below: 3) {
      case 0: .together
      case 1: .closedLoop(users: 1 + random.index(below: 4), pause: EmulatedTime(picoseconds: 77))
      default: .poisson(rate: Rational(20_000 + random.index(below: 200_000)))
      }
    requests = arrivals.requests(
      count: 1 + random.index(below: 9), prompt: (.uniform, 5), output: (.uniform, 3), seed: seed)
    limits = Scheduler.Limits(
      sequences: slots + random.index(below: 3), positions: 16 + random.index(below: 20),
      slots: slots, promptTokens: chunks ? 4 : 9, chunks: chunks)
  }

  var description: String { "\(base), \(requests.count) requests, \(limits)" }

  func program(joinsKernels: Bool = false) -> ServingProgram {
    let salt = Int64(base.seed % 97)
    var compiler = ModelCompiler(
      split: base.split, slots: Array(repeating: limits.sequencesPerSlot, count: limits.slots),
      wires: base.wires, collectives: base.collectives,
      candidateElements: SamplingRule.greedy.elementsPerOutput, steps: base.regions
    ) { use, batch in
      Cost(
        compute: EmulatedTime(
          picoseconds: Int64(batch.tokens * 90_000 + use.region.area)
            + Int64(use.kernel.rawValue) * salt))
    }
    compiler.joinsKernels = joinsKernels
    return ServingProgram(compiler: compiler, requests: requests, limits: limits)
  }

  func payload(phantom: Bool) -> Assignment.Payload {
    guard !phantom else { return .phantom }
    return .model(
      ModelAssignment(
        shape: base.split.shape, layersPerStage: base.split.stages.map(\.count),
        tensor: base.split.tensor, weights: .synthetic(seed: base.seed, type: .float32),
        precision: .float32, sequences: limits.sequences,
        positions: requests.map(\.positions).max()!, maximumTokens: limits.tokensPerStep,
        sampling: .greedy, seed: base.seed,
        prompts: requests.enumerated().map { index, request in
          (0..<request.promptTokens).map {
            Int32((index * 13 + $0 * 5) % base.split.shape.vocabulary)
          }
        }, reportsLogits: false))
  }

  /// Nodes as threads beside the evaluator: both sides' stamps and clocks, and the tokens of each request.
  func run(phantom: Bool, seed: UInt64 = 0) throws -> (
    expected: [[Stamp]], windows: [[WindowReport]], digests: (nodes: [UInt64], evaluator: [UInt64]),
    tokens: [[Int32]]
  ) {
    var program = program()
    var check = ProgramCheck(ranks: base.split.ranks)
    var evaluator = Evaluator(ranks: base.split.ranks)
    var expected: [[Stamp]] = []
    var batches: [Batch] = []
    let cluster = InProcessCluster(
      ranks: base.split.ranks, run: base.seed, waitLimitMilliseconds: 20_000
    ) { _ in self.payload(phantom: phantom) }
    let (reports, windows) = try cluster.run(nextWindow: {
      guard let window = program.window(after: evaluator.clocks) else { return nil }
      try check.check(window)
      let stamps = evaluator.run(window)
      program.evaluated(window, stamps: stamps, clocks: evaluator.clocks)
      expected.append(stamps)
      batches.append(window.batches[0])
      return window
    })
    try check.finish()
    var tokens = requests.map { _ in [Int32]() }
    for report in windows.joined() {
      for output in report.outputs {
        let sampled = batches[report.index].entries.filter(\.samples)
        for (entry, token) in zip(sampled, output.tokens) { tokens[entry.request].append(token) }
      }
    }
    return (
      expected, windows, (reports.map(\.clockDigest), evaluator.clocks.map(\.digest)), tokens
    )
  }
}

extension RandomService {
  /// The evaluator alone.
  func evaluate(joinsKernels: Bool) throws -> (
    stamps: [[Stamp]], uses: [RankUse], traffic: Traffic, log: ServingLog, instructions: Int
  ) {
    var program = program(joinsKernels: joinsKernels)
    var check = ProgramCheck(ranks: base.split.ranks)
    var evaluator = Evaluator(ranks: base.split.ranks)
    var observation = Observation(ranks: base.split.ranks)
    var all: [[Stamp]] = []
    while let window = program.window(after: evaluator.clocks) {
      try check.check(window)
      let stamps = evaluator.run(window, observing: &observation)
      program.evaluated(window, stamps: stamps, clocks: evaluator.clocks)
      all.append(stamps)
    }
    try check.finish()
    return (all, observation.uses, evaluator.traffic, program.log, evaluator.instructions)
  }
}

@Suite("The law for serving: nodes compute the times that the schedule was made from")
struct ServingLawTests {
  @Test("60 random services, real and phantom: stamps and clocks equal the evaluator's")
  func law() throws {
    for seed in UInt64(7000)..<7060 {
      let service = RandomService(seed: seed)
      for phantom in [false, true] {
        let run = try service.run(phantom: phantom)
        let stamps = run.windows.map { $0.flatMap { $0.outputs.map(\.stamp) } }
        #expect(stamps == run.expected, "\(service)")
        #expect(run.digests.nodes == run.digests.evaluator, "\(service)")
      }
    }
  }

  @Test("joined kernels give the same times, accounts, uses of ranks and traffic")
  func joined() throws {
    var (plain, joined) = (0, 0)
    for seed in UInt64(7000)..<7200 {
      let service = RandomService(seed: seed)
      let one = try service.evaluate(joinsKernels: false)
      let other = try service.evaluate(joinsKernels: true)
      #expect(one.stamps == other.stamps, "\(service)")
      #expect(one.uses == other.uses, "\(service)")
      #expect(one.traffic == other.traffic, "\(service)")
      #expect(one.log == other.log, "\(service)")
      plain += one.instructions
      joined += other.instructions
    }
    #expect(joined * 10 < plain * 9, "\(joined) of \(plain) instructions")
  }

  @Test("a request's tokens do not depend on who is served beside it, or on rows used before")
  func tokens() throws {
    for seed in UInt64(7000)..<7020 {
      let service = RandomService(seed: seed)
      let together = try service.run(phantom: false).tokens
      #expect(together.map(\.count) == service.requests.map(\.outputTokens), "\(service)")
      for (index, request) in service.requests.enumerated() {
        var alone = service.base.payload(phantom: false)
        guard case .model(var part) = alone else { return }
        guard case .model(let served) = service.payload(phantom: false) else { return }
        part.prompts = [served.prompts[index]]
        part.sequences = 1
        part.positions = request.positions
        part.maximumTokens = request.promptTokens
        alone = .model(part)
        var program = ModelProgram(
          split: service.base.split,
          workload: Workload(
            promptTokens: request.promptTokens, outputTokens: request.outputTokens),
          wires: service.base.wires, candidateElements: SamplingRule.greedy.elementsPerOutput
        ) { _, _ in .zero }
        var next = 0
        let payload = alone
        let run = try InProcessCluster(
          ranks: service.base.split.ranks, run: 1, waitLimitMilliseconds: 20_000
        ) { _ in payload }.run(
          windowCount: program.windowCount,
          nextWindow: {
            defer { next += 1 }
            return program.window(next)
          })
        let expected = run.windows.joined().flatMap(\.outputs).flatMap(\.tokens)
        #expect(together[index] == expected, "request \(index) of \(service)")
      }
    }
  }
}
