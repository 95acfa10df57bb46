import Programs
import Quantities
import Testing

@testable import Experiments

struct TopologySettingsTests {
  private static func topology(_ settings: String...) throws -> Topology {
    try Fixtures.resolve(set: settings).modelled.topology
  }

  @Test("each topology is read, in a file and by its section's name")
  func read() throws {
    #expect(try Self.topology() == .fullMesh)
    #expect(try Self.topology("topology=ring") == .ring)
    #expect(try Self.topology("topology.name=line") == .line)
    #expect(
      try Self.topology("topology=switch", "topology.switch_latency=300 ns")
        == .switch(latency: EmulatedTime(picoseconds: 300_000)))
    // Two stages of two shards.
    #expect(try Self.topology("topology=torus") == .torus(columns: 2, rows: 2))
    #expect(
      try Self.topology("topology=torus", "topology.dimensions=4x1") == .torus(columns: 4, rows: 1))
  }

  @Test("a torus of another number of wafers, and what a topology does not have, are errors")
  func contradictions() throws {
    for (settings, key, words) in [
      (["topology=torus", "topology.dimensions=3x2"], "topology.dimensions", "there are 4 wafers"),
      (["topology=ring", "topology.dimensions=2x2"], "topology.dimensions", "no dimensions"),
      (["topology=ring", "topology.switch_latency=1 us"], "topology.switch_latency", "no switch"),
    ] {
      let error = try #require(Fixtures.error(set: settings))
      #expect(error.key == key && error.problem.contains(words), "\(error)")
    }
  }

  @Test("the experiment's file resolves to the same topology", arguments: Topology.Name.allCases)
  func roundTrip(name: Topology.Name) throws {
    var settings = ["topology=\(name.rawValue)"]
    if name == .torus { settings.append("topology.dimensions=1x4") }
    if name == .switch { settings.append("topology.switch_latency=7 ns") }
    let experiment = try Fixtures.resolve(set: settings)
    #expect(try Fixtures.resolve(experiment.yaml).modelled == experiment.modelled)
  }
}
