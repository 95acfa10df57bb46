import Foundation
import Hardware
import Programs
import Quantities
import Testing

@testable import Experiments

@Suite("Predictions of published figures")
struct ValidationRunTests {
  static func result(_ yaml: String) async throws -> ValidationResult {
    let file = try ValidationFile(
      yaml: try StrictYAML(path: "test.yaml", text: yaml), sha256: "")
    var run = ValidationRun(presets: Fixtures.presets)
    return try await run.evaluate(try file.table())
  }

  /// A table of one small model on a WSE-2, whose rows follow.
  static let heading = """
    validation: test
    summary: test
    defaults:
      mark: assumed
      source: a test
      role: held-out
      experiment:
        model: llama-3.1-8b
        hardware: {name: wse-2, grid: 480, hypothetical_sram: true}
        plan: {pipeline: 2, tensor: 1}
        workload: {prompt_tokens: 100, output_tokens: 3}
    rows:

    """

  /// What `wafer run` gives for the same.
  static func emulated(_ set: String...) async throws -> EmulatedResult {
    let experiment = try Fixtures.resolve(
      set: [
        "model=llama-3.1-8b", "hardware=wse-2", "hardware.grid=480",
        "hardware.hypothetical_sram=true", "plan.pipeline=2", "plan.tensor=1",
        "workload.prompt_tokens=100", "workload.output_tokens=3", "host.transport=none",
      ] + set)
    let launch = NodeLaunch(program: nil, coordinator: nil)
    return try await ExperimentRun(experiment, launch: launch).run().cluster.emulated
  }

  static func seconds(_ time: EmulatedTime) -> Rational {
    Rational(Int128(time.picoseconds), over: 1_000_000_000_000)
  }

  @Test("each metric of an experiment is what the experiment's result says, exactly")
  func experimentMetrics() async throws {
    let units = [
      ("decode-tokens-per-second", "1"), ("prefill-tokens-per-second", "1"), ("tpot", "1 ms"),
      ("ttft", "1 ms"), ("link-time", "1 us"), ("link-share", "1 %"),
    ]
    let rows = units.map { metric, published in
      """
        - name: \(metric)
          metric: \(metric)
          published: \(published)
          tolerance: none

      """
    }
    let result = try await Self.result(Self.heading + rows.joined())
    let values = Dictionary(
      uniqueKeysWithValues: result.rows.map { ($0.figure.name, $0.predicted) })
    let run = try await Self.emulated()
    let perToken = Self.seconds(try #require(run.timePerOutputToken))
    #expect(values["tpot"] == perToken)
    #expect(values["decode-tokens-per-second"] == Rational(1) / perToken)
    #expect(values["ttft"] == Self.seconds(run.timeToFirstToken))
    #expect(
      values["prefill-tokens-per-second"] == Rational(100) / Self.seconds(run.timeToFirstToken))

    // The last token's own account: that of three tokens less that of two.
    let shorter = try await Self.emulated("workload.output_tokens=2")
    let token = run.total.account - shorter.total.account
    let link = token.linkLatency + token.linkSerialization
    // Two hops a token: the activation to the second stage, the token back to the first.
    #expect(token.linkLatency == EmulatedTime(picoseconds: 10_000_000))
    #expect(values["link-time"] == Self.seconds(link))
    #expect(values["link-share"] == Self.seconds(link) / Self.seconds(token.total))
  }

  @Test("end to end is a prefill on one grid and every decode step on the other, to the picosecond")
  func endToEnd() async throws {
    // Contexts 401 to 600 on 480 columns: the share of a PE grows once.
    let result = try await Self.result(
      Self.heading + """
          - name: e
            metric: end-to-end-tokens-per-second
            experiment: {workload: {prompt_tokens: 400, output_tokens: 200}}
            prefill: {hardware: {grid: 600}}
            published: 1

        """)
    let decode = try await Self.emulated(
      "workload.prompt_tokens=400", "workload.output_tokens=201")
    let prefill = try await Self.emulated(
      "workload.prompt_tokens=400", "workload.output_tokens=1", "hardware.grid=600")
    let time = prefill.timeToFirstToken + decode.total.time - decode.timeToFirstToken
    #expect(result.rows[0].predicted == Rational(200) / Self.seconds(time))
  }

  @Test("end to end needs a grid, as the steps must not choose one each")
  func endToEndGrid() async throws {
    let error = await #expect(throws: ConfigurationError.self) {
      try await Self.result(
        Self.heading + """
            - name: e
              metric: end-to-end-tokens-per-second
              experiment: {hardware: {grid: fastest}}
              published: 1

          """)
    }
    #expect(error?.key == "experiment" && error?.place == .file("test.yaml", line: 13))
  }

  @Test("a ratio is the quotient of two predictions, and marks what they marked")
  func ratio() async throws {
    let result = try await Self.result(
      Self.heading + """
          - {name: a, metric: tpot, published: 1 ms,
             experiment: {hardware: {grid: 420}, plan: {pipeline: 1}}}
          - {name: b, metric: tpot, published: 1 ms,
             experiment: {hardware: {grid: 660}, plan: {pipeline: 1}}}
          - {name: c, metric: ratio, published: 1, ratio: {of: a, to: b}}

        """)
    #expect(result.rows[2].predicted == result.rows[0].predicted / result.rows[1].predicted)
    #expect(result.rows[2].predicted < Rational(1), "more PEs make the token slower")
    #expect(result.rows[0].remarks == [.hypotheticalSRAM])
    #expect(result.rows[2].remarks == [.hypotheticalSRAM])
  }

  @Test("a product on the mesh is rows, multiply-adds and one all-reduce of the calibration")
  func product() async throws {
    let result = try await Self.result(
      Self.heading + """
          - name: p
            metric: gemv-time
            gemv: {hardware: wse-2, side: 720, inputs: 16384, outputs: 16384}
            published: 1.2 us

        """)
    // p = 23; 24 groups of 30: chain 15 + 12 steps, 12 x 29 + 360 hops; at 1.1 GHz.
    let compute = (28.95 * 23 + 0.134 * 23 * 23) / 1.1e9
    let fabric = (24.65 * 27 + 708) / 1.1e9
    let predicted = result.rows[0].predicted.approximation
    #expect(abs(predicted - compute - fabric) < 2e-12)
  }

  /// The published decode figure of 8B on 420 x 420 PEs.
  static func calibrated(_ change: (String, String) = ("", "")) -> String {
    """
    validation: test
    summary: test
    rows:
      - name: 8B on 420
        metric: decode-tokens-per-second
        experiment:
          model: llama-3.1-8b
          hardware: {name: wse-2, grid: 420, hypothetical_sram: true}
          plan: {pipeline: 1, tensor: 1}
          workload: {prompt_tokens: 4095, output_tokens: 2}
          pricing: {embedding_and_head: false, gqa: published-no-gqa}
        published: 2699.9
        tolerance: 1.5 %
        mark: published
        source: Table 4
        role: calibrated
    """.replacing(change.0.isEmpty ? "\u{0}" : change.0, with: change.1)
  }

  @Test("beside a calibrated row stands what a fit without it is off by, which is more")
  func leaveOneOut() async throws {
    let row = try await Self.result(Self.calibrated()).rows[0]
    let calibration = try Fixtures.presets.calibration("waferllm-wse2", at: .builtIn).value
    let known = calibration.rows[0]
    let others = Calibration.fit(
      rows: Array(calibration.rows.dropFirst()), clock: calibration.coefficients.clock,
      groups: calibration.groups)
    let without = Calibration(
      name: "w", wafer: "wse-2", coefficients: others, rows: [], groups: calibration.groups)
    let leftOut = try #require(row.leaveOneOutError)
    #expect(leftOut == without.residual(of: known).relativeError)
    let residual = try #require(row.relativeError?.approximation)
    #expect(abs(leftOut) > abs(residual), "\(leftOut) against \(residual)")
    #expect(row.holds == true)
  }

  @Test(
    "a row cannot hide that the fit has seen it, nor claim that it has",
    arguments: [
      (("role: calibrated", "role: held-out"), "role"), (("grid: 420", "grid: 440"), "role"),
      (("published: 2699.9", "published: 2700"), "published"),
    ])
  func roles(change: (String, String), key: String) async throws {
    let error = await #expect(throws: ConfigurationError.self) {
      try await Self.result(Self.calibrated(change))
    }
    #expect(error?.key == key && error?.place == .file("test.yaml", line: 4), "\(error as Any)")
  }

  @Test("what does not fit the wafer, and a token that is not there, are the row's errors")
  func impossible() async throws {
    for (change, part) in [
      (("hypothetical_sram: true", "hypothetical_sram: false"), "cannot be placed"),
      (("output_tokens: 2", "output_tokens: 1"), "needs at least 2"),
    ] {
      let error = await #expect(throws: ConfigurationError.self) {
        try await Self.result(
          Self.calibrated(change).replacing("role: calibrated", with: "role: held-out"))
      }
      #expect(error?.description.contains(part) == true, "\(error as Any)")
      #expect(error?.place == .file("test.yaml", line: 4))
    }
  }

  @Test("a tolerance holds to its very edge, and a band does at both ends")
  func edges() async throws {
    func holds(_ bound: String) async throws -> Bool? {
      try await Self.result(
        """
        validation: test
        summary: test
        rows:
          - name: link
            metric: collective-time
            collective: {operation: broadcast, algorithm: tree, ranks: 2, bytes: 4 B,
              latency: 100 ns, bandwidth: infinite}
            \(bound)
            mark: derived
            source: L
            role: held-out

        """
      ).rows[0].holds
    }
    #expect(try await holds("published: 80 ns\n    tolerance: 25 %") == true)
    #expect(try await holds("published: 80 ns\n    tolerance: 24.999 %") == false)
    #expect(try await holds("published: 125 ns\n    tolerance: 20 %") == true)
    #expect(try await holds("published: 100001 ps\n    tolerance: 0 %") == false)
    #expect(try await holds("band: [100 ns, 101 ns]") == true)
    #expect(try await holds("band: [99 ns, 100 ns]") == true)
    #expect(try await holds("band: [101 ns, 102 ns]") == false)
    #expect(try await holds("published: 1 ns") == nil)
  }
}
