import Foundation
import Programs
import Quantities
import Testing

@testable import Experiments

@Suite("What if")
struct WhatIfTests {
  private static func experiment(_ arguments: String...) throws -> Experiment {
    try Fixtures.resolver.resolve(
      try Fixtures.settings(set: arguments + SweepTests.base).evaluated)
  }

  @Test("a change is what the experiment with that setting takes")
  func changesAreRuns() async throws {
    // A fixed region, so that no other is fastest with another clock.
    let grid = "hardware.grid=64"
    let answer = try WhatIf(try Self.experiment(grid))
    for (name, kind, settings) in [
      ("link.latency", "free", ["link.latency=0 us"]),
      ("link.latency", "double", ["link.latency=10 us"]),
      ("link.bandwidth", "free", ["link.bandwidth=infinite"]),
      ("link.bandwidth", "half", ["link.bandwidth=75 GB/s"]),
      ("hardware.clock", "double", ["hardware.clock=2.2 GHz"]),
    ] {
      let parameter = try #require(answer.parameters.first { $0.name == name })
      let change = try #require(parameter.changes.first { $0.kind == kind })
      let changed = try Fixtures.resolver.resolve(
        try Fixtures.settings(set: settings + [grid] + SweepTests.base).evaluated)
      let run = ExperimentRun(changed, launch: NodeLaunch(program: nil, coordinator: nil))
      let alone = try run.evaluateCluster().emulated!
      #expect(change.result.total == alone.total, "\(name) \(kind): \(change.value)")
    }
  }

  @Test("parameters come in the order of what their best change saves")
  func order() throws {
    let answer = try WhatIf(try Self.experiment())
    let best = answer.parameters.map { $0.changes.map(\.result.total.time).min()! }
    #expect(best == best.sorted() && best[0] < answer.base.total.time)
    #expect(answer.parameters.contains { $0.name == "link.latency" })
    // What is nothing cannot be halved.
    #expect(!answer.parameters.contains { $0.name == "link.send_overhead" })
  }

  @Test("one wafer has no link, and accelerators have parameters of their own")
  func devices() throws {
    let one = try WhatIf(try Self.experiment("plan.pipeline=1", "plan.tensor=1"))
    #expect(!one.parameters.contains { $0.name.hasPrefix("link.") })
    let nodes = try WhatIf(
      try Self.experiment("model.name=llama-3.1-8b", "hardware.name=h100", "plan.tensor=1"))
    let names = nodes.parameters.map(\.name)
    #expect(
      names.contains("hardware.memory_bandwidth") && names.contains("hardware.kernel_floor")
        && !names.contains("hardware.clock"), "\(names)")
    #expect(nodes.parameters[0].changes.contains { $0.result.total.time < nodes.base.total.time })
  }
}
