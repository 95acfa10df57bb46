import Hardware
import Quantities

/// Checks what one rank's instructions name, window by window: values, peers, batches, resources,
/// sets, sizes, and that no value is read before it was written.
struct ReferenceCheck: Sendable {
  private let rank: Rank
  private let ranks: Int
  private var places: [ValuePlace] = []
  private var contents: [Content] = []
  /// The last set that wrote each value, by its number.
  private var writers: [Int] = []
  private var sets = 0

  /// What a value holds.
  private enum Content: UInt8 {
    /// Nothing wrote it since the program's start.
    case untouched
    case written
    /// It was written, and then described anew: its place is another's now.
    case lost
  }

  init(rank: Rank, ranks: Int) {
    self.rank = rank
    self.ranks = ranks
  }

  /// Whether anything wrote the value.
  func exists(_ value: Int) -> Bool {
    contents.indices.contains(value) && contents[value] == .written
  }

  mutating func check(_ window: Window) throws(ProgramError) {
    let own = window.ranks[rank.index]
    do throws(Reason) {
      try describe(own.values)
    } catch {
      throw .malformed(
        window: window.index, rank: rank, instruction: nil, reason: error.description)
    }
    var setMembers = 0
    for (index, instruction) in own.instructions.enumerated() {
      do throws(Reason) {
        if setMembers > 0 {
          guard case .receive(let receive) = instruction else { throw .set }
          try writeInSet(receive.values)
          setMembers -= 1
        }
        switch instruction {
        case .compute(let work): try check(work, batches: window.batches.count)
        case .send(let send): try check(send)
        case .receive(let receive): try check(receive)
        case .arrive(let arrive): try check(arrive)
        case .receiveSet(let members):
          guard members > 0, members < own.instructions.count - index else {
            throw .setSize(members)
          }
          setMembers = members
          sets += 1
        }
      } catch {
        throw .malformed(
          window: window.index, rank: rank, instruction: index, reason: error.description)
      }
    }
  }

  /// Takes over a window's table of values. A value that is described as before keeps what it holds.
  private mutating func describe(_ table: [ValuePlace]) throws(Reason) {
    // Windows of one form share their table's storage, so that this costs nothing.
    guard table != places else { return }
    var end: (buffer: Int32, offset: Int) = (0, 0)
    for (index, place) in table.enumerated() {
      // In order, so that no two values share an element.
      guard place.elements >= 0, place.offset >= 0, place.offset <= Int.max - place.elements,
        place.buffer > end.buffer || (place.buffer == end.buffer && place.offset >= end.offset)
      else { throw .place(index) }
      end = (place.buffer, place.offset + place.elements)
    }
    for index in contents.indices
    where contents[index] == .written && (index >= table.count || table[index] != places[index]) {
      contents[index] = .lost
    }
    while contents.count < table.count { contents.append(.untouched) }
    // Values beyond the table are kept in mind as lost, and out of reach.
    places = table
  }

  private mutating func check(_ work: Compute, batches: Int) throws(Reason) {
    // The prompt's tokens are there from the start; everything else must have been written.
    try read(work.input, mayBeUntouched: work.kernel == .embed)
    try read(work.second)
    try write(work.output)
    guard (0..<ProgramCheck.maximumResources).contains(work.region) else {
      throw .resource("region", work.region)
    }
    guard batches == 0 || (0..<batches).contains(Int(work.batch)) else {
      throw .batch(work.batch, of: batches)
    }
    guard work.cost.compute >= .zero, work.cost.fabric >= .zero, work.cost.memory >= .zero else {
      throw .negative("cost")
    }
    guard hasFittingSizes(work) else { throw .sizes(work.kernel) }
  }

  private mutating func check(_ arrive: Arrive) throws(Reason) {
    try write(arrive.values)
    let arrival = arrive.arrival
    guard arrival.arrived >= .zero, arrival.admitted >= arrival.arrived else {
      throw .arrival(arrival)
    }
  }

  private mutating func check(_ send: Send) throws(Reason) {
    try read(send.values)
    try check(
      peer: send.to, port: send.port, bytes: send.bytes, elements: send.elements, of: send.values)
    guard send.overhead >= .zero, send.serialization >= .zero, send.latency >= .zero else {
      throw .negative("overhead, serialization or latency")
    }
  }

  private mutating func check(_ receive: Receive) throws(Reason) {
    try write(receive.values)
    try check(
      peer: receive.from, port: receive.port, bytes: receive.bytes, elements: receive.elements,
      of: receive.values)
    guard receive.overhead >= .zero, receive.serialization >= .zero else {
      throw .negative("overhead or serialization")
    }
  }

  @inline(__always)
  private func check(
    peer: Rank, port: Int32, bytes: Int, elements: Int, of values: Values
  ) throws(Reason) {
    guard peer.index >= 0, peer.index < ranks, peer != rank else { throw .peer(peer) }
    guard port >= 0, port < ProgramCheck.maximumResources else { throw .resource("port", port) }
    guard bytes >= 0 else { throw .negative("number of bytes") }
    guard self.elements(values) == elements else {
      throw .elements(elements, values: self.elements(values))
    }
  }

  @inline(__always)
  private func read(_ values: Values, mayBeUntouched: Bool = false) throws(Reason) {
    try bound(values)
    for index in values.indices where contents[index] != .written {
      guard mayBeUntouched, contents[index] == .untouched else { throw .unwritten(index) }
    }
  }

  @inline(__always)
  private mutating func write(_ values: Values) throws(Reason) {
    try bound(values)
    for index in values.indices { contents[index] = .written }
  }

  /// Members of a set are served as they arrive: if two wrote one value, time would decide what is in it.
  private mutating func writeInSet(_ values: Values) throws(Reason) {
    try bound(values)
    while writers.count < places.count { writers.append(0) }
    for index in values.indices {
      guard writers[index] != sets else { throw .setValue(index) }
      writers[index] = sets
    }
  }

  @inline(__always)
  private func bound(_ values: Values) throws(Reason) {
    guard values.first >= 0, values.count >= 0, values.indices.upperBound <= places.count else {
      throw .range(values, count: places.count)
    }
  }

  private func elements(_ values: Values) -> Int {
    values.indices.reduce(0) { $0 + places[$1].elements }
  }

  /// Whether a kernel that goes through its values number by number finds as many on every side.
  private func hasFittingSizes(_ work: Compute) -> Bool {
    switch work.kernel {
    case .sum: areAlike(work.input, work.output) && areAlike(work.second, work.output)
    case .copy: areAlike(work.input, work.output)
    case .cross: work.input == work.output
    case .residual:
      elements(work.input) == elements(work.output)
        && elements(work.second) == elements(work.output)
    case .sumInRankOrder:
      work.output.count == 1 && areAlike(work.second, work.output)
        && (0...Int(work.input.count)).contains(Int(work.argument))
        && work.input.indices.allSatisfy {
          places[$0].elements == places[Int(work.output.first)].elements
        }
    case .accept, .embed, .attention, .feedForward, .head, .candidates, .choose, .fill, .stage:
      true
    }
  }

  private func areAlike(_ a: Values, _ b: Values) -> Bool {
    guard a.count == b.count else { return false }
    return zip(a.indices, b.indices).allSatisfy { places[$0].elements == places[$1].elements }
  }

  /// What is wrong with an instruction or a table.
  private enum Reason: Error {
    case set
    case setSize(Int)
    case setValue(Int)
    case place(Int)
    case range(Values, count: Int)
    case unwritten(Int)
    case resource(String, Int32)
    case batch(Int32, of: Int)
    case negative(String)
    case arrival(Arrival)
    case sizes(Kernel)
    case peer(Rank)
    case elements(Int, values: Int)

    var description: String {
      switch self {
      case .set: "stands in a set, which holds receives only"
      case .setSize(let count): "a set of \(count) receives that are not there"
      case .setValue(let index):
        "two receives of a set write value \(index), so that times would decide what is in it"
      case .place(let index):
        "value \(index) overlaps the one before it, or is not in order of buffer and offset"
      case .range(let values, let count):
        "names \(values.count) values from \(values.first) on, of \(count)"
      case .unwritten(let index): "reads value \(index) before anything wrote it"
      case .resource(let kind, let index):
        "names \(kind) \(index), which is not in 0..<\(ProgramCheck.maximumResources)"
      case .batch(let index, let count): "names batch \(index) of \(count)"
      case .negative(let what): "has a negative \(what)"
      case .arrival(let arrival):
        "takes in at \(arrival.admitted) what comes at \(arrival.arrived), or comes before the start"
      case .sizes(let kernel): "kernel \(kernel) has inputs and outputs of sizes that do not fit"
      case .peer(let peer): "exchanges a message with \(peer), which is itself or does not exist"
      case .elements(let elements, let values):
        "a message of \(elements) elements for values of \(values)"
      }
    }
  }
}
