import Foundation
import Placement
import Programs
import TestSupport
import Testing

@testable import Experiments

/// Node processes that crash at drawn places of their work: before a weight is read, before an instruction of the
/// prompt, before one of a later token. `WAFER_KILLS` is how many; `scripts/test-long kills` takes 200.
@Suite("Kills at every place", .serialized)
struct KillTests {
  private static let options = [
    "--model", "synthetic-tiny", "--pp", "2", "--tp", "2", "--prompt-tokens", "8",
    "--output-tokens", "24",
  ]

  private static var kills: Int {
    ProcessInfo.processInfo.environment["WAFER_KILLS"].flatMap { Int($0) } ?? 12
  }

  /// What a rank is at when it crashes.
  private enum Phase: String, CaseIterable {
    case load, prefill, decode
  }

  /// Weights that a rank of two layers reads before it is ready, at least: seven matrices and two norms a layer.
  private static let weights = 2 * 9

  @Test("a run that loses a node anywhere ends as one that loses none, and leaves nothing")
  func kills() async throws {
    let arguments = ["run"] + Self.options + ["--transport", "tcp", "--format", "json"]
    let undisturbed = try Answer(try await run(Products.wafer, arguments))
    let lengths = try ProgramLength.ofRanks(
      set: [
        "model=synthetic-tiny", "plan.pipeline=2", "plan.tensor=2", "workload.prompt_tokens=8",
        "workload.output_tokens=24",
      ])
    var generator = SeededGenerator(seed: 17)
    var histogram: [Phase: [Int]] = [:]
    for kill in 0..<Self.kills {
      let phase = Phase.allCases[kill % Phase.allCases.count]
      let rank = Int.random(in: 0..<lengths.count, using: &generator)
      let range =
        switch phase {
        case .load: 0..<Self.weights
        case .prefill: 0..<lengths[rank].prefill
        case .decode: lengths[rank].prefill..<lengths[rank].total
        }
      let number = Int.random(in: range, using: &generator)
      let tenth = (number - range.lowerBound) * 10 / range.count
      histogram[phase, default: Array(repeating: 0, count: 10)][tenth] += 1
      let place = "\(rank) \(phase == .load ? "weights" : "instruction") \(number)"
      try await Fixtures.withShortFolder { folder in
        let temporary = "\(folder)/t"
        try FileManager.default.createDirectory(
          atPath: temporary, withIntermediateDirectories: true)
        let children = Collected<Int32>()
        let ended = try await run(
          Products.wafer, arguments + ["--on-failure", "restart"], temporary: temporary,
          variables: ["WAFER_CRASH_AT": "\(place) \(folder)/crashed"]
        ) { process, _ in children.append(contentsOf: Processes.children(of: process)) }
        #expect(ended.status == 0, "\(place): \(ended.errors)")
        #expect(FileManager.default.fileExists(atPath: "\(folder)/crashed"), "\(place)")
        #expect(ended.errors.contains("restart 1"), "\(place): \(ended.errors)")
        #expect(try Answer(ended) == undisturbed, "\(place)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
        for child in Set(children.all) {
          #expect(!Processes.isAlive(child), "\(place): process \(child) is left")
        }
      }
    }
    print("\(Self.kills) kills, by tenths of what a rank does in each phase:")
    for phase in Phase.allCases {
      let counts = histogram[phase] ?? []
      print(
        "  \(phase.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0))"
          + "\(counts.reduce(0, +)):  " + counts.map(String.init).joined(separator: " "))
    }
    #expect(histogram.count == Phase.allCases.count)
  }
}

/// Instructions of a rank: of the prompt's window, and of all.
struct ProgramLength {
  var prefill = 0
  var total = 0

  /// Of each rank of an experiment's cluster.
  static func ofRanks(set arguments: [String]) throws -> [ProgramLength] {
    let experiment = try Fixtures.resolve(set: arguments).modelled
    var program = experiment.program(
      experiment.split, try experiment.layout(experiment.split))
    var lengths = Array(repeating: ProgramLength(), count: experiment.split.ranks)
    for index in 0..<program.windowCount {
      for (rank, work) in program.window(index).ranks.enumerated() {
        if index == 0 { lengths[rank].prefill += work.instructions.count }
        lengths[rank].total += work.instructions.count
      }
    }
    return lengths
  }
}
