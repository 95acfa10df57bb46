import Hardware
import Models
import Programs
import Quantities
import TestSupport
import Testing

@testable import Experiments

@Suite("Slow links and slow wafers")
struct OverridesTests {
  private static let nobody = NodeLaunch(program: nil, coordinator: nil)
  private static let base = """
    model: synthetic-small
    plan: {pipeline: 4, tensor: 1}
    workload: {prompt_tokens: 8, output_tokens: 5}
    host: {transport: none}

    """

  /// A grid that is given needs no search.
  private static let quick = ["hardware.grid=64"]

  private static func run(_ yaml: String, set arguments: [String] = []) async throws
    -> ExperimentResult
  {
    try await ExperimentRun(
      try Fixtures.resolve(base + yaml, set: quick + arguments), launch: nobody
    ).run()
  }

  @Test("a file, one line of --set and the resolved file say the same")
  func spellings() throws {
    let file = """
      link:
        overrides:
          - {from: 1, to: 2, latency: 50 us, bandwidth: 10 GB/s}
          - from: 0
            to: 1
            send_overhead: 20 ns
            receive_overhead: 7 ps
      hardware:
        overrides: [{rank: 3, speed: 0.8}]

      """
    let experiment = try Fixtures.resolve(Self.base + file)
    let overrides = experiment.modelled.overrides
    #expect(
      overrides.links == [
        LinkOverride(
          from: Rank(0), to: Rank(1), sendOverhead: EmulatedTime(picoseconds: 20_000),
          receiveOverhead: EmulatedTime(picoseconds: 7)),
        LinkOverride(
          from: Rank(1), to: Rank(2), latency: EmulatedTime(picoseconds: 50_000_000),
          bandwidth: Rational(10_000_000_000)),
      ])
    #expect(overrides.speeds.map(\.rank) == [Rank(3)])
    #expect(overrides.speeds.map(\.speed) == [Rational(4, over: 5)])
    let lines = try Fixtures.resolve(
      Self.base,
      set: [
        "link.overrides=[{to: 2, from: 1, latency: 50us, bandwidth: 10GB/s}, "
          + "{from: 0, to: 1, send_overhead: 20ns, receive_overhead: 7ps}]",
        "hardware.overrides=[{rank: 3, speed: 0.8}]",
      ])
    #expect(lines.modelled == experiment.modelled)
    let again = try Fixtures.resolve(experiment.yaml)
    #expect(again.modelled == experiment.modelled)
    let none = try Fixtures.resolve(
      Self.base + file, set: ["link.overrides=none", "hardware.overrides=[]"])
    #expect(none.modelled.overrides.isEmpty)
    #expect(
      overrides.words("wafer")
        == "link 0 to 1: send_overhead 20 ns, receive_overhead 7 ps; "
        + "link 1 to 2: latency 50 us, bandwidth 10 GB/s; wafer 3 at 0.8")
  }

  @Test(
    "what there is not, and what is written wrong, is an error that names it and what would be right",
    arguments: [
      ("link.overrides=[{from: 1, to: 4, latency: 1us}]", ["link.overrides.to", "4", "0 to 3"]),
      ("link.overrides=[{from: 2, to: 2, latency: 1us}]", ["rank 2 to rank 2", "two ranks"]),
      ("link.overrides=[{from: 1, to: 2}]", ["link.overrides", "no figure"]),
      ("link.overrides=[{from: 1, latency: 1us}]", ["link.overrides.to", "missing"]),
      ("link.overrides=[{from: 1, to: 2, latency: 1}]", ["link.overrides.latency", "unit"]),
      (
        "link.overrides=[{from: 1, to: 2, latncy: 1us}]",
        ["link.overrides.latncy", "nearest is 'latency'"]
      ),
      ("link.overrides=[{from: 1, to: 2, bandwidth: infinite}]", ["bandwidth"]),
      (
        "link.overrides=[{from: 1, to: 2, latency: 1us}, {from: 1, to: 2, latency: 2us}]",
        ["twice"]
      ),
      ("link.overrides=slow", ["link.overrides", "{from: 0, to: 1, latency: 5us}"]),
      ("link.overrides=[slow]", ["link.overrides", "{from: 0, to: 1, latency: 5us}"]),
      ("hardware.overrides=[{rank: 4, speed: 0.5}]", ["hardware.overrides.rank", "4", "0 to 3"]),
      ("hardware.overrides=[{rank: 1, speed: 0}]", ["hardware.overrides.speed", "0.001"]),
      ("hardware.overrides=[{rank: 1, speed: 0.1234567}]", ["hardware.overrides.speed", "six"]),
      ("hardware.overrides=[{rank: 1}]", ["hardware.overrides.speed", "missing"]),
      (
        "hardware.overrides=[{rank: 1, speed: 0.5}, {rank: 1, speed: 0.6}]", ["rank", "1 twice"]
      ),
      ("hardware.overrides={rank: 1, speed: 0.5}", ["no list"]),
      ("link.overrides=[{from: 1, to: 2, latency: [1us]}]", ["latency", "list"]),
    ])
  func wrong(argument: String, words: [String]) throws {
    let error = try #require(Fixtures.error(Self.base, set: [argument]))
    for word in words + ["--set"] { #expect("\(error)".contains(word), "\(error)") }
  }

  @Test("in a file an error names the line of its mapping")
  func line() throws {
    let error = try #require(
      Fixtures.error("link:\n  overrides:\n    - {from: 0, to: 1, latency: 1us}\n    - {from: 9}\n")
    )
    #expect("\(error)".contains("test.yaml:4"), "\(error)")
  }

  @Test("on a ring only neighbours have a link; a rank between is named")
  func neighbours() throws {
    let link = "link.overrides=[{from: 0, to: 2, latency: 1us}]"
    #expect(Fixtures.error(Self.base, set: [link]) == nil)
    let error = try #require(Fixtures.error(Self.base + "topology: ring\n", set: [link]))
    #expect("\(error)".contains("rank 0 to rank 2") && "\(error)".contains("ring"), "\(error)")
  }

  @Test(
    "a slow link of a pipeline costs its difference once a token, as link latency, and nothing else"
  )
  func slowLink() async throws {
    let usual = try await Self.run("")
    let slow = try await Self.run("link: {latency: 5 us, bandwidth: infinite}\n")
    let one = try await Self.run(
      """
      link:
        latency: 5 us
        bandwidth: infinite
        overrides: [{from: 1, to: 2, latency: 30 us}, {from: 2, to: 1, latency: 900 us}]

      """)
    let extra = one.cluster.emulated.total.account - slow.cluster.emulated.total.account
    // Five tokens pass it once each; nothing ever goes back from 2 to 1.
    #expect(extra.linkLatency == EmulatedTime(picoseconds: 5 * 25_000_000))
    #expect(extra.total == extra.linkLatency)
    #expect(one.single.emulated == slow.single.emulated)
    #expect(usual.single.emulated == slow.single.emulated)
  }

  @Test(
    "a wafer at half its speed takes exactly twice its kernels' time, and the single wafer does not"
  )
  func slowWafer() async throws {
    let usual = try await Self.run("")
    let slow = try await Self.run("hardware: {overrides: [{rank: 2, speed: 0.5}]}\n")
    let before = usual.cluster.emulated.ranks[2].computing
    let after = slow.cluster.emulated.ranks[2].computing
    // Each entry is rounded once: half a picosecond an entry and kernel at most.
    let kernels = Int64(5 * 2 * usual.experiment.modelled.shape.layers)
    #expect(abs(after.picoseconds - 2 * before.picoseconds) <= 2 * kernels)
    #expect(slow.cluster.emulated.ranks[1].computing == usual.cluster.emulated.ranks[1].computing)
    #expect(slow.single.emulated == usual.single.emulated)
    let extra = slow.cluster.emulated.total.account - usual.cluster.emulated.total.account
    #expect(extra.compute > .zero && extra.fabric > .zero && extra.linkLatency == .zero)
    #expect(extra.total == extra.compute + extra.fabric)
  }

  @Test("one wafer of another speed is not the single wafer; a node of accelerators slows down too")
  func oneWafer() async throws {
    let one = try await Self.run(
      "hardware: {overrides: [{rank: 0, speed: 0.5}]}\n", set: ["plan.pipeline=1"])
    #expect(one.cluster.emulated.total.time > one.single.emulated.total.time)
    func accelerators(_ arguments: [String]) async throws -> ExperimentResult {
      let all = ["hardware.name=h100", "hardware.devices=2"] + arguments
      return try await ExperimentRun(
        try Fixtures.resolve(Self.base, set: all), launch: Self.nobody
      ).run()
    }
    let usual = try await accelerators([])
    let slow = try await accelerators(["hardware.overrides=[{rank: 1, speed: 0.25}]"])
    #expect(slow.cluster.emulated.ranks[1].computing > usual.cluster.emulated.ranks[1].computing)
    #expect(slow.cluster.emulated.ranks[0].computing == usual.cluster.emulated.ranks[0].computing)
  }

  @Test("the emulated document is the same by graphs, by plain evaluation and by threads")
  func sameEverywhere() async throws {
    for topology in ["full-mesh", "ring", "line", "torus", "switch"] {
      let yaml = """
        topology: \(topology)
        link: {overrides: [{from: 0, to: 1, latency: 70 us}, {from: 2, to: 3, bandwidth: 1 GB/s}]}
        hardware: {overrides: [{rank: 1, speed: 0.3}]}

        """
      let arguments = ["plan.pipeline=2", "plan.tensor=2", "workload.batch=3"]
      let evaluated = try await Self.run(yaml, set: arguments)
      let threads = try await Self.run(yaml, set: arguments + ["host.transport=inproc"])
      func emulated(_ result: ExperimentResult) throws -> String {
        try EmulatedDocument(run: RunDocument(result, text: nil).json, place: .builtIn).json
          .document
      }
      #expect(try emulated(evaluated) == emulated(threads), "\(topology)")
      let compared = try ExperimentRun(evaluated.experiment, launch: Self.nobody)
        .evaluate(EvaluationCache())
      #expect(compared.cluster.emulated.total == evaluated.cluster.emulated.total, "\(topology)")
      #expect(compared.single.emulated.total == evaluated.single.emulated.total, "\(topology)")
    }
  }

  @Test(
    "points of a sweep that differ in overrides alone share what they can, and are what runs give")
  func sweep() async throws {
    let sweep = try Sweep(
      try SweepGrid(
        base: try Fixtures.settings(Self.base, set: Self.quick),
        axes: [
          try SweepAxis(
            "link.overrides=none;[{from: 1, to: 2, latency: 50us}];[{from: 1, to: 2, latency: 90us}]"
          ),
          try SweepAxis("hardware.overrides=none;[{rank: 0, speed: 0.5}];[{rank: 3, speed: 0.5}]"),
          try SweepAxis("pp=2,4"),
        ]), measures: nil, resolver: Fixtures.resolver)
    let rows = try await SweepTests.rows(sweep)
    for (number, row) in rows.enumerated() {
      let settings = try sweep.grid.settings(at: number).evaluated
      guard let experiment = try? Fixtures.resolver.resolve(settings) else {
        #expect(row["status"] == "impossible")
        #expect(row["reason"]?.string?.contains("no such rank") ?? false, "\(row.line)")
        continue
      }
      let run = ExperimentRun(experiment, launch: Self.nobody)
      let split = experiment.modelled.split
      let plain = try run.evaluated(
        .cluster, split, try experiment.modelled.layout(split), observation: nil)
      #expect(row["total_ps"] == .picoseconds(plain.emulated.total.time), "\(row.line)")
      let alike = rows.first { $0["plan.pipeline"] == row["plan.pipeline"] }
      #expect(row["single_total_ps"] == alike?["single_total_ps"])
    }
    // Of two wafers, neither rank 3 nor the link from 1 to 2 is there.
    #expect(rows.count { $0["status"] == "done" } == 9 + 2)
  }
}
