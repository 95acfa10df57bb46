import Hardware
import Models
import Placement
import Programs
import Quantities
import Testing

@testable import Serving

@Suite("Serving programs")
struct ServingProgramTests {
  private static let shape = ModelShape(
    name: "served", layers: 4, width: 16, queryHeads: 4, keyValueHeads: 2, headSize: 4,
    feedForwardWidth: 24, vocabulary: 40, contextLength: 256)
  private static let layer: Int64 = 1000
  private static let latency: Int64 = 300

  /// A layer takes 1,000 ps for each token of the batch; links have latency alone.
  private static func compiler(
    stages: Int, limits: Scheduler.Limits, overrides: [LinkOverride]
  ) -> ModelCompiler {
    ModelCompiler(
      split: try! Split(shape: shape, pipeline: stages, tensor: 1),
      slots: Array(repeating: limits.sequencesPerSlot, count: limits.slots),
      wires: Wires(
        link: Link(latency: EmulatedTime(picoseconds: latency), bandwidth: nil),
        overrides: overrides, ranks: stages, activationBytes: 2), candidateElements: 3
    ) { use, batch in
      Cost(
        compute: EmulatedTime(
          picoseconds: use.kernel == .attention ? layer * Int64(batch.tokens) : 0))
    }
  }

  private static func serve(
    _ requests: [Request], stages: Int, limits: Scheduler.Limits,
    overrides: [LinkOverride] = []
  ) throws -> (log: ServingLog, evaluator: Evaluator) {
    var program = ServingProgram(
      compiler: compiler(stages: stages, limits: limits, overrides: overrides),
      requests: requests, limits: limits)
    var check = ProgramCheck(ranks: stages)
    var evaluator = Evaluator(ranks: stages)
    while let window = program.window(after: evaluator.clocks) {
      try check.check(window)
      let stamps = evaluator.run(window)
      program.evaluated(window, stamps: stamps, clocks: evaluator.clocks)
    }
    try check.finish()
    return (program.log, evaluator)
  }

  private static func limits(_ sequences: Int, slots: Int) -> Scheduler.Limits {
    Scheduler.Limits(
      sequences: sequences, positions: 100_000, slots: slots, promptTokens: 1000, chunks: false)
  }

  @Test(
    "one sequence in a pipeline: a token takes all layers and a hop a stage", arguments: [1, 2, 4])
  func oneSequence(stages: Int) throws {
    let requests = Arrivals.together.requests(
      count: 1, prompt: (.fixed, 1), output: (.fixed, 11), seed: 0)
    let (log, _) = try Self.serve(requests, stages: stages, limits: Self.limits(1, slots: 1))
    let hops = Int64(stages == 1 ? 0 : stages)
    let token = 4 * Self.layer + hops * Self.latency
    #expect(log.answers[0].timePerOutputToken?.picoseconds == token)
    #expect(log.gaps.allSatisfy { $0.picoseconds == token })
  }

  @Test("a slow way back makes each token later by its difference, and the schedule waits for it")
  func slowWayBack() throws {
    let requests = Arrivals.together.requests(
      count: 1, prompt: (.fixed, 1), output: (.fixed, 11), seed: 0)
    let slow = LinkOverride(
      from: Rank(3), to: Rank(0), latency: EmulatedTime(picoseconds: Self.latency + 7777))
    let (log, _) = try Self.serve(
      requests, stages: 4, limits: Self.limits(1, slots: 1), overrides: [slow])
    let token = 4 * Self.layer + 4 * Self.latency + 7777
    #expect(log.gaps.allSatisfy { $0.picoseconds == token })
    #expect(
      log.answers[0].account.linkLatency.picoseconds == 3 * Self.latency + 10
        * (token - 4 * Self.layer))
  }

  @Test(
    "time in which there were requests leaves out the pauses between them, and counts overlaps once"
  )
  func occupied() throws {
    func request(_ time: Int64) -> Request {
      Request(coming: .at(EmulatedTime(picoseconds: time)), promptTokens: 1, outputTokens: 1)
    }
    // A token takes 4,000 ps; the second waits for the first, the third comes much later.
    let (log, _) = try Self.serve(
      [request(1000), request(2000), request(50_000)], stages: 1,
      limits: Self.limits(1, slots: 1))
    #expect(log.answers.map(\.last.time.picoseconds) == [5000, 9000, 54_000])
    #expect(ServingMetrics(log).occupied.picoseconds == 8000 + 4000)
    #expect(ServingMetrics(log).duration.picoseconds == 54_000)
  }

  @Test(
    "M sequences in flight: the pipeline gives min(M/token time, 1/stage time)", arguments: 1...8)
  func inFlight(count: Int) throws {
    let stages = 4
    let requests = Arrivals.together.requests(
      count: count, prompt: (.fixed, 1), output: (.fixed, 40), seed: 0)
    let (log, _) = try Self.serve(
      requests, stages: stages, limits: Self.limits(count, slots: count))
    let token = 4 * Self.layer + 4 * Self.latency
    // A stage has one layer; beyond as many sequences as fill it, each waits for the others' turns.
    let expected = max(token, Int64(count) * Self.layer)
    for answer in log.answers {
      #expect(answer.timePerOutputToken!.picoseconds == expected)
    }
  }

  @Test("Little's law holds, every token is made once, and every account adds up")
  func little() throws {
    for seed in UInt64(0)..<20 {
      var random = SplitMix64(seed: seed)
      let slots = 1 + random.index(below: 4)
      let arrivals: Arrivals =
        random.index(below: 2) == 0
        ? .poisson(rate: Rational(60_000_000))
        : .closedLoop(users: 1 + random.index(below: 9), pause: EmulatedTime(picoseconds: 999))
      let requests = arrivals.requests(
        count: 60, prompt: (.uniform, 10), output: (.exponential, 8), seed: seed)
      let (log, _) = try Self.serve(
        requests, stages: 1 + random.index(below: 4),
        limits: Self.limits(slots + random.index(below: 8), slots: slots))
      let metrics = ServingMetrics(log)
      #expect(metrics.tokens == requests.reduce(0) { $0 + $1.outputTokens })
      let residence = log.answers.reduce(Int128(0)) { $0 + Int128($1.endToEnd.picoseconds) }
      #expect(
        metrics.meanInSystem * Rational(Int128(metrics.duration.picoseconds))
          == Rational(residence), "seed \(seed)")
      for answer in log.answers {
        #expect(answer.account.total == answer.endToEnd)
        #expect(answer.arrived <= answer.admitted && answer.admitted < answer.first.time)
      }
    }
  }

  @Test("a request that comes to an empty service is idle until then, and waits for nothing")
  func idle() throws {
    let requests = [
      Request(
        coming: .at(EmulatedTime(picoseconds: 123_456)), promptTokens: 2, outputTokens: 2)
    ]
    let (log, _) = try Self.serve(requests, stages: 2, limits: Self.limits(1, slots: 1))
    let answer = log.answers[0]
    #expect(answer.first.account.idle.picoseconds == 123_456)
    #expect(answer.queueTime == .zero)
    #expect(answer.timeToFirstToken.picoseconds == 2 * 4 * Self.layer + Self.latency)
    #expect(answer.account.regionQueue == .zero && answer.account.idle == .zero)
  }

  @Test("goodput counts the requests that met both limits")
  func goodput() throws {
    let requests = Arrivals.together.requests(
      count: 6, prompt: (.fixed, 3), output: (.fixed, 3), seed: 0)
    let (log, _) = try Self.serve(requests, stages: 1, limits: Self.limits(1, slots: 1))
    let times = log.answers.map(\.timeToFirstToken).sorted()
    let goal = ServingMetrics.Goal(timeToFirstToken: times[3])
    #expect(ServingMetrics(log, goal: goal).good == 4)
    #expect(ServingMetrics(log).good == 6)
  }
}
