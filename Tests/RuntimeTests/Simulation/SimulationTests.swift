import Foundation
import Runtime
import Synchronization
import Testing

/// Whole clusters without a socket, a thread or a clock. `scripts/simulate` runs more of them, and replays one.
@Suite("The control plane, simulated by seed")
struct SimulationTests {
  /// Seeds of the tests; each kind of trouble has 25.
  static let seeds: UInt64 = 300

  private static func variable(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// What many seeds have given.
  private struct Tally: Sendable {
    var endings: [String: Int] = [:]
    var restarts: [Int: Int] = [:]
    var seen: [String: Int] = [:]
    var frames = 0
    var simulated: Int64 = 0
    var violations: [String] = []

    mutating func add(_ summary: Simulation.Summary) {
      endings[summary.ending, default: 0] += 1
      restarts[summary.restarts, default: 0] += 1
      for name in summary.seen { seen[name, default: 0] += 1 }
      frames += summary.frames
      simulated += summary.simulated
    }

    mutating func add(_ other: Tally) {
      endings.merge(other.endings, uniquingKeysWith: +)
      restarts.merge(other.restarts, uniquingKeysWith: +)
      seen.merge(other.seen, uniquingKeysWith: +)
      frames += other.frames
      simulated += other.simulated
      violations += other.violations
    }

    /// A line each, in an order of its own.
    var words: String {
      func list<Key: Comparable>(_ counts: [Key: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      }
      return """
        runs that ended as: \(list(endings))
        restarts: \(list(restarts))
        seen in runs: \(list(seen))
        \(frames) frames, \(simulated / 3_600_000_000_000) h of simulated time
        """
    }
  }

  /// Runs seeds one after the other, and goes on behind a violation.
  private static func tally(_ seeds: some Sequence<UInt64>) -> Tally {
    var tally = Tally()
    for seed in seeds {
      do {
        tally.add(try Simulation(Scenario(seed: seed)).run())
      } catch {
        tally.violations.append("\(error)")
      }
    }
    return tally
  }

  @Test("every run ends as it must: the tokens of an undisturbed one, or an error that names why")
  func seeds() async {
    if let seed = Self.variable("WAFER_SIMULATION_SEED") { return Self.replay(seed) }
    let count = Self.variable("WAFER_SIMULATION_SEEDS") ?? Self.seeds
    let first = Self.variable("WAFER_SIMULATION_FIRST") ?? 0
    let lanes = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
    let tally = await withTaskGroup(of: Tally.self) { group in
      for lane in 0..<lanes {
        group.addTask { Self.tally(stride(from: first + lane, to: first + count, by: Int(lanes))) }
      }
      return await group.reduce(into: Tally()) { $0.add($1) }
    }
    print("\(count) seeds from \(first)\n\(tally.words)")
    for violation in tally.violations.sorted().prefix(20) { Issue.record("\(violation)") }
    #expect(tally.violations.isEmpty, "\(tally.violations.count) of \(count) seeds")
    // A simulation in which nothing happens would find nothing.
    guard count >= Self.seeds else { return }
    for ending in [
      "success", "exited", "exited early", "missing", "silent", "disconnected", "miscounted",
      "loading late",
      "node failed", "aborted", "coordinator died",
    ] {
      #expect(tally.endings[ending] != nil, "no run ended as '\(ending)'")
    }
    for event in [
      "suspected", "disconnected", "returned", "refused", "no room", "came twice",
      "restarts used up", "miscounted",
    ] {
      #expect(tally.seen[event] != nil, "'\(event)' was never seen")
    }
    for restarts in 0...3 { #expect(tally.restarts[restarts] != nil, "never \(restarts) restarts") }
  }

  /// One seed, with everything that happens.
  private static func replay(_ seed: UInt64) {
    let scenario = Scenario(seed: seed)
    let simulation = Simulation(scenario, traces: true)
    do {
      print("\(scenario)\n\(try simulation.run())")
    } catch {
      Issue.record("\(error)")
    }
    print(simulation.trace.joined(separator: "\n"))
  }

  @Test("the same seed is the same run, frame by frame")
  func replays() throws {
    for seed in UInt64(0)..<48 {
      let runs = try (0..<2).map { _ in
        let simulation = Simulation(Scenario(seed: seed), traces: true)
        let summary = try simulation.run()
        return "\(summary.frames) \(summary.simulated) \(simulation.trace)"
      }
      #expect(runs[0] == runs[1], "seed \(seed)")
    }
  }

  @Test(
    "a world that breaks a promise is found out", arguments: Simulation.Sabotage.allCases)
  func sabotage(_ sabotage: Simulation.Sabotage) {
    let found = (UInt64(0)..<144).compactMap { seed -> String? in
      let scenario = Scenario(seed: seed)
      let undisturbed = Scenario.Kind.allCases.filter { kind in
        switch sabotage {
        // What must not disturb anything needs an undisturbed run to be seen.
        case .loseReport, .doubleReport, .executeTwice, .loseFinishAndForge: kind == .calm
        case .assignTwice: kind == .spares
        case .keepDeadNode: kind == .crashes
        case .deafNode: kind == .coordinatorDies
        }
      }
      guard undisturbed.contains(scenario.kind) else { return nil }
      do throws(Simulation.Violation) {
        _ = try Simulation(scenario, sabotage: sabotage).run()
        return nil
      } catch {
        return error.what
      }
    }
    #expect(!found.isEmpty, "\(sabotage) went unnoticed")
    let words =
      switch sabotage {
      case .loseReport, .doubleReport: "run again for nothing|ended with '"
      case .loseFinishAndForge, .keepDeadNode: "the run does not end"
      case .executeTwice: "other tokens"
      case .assignTwice: "both have"
      case .deafNode: "outlive"
      }
    #expect(
      found.contains { text in words.split(separator: "|").contains { text.contains($0) } },
      "\(sabotage): \(found)")
  }
}
