import TestSupport
import Testing

@testable import Fabric

@Suite("Dead routers")
struct DetourTests {
  /// Cycles of one PE's numbers to another.
  static func cycles(
    from: Coordinate, to: Coordinate, on mesh: Mesh, wavelets: Int
  ) throws -> (cycles: Int, hops: Int) {
    var program = FabricProgram(mesh: mesh)
    program.setMemory((0..<Int32(wavelets)).map { $0 * 3 - 5 }, of: from)
    program.setMemory(Array(repeating: 0, count: wavelets), of: to)
    let colour = program.makeColour()
    let route = try program.addRoute(colour: colour, from: from, to: to)
    program.append(
      Step(.memory(base: 0, elements: 0..<wavelets), .pass, forward: route), to: from)
    program.append(Step(.fabric(colour: colour, wavelets: wavelets), .store(base: 0)), to: to)
    program.expect(program.memory[mesh.index(from)], of: to)
    let run = try FabricRun(program)
    return (run.cycles, run.traffic.waveletHops)
  }

  /// Hops of a shortest way, by relaxing every router until nothing changes.
  static func distance(from: Coordinate, to: Coordinate, on mesh: Mesh) -> Int? {
    var distance: [Coordinate: Int] = [from: 0]
    for _ in 0..<mesh.routerCount {
      for router in 0..<mesh.routerCount {
        let place = mesh.coordinate(router)
        guard mesh.isAlive(place) else { continue }
        for (dx, dy) in [(0, -1), (-1, 0), (1, 0), (0, 1)] {
          if let there = distance[Coordinate(x: place.x + dx, y: place.y + dy)],
            there + 1 < distance[place] ?? .max
          {
            distance[place] = there + 1
          }
        }
      }
    }
    return distance[to]
  }

  @Test("a dead router on a straight way adds two hops, and their cycles, and nothing else")
  func oneDeadRouter() throws {
    let (from, to) = (Coordinate(x: 0, y: 1), Coordinate(x: 7, y: 1))
    for hop in [1, 3] {
      for x in 1...6 {
        let whole = try Mesh(width: 8, height: 3, hopCycles: hop)
        let broken = try Mesh(
          width: 8, height: 3, dead: [Coordinate(x: x, y: 1)], hopCycles: hop)
        let before = try Self.cycles(from: from, to: to, on: whole, wavelets: 9)
        let after = try Self.cycles(from: from, to: to, on: broken, wavelets: 9)
        #expect(before == (9 + 7 * hop + 5, 9 * 7))
        #expect(after == (9 + 9 * hop + 5, 9 * 9), "dead at \(x), hop \(hop)")
      }
    }
  }

  @Test("any set of dead routers adds exactly the hops of the shortest way around")
  func randomDefects() throws {
    var reached = 0
    var longer = 0
    for seed in 0..<200 {
      var random = SeededGenerator(seed: UInt64(seed))
      let (width, height) = (
        Int.random(in: 2...8, using: &random), Int.random(in: 2...8, using: &random)
      )
      let places = (0..<width * height).map { Coordinate(x: $0 % width, y: $0 / width) }
      let ends = Array(places.shuffled(using: &random).prefix(2))
      let dead = places.filter {
        !ends.contains($0) && Int.random(in: 0..<4, using: &random) == 0
      }
      let mesh = try Mesh(width: width, height: height, dead: dead)
      if let hops = Self.distance(from: ends[0], to: ends[1], on: mesh) {
        let result = try Self.cycles(from: ends[0], to: ends[1], on: mesh, wavelets: 4)
        #expect(result == (4 + hops + 5, 4 * hops), "seed \(seed)")
        reached += 1
        if hops > abs(ends[0].x - ends[1].x) + abs(ends[0].y - ends[1].y) { longer += 1 }
      } else {
        #expect(throws: FabricError.unreachable(ends[1], from: ends[0])) {
          try Self.cycles(from: ends[0], to: ends[1], on: mesh, wavelets: 4)
        }
      }
    }
    #expect(reached > 100 && longer > 10)
  }

  @Test("a chain past a dead PE is one PE shorter, and longer by the hops of the way around")
  func chainPastDead() throws {
    // The middle row of three; the neighbours of the dead PE are four hops apart.
    for x in 1...6 {
      let mesh = try Mesh(width: 8, height: 3, dead: [Coordinate(x: x, y: 1)])
      let line = mesh.row(1)
      var program = FabricProgram(mesh: mesh)
      for (place, pe) in line.enumerated() { program.setMemory([Int32(place), 1], of: pe) }
      try program.reduce(line, along: .chain(line.count), wavelets: 2)
      program.expect([21, 7], of: line[0])
      let run = try FabricRun(program)
      #expect(run.cycles == 2 + 6 * (7 - 1) + 3)
      #expect(run.traffic.waveletHops == 2 * (5 + 4))
    }
  }

  @Test("every algorithm is right on meshes with dead routers, or says which PE is cut off")
  func algorithms() throws {
    var right = 0
    for seed in 0..<60 {
      var random = SeededGenerator(seed: UInt64(seed))
      let (width, height) = (
        Int.random(in: 2...7, using: &random), Int.random(in: 2...7, using: &random)
      )
      let dead = (0..<width * height).filter { _ in Int.random(in: 0..<14, using: &random) == 0 }
        .map { Coordinate(x: $0 % width, y: $0 / width) }
      let mesh = try Mesh(width: width, height: height, dead: dead)
      for algorithm in FabricAlgorithm.allCases {
        do throws(FabricError) {
          // A run checks its numbers and its links.
          _ = try FabricRun(FabricExperiment(algorithm, mesh: mesh, wavelets: 3).program())
          right += 1
        } catch {
          // The only two reasons there may be.
          switch error {
          case .unreachable, .noWholeColumn: #expect(!dead.isEmpty)
          default: Issue.record("seed \(seed), \(algorithm): \(error)")
          }
        }
      }
    }
    #expect(right > 400)
  }

  @Test("a PE that is cut off is an error that names it")
  func cutOff() throws {
    let mesh = try Mesh(
      width: 4, height: 3,
      dead: [Coordinate(x: 2, y: 0), Coordinate(x: 2, y: 1), Coordinate(x: 2, y: 2)])
    #expect(throws: FabricError.unreachable(Coordinate(x: 1, y: 0), from: Coordinate(x: 3, y: 0))) {
      try FabricExperiment(.chain, mesh: mesh, wavelets: 1).program()
    }
    let error = FabricError.unreachable(Coordinate(x: 1, y: 0), from: Coordinate(x: 3, y: 0))
    #expect(error.description.hasPrefix("PE 1,0 cannot be reached from PE 3,0"))
    let dead = Coordinate(x: 2, y: 1)
    #expect(throws: FabricError.dead(dead)) {
      try mesh.path(from: Coordinate(x: 0, y: 1), to: dead)
    }
    #expect(throws: FabricError.outside(Coordinate(x: 4, y: 0), width: 4, height: 3)) {
      try Mesh(width: 4, height: 3, dead: [Coordinate(x: 4, y: 0)])
    }
    #expect(throws: FabricError.nothingAlive) {
      try FabricExperiment(
        .chain, mesh: Mesh(width: 1, height: 1, dead: [Coordinate(x: 0, y: 0)]), wavelets: 1
      )
      .program()
    }
  }

  @Test("an all-reduce needs a column without a dead router in the rows in use")
  func noWholeColumn() throws {
    let diagonal = (0..<3).map { Coordinate(x: $0, y: $0) }
    let mesh = try Mesh(width: 3, height: 3, dead: diagonal.dropLast())
    _ = try FabricRun(FabricExperiment(.twoTreeAllReduce, mesh: mesh, wavelets: 2).program())
    let broken = try Mesh(width: 2, height: 2, dead: Array(diagonal.prefix(2)))
    #expect(throws: FabricError.noWholeColumn) {
      try FabricExperiment(.twoTreeAllReduce, mesh: broken, wavelets: 2).program()
    }
    let none = try Mesh(
      width: 3, height: 4,
      dead: [Coordinate(x: 0, y: 0), Coordinate(x: 1, y: 3), Coordinate(x: 2, y: 1)])
    #expect(throws: FabricError.noWholeColumn) {
      try FabricExperiment(.ringAllReduce, mesh: none, wavelets: 2).program()
    }
  }
}
