import Hardware
import Programs
import Quantities

/// An event simulator written from the text of DESIGN section 3 and from nothing else: dictionaries,
/// one event at a time, account entries by name. It is slow, and it shares no rule with `RankClock`.
///
/// All windows of a program are laid end to end. The simulator then looks, in an order drawn by the
/// caller, for any rank whose next instruction has all it needs, and executes that one.
struct NaiveSimulator {
  /// A time, with where it was spent.
  struct Moment: Equatable {
    var time: Int64 = 0
    var spent: [String: Int64] = [:]

    mutating func add(_ amount: Int64, to entry: String) {
      guard amount != 0 else { return }
      time += amount
      spent[entry, default: 0] += amount
    }

    init() {}

    init(_ stamp: Stamp) {
      time = stamp.time.picoseconds
      for entry in Account.Entry.allCases where stamp.account[entry] != .zero {
        spent[entry.rawValue] = stamp.account[entry].picoseconds
      }
    }
  }

  struct StreamName: Hashable {
    var from: Int
    var to: Int
    var stream: Stream
  }

  struct Message {
    var arrival: Moment
    var elements: Int
    var bytes: Int
  }

  /// What cannot be run, or would be run wrongly.
  enum Problem: Error, Equatable {
    case stuck, mismatch, leftOver, reference, set, unwritten
  }

  /// moments[window] of the window's outputs.
  private(set) var outputs: [[Moment]] = []
  /// values[rank][value], in the end.
  private(set) var values: [[Int: Moment]]

  /// - Parameters:
  ///   - delays: Picoseconds to add to the arrival of a message, by stream and place in it.
  ///   - faults: What goes wrong.
  ///   - random: Draws the order in which ranks are looked at.
  init(
    _ windows: [Window], delays: [StreamName: [Int: Int64]] = [:], faults: FaultPlan = FaultPlan(),
    random: inout some RandomNumberGenerator
  ) throws(Problem) {
    let count = windows[0].ranks.count
    var free: [String: Int64] = [:]
    var messages: [StreamName: [Message]] = [:]
    var taken: [StreamName: Int] = [:]
    values = Array(repeating: [:], count: count)
    for window in windows {
      var positions = Array(repeating: 0, count: count)
      while true {
        let ready = (0..<count).shuffled(using: &random).first { rank in
          guard positions[rank] < window.ranks[rank].instructions.count else { return false }
          return Self.needs(of: window.ranks[rank].instructions, at: positions[rank], rank: rank)
            .allSatisfy {
              messages[$0.key, default: []].count - taken[$0.key, default: 0] >= $0.value
            }
        }
        guard let rank = ready else { break }
        let list = window.ranks[rank].instructions
        let members = Self.receives(list, at: positions[rank])
        if !members.isEmpty {
          // Match members to messages in the order of the list, then serve them by arrival.
          var set: [(receive: Receive, message: Message, order: (Int64, Int, Int))] = []
          for (place, receive) in members.enumerated() {
            let name = StreamName(from: receive.from.index, to: rank, stream: receive.stream)
            let message = messages[name]![taken[name, default: 0]]
            taken[name, default: 0] += 1
            guard message.elements == receive.elements, message.bytes == receive.bytes else {
              throw .mismatch
            }
            set.append((receive, message, (message.arrival.time, receive.from.index, place)))
          }
          for (receive, message, _) in set.sorted(by: { $0.order < $1.order }) {
            let port = "ingress \(rank) \(receive.port)"
            var moment = message.arrival
            let couldStart = moment.time - receive.serialization.picoseconds
            let queued = max(couldStart, free[port, default: 0])
            let start = NaiveFaults(faults, rank).start(queued) { _ in
              receive.serialization.picoseconds + receive.overhead.picoseconds
            }
            free[port] = start + receive.serialization.picoseconds
            moment.add(queued - couldStart, to: "port_queue")
            moment.add(start - queued, to: "outage")
            moment.add(receive.overhead.picoseconds, to: "overhead")
            for value in receive.values.indices { values[rank][value] = moment }
          }
          positions[rank] += members.count
          if case .receiveSet = list[positions[rank] - members.count] { positions[rank] += 1 }
          continue
        }
        switch list[positions[rank]] {
        case .compute(let work):
          let inputs = Array(work.input.indices) + Array(work.second.indices)
          var moment = latest(inputs, on: rank)
          let region = "region \(rank) \(work.region)"
          moment.add(max(free[region, default: 0] - moment.time, 0), to: "region_queue")
          let naive = NaiveFaults(faults, rank)
          let begin = naive.start(moment.time) {
            work.cost.total.picoseconds + naive.longer(work.cost, startingAt: $0)
          }
          moment.add(begin - moment.time, to: "outage")
          moment.add(naive.longer(work.cost, startingAt: begin), to: "slowdown")
          moment.add(work.cost.compute.picoseconds, to: "compute")
          moment.add(work.cost.fabric.picoseconds, to: "fabric")
          moment.add(work.cost.memory.picoseconds, to: "memory")
          free[region] = moment.time
          for value in work.output.indices { values[rank][value] = moment }
        case .arrive(let arrive):
          var moment = Moment()
          moment.add(arrive.arrival.arrived.picoseconds, to: "idle")
          moment.add(
            arrive.arrival.admitted.picoseconds - arrive.arrival.arrived.picoseconds,
            to: "region_queue")
          for value in arrive.values.indices { values[rank][value] = moment }
        case .send(let send):
          var moment = latest(Array(send.values.indices), on: rank)
          let port = "egress \(rank) \(send.port)"
          moment.add(max(free[port, default: 0] - moment.time, 0), to: "port_queue")
          let name = StreamName(from: rank, to: send.to.index, stream: send.stream)
          let place = messages[name, default: []].count
          let naive = NaiveFaults(faults, rank)
          let timeouts = naive.timeouts(to: send.to.index, send.stream, place)
          func once(_ departure: Int64) -> Int64 {
            send.overhead.picoseconds + send.serialization.picoseconds
              + naive.slowBytes(send, departure)
          }
          func again(_ departure: Int64) -> Int64 {
            timeouts.map { $0 + once(departure) }.reduce(0, +)
          }
          let start = naive.start(moment.time) { once($0) + again($0) }
          moment.add(start - moment.time, to: "outage")
          moment.add(send.overhead.picoseconds, to: "overhead")
          moment.add(send.serialization.picoseconds, to: "link_serialization")
          moment.add(send.latency.picoseconds, to: "link_latency")
          moment.add(
            naive.slowBytes(send, start) + naive.longWay(send, start), to: "slowdown")
          moment.add(again(start), to: "resend")
          free[port] =
            send.holdsPortUntilDelivery ? moment.time : start + once(start) + again(start)
          moment.add(delays[name]?[place] ?? 0, to: "link_latency")
          messages[name, default: []].append(
            Message(arrival: moment, elements: send.elements, bytes: send.bytes))
        case .receive, .receiveSet:
          throw .set
        }
        positions[rank] += 1
      }
      guard positions == window.ranks.map(\.instructions.count) else { throw .stuck }
      outputs.append(window.outputs.map { values[$0.rank.index][$0.value] ?? Moment() })
    }
    for (name, list) in messages where taken[name, default: 0] != list.count { throw .leftOver }
  }

  /// The latest of some values, the first of them when they tie; a value that nothing wrote exists from
  /// the start.
  private func latest(_ inputs: [Int], on rank: Int) -> Moment {
    var found: Moment?
    for index in inputs {
      let moment = values[rank][index] ?? Moment()
      if found == nil || moment.time > found!.time { found = moment }
    }
    return found ?? Moment()
  }

  /// The receives that start at a place of the list: one, a set's, or none.
  private static func receives(_ list: [Instruction], at place: Int) -> [Receive] {
    switch list[place] {
    case .receive(let receive): return [receive]
    case .receiveSet(let count):
      return (place + 1..<place + 1 + count).compactMap { index in
        if case .receive(let receive) = list[index] { receive } else { nil }
      }
    case .compute, .send, .arrive: return []
    }
  }

  /// How many messages of which streams must be there.
  private static func needs(
    of list: [Instruction], at place: Int, rank: Int
  ) -> [StreamName: Int] {
    var needs: [StreamName: Int] = [:]
    for receive in receives(list, at: place) {
      needs[StreamName(from: receive.from.index, to: rank, stream: receive.stream), default: 0] += 1
    }
    return needs
  }
}

extension NaiveSimulator {
  /// Whether a program means something at all, decided before it is run and without times: indices in
  /// range, sets of receives, sizes that agree, values written before they are read.
  static func inspect(_ windows: [Window]) throws(Problem) {
    let count = windows[0].ranks.count
    var written: [Set<Int>] = Array(repeating: [], count: count)
    for window in windows {
      for (rank, list) in window.ranks.enumerated() {
        var insideSet = 0
        var writtenBySet = Set<Int>()
        for (place, instruction) in list.instructions.enumerated() {
          func inRange(_ values: Values) -> Bool {
            values.first >= 0 && values.count >= 0
              && values.first + values.count <= list.values.count
          }
          func elements(_ values: Values) -> Int {
            values.indices.map { list.values[$0].elements }.reduce(0, +)
          }
          let isMember = insideSet > 0
          if isMember {
            guard case .receive = instruction else { throw .set }
            insideSet -= 1
          }
          switch instruction {
          case .compute(let work):
            guard inRange(work.input), inRange(work.second), inRange(work.output),
              (0..<1024).contains(work.region)
            else { throw .reference }
            guard window.batches.isEmpty || window.batches.indices.contains(Int(work.batch)) else {
              throw .reference
            }
            for value in Array(work.input.indices) + Array(work.second.indices) {
              guard written[rank].contains(value) else { throw .unwritten }
            }
            written[rank].formUnion(work.output.indices)
          case .send(let send):
            guard inRange(send.values), (0..<count).contains(send.to.index), send.to.index != rank,
              (0..<1024).contains(send.port), elements(send.values) == send.elements
            else { throw .reference }
            for value in send.values.indices where !written[rank].contains(value) {
              throw .unwritten
            }
          case .receive(let receive):
            guard inRange(receive.values), (0..<count).contains(receive.from.index),
              receive.from.index != rank, (0..<1024).contains(receive.port),
              elements(receive.values) == receive.elements
            else { throw .reference }
            // Which of two came last must not matter to what a value holds.
            if isMember, !writtenBySet.isDisjoint(with: receive.values.indices) { throw .set }
            writtenBySet.formUnion(receive.values.indices)
            written[rank].formUnion(receive.values.indices)
          case .arrive(let arrive):
            guard inRange(arrive.values), arrive.arrival.arrived.picoseconds >= 0,
              arrive.arrival.admitted >= arrive.arrival.arrived
            else { throw .reference }
            written[rank].formUnion(arrive.values.indices)
          case .receiveSet(let members):
            guard members > 0, place + members < list.instructions.count else { throw .set }
            insideSet = members
            writtenBySet = []
          }
        }
      }
      for output in window.outputs {
        guard (0..<count).contains(output.rank.index),
          written[output.rank.index].contains(output.value)
        else { throw .reference }
      }
    }
  }
}
