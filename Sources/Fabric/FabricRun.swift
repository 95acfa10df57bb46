/// What running a program gave: its time, its traffic, its numbers.
public struct FabricRun: Hashable, Sendable {
  /// Cycles until the last PE ended its last operation.
  public let cycles: Int
  /// What crossed each link and ramp.
  public let traffic: FabricTraffic
  /// Memory by PE, row by row.
  public let memory: [[Int32]]
  /// Longest wait of a wavelet for a link or a ramp, in cycles: also the length of the longest queue that
  /// the model's routers hold, where the hardware's hold a few and stop the sender.
  public let longestWait: Int

  /// Runs a program and checks what it left.
  ///
  /// Throws `FabricError`: `.stuck` and `.leftOver` for a program whose steps and routes do not agree,
  /// `.wrongResult` for one that does not leave what it states, `.wrongTraffic` when a link carried
  /// something else than the routes say.
  public init(_ program: FabricProgram) throws(FabricError) {
    var engine = FabricEngine(program)
    engine.run()
    try engine.checkEnd(on: program.mesh)
    cycles = engine.cycles
    traffic = engine.traffic(on: program.mesh)
    memory = engine.memories
    longestWait = engine.longestWait
    try check(program)
  }

  private func check(_ program: FabricProgram) throws(FabricError) {
    for expectation in program.expectations {
      let numbers = memory[program.mesh.index(expectation.pe)]
      for (offset, value) in expectation.values.enumerated() {
        let address = expectation.address + offset
        guard numbers[address] == value else {
          throw .wrongResult(
            expectation.pe, address: address, found: numbers[address], expected: value)
        }
      }
    }
    let planned = program.plannedTraffic
    for router in 0..<program.mesh.routerCount {
      for lane in FabricTraffic.Lane.allCases
      where traffic[router, lane] != planned[router, lane] {
        throw .wrongTraffic(
          "lane \(lane) of router \(program.mesh.coordinate(router))",
          found: traffic[router, lane], expected: planned[router, lane])
      }
    }
  }
}
