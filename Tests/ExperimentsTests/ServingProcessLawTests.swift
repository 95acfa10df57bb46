import Foundation
import Programs
import Serving
import TestSupport
import Testing

@testable import Experiments

extension RandomRun {
  /// A small random service of the tiny synthetic model; a trace is written into `folder`.
  static func service(seed: UInt64, folder: String) throws -> RandomRun {
    var generator = SeededGenerator(seed: seed)
    let plans = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (4, 1)]
    let (pipeline, tensor) = plans.randomElement(using: &generator)!
    let batch = Int.random(in: 1...4, using: &generator)
    let requests = Int.random(in: 1...6, using: &generator)
    // Every kind comes in its turn, over both transports and with both payloads.
    let kind = ServedRequests.Kind.allCases[Int(seed) % ServedRequests.Kind.allCases.count]
    var settings = [
      "model.name=synthetic-tiny", "plan.pipeline=\(pipeline)", "plan.tensor=\(tensor)",
      "workload.arrivals=\(kind.rawValue)", "workload.batch=\(batch)",
      "workload.micro_batches=\(Int.random(in: 1...batch, using: &generator))",
      "collective=\(["auto", "ring", "direct"].randomElement(using: &generator)!)",
      "link.latency=\(Int.random(in: 0...5000, using: &generator)) ns",
      "link.bandwidth=\(Int.random(in: 1...400, using: &generator)) GB/s",
      "topology.name=\(Topology.Name.allCases.randomElement(using: &generator)!.rawValue)",
      "seed=\(seed)", "host.wait_limit=120 s",
    ]
    if Bool.random(using: &generator) { settings.append("workload.prefill_chunk=2") }
    func lengths() -> String {
      LengthDistribution.allCases.randomElement(using: &generator)!.rawValue
    }
    switch kind {
    case .trace:
      let path = "\(folder)/trace.csv"
      var microseconds = 0
      var lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
      for _ in 0..<requests {
        let time = String(format: "2024-05-10 00:00:00.%06d", microseconds)
        let prompt = Int.random(in: 1...5, using: &generator)
        lines.append("\(time),\(prompt),\(Int.random(in: 1...3, using: &generator))")
        microseconds += Int.random(in: 0...2000, using: &generator)
      }
      try (lines.joined(separator: "\n") + "\n")
        .write(toFile: path, atomically: true, encoding: .utf8)
      return RandomRun(
        settings: settings + ["workload.trace=\(path)"], seed: seed)
    case .together: break
    case .closedLoop:
      settings += [
        "workload.users=\(Int.random(in: 1...3, using: &generator))",
        "workload.pause=\(Int.random(in: 0...90, using: &generator)) us",
      ]
    case .poisson:
      settings.append("workload.rate=\(Int.random(in: 2000...200_000, using: &generator))/s")
    }
    settings += [
      "workload.requests=\(requests)", "workload.prompt_tokens=3",
      "workload.prompt_lengths=\(lengths())", "workload.output_tokens=2",
      "workload.output_lengths=\(lengths())",
    ]
    return RandomRun(settings: settings, seed: seed)
  }

  private init(settings: [String], seed: UInt64) {
    self.settings = settings
    transport = seed / 4 % 2 == 0 ? .tcp : .ipc
    payload = seed / 8 % 2 == 0 ? .real : .phantom
  }
}

@Suite("The law for serving, over real processes", .serialized)
struct ServingProcessLawTests {
  @Test(
    "random services over tcp and ipc, real and phantom, give the evaluator's times and document",
    arguments: 0..<52 as Range<UInt64>)
  func law(seed: UInt64) async throws {
    try await Fixtures.withShortFolder { folder in
      let run = try RandomRun.service(seed: seed, folder: folder)
      func cluster(_ transport: Transport, _ payload: Payload) async throws -> HalfResult {
        let experiment = try Fixtures.resolve(
          set: run.settings + ["host.transport=\(transport)", "host.payload=\(payload)"])
        // Nodes' stamps and clocks are held against the evaluator's on the way; `LawViolation` is thrown.
        return try await ExperimentRun(
          experiment,
          launch: NodeLaunch(program: transport == .none ? nil : Products.node, coordinator: nil)
        ).executeCluster()
      }
      let nodes = try await cluster(run.transport, run.payload)
      let evaluated = try await cluster(.none, .phantom)
      #expect(nodes.emulated.json.document == evaluated.emulated.json.document, "\(run)")
      let experiment = try Fixtures.resolve(set: run.settings)
      #expect(nodes.nodes.count == experiment.modelled.ranks)
      let lengths = try #require(experiment.modelled.served).requests.map(\.outputTokens)
      #expect(nodes.emulated.serving?.requests == lengths.count)
      // A token after the first is a gap, whoever was served beside it.
      let gaps = lengths.reduce(0) { $0 + $1 - 1 }
      #expect((nodes.measured?.interTokenLatency?.count ?? 0) == gaps, "\(run)")
      #expect(nodes.tokens.map(\.count) == (run.payload == .real ? lengths : []), "\(run)")
    }
  }

  @Test("52 seeds meet every kind of arrivals over every transport with every payload")
  func coverage() async throws {
    let seen = try await Fixtures.withShortFolder { folder in
      Set(
        try (0..<52).map { seed in
          let run = try RandomRun.service(seed: UInt64(seed), folder: folder)
          return "\(seed % 4) \(run.transport) \(run.payload)"
        })
    }
    #expect(seen.count == ServedRequests.Kind.allCases.count * 4)
  }
}
