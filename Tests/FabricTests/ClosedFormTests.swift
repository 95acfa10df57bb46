import Quantities
import Testing

@testable import Fabric

@Suite("Simulated cycles and closed forms")
struct ClosedFormTests {
  static let lengths = [2, 3, 5, 8, 12, 36, 64]
  static let vectors = [1, 3, 8, 70]
  static let ramps = [0, 2, 7]

  static func cycles(
    _ algorithm: FabricAlgorithm, _ width: Int, by height: Int = 1, _ wavelets: Int, ramp: Int = 2,
    hop: Int = 1
  ) throws -> (simulated: Int, closed: Rational?) {
    let mesh = try Mesh(width: width, height: height, hopCycles: hop, rampCycles: ramp)
    let experiment = try FabricExperiment(algorithm, mesh: mesh, wavelets: wavelets)
    return (try FabricRun(experiment.program()).cycles, experiment.closedForm?.cycles)
  }

  /// Every size of the lists.
  static func forEach(_ body: (_ count: Int, _ wavelets: Int, _ ramp: Int) throws -> Void) rethrows
  {
    for count in lengths {
      for wavelets in vectors {
        for ramp in ramps { try body(count, wavelets, ramp) }
      }
    }
  }

  @Test("a broadcast on a line takes exactly B + P + 2T")
  func broadcast() throws {
    try Self.forEach { p, b, t in
      let (simulated, closed) = try Self.cycles(.broadcast, p, b, ramp: t)
      #expect(simulated == b + p + 2 * t, "P \(p), B \(b), T \(t)")
      #expect(closed == Rational(b + p + 2 * t), "P \(p), B \(b), T \(t)")
    }
  }

  @Test("a broadcast on M × N takes exactly B + M + N − 2 + 2T + 1")
  func broadcastOnMesh() throws {
    for (m, n) in [(1, 6), (2, 2), (3, 5), (8, 4), (16, 16)] {
      for b in Self.vectors {
        let (simulated, closed) = try Self.cycles(.broadcast, m, by: n, b)
        #expect(simulated == b + m + n - 2 + 5, "\(m)x\(n), B \(b)")
        #expect(closed == Rational(simulated))
      }
    }
  }

  @Test("a chain reduce takes exactly B + (2T + 2)(P − 1)")
  func chain() throws {
    try Self.forEach { p, b, t in
      let (simulated, closed) = try Self.cycles(.chain, p, b, ramp: t)
      #expect(simulated == b + (2 * t + 2) * (p - 1), "P \(p), B \(b), T \(t)")
      #expect(closed == Rational(simulated))
    }
  }

  @Test("a star reduce takes B(P − 1) + 2T + 1, and one more for the first wavelet's hop")
  func star() throws {
    try Self.forEach { p, b, t in
      let (simulated, closed) = try Self.cycles(.star, p, b, ramp: t)
      #expect(closed == Rational(b * (p - 1) + 2 * t + 1))
      #expect(simulated == b * (p - 1) + 2 * t + 2, "P \(p), B \(b), T \(t)")
    }
  }

  @Test("a slower hop lengthens distances only")
  func slowHop() throws {
    for hop in [1, 2, 5] {
      for b in [1, 10] {
        #expect(
          try Self.cycles(.chain, 9, b, hop: hop) == (
            b + (5 + hop) * 8, Rational(b + (5 + hop) * 8)
          ))
        let broadcast = try Self.cycles(.broadcast, 9, b, hop: hop)
        #expect(broadcast == (b + 8 * hop + 5, Rational(b + 8 * hop + 5)))
      }
    }
  }

  @Test("on a mesh, a chain along the rows and one along a column take the sum of both")
  func chainOnMesh() throws {
    for (m, n) in [(2, 2), (3, 5), (8, 4), (12, 12)] {
      for b in Self.vectors {
        let (simulated, closed) = try Self.cycles(.chain, m, by: n, b)
        #expect(simulated == 2 * b + 6 * (m - 1) + 6 * (n - 1), "\(m)x\(n), B \(b)")
        #expect(closed == Rational(simulated))
      }
    }
  }

  @Test(
    "a tree reduce takes exactly B · log2 P + P − 1 + (2T + 1) · log2 P: a sum for the form's maximum"
  )
  func tree() throws {
    for rounds in 1...7 {
      for b in Self.vectors {
        for t in Self.ramps {
          let p = 1 << rounds
          let (simulated, closed) = try Self.cycles(.tree, p, b, ramp: t)
          #expect(simulated == b * rounds + p - 1 + (2 * t + 1) * rounds, "P \(p), B \(b), T \(t)")
          let spread = Rational(Int128(b * p * rounds), over: Int128(2 * (p - 1))) + Rational(p - 1)
          #expect(closed == max(Rational(b * rounds), spread) + Rational((2 * t + 1) * rounds))
          #expect(closed! <= Rational(simulated))
        }
      }
    }
    #expect(try Self.cycles(.tree, 12, 1).closed == nil)
  }

  @Test(
    "a two-phase reduce takes exactly 2B + P − 1 + (2T + 1) · (S + G − 2): a sum for the form's maximum"
  )
  func twoPhase() throws {
    for (p, g) in [(4, 2), (9, 3), (12, 3), (16, 4), (36, 6), (64, 8), (100, 10)] {
      for b in Self.vectors {
        for t in Self.ramps {
          let depth = (2 * t + 1) * (p / g + g - 2)
          let (simulated, closed) = try Self.cycles(.twoPhase, p, b, ramp: t)
          #expect(simulated == 2 * b + p - 1 + depth, "P \(p), B \(b), T \(t)")
          #expect(Rational(2 * b + depth) <= closed! && closed! <= Rational(simulated))
        }
      }
    }
  }

  @Test(
    "a ring all-reduce of short chunks takes a chunk, 2(P − 1) steps and 4P − 6 hops; its form is a bound"
  )
  func ring() throws {
    for p in Self.lengths {
      for chunk in 1...4 {
        for t in [2, 7] {
          let (simulated, closed) = try Self.cycles(.ringAllReduce, p, p * chunk, ramp: t)
          let way = 4 * p - 6 + 2 * (p - 1) * (2 * t + 1)
          #expect(simulated == chunk + way, "P \(p), chunk \(chunk), T \(t)")
          #expect(closed == Rational(2 * (p - 1) * chunk + way))
        }
      }
    }
  }

  @Test("a ring all-reduce of long chunks keeps each PE busy: one to send, 2(P − 1) to take")
  func longRing() throws {
    for p in [2, 3, 4, 8] {
      let chunk = 100
      let (simulated, closed) = try Self.cycles(.ringAllReduce, p, p * chunk)
      #expect(simulated == (2 * p - 1) * chunk, "P \(p)")
      #expect(closed! < Rational(simulated))
    }
  }

  /// Of an even number of even groups. B is taken twice at the middle of a group, and twice at the centre;
  /// the later of the two sides waits for its way or for the other.
  static func evenTwoTree(p: Int, groups: Int, b: Int, t: Int) -> Int {
    let (step, far) = (2 * t + 2, 2 * t + 1 + p / groups)
    let group = step * (p / groups / 2 - 1) + max(step, b) + b
    return group + far * (groups / 2 - 1) + (groups > 2 ? max(far, b) + b : far + b)
  }

  @Test(
    "a two-tree reduce of one wavelet takes a cycle a phase more than its form, and its way back")
  func twoTree() throws {
    for (p, groups) in [(16, 4), (36, 6), (64, 8), (24, 4)] {
      for t in Self.ramps {
        let size = p / groups
        let mesh = try Mesh(width: p, height: 1, rampCycles: t)
        for b in Self.vectors {
          let name = "P \(p), B \(b), T \(t)"
          let reduce = try FabricExperiment(.twoTree, mesh: mesh, wavelets: b)
          let all = try FabricExperiment(.twoTreeAllReduce, mesh: mesh, wavelets: b)
          let cycles = try FabricRun(reduce.program()).cycles
          #expect(cycles == Self.evenTwoTree(p: p, groups: groups, b: b, t: t), "\(name)")
          let form = (2 * t + 2) * (size + groups) / 2 + groups / 2 * (size - 1) + b - 1
          #expect(reduce.closedForm?.cycles == Rational(form), "\(name)")
          #expect(all.closedForm?.cycles == Rational(form + p / 2), "\(name)")
          if b == 1 { #expect(cycles == form + 2, "\(name)") }
          // The centre sends when all its sums are made. It lies half a group east of the line's middle.
          let back = p / 2 + size / 2 + 2 * t + 1 + (groups > 2 ? b : 0)
          #expect(try FabricRun(all.program()).cycles == cycles + back, "\(name)")
        }
      }
    }
  }

  @Test("a two-tree form of the published 420 PEs in 20 groups is 2.9 % below the simulation")
  func publishedTwoTree() throws {
    let (simulated, closed) = try Self.cycles(.twoTreeAllReduce, 420, 1)
    #expect(closed == Rational(533))
    #expect(simulated == 549)
  }

  @Test("a gemv takes its rows' work, then a two-tree all-reduce")
  func product() throws {
    for (width, height) in [(1, 1), (1, 4), (16, 1), (4, 4), (16, 3), (36, 8)] {
      for (inputs, outputs) in [(1, 1), (3, 2), (4, 9)] {
        let mesh = try Mesh(width: width, height: height)
        let experiment = try FabricExperiment(
          .gemv, mesh: mesh, wavelets: outputs,
          product: MatrixVector(inputs: inputs * width, outputs: outputs * height))
        let row = 29 + (outputs + 3) / 4
        let work =
          height == 1
          ? inputs * row : max(inputs * (1 + row), 1 + 4 + height - 1 + inputs * row)
        let reduce = try Self.cycles(.twoTreeAllReduce, width, outputs)
        let cycles = try FabricRun(experiment.program()).cycles
        #expect(cycles == work + reduce.simulated, "\(width)x\(height), \(inputs), \(outputs)")
        #expect(experiment.closedForm?.cycles == Rational(work) + reduce.closed!)
      }
    }
  }

  @Test("the binding term is named")
  func binding() throws {
    func form(_ algorithm: FabricAlgorithm, _ wavelets: Int, height: Int = 1) throws -> ClosedForm?
    {
      try FabricExperiment(
        algorithm, mesh: Mesh(width: 64, height: height), wavelets: wavelets
      ).closedForm
    }
    #expect(try form(.tree, 1)?.binding == [.distance])
    #expect(try form(.tree, 500)?.binding == [.contention])
    #expect(try form(.star, 1)?.binding == [.contention])
    #expect(try form(.gemv, 1)?.binding == [.work, .distance])
    #expect(try form(.chain, 1, height: 2)?.binding == [.distance])
    #expect(
      try FabricExperiment(.chain, mesh: Mesh(width: 1, height: 1), wavelets: 1).closedForm?.cycles
        == Rational(0))
  }

  @Test("groups that do not divide a line are an error, and have no form")
  func groups() throws {
    let experiment = try FabricExperiment(
      .twoPhase, mesh: Mesh(width: 10, height: 1), wavelets: 1, groups: 3)
    #expect(throws: FabricError.groups(3, line: 10)) { try experiment.program() }
    #expect(experiment.closedForm == nil)
    let five = try FabricExperiment(
      .twoPhase, mesh: Mesh(width: 10, height: 1), wavelets: 3, groups: 5)
    #expect(try FabricRun(five.program()).cycles == 6 + 9 + 5 * (2 + 5 - 2))
  }
}
