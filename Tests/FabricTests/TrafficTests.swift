import Testing

@testable import Fabric

@Suite("What crosses each link")
struct TrafficTests {
  /// Wavelets of the links of a line towards its first PE, and away from it, by the western PE.
  static func line(
    _ algorithm: FabricAlgorithm, _ count: Int, _ wavelets: Int
  ) throws -> (west: [Int], east: [Int], FabricTraffic) {
    let mesh = try Mesh(width: count, height: 1)
    let program = try FabricExperiment(algorithm, mesh: mesh, wavelets: wavelets).program()
    let traffic = try FabricRun(program).traffic
    let pes = mesh.row(0)
    return (
      (0..<count - 1).map { traffic.link(from: pes[$0 + 1], to: pes[$0]) },
      (0..<count - 1).map { traffic.link(from: pes[$0], to: pes[$0 + 1]) }, traffic
    )
  }

  @Test("a broadcast and a chain put the vector on each link once")
  func broadcastAndChain() throws {
    for count in [2, 5, 16] {
      for wavelets in [1, 9] {
        let each = Array(repeating: wavelets, count: count - 1)
        let none = Array(repeating: 0, count: count - 1)
        let broadcast = try Self.line(.broadcast, count, wavelets)
        #expect(broadcast.west == none && broadcast.east == each)
        #expect(broadcast.2.sent == wavelets && broadcast.2.delivered == wavelets * (count - 1))
        let chain = try Self.line(.chain, count, wavelets)
        #expect(chain.west == each && chain.east == none)
        #expect(chain.2.sent == wavelets * (count - 1))
      }
    }
  }

  @Test("a star puts the vectors of all PEs behind it on each link")
  func star() throws {
    for count in [2, 5, 16] {
      let star = try Self.line(.star, count, 3)
      #expect(star.west == (0..<count - 1).map { 3 * (count - 1 - $0) })
      #expect(star.2.busiestLink?.wavelets == 3 * (count - 1))
      #expect(star.2.busiestLink?.to == Coordinate(x: 0, y: 0))
    }
  }

  @Test("a tree puts as many vectors on a link as there are rounds whose way it is on")
  func tree() throws {
    let tree = try Self.line(.tree, 8, 5)
    // Ways: 1 > 0, 3 > 2, 5 > 4, 7 > 6; 2 > 0, 6 > 4; 4 > 0.
    #expect(tree.west == [3, 2, 2, 1, 2, 1, 1].map { 5 * $0 })
    #expect(tree.east == Array(repeating: 0, count: 7))
  }

  @Test("a two-phase reduce puts two vectors on links within groups, and one between them")
  func twoPhase() throws {
    let run = try Self.line(.twoPhase, 9, 4)
    // The last group has only its own.
    #expect(run.west == [8, 8, 4, 8, 8, 4, 4, 4])
  }

  @Test("a two-tree reduce comes from both sides, and its broadcast crosses each link once more")
  func twoTree() throws {
    let reduce = try Self.line(.twoTree, 9, 2)
    // Groups of 3 with roots 1, 4, 7: within groups towards the root, over roots towards 4.
    #expect(reduce.east == [2, 2, 2, 4, 0, 0, 2, 0])
    #expect(reduce.west == [0, 2, 0, 0, 4, 2, 2, 2])
    let all = try Self.line(.twoTreeAllReduce, 9, 2)
    #expect(all.east == [2, 2, 2, 4, 2, 2, 4, 2])
    #expect(all.west == [2, 4, 2, 2, 4, 2, 2, 2])
  }

  @Test("a ring puts each chunk but two on each of its links twice")
  func ring() throws {
    // 12 numbers in chunks of 3: a link sends 2 · (P − 1) chunks; the way back is all links.
    let ring = try Self.line(.ringAllReduce, 4, 12)
    #expect(ring.east == [18, 18, 18] && ring.west == [18, 18, 18])
    #expect(ring.2.sent == 4 * 18 && ring.2.delivered == 4 * 18)
  }

  @Test("the hops of all wavelets are the energy of the closed form")
  func energy() throws {
    var compared = 0
    for algorithm in FabricAlgorithm.allCases {
      for (width, height) in [(2, 1), (7, 1), (16, 1), (36, 1), (4, 4), (8, 2), (3, 5)] {
        for wavelets in [1, 6] {
          let mesh = try Mesh(width: width, height: height)
          let experiment = try FabricExperiment(algorithm, mesh: mesh, wavelets: wavelets)
          guard let hops = experiment.closedForm?.waveletHops else { continue }
          let run = try FabricRun(experiment.program())
          #expect(run.traffic.waveletHops == hops, "\(algorithm) \(width)x\(height)")
          compared += 1
        }
      }
    }
    #expect(compared > 50)
  }

  @Test("a run whose numbers or links are not as stated is an error")
  func wrongResult() throws {
    let mesh = try Mesh(width: 3, height: 1)
    var program = try FabricExperiment(.chain, mesh: mesh, wavelets: 2).program()
    let sum = program.expectations[0].values[1]
    program.expectations[0].values[1] += 1
    #expect(
      throws: FabricError.wrongResult(
        Coordinate(x: 0, y: 0), address: 1, found: sum, expected: sum + 1)
    ) { try FabricRun(program) }
  }

  @Test("a PE that waits in vain, and wavelets that nobody takes, are errors that name the PE")
  func stuck() throws {
    let mesh = try Mesh(width: 2, height: 1)
    let (first, second) = (Coordinate(x: 0, y: 0), Coordinate(x: 1, y: 0))
    func program(sent: Int, taken: Int) throws -> FabricProgram {
      var program = FabricProgram(mesh: mesh)
      program.setMemory([1, 2, 3, 4], of: first)
      program.setMemory([0, 0, 0, 0], of: second)
      let colour = program.makeColour()
      let route = try program.addRoute(colour: colour, from: first, to: second)
      program.append(
        Step(.memory(base: 0, elements: 0..<sent), .pass, forward: route), to: first)
      program.append(Step(.fabric(colour: colour, wavelets: taken), .store(base: 0)), to: second)
      return program
    }
    #expect(throws: FabricError.stuck(second, colour: 0, missing: 2)) {
      try FabricRun(program(sent: 2, taken: 4))
    }
    #expect(throws: FabricError.leftOver(second, wavelets: 3)) {
      try FabricRun(program(sent: 4, taken: 1))
    }
  }

  @Test("a run gives the same cycles, links and numbers again")
  func determinism() throws {
    let mesh = try Mesh(width: 6, height: 5, dead: [Coordinate(x: 2, y: 2)])
    for algorithm in FabricAlgorithm.allCases {
      let experiment = try FabricExperiment(algorithm, mesh: mesh, wavelets: 7)
      #expect(try FabricRun(experiment.program()) == FabricRun(experiment.program()))
    }
  }
}
