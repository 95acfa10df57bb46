import Foundation
import Programs
import Quantities
import Serving
import Testing

@testable import Experiments

@Suite("Experiments that serve requests")
struct ServedRequestsTests {
  private static let base = [
    "model.name=synthetic-small", "plan.pipeline=2", "plan.tensor=1", "workload.requests=9",
    "workload.prompt_tokens=6", "workload.prompt_lengths=uniform", "workload.output_tokens=3",
    "workload.output_lengths=exponential", "workload.batch=4", "workload.micro_batches=2",
  ]

  private static func experiment(_ arguments: [String]) throws -> Experiment {
    try Fixtures.resolver.resolve(try Fixtures.settings(set: base + arguments))
  }

  private static func run(_ arguments: [String]) async throws -> ExperimentResult {
    try await ExperimentRun(
      experiment(arguments), launch: NodeLaunch(program: nil, coordinator: nil)
    ).run()
  }

  @Test(
    "the emulated document is the same from the evaluator and from threads, and every token is made",
    arguments: [
      ["workload.arrivals=poisson", "workload.rate=20000/s"],
      ["workload.arrivals=closed-loop", "workload.users=3", "workload.prefill_chunk=4"],
      ["workload.arrivals=together"],
      [
        "workload.arrivals=poisson", "workload.rate=20000/s",
        "link.overrides=[{from: 1, to: 0, latency: 90us}]",
        "hardware.overrides=[{rank: 1, speed: 0.6}]",
      ],
    ])
  func sameEverywhere(arrivals: [String]) async throws {
    let evaluated = try await Self.run(arrivals + ["host.transport=none"])
    let threads = try await Self.run(arrivals + ["host.transport=inproc"])
    let place = Place.builtIn
    func emulated(_ result: ExperimentResult) throws -> String {
      try EmulatedDocument(run: RunDocument(result, text: nil).json, place: place).json.document
    }
    #expect(try emulated(evaluated) == emulated(threads))
    let requests = try #require(threads.experiment.modelled.served?.requests)
    #expect(threads.cluster.tokens.map(\.count) == requests.map(\.outputTokens))
    #expect(threads.firstDifference == nil)
    let serving = try #require(evaluated.cluster.emulated.serving)
    #expect(serving.tokens == requests.reduce(0) { $0 + $1.outputTokens })
    #expect(evaluated.cluster.emulated.total.account.total == evaluated.cluster.emulated.total.time)
  }

  @Test("one sequence at a time keeps one of two stages still: the bubble is a half, exactly")
  func bubble() async throws {
    let result = try await Self.run([
      "workload.arrivals=closed-loop", "workload.users=1", "workload.batch=1",
      "workload.micro_batches=1", "link.latency=0 ps", "link.bandwidth=infinite",
      "host.transport=none",
    ])
    let emulated = try #require(result.cluster.emulated)
    #expect(emulated.pipelineBubble == Rational(1, over: 2))
    #expect(emulated.serving?.occupied == emulated.serving?.duration)
    #expect(result.single.emulated.pipelineBubble == Rational(0))
    let serving = emulated.json["serving"]
    #expect(serving?["pipeline_bubble"] == .number("0.5"))
    #expect(serving?["occupied_ps"] == .picoseconds(emulated.total.time))
    for rank in emulated.ranks {
      #expect(rank.json(of: emulated.total.time)["regions"]?.list?.first?["utilisation"] != nil)
    }
    let table = RunTable(result, text: nil).text(TextStyle(width: 200, hasColour: false))
    #expect(table.contains("50.00 %, the pipeline's bubble"), "\(table)")
  }

  @Test("a service resolves to a file that resolves to it")
  func roundTrip() throws {
    let experiment = try Self.experiment([
      "workload.arrivals=poisson", "workload.rate=90/min", "workload.ttft_limit=2 s",
    ])
    let again = try Fixtures.resolver.resolve(try Fixtures.settings(experiment.yaml))
    #expect(again.modelled == experiment.modelled)
    #expect(experiment.modelled.served?.source == .rate(Rational(3, over: 2)))
  }

  @Test(
    "what arrivals need, and what they have no use for, is said by key",
    arguments: [
      (["workload.rate=2/s"], "workload.requests", "without 'workload.arrivals'"),
      (["workload.arrivals=poisson"], "workload.rate", "is missing"),
      (["workload.arrivals=closed-loop"], "workload.users", "is missing"),
      (["workload.arrivals=trace"], "workload.requests", "belongs to"),
      (["workload.arrivals=together", "workload.rate=2/s"], "workload.rate", "belongs to"),
      (["workload.arrivals=poisson", "workload.rate=2"], "workload.rate", "unit"),
      (["workload.arrivals=weekly"], "workload.arrivals", "weekly"),
    ])
  func wrong(arguments: [String], key: String, words: String) {
    #expect {
      try Self.experiment(arguments)
    } throws: { error in
      "\(error)".contains(key) && "\(error)".contains(words)
    }
  }
}
