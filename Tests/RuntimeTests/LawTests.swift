import Messaging
import Placement
import Programs
import Quantities
import Runtime
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// For the same experiment, the emulated times that nodes compute from the messages they really receive
/// equal the evaluator's, to the picosecond.
@Suite("The law, over threads")
struct LawTests {
  /// Outputs of a window in the evaluator's order: ranks in the order of the window's outputs.
  static func stamps(_ windows: [[WindowReport]]) -> [[Stamp]] {
    // One rank, the last stage's first, reports all outputs of a model's program.
    windows.map { $0.flatMap(\.outputs).map(\.stamp) }
  }

  @Test("holds on random experiments, with random delays on the host", arguments: 0..<20)
  func random(group: UInt64) throws {
    for seed in group * 10..<group * 10 + 10 {
      let experiment = RandomExperiment(seed: seed)
      let expected = try experiment.evaluate()
      let counter = Mutex(SeededGenerator(seed: seed))
      let outcome = try experiment.execute(phantom: experiment.isPhantom) { _, _ in
        // One message in sixteen is late by up to a millisecond of real time.
        let wait = counter.withLock { $0.next() }
        if wait % 16 == 0 { usleep(UInt32(wait >> 32) % 1000) }
      }
      #expect(Self.stamps(outcome.windows) == expected.outputs, "\(experiment)")
      for (report, clock) in zip(outcome.reports, expected.clocks) {
        #expect(report.end == clock.end && report.clockDigest == clock.digest, "\(experiment)")
      }
    }
  }

  @Test("real and phantom payloads give the same emulated times")
  func payloads() throws {
    for seed in UInt64(1000)..<1010 {
      let experiment = RandomExperiment(seed: seed)
      let real = try experiment.execute(phantom: false)
      let phantom = try experiment.execute(phantom: true)
      #expect(Self.stamps(real.windows) == Self.stamps(phantom.windows), "\(experiment)")
      #expect(real.reports.map(\.clockDigest) == phantom.reports.map(\.clockDigest))
      #expect(phantom.reports.allSatisfy { $0.payloadBytesSent == 0 })
      #expect(real.windows.joined().allSatisfy { $0.outputs.allSatisfy { !$0.tokens.isEmpty } })
    }
  }

  @Test("a repeated run gives the same tokens")
  func repeated() throws {
    for seed in UInt64(2000)..<2010 {
      let experiment = RandomExperiment(seed: seed)
      let one = try experiment.execute(phantom: false)
      let two = try experiment.execute(phantom: false)
      func tokens(_ windows: [[WindowReport]]) -> [[Int32]] {
        windows.joined().flatMap(\.outputs).map(\.tokens)
      }
      #expect(tokens(one.windows) == tokens(two.windows), "\(experiment)")
    }
  }

  @Test("1,000 ps added to one message's arrival change the times as the evaluator predicts")
  func tampered() throws {
    var changed = 0
    for seed in UInt64(3000)..<3060 {
      let experiment = RandomExperiment(seed: seed)
      guard experiment.split.ranks > 1 else { continue }
      let delay = Evaluator.Delay(
        from: Rank(experiment.split.ranks - 1),
        to: Rank(experiment.split.tensor > 1 ? experiment.split.ranks - 2 : 0),
        stream: experiment.split.tensor > 1 ? .collective : .token, sequence: 0,
        by: EmulatedTime(picoseconds: 1000))
      let plain = try experiment.evaluate()
      let expected = try experiment.evaluate(delays: [delay])
      let outcome = try experiment.execute(phantom: experiment.isPhantom) { header, to in
        guard header.source == delay.from, to == delay.to, header.stream == delay.stream,
          header.sequence == UInt64(delay.sequence)
        else { return }
        var account = header.arrival.account
        account.linkLatency += delay.by
        header.arrival = Stamp(time: header.arrival.time + delay.by, account: account)!
      }
      #expect(Self.stamps(outcome.windows) == expected.outputs, "\(experiment)")
      #expect(
        outcome.reports.map(\.clockDigest) == expected.clocks.map(\.digest), "\(experiment)")
      if plain.clocks.map(\.digest) != expected.clocks.map(\.digest) { changed += 1 }
    }
    #expect(changed > 10, "the delay reached \(changed) experiments; it must matter somewhere")
  }

  @Test("a message that never comes ends the run with rank, stream, sequence and bytes")
  func missing() throws {
    let link = RandomExperiment(seed: 0).wires.link
    let wires = Wires(link: link, ranks: 2, activationBytes: 4)
    let whole = PipelineProgram(
      stages: 2, microBatches: 2, stageTime: .zero, elements: 16, wires: wires
    ).window
    var ranks = whole.ranks
    // Rank 0 sends only the first of its two messages.
    var sends = 0
    ranks[0].instructions.removeAll {
      guard case .send = $0 else { return false }
      sends += 1
      return sends == 2
    }
    let window = Window(index: 0, batches: [], ranks: ranks, outputs: whole.outputs)
    let cluster = InProcessCluster(ranks: 2, run: 1, waitLimitMilliseconds: 50) { _ in .plain }
    let error = #expect(throws: RunError.self) {
      try cluster.run(windowCount: 1, nextWindow: { window })
    }
    #expect(
      error?.description.contains(
        "rank 1 waited 0.05 s for message 1 (64 bytes) of stream activation from rank 0") == true,
      "\(String(describing: error))")
  }

  @Test(
    "a header that does not fit the program is an error that names the field",
    arguments: ["run", "sequence", "element count"])
  func unexpected(field: String) throws {
    let experiment = RandomExperiment(seed: 0)
    let wires = Wires(link: experiment.wires.link, ranks: 2, activationBytes: 4)
    let window = PipelineProgram(
      stages: 2, microBatches: 1, stageTime: .zero, elements: 16, wires: wires
    ).window
    let cluster = InProcessCluster(
      ranks: 2, run: 1, waitLimitMilliseconds: 1000,
      intercept: { header, _ in
        switch field {
        case "run": header.run = 2
        case "sequence": header.sequence = 5
        default: header.elements = 15
        }
      }
    ) { _ in .phantom }
    let error = #expect(throws: RunError.self) {
      try cluster.run(windowCount: 1, nextWindow: { window })
    }
    #expect(error?.description.contains("\(field) is") == true, "\(String(describing: error))")
  }
}
