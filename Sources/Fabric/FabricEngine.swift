/// Runs a program, wavelet by wavelet.
///
/// Rules, all that the model has:
///
/// - A lane (a link in one direction, a ramp in one direction) takes one wavelet a cycle, in order of
///   arrival, and hands it on after the mesh's cycles. Wavelets wait at its beginning without limit.
/// - A router passes a wavelet on, to all its outputs, in the cycle in which it comes. Of those that come
///   in one cycle it serves the one from its PE first, then from west, east, north and south.
/// - A PE works as `Step` says, from queues by colour.
///
/// Each lane has the cycle from which it is free, so a wavelet's time at the end of a lane is known when it
/// comes to its beginning, and no lane needs looking at while nothing reaches its end.
struct FabricEngine: ~Copyable {
  private let fabric: CompiledFabric
  private let hopCycles: Int
  private let rampCycles: Int
  private let lanes: Table<LaneState>
  private let pes: Table<PEState>
  private let inboxes: Table<WaveletPool.Queue>
  private var pool = WaveletPool()
  private var wheel = EventWheel()
  private(set) var memory: [Int32]
  /// Longest wait of a wavelet before a lane, in cycles.
  private(set) var longestWait = 0

  init(_ program: FabricProgram) {
    let fabric = CompiledFabric(program)
    self.fabric = fabric
    hopCycles = program.mesh.hopCycles
    rampCycles = program.mesh.rampCycles
    let routers = program.mesh.routerCount
    lanes = Table(repeating: LaneState(), count: routers * CompiledFabric.lanesPerRouter)
    pes = Table(
      (0..<routers).map { PEState(step: fabric.firstStep[$0], end: fabric.firstStep[$0 + 1]) })
    inboxes = Table(repeating: WaveletPool.Queue(), count: fabric.inboxes.count)
    memory = fabric.memory
  }

  /// Runs until nothing moves.
  mutating func run() {
    for router in pes.indices {
      beginStep(router)
      if canWork(router) { awaken(router, now: 0) }
    }
    var now = 0
    while wheel.count > 0 {
      for kind in 0..<FabricTraffic.Lane.rampDown.rawValue {
        forEachLane(kind, now: now) { $0.arriveAtRouter($1, now: now) }
      }
      forEachLane(FabricTraffic.Lane.rampDown.rawValue, now: now) {
        $0.arriveAtPE($1, now: now)
      }
      forEachLane(CompiledFabric.peLane, now: now) { engine, lane in
        let router = Int(lane) / CompiledFabric.lanesPerRouter
        engine.pes[router].isAwaited = false
        engine.work(router, now: now)
      }
      now += 1
    }
  }

  @inline(__always)
  private mutating func forEachLane(
    _ kind: Int, now: Int, _ body: (inout FabricEngine, Int32) -> Void
  ) {
    var lane = wheel.takeList(kind, now: now)
    while lane >= 0 {
      let next = wheel.takeNext(lane, in: lanes)
      body(&self, lane)
      lane = next
    }
  }

  /// Puts a wavelet on a lane, which hands it on at `time` at the earliest.
  @inline(__always)
  private mutating func put(_ wavelet: WaveletPool.Wavelet, on lane: Int32, now: Int) {
    let index = Int(lane)
    if lanes[index].queue.isEmpty { wheel.schedule(lane, at: wavelet.time, now: now, in: lanes) }
    pool.append(wavelet, to: &lanes[index].queue)
    lanes[index].wavelets += 1
  }

  /// Takes the wavelet that is at the end of a lane; `nil` when it is not there yet.
  @inline(__always)
  private mutating func take(_ lane: Int32, now: Int) -> WaveletPool.Wavelet? {
    let index = Int(lane)
    let time = pool[lanes[index].queue.first].time
    guard time <= now else {
      wheel.schedule(lane, at: time, now: now, in: lanes)
      return nil
    }
    let wavelet = pool.takeFirst(of: &lanes[index].queue)
    let next = lanes[index].queue.first
    if next >= 0 { wheel.schedule(lane, at: pool[next].time, now: now, in: lanes) }
    return wavelet
  }

  @inline(__always)
  private mutating func arriveAtRouter(_ lane: Int32, now: Int) {
    guard var wavelet = take(lane, now: now) else { return }
    wavelet.next = CompiledFabric.none
    let place = Int(wavelet.place)
    for index in fabric.firstOutput[place]..<fabric.firstOutput[place + 1] {
      let output = fabric.outputs[Int(index)]
      let isRamp =
        Int(output.lane) & (CompiledFabric.lanesPerRouter - 1)
        == FabricTraffic.Lane.rampDown.rawValue
      let start = max(now, lanes[Int(output.lane)].free)
      lanes[Int(output.lane)].free = start + 1
      longestWait = max(longestWait, start - now)
      wavelet.time = start + (isRamp ? rampCycles : hopCycles)
      wavelet.place = output.next
      put(wavelet, on: output.lane, now: now)
    }
  }

  @inline(__always)
  private mutating func arriveAtPE(_ lane: Int32, now: Int) {
    guard var wavelet = take(lane, now: now) else { return }
    let router = Int(lane) / CompiledFabric.lanesPerRouter
    let inbox = wavelet.place
    if pes[router].inbox == inbox, pes[router].free <= now, pes[router].held == 0 {
      operate(router, value: wavelet.value, element: wavelet.element, now: now)
      if canWork(router) { awaken(router, now: now) }
    } else {
      wavelet.next = CompiledFabric.none
      pool.append(wavelet, to: &inboxes[Int(inbox)])
      pes[router].held += 1
      if pes[router].inbox == inbox { awaken(router, now: now) }
    }
  }

  /// Makes a PE's next step its current one.
  private mutating func beginStep(_ router: Int) {
    let step = pes[router].step
    if step < pes[router].end {
      pes[router].remaining = fabric.steps[Int(step)].count
      pes[router].inbox = fabric.steps[Int(step)].inbox
    } else {
      pes[router].inbox = CompiledFabric.none
    }
  }

  /// Whether a PE has what its next operation needs, but for time.
  @inline(__always)
  private func canWork(_ router: Int) -> Bool {
    let inbox = pes[router].inbox
    return inbox >= 0
      ? pes[router].held > 0 && !inboxes[Int(inbox)].isEmpty
      : pes[router].step < pes[router].end
  }

  /// Sets a PE's event to when it is free.
  @inline(__always)
  private mutating func awaken(_ router: Int, now: Int) {
    guard !pes[router].isAwaited else { return }
    pes[router].isAwaited = true
    wheel.schedule(
      CompiledFabric.lane(router, CompiledFabric.peLane), at: max(now, pes[router].free), now: now,
      in: lanes)
  }

  /// Starts a PE's next operation, if it is free and has what it needs.
  @inline(__always)
  private mutating func work(_ router: Int, now: Int) {
    guard canWork(router) else { return }
    if pes[router].free <= now {
      let inbox = pes[router].inbox
      if inbox >= 0 {
        let wavelet = pool.takeFirst(of: &inboxes[Int(inbox)])
        pes[router].held -= 1
        operate(router, value: wavelet.value, element: wavelet.element, now: now)
      } else {
        let step = Int(pes[router].step)
        let taken = fabric.steps[step].count - pes[router].remaining
        let element = fabric.steps[step].element + taken
        let value = memory[fabric.steps[step].source + Int(element)]
        operate(router, value: value, element: element, now: now)
      }
    }
    if canWork(router) { awaken(router, now: now) }
  }

  /// One operation, from now on.
  @inline(__always)
  private mutating func operate(_ router: Int, value: Int32, element: Int32, now: Int) {
    let step = fabric.steps[Int(pes[router].step)]
    var result = value
    switch step.operation {
    case .pass: break
    case .store: memory[step.address(of: element)] = value
    case .add:
      let address = step.address(of: element)
      result = memory[address] + value
      memory[address] = result
    case .multiplyRow:
      let row = step.matrix + Int(element) * Int(step.outputs)
      for output in 0..<Int(step.outputs) {
        memory[step.target + output] += memory[row + output] * value
      }
    }
    let end = now + Int(step.cycles)
    pes[router].free = end
    pes[router].remaining -= 1
    if step.place >= 0 {
      let lane = CompiledFabric.lane(router, FabricTraffic.Lane.rampUp.rawValue)
      put(
        WaveletPool.Wavelet(
          time: end + rampCycles, value: result, element: element, place: step.place,
          next: CompiledFabric.none),
        on: lane, now: now)
    }
    if pes[router].remaining == 0 {
      pes[router].step += 1
      beginStep(router)
    }
  }
}

extension FabricEngine {
  /// The cycle in which the last operation ended.
  var cycles: Int { pes.indices.reduce(0) { max($0, pes[$1].free) } }

  /// What crossed each lane.
  func traffic(on mesh: Mesh) -> FabricTraffic {
    var traffic = FabricTraffic(mesh: mesh)
    for router in pes.indices {
      for lane in FabricTraffic.Lane.allCases {
        traffic[router, lane] = Int(
          lanes[Int(CompiledFabric.lane(router, lane.rawValue))].wavelets)
      }
    }
    return traffic
  }

  /// The memory of each PE.
  var memories: [[Int32]] {
    let (first, memory) = (fabric.firstAddress, memory)
    return pes.indices.map { Array(memory[first[$0]..<first[$0 + 1]]) }
  }

  /// Throws `FabricError.stuck` for the first PE that waits in vain, and `.leftOver` for the first that has
  /// wavelets it does not take.
  func checkEnd(on mesh: Mesh) throws(FabricError) {
    for router in pes.indices where pes[router].step < pes[router].end {
      let pe = pes[router]
      throw .stuck(
        mesh.coordinate(router), colour: fabric.inboxes[Int(pe.inbox)].colour,
        missing: Int(pe.remaining))
    }
    for (number, inbox) in fabric.inboxes.enumerated() where !inboxes[number].isEmpty {
      var count = 0
      var index = inboxes[number].first
      while index >= 0 {
        count += 1
        index = pool[index].next
      }
      throw .leftOver(mesh.coordinate(inbox.router), wavelets: count)
    }
  }
}
