/// A program in the form in which the engine runs it: numbers in flat tables, no coordinate, no search.
struct CompiledFabric {
  /// Where a wavelet goes on from a place of a route.
  struct Output {
    /// Lane of a router: a link to a neighbour, or the ramp down.
    var lane: Int32
    /// The next place of the route, or the inbox at the end of a ramp.
    var next: Int32
  }

  /// A step.
  struct Step {
    enum Operation: Int8 { case pass, store, add, multiplyRow }

    var operation: Operation
    var count: Int32
    var cycles: Int32
    /// The inbox it takes from; `none` for memory.
    var inbox: Int32
    /// Address of element 0 in the memory of all, of what is read and of what is changed.
    var source: Int
    var target: Int
    /// First element, of a step that reads memory.
    var element: Int32
    /// Place at which results start; `none` without.
    var place: Int32
    /// Of a row of a product.
    var matrix: Int
    var outputs: Int32
    /// The PE's memory, in the memory of all.
    var own: Range<Int>

    /// Where the step keeps an element.
    ///
    /// - Precondition: that is the PE's own memory.
    @inline(__always)
    func address(of element: Int32) -> Int {
      let address = target + Int(element)
      precondition(own.contains(address), "address \(address) is not in the PE's memory, \(own)")
      return address
    }
  }

  static let none: Int32 = -1
  /// Lanes of a router, with one for the PE's own events; a power of two.
  static let lanesPerRouter = 8
  /// The PE's own lane, after all others.
  static let peLane = FabricTraffic.Lane.allCases.count

  /// By place, the first of its outputs; one more at the end.
  private(set) var firstOutput: [Int32] = []
  private(set) var outputs: [Output] = []
  /// By router, the first of its steps; one more at the end.
  private(set) var firstStep: [Int32] = []
  private(set) var steps: [Step] = []
  /// By inbox, its PE and its colour.
  private(set) var inboxes: [(router: Int, colour: Int)] = []
  /// By router, where its memory begins; one more at the end.
  private(set) var firstAddress: [Int] = []
  private(set) var memory: [Int32] = []

  init(_ program: FabricProgram) {
    let mesh = program.mesh
    // Inboxes by PE and colour, in the order in which routes name them.
    var inboxNumbers: [[Int]: Int32] = [:]
    var inboxes: [(router: Int, colour: Int)] = []
    func inbox(_ router: Int, _ colour: Int) -> Int32 {
      if let number = inboxNumbers[[router, colour]] { return number }
      inboxes.append((router, colour))
      inboxNumbers[[router, colour]] = Int32(inboxes.count - 1)
      return Int32(inboxes.count - 1)
    }
    var firstPlaces: [Int32] = []
    for route in program.routes {
      let first = firstOutput.count
      firstPlaces.append(Int32(first))
      var children: [[Int]] = route.places.map { _ in [] }
      for (place, node) in route.places.enumerated() {
        if let parent = node.parent { children[parent].append(place) }
      }
      for (place, node) in route.places.enumerated() {
        firstOutput.append(Int32(outputs.count))
        for child in children[place] {
          let to = route.places[child].router
          let lane = FabricTraffic.lane(from: node.router, to: to)
          outputs.append(
            Output(lane: Self.lane(mesh.index(to), lane.rawValue), next: Int32(first + child)))
        }
        if node.delivers {
          let router = mesh.index(node.router)
          outputs.append(
            Output(
              lane: Self.lane(router, FabricTraffic.Lane.rampDown.rawValue),
              next: inbox(router, route.colour)))
        }
      }
    }
    firstOutput.append(Int32(outputs.count))
    for numbers in program.memory {
      firstAddress.append(memory.count)
      memory += numbers
    }
    firstAddress.append(memory.count)
    for (router, list) in program.steps.enumerated() {
      firstStep.append(Int32(steps.count))
      for step in list {
        var compiled = Step(
          operation: .pass, count: Int32(step.count), cycles: Int32(step.cycles), inbox: Self.none,
          source: 0, target: 0, element: 0,
          place: step.forward.map { firstPlaces[$0] } ?? Self.none, matrix: 0, outputs: 0,
          own: firstAddress[router]..<firstAddress[router + 1])
        let address = firstAddress[router]
        switch step.source {
        case .memory(let base, let elements):
          compiled.source = address + base
          compiled.element = Int32(elements.lowerBound)
        case .fabric(let colour, _): compiled.inbox = inbox(router, colour)
        }
        switch step.operation {
        case .pass: break
        case .store(let base): (compiled.operation, compiled.target) = (.store, address + base)
        case .add(let base): (compiled.operation, compiled.target) = (.add, address + base)
        case .multiplyRow(let matrix, let outputs, let into):
          compiled.operation = .multiplyRow
          compiled.target = address + into
          compiled.matrix = address + matrix
          compiled.outputs = Int32(outputs)
        }
        steps.append(compiled)
      }
    }
    firstStep.append(Int32(steps.count))
    self.inboxes = inboxes
  }

  /// The number of a lane of a router.
  @inline(__always)
  static func lane(_ router: Int, _ lane: Int) -> Int32 { Int32(router * lanesPerRouter + lane) }
}
