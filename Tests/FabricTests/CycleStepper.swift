import Fabric

/// A simulator of the mesh written from the rules in docs/fabric.md and from nothing else: every cycle it
/// looks at every router, ramp and PE. It is slow, and shares no rule with the engine.
struct CycleStepper {
  struct Wavelet {
    var value: Int32
    var element: Int
    var route: Int
    /// Its place in the route, at the end of where it now is.
    var place: Int
  }

  /// One direction of a link or ramp: a queue before it, and what is on it.
  final class Wire {
    var waiting: [Wavelet] = []
    var onIt: [(leaves: Int, wavelet: Wavelet)] = []
    var carried = 0
    var longestQueue = 0
  }

  struct Core {
    var step = 0
    var done = 0
    var busyUntil = 0
    /// What is on its way to the ramp: the cycle at which the operation ends, and the result.
    var result: (ends: Int, wavelet: Wavelet)?
    var queues: [Int: [Wavelet]] = [:]
  }

  private(set) var cycles = 0
  private(set) var memory: [Coordinate: [Int32]] = [:]
  /// By "from>to" for links, "up" and "down" with the place for ramps.
  private(set) var wires: [String: Wire] = [:]
  private(set) var isStuck = false

  init(_ program: FabricProgram, mostCycles: Int = 100_000) {
    let mesh = program.mesh
    let places = (0..<mesh.routerCount).map { mesh.coordinate($0) }
    var cores: [Coordinate: Core] = [:]
    for place in places {
      cores[place] = Core()
      memory[place] = program.memory[mesh.index(place)]
      wires["up \(place)"] = Wire()
      wires["down \(place)"] = Wire()
      for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
        wires["\(place)>\(Coordinate(x: place.x + dx, y: place.y + dy))"] = Wire()
      }
    }
    var now = 0
    while true {
      // What ended enters the ramp.
      for place in places {
        if let result = cores[place]!.result, result.ends == now {
          wires["up \(place)"]!.waiting.append(result.wavelet)
          cores[place]!.result = nil
        }
      }
      for place in places { launch("up \(place)", now: now, takes: mesh.rampCycles) }
      // What comes to a router goes to all its outputs, by the input it came from.
      for place in places {
        let inputs = [
          "up \(place)", "\(Coordinate(x: place.x - 1, y: place.y))>\(place)",
          "\(Coordinate(x: place.x + 1, y: place.y))>\(place)",
          "\(Coordinate(x: place.x, y: place.y - 1))>\(place)",
          "\(Coordinate(x: place.x, y: place.y + 1))>\(place)",
        ]
        for input in inputs {
          for wavelet in land(input, now: now) {
            let route = program.routes[wavelet.route]
            for (next, candidate) in route.places.enumerated()
            where candidate.parent == wavelet.place {
              var copy = wavelet
              copy.place = next
              wires["\(place)>\(candidate.router)"]!.waiting.append(copy)
            }
            if route.places[wavelet.place].delivers {
              wires["down \(place)"]!.waiting.append(wavelet)
            }
          }
        }
      }
      for place in places {
        for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
          launch(
            "\(place)>\(Coordinate(x: place.x + dx, y: place.y + dy))", now: now,
            takes: mesh.hopCycles)
        }
        launch("down \(place)", now: now, takes: mesh.rampCycles)
        for wavelet in land("down \(place)", now: now) {
          cores[place]!.queues[program.routes[wavelet.route].colour, default: []].append(wavelet)
        }
      }
      // PEs that are free begin what they have the wavelet for.
      var isAnythingLeft = false
      for place in places {
        begin(place, &cores[place]!, program.steps[mesh.index(place)], program.routes, now: now)
        isAnythingLeft =
          isAnythingLeft || cores[place]!.step < program.steps[mesh.index(place)].count
          || cores[place]!.result != nil || cores[place]!.busyUntil > now
      }
      let isAnythingMoving = wires.values.contains { !$0.waiting.isEmpty || !$0.onIt.isEmpty }
      if !isAnythingLeft && !isAnythingMoving { break }
      now += 1
      if now > mostCycles {
        isStuck = true
        break
      }
    }
    cycles = cores.values.map(\.busyUntil).max() ?? 0
  }

  private func launch(_ name: String, now: Int, takes cycles: Int) {
    let wire = wires[name]!
    wire.longestQueue = max(wire.longestQueue, wire.waiting.count)
    guard !wire.waiting.isEmpty else { return }
    wire.onIt.append((now + cycles, wire.waiting.removeFirst()))
    wire.carried += 1
  }

  private func land(_ name: String, now: Int) -> [Wavelet] {
    guard let wire = wires[name] else { return [] }
    var landed: [Wavelet] = []
    while let first = wire.onIt.first, first.leaves == now {
      landed.append(first.wavelet)
      wire.onIt.removeFirst()
    }
    return landed
  }

  private mutating func begin(
    _ place: Coordinate, _ core: inout Core, _ steps: [Step], _ routes: [Route], now: Int
  ) {
    guard core.step < steps.count, core.busyUntil <= now else { return }
    let step = steps[core.step]
    var value: Int32
    let element: Int
    switch step.source {
    case .memory(let base, let elements):
      element = elements.lowerBound + core.done
      value = memory[place]![base + element]
    case .fabric(let colour, _):
      guard let wavelet = core.queues[colour]?.first else { return }
      core.queues[colour]!.removeFirst()
      (value, element) = (wavelet.value, wavelet.element)
    }
    switch step.operation {
    case .pass: break
    case .store(let base): memory[place]![base + element] = value
    case .add(let base):
      memory[place]![base + element] += value
      value = memory[place]![base + element]
    case .multiplyRow(let matrix, let outputs, let into):
      for output in 0..<outputs {
        memory[place]![into + output] += memory[place]![matrix + element * outputs + output] * value
      }
    }
    core.busyUntil = now + step.cycles
    if let route = step.forward {
      core.result = (
        now + step.cycles, Wavelet(value: value, element: element, route: route, place: 0)
      )
    }
    core.done += 1
    if core.done == step.count { (core.step, core.done) = (core.step + 1, 0) }
  }
}
