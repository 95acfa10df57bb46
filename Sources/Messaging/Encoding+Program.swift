import Hardware
import Models
import Programs
import Quantities

/// How a rank's part of a program travels to its node.

extension ByteWriter {
  /// Appends a time in picoseconds.
  public mutating func put(_ time: EmulatedTime) { put(time.picoseconds) }

  mutating func put(_ values: Values) {
    put(values.first)
    put(values.count)
  }

  /// A stamp: its account alone, since the time is the account's total.
  public mutating func put(_ stamp: Stamp) {
    for entry in Account.Entry.allCases { put(stamp.account[entry]) }
  }

  mutating func put(_ batch: Batch) {
    put(list: batch.entries) { writer, entry in
      writer.put(UInt32(entry.sequence))
      writer.put(UInt32(entry.request))
      writer.put(UInt32(entry.start))
      writer.put(UInt32(entry.count))
      writer.put(entry.samples)
    }
    put(list: batch.accepts) { writer, entry in writer.put(UInt32(entry)) }
    put(UInt32(batch.returns))
  }

  mutating func put(_ instruction: Instruction) {
    switch instruction {
    case .compute(let compute):
      put(UInt8(0))
      put(compute.kernel.rawValue)
      put(compute.argument)
      put(compute.batch)
      put(compute.region)
      put(compute.input)
      put(compute.second)
      put(compute.output)
      put(compute.cost.compute)
      put(compute.cost.fabric)
      put(compute.cost.memory)
    case .send(let send):
      put(UInt8(1))
      put(UInt32(send.to.index))
      put(send.stream.rawValue)
      put(send.port)
      put(send.holdsPortUntilDelivery)
      put(send.values)
      put(count: send.elements)
      put(count: send.bytes)
      put(send.overhead)
      put(send.serialization)
      put(send.latency)
    case .receive(let receive):
      put(UInt8(2))
      put(UInt32(receive.from.index))
      put(receive.stream.rawValue)
      put(receive.port)
      put(receive.values)
      put(count: receive.elements)
      put(count: receive.bytes)
      put(receive.serialization)
      put(receive.overhead)
    case .receiveSet(let count):
      put(UInt8(3))
      put(UInt32(count))
    case .arrive(let arrive):
      put(UInt8(4))
      put(arrive.values)
      put(arrive.arrival.arrived)
      put(arrive.arrival.admitted)
    }
  }

  /// A rank's part of a window.
  public mutating func put(_ window: NodeWindow) {
    put(UInt32(window.index))
    put(list: window.batches) { $0.put($1) }
    put(list: window.outputs) { writer, output in
      writer.put(UInt32(output.value))
      writer.put(UInt32(output.batch))
    }
    put(list: window.work.values) { writer, place in
      writer.put(place.buffer)
      writer.put(count: place.offset)
      writer.put(count: place.elements)
    }
    put(list: window.work.instructions) { $0.put($1) }
  }
}

extension ByteReader {
  /// Reads a time in picoseconds, which is never before the start: so no difference of two leaves the range.
  public mutating func time() throws(FrameError) -> EmulatedTime {
    let start = offset
    let time = EmulatedTime(picoseconds: try get())
    guard time >= .zero else { throw .value(offset: start, "a time of \(time.picoseconds) ps") }
    return time
  }

  mutating func values() throws(FrameError) -> Values {
    let start = offset
    let first = try get(Int32.self)
    let count = try get(Int32.self)
    guard first >= 0, count >= 0, Int(first) + Int(count) <= Int(Int32.max) else {
      throw .value(offset: start, "values \(first) + \(count)")
    }
    return Values(first: Int(first), count: Int(count))
  }

  mutating func rank() throws(FrameError) -> Rank {
    let start = offset
    let index = try get(UInt32.self)
    guard index < Rank.maximumCount else { throw .value(offset: start, "rank \(index)") }
    return Rank(Int(index))
  }

  /// Reads a stamp. Throws when its account leaves the range of emulated time.
  public mutating func stamp() throws(FrameError) -> Stamp {
    let start = offset
    var account = Account()
    var total: Int64 = 0
    for entry in Account.Entry.allCases {
      account[entry] = try time()
      let (sum, overflow) = total.addingReportingOverflow(account[entry].picoseconds)
      guard !overflow else { throw .value(offset: start, "an account beyond emulated time") }
      total = sum
    }
    return Stamp(time: EmulatedTime(picoseconds: total), account: account)!
  }

  mutating func batch() throws(FrameError) -> Batch {
    let entries = try list(minimumBytes: 17) { reader throws(FrameError) in
      Batch.Entry(
        sequence: Int(try reader.get(UInt32.self)), request: Int(try reader.get(UInt32.self)),
        start: Int(try reader.get(UInt32.self)), count: Int(try reader.get(UInt32.self)),
        samples: try reader.truth())
    }
    let accepts = try list(minimumBytes: 4) { reader throws(FrameError) in
      let start = reader.offset
      let entry = Int(try reader.get(UInt32.self))
      guard entry < entries.count else {
        throw .value(offset: start, "a token for entry \(entry) of \(entries.count)")
      }
      return entry
    }
    let start = offset
    let batch = Batch(entries: entries, accepts: accepts, returns: Int(try get(UInt32.self)))
    guard batch.returns <= batch.outputs else {
      throw .value(offset: start, "\(batch.returns) of \(batch.outputs) tokens go back")
    }
    return batch
  }

  mutating func instruction() throws(FrameError) -> Instruction {
    let start = offset
    switch try get(UInt8.self) {
    case 0:
      let kernel: Programs.Kernel = try choice()
      let argument = try get(Int32.self)
      let batch = try get(Int32.self)
      let region = try get(Int32.self)
      return .compute(
        Compute(
          kernel, argument: Int(argument), batch: Int(batch), region: Int(region),
          input: try values(), second: try values(), output: try values(),
          cost: Cost(compute: try time(), fabric: try time(), memory: try time())))
    case 1:
      return .send(
        Send(
          to: try rank(), stream: try choice(), port: try get(),
          holdsPortUntilDelivery: try truth(), values: try values(), elements: try count(),
          bytes: try count(), overhead: try time(), serialization: try time(),
          latency: try time()))
    case 2:
      return .receive(
        Receive(
          from: try rank(), stream: try choice(), port: try get(), values: try values(),
          elements: try count(), bytes: try count(), serialization: try time(),
          overhead: try time()))
    case 3: return .receiveSet(count: Int(try get(UInt32.self)))
    case 4:
      return .arrive(
        Arrive(
          try values(), at: Arrival(arrived: try time(), admitted: try time())))
    case let kind: throw .value(offset: start, "\(kind) is no instruction")
    }
  }

  /// A rank's part of a window.
  public mutating func window() throws(FrameError) -> NodeWindow {
    let index = Int(try get(UInt32.self))
    let batches = try list(minimumBytes: 12) { reader throws(FrameError) in try reader.batch() }
    let outputs = try list(minimumBytes: 8) { reader throws(FrameError) in
      NodeWindow.Output(
        value: Int(try reader.get(UInt32.self)), batch: Int(try reader.get(UInt32.self)))
    }
    let places = try list(minimumBytes: 20) { reader throws(FrameError) in
      let buffer = try reader.get(Int32.self)
      return ValuePlace(
        buffer: Int(buffer), offset: try reader.count(), elements: try reader.count())
    }
    let instructions = try list(minimumBytes: 5) { reader throws(FrameError) in
      try reader.instruction()
    }
    return NodeWindow(
      index: index, batches: batches, outputs: outputs,
      work: RankWindow(values: places, instructions: instructions))
  }
}

/// One rank's part of a window, as it travels to its node.
public struct NodeWindow: Hashable, Sendable {
  /// Place of the window in the program.
  public var index: Int
  /// The micro-batches of the step.
  public var batches: [Batch]
  /// The values that this rank reports.
  public var outputs: [Output]
  /// The rank's values and instructions.
  public var work: RankWindow

  /// A value of this rank whose time, and whose tokens, are a result.
  public struct Output: Hashable, Sendable {
    /// Index into the rank's table of values.
    public var value: Int
    /// Index into the window's batches.
    public var batch: Int

    /// Takes each field as it is.
    public init(value: Int, batch: Int) {
      self.value = value
      self.batch = batch
    }
  }

  /// Takes each field as it is.
  public init(
    index: Int, batches: [Batch], outputs: [Output], work: RankWindow
  ) {
    self.index = index
    self.batches = batches
    self.outputs = outputs
    self.work = work
  }

  /// The part of `rank`.
  public init(_ window: Window, rank: Rank) {
    self.init(
      index: window.index, batches: window.batches,
      outputs: window.outputs.filter { $0.rank == rank }.map {
        Output(value: $0.value, batch: $0.batch)
      },
      work: window.ranks[rank.index])
  }
}
