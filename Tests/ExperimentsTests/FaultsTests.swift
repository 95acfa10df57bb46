import Foundation
import Hardware
import Models
import Programs
import Quantities
import TestSupport
import Testing

@testable import Experiments

@Suite("Faults as an experiment")
struct FaultsTests {
  private static let nobody = NodeLaunch(program: nil, coordinator: nil)
  private static let base = """
    model: synthetic-small
    plan: {pipeline: 4, tensor: 1}
    hardware: {grid: 64}
    workload: {prompt_tokens: 8, output_tokens: 5}
    host: {transport: none}

    """

  private static func run(_ faults: String, set arguments: [String] = []) async throws
    -> ExperimentResult
  {
    try await ExperimentRun(
      try Fixtures.resolve(base + "faults: \(faults)\n", set: arguments), launch: nobody
    ).run()
  }

  private static func emulated(_ result: ExperimentResult) throws -> String {
    try EmulatedDocument(run: RunDocument(result, text: nil).json, place: .builtIn).json.document
  }

  /// One of every kind, at times at which the run is under way.
  private static let all = """
    [{kind: link, from: 0, to: 1, begins: 1 us, ends: 4 ms, latency: 7 us, bandwidth_factor: 0.25},
     {kind: loss, from: 1, to: 2, stream: activation, sequence: 1, timeout: 90 us},
     {kind: loss, from: 2, to: 3, probability: 0.5, seed: 4, timeout: 20 us},
     {kind: straggler, rank: 1, factor: 1.7},
     {kind: wafer, rank: 2, at: 100 us, detection: 10 us, bandwidth: 1 TB/s, reload: weights-and-cache},
     {kind: pes, rank: 3, at: 50 us, count: 100, repair: 30 us, seed: 2}]
    """

  @Test("a file, one line of --set and the resolved file say the same")
  func spellings() throws {
    let line = Self.all.replacing("\n", with: "")
    let experiment = try Fixtures.resolve(Self.base + "faults: \(line)\n")
    #expect(
      experiment.modelled.faults.map(\.kind) == [
        .link, .loss, .loss, .straggler, .wafer, .pes,
      ])
    let set = try Fixtures.resolve(Self.base, set: ["faults=\(line)"])
    #expect(set.modelled == experiment.modelled)
    #expect(try Fixtures.resolve(experiment.yaml).modelled == experiment.modelled)
    #expect(
      try Fixtures.resolve(experiment.yaml, set: ["faults=none"]).modelled
        == Fixtures.resolve(Self.base).modelled)
    #expect(experiment.modelled.faults[3].words == "straggler, rank 1, factor 1.7")
  }

  @Test(
    "what is wrong is an error that names the key and what is allowed",
    arguments: [
      ("{kind: strggler, rank: 0, factor: 2}", ["faults.kind", "nearest is 'straggler'"]),
      ("{rank: 0, factor: 2}", ["faults.kind", "missing"]),
      ("{kind: straggler, rank: 4, factor: 2}", ["faults.rank", "4", "0 to 3"]),
      ("{kind: straggler, rank: 0}", ["faults.factor", "missing", "rank, factor"]),
      ("{kind: straggler, rank: 0, factor: 0.5}", ["faults.factor", "from 1 to 1000"]),
      ("{kind: straggler, rank: 0, factor: 1.0000001}", ["faults.factor", "six"]),
      ("{kind: straggler, rank: 0, factor: 2, timeout: 1us}", ["faults.timeout", "not a key"]),
      (
        "{kind: straggler, rank: 0, factor: 2, begins: 2us, ends: 2us}",
        ["faults.ends", "not after"]
      ),
      ("{kind: straggler, rank: 0, factor: 2, begins: 2}", ["faults.begins", "unit"]),
      ("{kind: link, from: 0, to: 1}", ["neither longer nor slower"]),
      ("{kind: link, from: 1, to: 1, latency: 1us}", ["rank 1 to rank 1", "two ranks"]),
      ("{kind: loss, from: 0, to: 1, timeout: 1us}", ["which messages"]),
      (
        "{kind: loss, from: 0, to: 1, timeout: 1us, stream: token}", ["which messages"]
      ),
      (
        "{kind: loss, from: 0, to: 1, timeout: 1us, probability: 0.1, sequence: 1}",
        ["which messages"]
      ),
      ("{kind: wafer, rank: 0, at: 1us}", ["faults.bandwidth", "missing"]),
      ("{kind: wafer, rank: 0, at: 1us, bandwidth: 1GB/s, reload: some}", ["weights-and-cache"]),
      // 768 columns in 7 rows of dies, 12 spare rows each.
      ("{kind: pes, rank: 0, at: 1us, repair: 1us, count: 70000}", ["faults.count", "64512"]),
      ("{kind: pes, rank: 0, at: 1us, repair: 1us, count: 64000}", ["faults.count", "12 in each"]),
    ] as [(String, [String])])
  func wrong(fault: String, words: [String]) {
    let error = Fixtures.error(Self.base, set: ["faults=[\(fault)]"])
    for word in words {
      #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }
  }

  @Test("a fault of a link stands between neighbours alone")
  func neighbours() {
    let error = Fixtures.error(
      Self.base,
      set: ["topology.name=ring", "faults=[{kind: link, from: 0, to: 2, latency: 1us}]"])
    #expect(error?.description.contains("no such link") == true, "\(String(describing: error))")
  }

  @Test(
    "a longer link costs its latency for each message in the span, and the single wafer nothing")
  func link() async throws {
    let usual = try await Self.run("none")
    let slow = try await Self.run("[{kind: link, from: 1, to: 2, latency: 30 us}]")
    let costs = try #require(slow.faultCosts)
    #expect(costs.faults[0].difference.time == EmulatedTime(picoseconds: 5 * 30_000_000))
    #expect(costs.faults[0].difference.account.slowdown == costs.total.time)
    #expect(slow.extra - usual.extra == costs.total.time)
    #expect(slow.single.emulated == usual.single.emulated)
    #expect(usual.faultCosts == nil)
  }

  @Test("a lost wafer costs detection and the bytes of its weights and cache over the bandwidth")
  func wafer() async throws {
    let at = "kind: wafer, rank: 2, at: 0 us, detection: 1 ms, bandwidth: 1 GB/s"
    let experiment = try Fixtures.resolve(Self.base)
    let shape = experiment.modelled.shape
    // Two of eight layers: D(2H + 2K)d, 3DF, and two norms, of 2 bytes.
    let weights =
      2
      * (shape.width * 2 * (shape.queryHeads + shape.keyValueHeads) * shape.headSize
        + 3 * shape.width * shape.feedForwardWidth + 2 * shape.width) * 2
    let positions = experiment.modelled.workload.positions
    let cache = 2 * 2 * shape.keyValueHeads * shape.headSize * positions * 2
    for (reload, bytes) in [("weights", weights), ("weights-and-cache", weights + cache)] {
      let known = experiment.modelled.bytes(of: Rank(2), experiment.modelled.split)
      #expect(known.weights == weights && known.cache == cache)
      let run = try await Self.run("[{\(at), reload: \(reload)}]")
      let outage = run.cluster.emulated.total.account.outage
      let arrived = try #require(run.faultCosts).faults[0].difference.time
      // 1 ns a byte; the first activation comes a little after the wafer is lost.
      #expect(arrived.picoseconds <= 1_000_000_000 + Int64(bytes) * 1000)
      #expect(arrived == outage && arrived.picoseconds > Int64(bytes) * 1000)
    }
  }

  @Test("around dead PEs the fabric is slower from the repair on, and the repair is an outage")
  func pes() async throws {
    let run = try await Self.run("[{kind: pes, rank: 0, at: 0 us, repair: 50 us, count: 300}]")
    let difference = try #require(run.faultCosts).faults[0].difference
    #expect(difference.account.outage == EmulatedTime(picoseconds: 50_000_000))
    #expect(difference.account.slowdown > .zero && difference.account.compute == .zero)
    #expect(difference.account.total == difference.time)
  }

  @Test("the emulated document is the same by evaluation and by threads, real and phantom")
  func sameEverywhere() async throws {
    for topology in ["full-mesh", "ring", "line", "switch"] {
      let arguments = ["topology.name=\(topology)", "workload.batch=3"]
      let line = Self.all.replacing("\n", with: "")
      let evaluated = try await Self.run(line, set: arguments)
      let document = try Self.emulated(evaluated)
      #expect(document.contains("faults_cost_ps"))
      for payload in ["phantom", "real"] {
        let threads = try await Self.run(
          line, set: arguments + ["host.transport=inproc", "host.payload=\(payload)"])
        #expect(try Self.emulated(threads) == document, "\(topology) \(payload)")
      }
      // What sweeps and what-ifs use: never the graphs, which know no faults.
      let compared = try ExperimentRun(evaluated.experiment, launch: Self.nobody)
        .evaluate(EvaluationCache())
      #expect(compared.cluster.emulated.total == evaluated.cluster.emulated.total)
      #expect(compared.single.emulated.total == evaluated.single.emulated.total)
      let account = evaluated.cluster.emulated.total.account
      #expect(account.total == evaluated.cluster.emulated.total.time)
    }
  }

  @Test("requests that come over time are served with faults as evaluated")
  func served() async throws {
    let line = Self.all.replacing("\n", with: "")
    let arguments = [
      "workload.arrivals=poisson", "workload.rate=20000/s", "workload.requests=12",
      "workload.batch=4",
    ]
    let evaluated = try await Self.run(line, set: arguments)
    let threads = try await Self.run(
      line, set: arguments + ["host.transport=inproc", "host.payload=phantom"])
    #expect(try Self.emulated(threads) == Self.emulated(evaluated))
    let cache = try ExperimentRun(evaluated.experiment, launch: Self.nobody)
      .evaluate(EvaluationCache())
    #expect(cache.cluster.emulated.total == evaluated.cluster.emulated.total)
  }

  @Test(
    "each fault's cost is told in the document and the table, and one that cost nothing says so")
  func costs() async throws {
    let run = try await Self.run(
      "[{kind: straggler, rank: 1, factor: 3}, {kind: straggler, rank: 0, begins: 1000 s, factor: 9}]"
    )
    let document = RunDocument(run, text: nil).json
    let faults = try #require(document.at("cluster", "emulated", "faults")?.list)
    #expect(faults.count == 2 && faults[0]["kind"] == .string("straggler"))
    #expect(faults[0]["cost_ps"] == document.at("cluster", "emulated", "faults_cost_ps"))
    #expect(faults[1]["cost_ps"] == .integer(0))
    let table = RunTable(run, text: nil).text(TextStyle(width: 200, hasColour: false))
    #expect(table.contains("straggler, rank 1, factor 3"))
    #expect(table.contains("nothing: it met nothing"))
    #expect(faults.map { $0["struck"] } == [.boolean(true), .boolean(false)])
  }

  @Test("a fault that is hidden behind another has struck, and cost nothing")
  func hidden() async throws {
    // Rank 1 is still at the first sequence's prompt when the second one's comes, lost once or not.
    let run = try await Self.run(
      """
      [{kind: straggler, rank: 1, factor: 9}, \
      {kind: loss, from: 0, to: 1, stream: activation, sequence: 1, timeout: 1 ns}]
      """, set: ["workload.batch=3", "workload.micro_batches=3"])
    let costs = try #require(run.faultCosts).faults
    #expect(costs.map(\.hasStruck) == [true, true])
    #expect(costs[1].difference.time == .zero)
    let table = RunTable(run, text: nil).text(TextStyle(width: 200, hasColour: false))
    #expect(table.contains("nothing: the last token came no later"))
  }

  @Test(
    "nodes as processes compute the times of an experiment with faults", arguments: ["tcp", "ipc"])
  func processes(transport: String) async throws {
    let line = Self.all.replacing("\n", with: "")
    let evaluated = try await Self.run(line)
    let experiment = try Fixtures.resolve(
      Self.base + "faults: \(line)\n",
      set: ["host.transport=\(transport)", "host.payload=real", "host.wait_limit=120 s"])
    let nodes = try await ExperimentRun(
      experiment, launch: NodeLaunch(program: Products.node, coordinator: nil)
    ).run()
    #expect(try Self.emulated(nodes) == Self.emulated(evaluated))
  }
}
