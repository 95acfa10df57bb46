import Hardware
import Quantities

/// One step of a rank. It names its inputs, its output and its resource, and carries its price, so that
/// the evaluator and a node need nothing else to know when it ends.
public enum Instruction: Hashable, Sendable {
  /// Runs a kernel.
  case compute(Compute)
  /// Puts a message on its way.
  case send(Send)
  /// Waits for a message.
  case receive(Receive)
  /// The next `count` instructions are receives that are waited for together and served in the order
  /// of (arrival, source rank).
  case receiveSet(count: Int)
  /// Lets values exist from the time on at which requests came and were taken in.
  case arrive(Arrive)
}

/// Requests that come from outside: nothing that needs the values starts before.
///
/// The time until they came is idle; the time from then until they were taken in, because the wafers had no
/// room or were not ready, is waiting for their regions.
public struct Arrive: Hashable, Sendable {
  /// What exists from then on.
  public var values: Values
  /// When, and since when it could have been.
  public var arrival: Arrival

  /// Values that exist from an arrival on.
  public init(_ values: Values, at arrival: Arrival) {
    self.values = values
    self.arrival = arrival
  }
}

/// When work came, and when it was taken in.
public struct Arrival: Hashable, Sendable {
  /// When it came.
  public var arrived: EmulatedTime
  /// When it was taken in; not before it came.
  public var admitted: EmulatedTime

  /// Taken in at once unless said otherwise.
  public init(arrived: EmulatedTime, admitted: EmulatedTime? = nil) {
    self.arrived = arrived
    self.admitted = admitted ?? arrived
  }
}

/// Work of a kernel on a region of the wafer.
///
/// `start = max(inputs, region free)`, `end = start + cost`; the region is free, and the outputs exist,
/// at `end`.
public struct Compute: Hashable, Sendable {
  /// What is computed.
  public var kernel: Kernel
  /// The layer of a layer's kernel; the rank's own place in a sum in rank order; else 0.
  public var argument: Int32
  /// Index into the window's batches.
  public var batch: Int32
  /// The region of the wafer that works.
  public var region: Int32
  /// What must exist before it starts.
  public var input: Values
  /// A second run of inputs, for kernels that take two.
  public var second: Values
  /// What exists when it ends.
  public var output: Values
  /// How long it takes.
  public var cost: Cost

  /// A kernel's work; region and batch 0, and no cost, unless said otherwise.
  public init(
    _ kernel: Kernel, argument: Int = 0, batch: Int = 0, region: Int = 0, input: Values,
    second: Values = .none, output: Values, cost: Cost = .zero
  ) {
    self.kernel = kernel
    self.argument = Int32(argument)
    self.batch = Int32(batch)
    self.region = Int32(region)
    self.input = input
    self.second = second
    self.output = output
    self.cost = cost
  }
}

/// What a compute instruction does with its numbers.
public enum Kernel: UInt8, CaseIterable, Sendable {
  /// Puts sampled tokens behind their sequences. Input: tokens.
  case accept
  /// Tokens of the batch to rows of the embedding; rows outside the shard's vocabulary are zero.
  case embed
  /// Carries the residual to the next region of the wafer. The numbers stay as they are.
  case cross
  /// Input: residual. Output: the shard's partial sum of the attention block. Argument: layer.
  case attention
  /// Input: residual. Output: the shard's partial sum of the feed-forward block. Argument: layer.
  case feedForward
  /// Input: residual. Second: a block's whole sum. Output: the residual with the sum added, in place.
  case residual
  /// Input: residual. Output: the logits of the shard's vocabulary for the rows that are sampled.
  case head
  /// Input: logits. Output: the shard's candidates for each sampled row.
  case candidates
  /// Input: the candidates of all shards, in rank order. Output: tokens.
  case choose
  /// output[i] = input[i] + second[i], value by value.
  case sum
  /// Output: the sum, in rank order, of the inputs with `second` put in at place `argument`.
  case sumInRankOrder
  /// output[i] = input[i], value by value.
  case copy
  /// Fills the output with numbers that depend on rank and place alone, for `wafer collective`.
  case fill
  /// Takes its time and hands its input on, for `wafer pipeline`.
  case stage
}

/// A message put on its way through an egress port.
///
/// `start = max(values, port free)`; the port is free at `start + overhead + serialization` (or at the
/// arrival, when the link holds its port until delivery); the message arrives at
/// `start + overhead + serialization + latency`.
public struct Send: Hashable, Sendable {
  /// Who receives it.
  public var to: Rank
  /// The stream it is appended to.
  public var stream: Stream
  /// The sender's egress port.
  public var port: Int32
  /// Whether the port is free only when the message has arrived.
  public var holdsPortUntilDelivery: Bool
  /// What is sent: it must exist before the message leaves.
  public var values: Values
  /// Numbers in the message.
  public var elements: Int
  /// Bytes on the modelled wire.
  public var bytes: Int
  /// Time of the port before the first byte.
  public var overhead: EmulatedTime
  /// Time of the port for the bytes.
  public var serialization: EmulatedTime
  /// From the last byte leaving to the last byte arriving.
  public var latency: EmulatedTime

  /// A message with its price.
  public init(
    to: Rank, stream: Stream, port: Int32, holdsPortUntilDelivery: Bool, values: Values,
    elements: Int, bytes: Int, overhead: EmulatedTime, serialization: EmulatedTime,
    latency: EmulatedTime
  ) {
    self.to = to
    self.stream = stream
    self.port = port
    self.holdsPortUntilDelivery = holdsPortUntilDelivery
    self.values = values
    self.elements = elements
    self.bytes = bytes
    self.overhead = overhead
    self.serialization = serialization
    self.latency = latency
  }
}

/// A message taken from a stream, through an ingress port, cut-through.
///
/// `start = max(arrival − serialization, port free)`; the port is free at `start + serialization`; the
/// values exist `overhead` later.
public struct Receive: Hashable, Sendable {
  /// Who sent it.
  public var from: Rank
  /// The stream it is taken from.
  public var stream: Stream
  /// The receiver's ingress port.
  public var port: Int32
  /// What the message becomes.
  public var values: Values
  /// Numbers in the message.
  public var elements: Int
  /// Bytes on the modelled wire.
  public var bytes: Int
  /// Time of the port for the bytes.
  public var serialization: EmulatedTime
  /// Time after the last byte until the values exist.
  public var overhead: EmulatedTime

  /// The other end of a message.
  public init(
    from: Rank, stream: Stream, port: Int32, values: Values, elements: Int, bytes: Int,
    serialization: EmulatedTime, overhead: EmulatedTime
  ) {
    self.from = from
    self.stream = stream
    self.port = port
    self.values = values
    self.elements = elements
    self.bytes = bytes
    self.serialization = serialization
    self.overhead = overhead
  }
}
