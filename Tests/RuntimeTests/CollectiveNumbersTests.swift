import Hardware
import Programs
import Quantities
import Runtime
import Testing

@Suite("Collectives, with real numbers over threads")
struct CollectiveNumbersTests {
  static let link = Link(
    latency: EmulatedTime(picoseconds: 500_000), bandwidth: Rational(50 << 30))

  static func run(
    _ operation: CollectiveOperation, _ algorithm: CollectiveAlgorithm, ranks: Int, elements: Int,
    topology: Topology = .fullMesh
  ) throws -> [NodeReport] {
    let program = CollectiveProgram(
      operation, algorithm: algorithm, ranks: ranks, elements: elements,
      wires: Wires(link: link, topology: topology, ranks: ranks, activationBytes: 4))
    var check = ProgramCheck(ranks: ranks)
    try check.check(program.window)
    try check.finish()
    var evaluator = Evaluator(ranks: ranks)
    let stamps = evaluator.run(program.window)
    let cluster = InProcessCluster(ranks: ranks, run: 1, waitLimitMilliseconds: 10_000) { _ in
      .plain
    }
    let outcome = try cluster.run(windowCount: 1, nextWindow: { program.window })
    #expect(outcome.windows[0].flatMap(\.outputs).map(\.stamp) == stamps)
    #expect(outcome.reports.map(\.clockDigest) == evaluator.clocks.map(\.digest))
    return outcome.reports
  }

  /// The digest of what a rank should hold, summed from the fill pattern in whole numbers.
  static func digest(_ pieces: [Range<Int>], _ value: (Int) -> Float) -> Digest {
    var digest = Digest()
    for piece in pieces {
      piece.map(value).withUnsafeBytes { digest.add($0) }
    }
    return digest
  }

  static func pieces(_ elements: Int, _ count: Int) -> [Range<Int>] {
    let (size, extra) = elements.quotientAndRemainder(dividingBy: count)
    return (0..<count).map {
      let start = $0 * size + min($0, extra)
      return start..<start + size + ($0 < extra ? 1 : 0)
    }
  }

  @Test(
    "an all-reduce leaves the sum, the same bytes on every rank",
    arguments: CollectiveOperation.allReduce.algorithms, 1...6)
  func allReduce(algorithm: CollectiveAlgorithm, ranks: Int) throws {
    for elements in [1, 5, 37] {
      let reports = try Self.run(.allReduce, algorithm, ranks: ranks, elements: elements)
      // The digest is over pieces, and every algorithm cuts into its own; bytes are the same whole.
      #expect(Set(reports.map(\.resultDigest)).count == 1)
      let sums = (0..<elements).map { index in
        (0..<ranks).reduce(Float(0)) { $0 + FillPattern.value(rank: Rank($1), index: index) }
      }
      let core = 1 << (Int.bitWidth - 1 - ranks.leadingZeroBitCount)
      let count =
        switch algorithm {
        case .recursiveDoubling, .tree: 1
        case .rabenseifner: core
        case .ring, .direct: ranks
        }
      #expect(
        reports[0].resultDigest == Self.digest(Self.pieces(elements, count)) { sums[$0] },
        "\(algorithm), \(ranks) ranks, \(elements) elements")
    }
  }

  @Test("ranks between hand on real numbers: every topology leaves the full mesh's bytes")
  func topologies() throws {
    for operation in CollectiveOperation.allCases {
      for algorithm in operation.algorithms {
        let mesh = try Self.run(operation, algorithm, ranks: 6, elements: 37)
        for topology in [
          Topology.ring, .line, .torus(columns: 3, rows: 2), .switch(latency: .zero),
        ] {
          let other = try Self.run(
            operation, algorithm, ranks: 6, elements: 37, topology: topology)
          #expect(
            other.map(\.resultDigest) == mesh.map(\.resultDigest),
            "\(operation) \(algorithm) on a \(topology)")
        }
      }
    }
  }

  @Test("an all-gather leaves every rank's piece on every rank", arguments: 2...5)
  func allGather(ranks: Int) throws {
    for algorithm in CollectiveOperation.allGather.algorithms {
      let pieces = Self.pieces(23, ranks)
      let reports = try Self.run(.allGather, algorithm, ranks: ranks, elements: 23)
      let expected = Self.digest(pieces) { index in
        FillPattern.value(rank: Rank(pieces.firstIndex { $0.contains(index) }!), index: index)
      }
      #expect(reports.allSatisfy { $0.resultDigest == expected }, "\(algorithm)")
    }
  }

  @Test("a reduce-scatter leaves the i-th sum on the i-th rank", arguments: 2...5)
  func reduceScatter(ranks: Int) throws {
    for algorithm in CollectiveOperation.reduceScatter.algorithms {
      let pieces = Self.pieces(23, ranks)
      let reports = try Self.run(.reduceScatter, algorithm, ranks: ranks, elements: 23)
      for (rank, report) in reports.enumerated() {
        let expected = Self.digest([pieces[rank]]) { index in
          (0..<ranks).reduce(Float(0)) { $0 + FillPattern.value(rank: Rank($1), index: index) }
        }
        #expect(report.resultDigest == expected, "\(algorithm), rank \(rank)")
      }
    }
  }

  @Test("a broadcast leaves rank 0's numbers everywhere", arguments: 2...6)
  func broadcast(ranks: Int) throws {
    for algorithm in CollectiveOperation.broadcast.algorithms {
      let reports = try Self.run(.broadcast, algorithm, ranks: ranks, elements: 9)
      let expected = Self.digest([0..<9]) { FillPattern.value(rank: Rank(0), index: $0) }
      #expect(reports.allSatisfy { $0.resultDigest == expected }, "\(algorithm)")
    }
  }

  @Test("an all-to-all leaves the i-th rank's j-th piece on the j-th rank", arguments: 2...5)
  func allToAll(ranks: Int) throws {
    let pieces = Self.pieces(23, ranks)
    let reports = try Self.run(.allToAll, .direct, ranks: ranks, elements: 23)
    for (rank, report) in reports.enumerated() {
      var expected = Digest()
      for source in 0..<ranks {
        pieces[rank].map { FillPattern.value(rank: Rank(source), index: $0) }
          .withUnsafeBytes { expected.add($0) }
      }
      #expect(report.resultDigest == expected, "rank \(rank)")
    }
  }
}
