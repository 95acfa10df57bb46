import TestSupport
import Testing

@testable import Fabric

@Suite("The engine and a reference that steps every cycle")
struct ReferenceTests {
  /// A mesh of a few routers, some dead, and PEs that send each other rows of numbers in an order in which
  /// nobody waits for ever.
  static func randomProgram(_ random: inout SeededGenerator) throws -> FabricProgram {
    let width = Int.random(in: 1...5, using: &random)
    let height = Int.random(in: 1...4, using: &random)
    let places = (0..<width * height).map { Coordinate(x: $0 % width, y: $0 / width) }
    let mesh = try Mesh(
      width: width, height: height,
      dead: places.filter { _ in Int.random(in: 0..<12, using: &random) == 0 },
      hopCycles: Int.random(in: 1...3, using: &random),
      rampCycles: Int.random(in: 0...4, using: &random))
    var program = FabricProgram(mesh: mesh)
    let alive = places.filter(mesh.isAlive)
    for pe in alive {
      program.setMemory((0..<24).map { _ in Int32.random(in: -3...3, using: &random) }, of: pe)
    }
    guard let some = alive.randomElement(using: &random) else { return program }
    // Only PEs that reach each other take part.
    let connected = alive.filter { (try? mesh.path(from: some, to: $0)) != nil }
    let shared = program.makeColour()
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let source = connected.randomElement(using: &random)!
      let colour = Bool.random(using: &random) ? shared : program.makeColour()
      let count = Int.random(in: 1...8, using: &random)
      let first = Int.random(in: 0...4, using: &random)
      var route = Route(colour: colour, source: source)
      let targets = Int.random(in: 1...3, using: &random)
      var end = 0
      for target in connected.shuffled(using: &random).prefix(targets) {
        let place = Bool.random(using: &random) ? 0 : end
        end = try route.extend(from: place, to: target, on: mesh)
      }
      let number = program.add(route)
      let cycles = Int.random(in: 0..<20, using: &random) == 0 ? 300 : 1
      // The long ones reach beyond a turn of the event wheel.
      // What came last goes on as it is worked on, or numbers are sent from memory.
      let router = mesh.index(source)
      if let last = program.steps[router].last, last.forward == nil, last.count == count,
        Bool.random(using: &random)
      {
        program.steps[router][program.steps[router].count - 1].forward = number
      } else {
        program.append(
          Step(
            .memory(base: 0, elements: first..<first + count), .pass, cycles: cycles,
            forward: number), to: source)
      }
      for target in route.places.filter(\.delivers).map(\.router).sorted() {
        let copies = route.places.count { $0.delivers && $0.router == target }
        let operation: Step.Operation =
          switch Int.random(in: 0..<4, using: &random) {
          case 0: .store(base: Int.random(in: 0...8, using: &random))
          case 1: .add(base: Int.random(in: 0...8, using: &random))
          case 2: .multiplyRow(matrix: 0, outputs: 2, into: 22)
          default: .pass
          }
        program.append(
          Step(
            .fabric(colour: colour, wavelets: count * copies), operation,
            cycles: Int.random(in: 1...3, using: &random)), to: target)
      }
    }
    return program
  }

  @Test("random programs on random meshes take the same cycles and leave the same numbers")
  func random() throws {
    var contended = 0
    for seed in 0..<60 {
      var random = SeededGenerator(seed: UInt64(seed))
      let program = try Self.randomProgram(&random)
      let reference = CycleStepper(program, mostCycles: 60_000)
      #expect(!reference.isStuck, "seed \(seed)")
      let run = try FabricRun(program)
      #expect(run.cycles == reference.cycles, "seed \(seed)")
      Self.expectSame(run, reference, program.mesh, "seed \(seed)")
      if run.longestWait > 0 { contended += 1 }
    }
    // Else the order at routers would not be tried.
    #expect(contended > 15)
  }

  @Test(
    "every algorithm takes the same cycles and leaves the same numbers as in the reference",
    arguments: FabricAlgorithm.allCases)
  func algorithms(algorithm: FabricAlgorithm) throws {
    for (width, height, wavelets, dead) in [
      (1, 1, 3, ""), (2, 1, 1, ""), (9, 1, 1, ""), (16, 1, 7, ""), (12, 1, 30, ""), (4, 4, 5, ""),
      (5, 3, 9, "2,1"), (6, 4, 4, "0,0;3,2"), (3, 6, 8, "1,3;2,0"),
    ] {
      let mesh = try Mesh(width: width, height: height, dead: Coordinate.list(dead))
      let program = try FabricExperiment(algorithm, mesh: mesh, wavelets: wavelets).program()
      let run = try FabricRun(program)
      let reference = CycleStepper(program)
      let name = "\(algorithm) \(width)x\(height) \(wavelets) without \(dead)"
      #expect(run.cycles == reference.cycles, "\(name)")
      Self.expectSame(run, reference, mesh, name)
    }
  }

  static func expectSame(
    _ run: FabricRun, _ reference: CycleStepper, _ mesh: Mesh, _ name: String
  ) {
    for router in 0..<mesh.routerCount {
      let place = mesh.coordinate(router)
      #expect(run.memory[router] == reference.memory[place], "\(name): memory of \(place)")
      #expect(
        run.traffic[router, .rampUp] == reference.wires["up \(place)"]!.carried,
        "\(name): \(place)")
      #expect(
        run.traffic[router, .rampDown] == reference.wires["down \(place)"]!.carried,
        "\(name): \(place)")
      for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
        let next = Coordinate(x: place.x + dx, y: place.y + dy)
        guard (0..<mesh.width).contains(next.x), (0..<mesh.height).contains(next.y) else {
          continue
        }
        #expect(
          run.traffic.link(from: place, to: next) == reference.wires["\(place)>\(next)"]!.carried,
          "\(name): \(place)>\(next)")
      }
    }
  }
}
