import Foundation
import Hardware
import Models
import Programs
import Quantities
import TestSupport
import Testing

@testable import Experiments

@Suite("Presets of a measured host")
struct HostPresetTests {
  private static let facts = HostFacts(
    host: "there", processor: "A \"quoted\" processor", processors: 2, date: "2026-01-31")

  /// What a survey would have observed of a host that takes exactly these times.
  private static func host(fixed: Double, perWeight: Double, pair: Double) -> MeasuredHost {
    var observations: [KernelSurvey.Observation] = []
    func add(
      _ kernel: KernelSurvey.Kernel, _ count: Int, _ tokens: Int, _ pairs: Int, _ seconds: Double
    ) {
      observations.append(
        KernelSurvey.Observation(
          kernel: kernel, count: count, tokens: tokens, pairs: pairs, seconds: [seconds]))
    }
    for weights in [250_000, 500_000] {
      for tokens in [1, 2, 8] {
        for context in tokens == 1 ? [4, 100] : [4] {
          let pairs = context * tokens * weights / 1000
          let matrix = fixed + Double(weights * tokens) * perWeight
          add(.attention, weights, tokens, pairs, matrix + Double(pairs) * pair)
          if context == 4 {
            add(.feedForward, weights, tokens, 0, matrix)
            add(.head, weights, tokens, 0, matrix)
          }
        }
      }
      add(.embedding, weights / 1000, 1, 0, fixed + Double(weights / 1000) * perWeight)
      add(.candidates, weights / 1000, 1, 0, fixed + Double(weights / 1000) * perWeight)
    }
    return MeasuredHost(
      name: "there-2", busy: 2, link: "there-2-tcp", observations: observations,
      steps: [90e-6, 100e-6, 200e-6])
  }

  @Test("what is written is read back as what was measured, each figure with its source")
  func roundTrip() throws {
    let folder = NSTemporaryDirectory() + "wafer-host-\(UInt32.random(in: 0...UInt32.max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let experiment = try Fixtures.resolve(set: ["model.name=synthetic-tiny"])
    let (fixed, perWeight, pair) = (4e-6, 7.5e-11, 2e-10)
    let preset = HostPresetText(
      Self.host(fixed: fixed, perWeight: perWeight, pair: pair), of: experiment,
      facts: Self.facts)
    try preset.write(to: folder, at: .option("--output"))
    // An older one of ours is written anew.
    try preset.write(to: folder, at: .option("--output"))
    let read = try PresetLibrary(folder: folder).host("there-2", at: .builtIn)
    let host = read.value
    func isClose(_ value: Rational, _ expected: Double) -> Bool {
      abs(value.approximation - expected) <= 1e-5 * expected
    }
    #expect(host.model == "synthetic-tiny" && host.precision == "float32")
    #expect(host.busyProcesses == 2 && host.link == "there-2-tcp")
    for kernel in [host.attention, host.feedForward, host.head] {
      #expect(isClose(kernel.fixed, fixed))
      #expect(kernel.points.map(\.tokens) == [1, 2, 8])
      for point in kernel.points {
        #expect(isClose(point.perWeight, Double(point.tokens) * perWeight))
      }
    }
    #expect(isClose(host.pair, pair))
    for kernel in [host.embedding, host.candidates] {
      #expect(isClose(kernel.fixed, fixed) && isClose(kernel.each, perWeight))
    }
    // The lower quartile of three.
    #expect(isClose(host.step, 90e-6))
    for figure in read.figures {
      #expect(figure.mark == "measured", "\(figure.key)")
      #expect(figure.source.hasPrefix("2026-01-31, there, A \"quoted\" processor, 2 processors"))
    }
  }

  @Test("a link is what its messages took: the sender's part, the way, and the bytes")
  func link() throws {
    let observations = MessageSurvey.sizes.map { bytes in
      MessageSurvey.Observation(
        bytes: bytes, hops: [50e-6 + Double(bytes) / 2e9], sends: [12e-6])
    }
    let link = MeasuredLink(name: "there-tcp", busy: 1, observations: observations)
    #expect(abs(link.fit.sendOverhead - 12e-6) < 1e-12)
    #expect(abs(link.fit.latency - 38e-6) < 1e-10)
    #expect(abs(try #require(link.fit.bandwidth) / 2e9 - 1) < 1e-6)
    try withFolder { folder in
      try HostPresetText(link, facts: Self.facts).write(to: folder, at: .builtIn)
      let read = try PresetLibrary(folder: folder).link("there-tcp", at: .builtIn).value
      #expect(abs(read.sendOverhead.seconds - 12e-6) < 1e-11)
      #expect(abs(read.latency.seconds - 38e-6) < 1e-10)
      // 64 KiB: 50 us and 32.768 us, by the rules that runs are priced by.
      let hop = read.sendOverhead + read.latency + read.serialization(bytes: 1 << 16)
      #expect(abs(hop.seconds - 82.768e-6) < 1e-9)
    }
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "wafer-host-\(UInt32.random(in: 0...UInt32.max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test("a file that somebody else wrote is not written over")
  func foreign() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/links", withIntermediateDirectories: true)
      let path = folder + "/links/there-tcp.yaml"
      try "preset: link\n".write(toFile: path, atomically: true, encoding: .utf8)
      let observations = MessageSurvey.sizes.map {
        MessageSurvey.Observation(bytes: $0, hops: [1e-6], sends: [1e-6])
      }
      let link = MeasuredLink(name: "there-tcp", busy: 1, observations: observations)
      #expect {
        try HostPresetText(link, facts: Self.facts).write(to: folder, at: .option("--output"))
      } throws: {
        "\($0)".contains("would write over '\(path)'")
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "preset: link\n")
    }
  }

  @Test("times are the lower quartile of those that are alike, and the spread is up to the upper")
  func quartiles() {
    #expect(HostNoise.quiet([3]) == 3)
    #expect(HostNoise.quiet([1, 2, 3, 4, 5]) == 2)
    #expect(HostNoise.usual([1, 2, 3, 5, 100]) == 10.0 / 3)
    #expect(HostNoise.usual([4]) == 4)
    #expect(HostNoise.spread([1, 2, 3, 4, 5]) == 1)
    #expect(HostNoise.spread([2, 2, 2, 2]) == 0)
  }

  @Test("what nodes do to be timed is a program that passes the check, both ways", arguments: 1...5)
  func script(busy: Int) throws {
    let script = busy == 1 ? MessageScript.relay(rounds: 3) : .exchange(busy, rounds: 3)
    let program = EvaluatedProgram(script.window)
    try program.finish()
    for (rank, part) in script.ranks.enumerated() {
      #expect(part.tags.count == part.instructions.count)
      for size in MessageSurvey.sizes.indices {
        for round in 0..<3 {
          #expect(part.tags.count { $0 == .send(size, round: round) } == 1, "rank \(rank)")
          #expect(part.tags.count { $0 == .receive(size, round: round) } == 1, "rank \(rank)")
        }
      }
    }
  }

  @Test("a survey meets every number of tokens up to its most, and stays within its cache")
  func plan() {
    for most in [1, 2, 5, 64, 512] {
      let plan = SurveyPlan(mostTokens: most)
      var lengths = Array(repeating: 0, count: plan.sequences)
      var tokens: Set<Int> = []
      for item in plan.items {
        for batch in item.steps {
          #expect(batch.tokens <= plan.mostTokens && batch.outputs <= plan.sequences)
          for (index, entry) in batch.entries.enumerated() {
            if entry.start == 0 {
              lengths[entry.sequence] = plan.prompts[entry.request]
              #expect(entry.count == lengths[entry.sequence])
            } else {
              // A decode takes in the token before it.
              #expect(batch.accepts == [index] && entry.start == lengths[entry.sequence])
              lengths[entry.sequence] += 1
            }
            #expect(entry.start + entry.count <= plan.positions)
          }
          if batch.isMeasured(in: item) { tokens.insert(batch.tokens) }
        }
      }
      #expect(tokens.isSuperset(of: HostProcess.tokenGrid.filter { $0 <= most }))
    }
  }
}
