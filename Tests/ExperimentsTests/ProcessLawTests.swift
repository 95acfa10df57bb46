import Foundation
import Programs
import TestSupport
import Testing

@testable import Experiments

/// A small random experiment on the tiny synthetic model, as `--set` arguments.
struct RandomRun: Sendable, CustomStringConvertible {
  let settings: [String]
  /// What the seed chose for the host.
  let transport: Transport
  let payload: Payload

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    // PP x TP of at most 6 wafers; the model has 4 layers and 8 query heads.
    let plans = (1...4).flatMap { pipeline in (1...6).map { (pipeline, $0) } }
      .filter { (2...6).contains($0 * $1) }
    let (pipeline, tensor) = plans.randomElement(using: &generator)!
    let batch = Int.random(in: 1...3, using: &generator)
    let collectives = ["auto", "ring", "recursive-doubling", "rabenseifner", "direct"]
    var settings =
      [
        "model.name=synthetic-tiny", "plan.pipeline=\(pipeline)", "plan.tensor=\(tensor)",
        "workload.prompt_tokens=\(Int.random(in: 1...6, using: &generator))",
        "workload.output_tokens=\(Int.random(in: 1...3, using: &generator))",
        "workload.batch=\(batch)",
        "workload.micro_batches=\(Int.random(in: 1...batch, using: &generator))",
        "collective=\(collectives.randomElement(using: &generator)!)", "seed=\(seed)",
        "link.latency=\(Int.random(in: 0...5000, using: &generator)) ns",
        "link.bandwidth=\(Int.random(in: 1...400, using: &generator)) GB/s",
        "link.ports=\(["shared", "per-peer"].randomElement(using: &generator)!)",
        "link.hold=\(["serialization", "delivery"].randomElement(using: &generator)!)",
        "link.send_overhead=\(Int.random(in: 0...900, using: &generator)) ps",
        "link.receive_overhead=\(Int.random(in: 0...900, using: &generator)) ps",
        "topology.name=\(Topology.Name.allCases.randomElement(using: &generator)!.rawValue)",
        "host.wait_limit=120 s",
      ] + (Bool.random(using: &generator) ? ["workload.prefill_chunk=2"] : [])
    transport = [.tcp, .ipc].randomElement(using: &generator)!
    payload = Payload.allCases.randomElement(using: &generator)!
    // Ranks 0 and 1 have a link on every topology.
    if Bool.random(using: &generator) {
      let (from, to) = Bool.random(using: &generator) ? (0, 1) : (1, 0)
      let latency = Int.random(in: 0...90_000, using: &generator)
      settings.append("link.overrides=[{from: \(from), to: \(to), latency: \(latency) ns}]")
    }
    if Bool.random(using: &generator) {
      let rank = Int.random(in: 0..<pipeline * tensor, using: &generator)
      settings.append("hardware.overrides=[{rank: \(rank), speed: 0.7}]")
    }
    if Bool.random(using: &generator) {
      let rank = Int.random(in: 0..<pipeline * tensor, using: &generator)
      let at = Int.random(in: 0...200, using: &generator)
      settings.append(
        "faults=[{kind: straggler, rank: \(rank), begins: \(at) us, factor: 1.7}, "
          + "{kind: link, from: 0, to: 1, ends: \(at) us, latency: 3 us, bandwidth_factor: 0.3}, "
          + "{kind: loss, from: 1, to: 0, probability: 0.3, seed: \(seed), timeout: 2 us}, "
          + "{kind: wafer, rank: \(rank), at: \(at) us, bandwidth: 1 TB/s, detection: 9 us}]")
    }
    self.settings = settings
  }

  var description: String { settings.joined(separator: " ") + " \(transport) \(payload)" }

  /// Runs it; nodes' times are held against the evaluator's on the way, and `LawViolation` is thrown.
  func run(_ transport: Transport, _ payload: Payload) async throws -> (
    document: String, result: ExperimentResult
  ) {
    let experiment = try Fixtures.resolve(
      set: settings + ["host.transport=\(transport)", "host.payload=\(payload)"])
    let needsNodes = transport == .tcp || transport == .ipc
    let result = try await ExperimentRun(
      experiment, launch: NodeLaunch(program: needsNodes ? Products.node : nil, coordinator: nil)
    ).run()
    let document = try EmulatedDocument(
      run: RunDocument(result, text: nil).json, place: .builtIn)
    return (document.json.document, result)
  }
}

@Suite("The law, over real processes", .serialized)
struct ProcessLawTests {
  @Test(
    "random experiments over tcp and ipc give the evaluator's times and document",
    arguments: 0..<20 as Range<UInt64>)
  func random(seed: UInt64) async throws {
    let run = RandomRun(seed: seed)
    let nodes = try await run.run(run.transport, run.payload)
    #expect(nodes.result.cluster.nodes.count == nodes.result.experiment.modelled.ranks)
    #expect(nodes.document == (try await run.run(.none, .phantom)).document, "\(run)")
    guard run.payload == .real else { return }
    let workload = nodes.result.experiment.modelled.workload
    #expect(nodes.result.cluster.tokens.count == workload.batch)
    #expect(nodes.result.cluster.tokens.allSatisfy { $0.count == workload.outputTokens })
  }

  @Test(
    "the emulated document is the same bytes over every transport, real or phantom, and again",
    arguments: 100..<102 as Range<UInt64>)
  func bytes(seed: UInt64) async throws {
    let run = RandomRun(seed: seed)
    let expected = try await run.run(.none, .phantom).document
    var tokens: Set<[[Int32]]> = []
    for transport in [Transport.tcp, .tcp, .ipc, .inproc, .inproc] {
      for payload in Payload.allCases {
        let (document, result) = try await run.run(transport, payload)
        #expect(document == expected, "\(run): \(transport), \(payload)")
        if payload == .real { tokens.insert(result.cluster.tokens) }
      }
    }
    #expect(tokens.count == 1, "tokens depend on the transport or the run")
  }
}
