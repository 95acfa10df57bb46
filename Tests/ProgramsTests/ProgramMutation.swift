import Programs
import Quantities
import TestSupport

extension ProgramCheckTests {
  /// Changes one instruction of a program, and says which and how.
  static func mutate(
    _ windows: inout [Window], using random: inout SeededGenerator
  ) -> String {
    let places = windows.indices.flatMap { window in
      windows[window].ranks.indices.flatMap { rank in
        windows[window].ranks[rank].instructions.indices.map { (window, rank, $0) }
      }
    }
    let (window, rank, place) = places.randomElement(using: &random)!
    var list = windows[window].ranks[rank].instructions
    let ranks = windows[window].ranks.count
    let kind = Int.random(in: 0...8, using: &random)
    switch kind {
    case 0: list.remove(at: place)
    case 1: list.insert(list[place], at: place)
    case 2: list.swapAt(place, min(place + 1, list.count - 1))
    default:
      let small = Int.random(in: -1...ranks, using: &random)
      let stream = Programs.Stream.allCases.randomElement(using: &random)!
      let first = Int32(Int.random(in: -1...9, using: &random))
      let port = Int32([0, 1, 2, -1, 1023, 1024].randomElement(using: &random)!)
      switch list[place] {
      case .compute(var work):
        switch kind {
        case 3: work.region = port
        case 4: work.input.first = first
        case 5: work.second.count += 1
        case 6: work.output.count -= 1
        default: work.output.first = first
        }
        list[place] = .compute(work)
      case .arrive(var arrive):
        switch kind {
        case 3: arrive.values.first = first
        case 4: arrive.values.count += 1
        case 5: arrive.arrival.arrived.picoseconds = -1
        default: arrive.arrival.admitted.picoseconds -= Int64(1 + kind)
        }
        list[place] = .arrive(arrive)
      case .send(var send):
        switch kind {
        case 3: send.port = port
        case 4: send.to = Rank(small)
        case 5: send.stream = stream
        case 6: send.bytes += 1
        case 7: send.values.first = first
        default: send.elements += 1
        }
        list[place] = .send(send)
      case .receive(var receive):
        switch kind {
        case 3: receive.port = port
        case 4: receive.from = Rank(small)
        case 5: receive.stream = stream
        case 6: receive.bytes += 1
        case 7: receive.values.first = first
        default: receive.elements += 1
        }
        list[place] = .receive(receive)
      case .receiveSet(let count):
        list[place] = .receiveSet(count: count + [-1, 1, 2].randomElement(using: &random)!)
      }
    }
    windows[window].ranks[rank].instructions = list
    return "mutation \(kind) of window \(window), rank \(rank), instruction \(place)"
  }
}
